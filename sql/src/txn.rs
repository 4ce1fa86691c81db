//! Transactions of more than one statement.

use std::sync::{Arc, Mutex};

use tokio_postgres::Row;

use crate::config::Lane;
use crate::db::{Params, Work};
use crate::error::{Detail, Failure, Verdict};
use crate::gateway::{Answer, Gateway, Held};
use crate::{Error, Statement};

/// A running transaction, see [`crate::Db::txn`]. Cheap to clone; no clone may outlive the body.
#[derive(Clone)]
pub struct Txn {
    open: Arc<Open>,
}

struct Open {
    held: Held,
    /// The first failure. The transaction is over then, whatever the body makes of it.
    broken: Mutex<Option<Failure>>,
}

impl Txn {
    /// Runs a statement and returns its rows.
    ///
    /// # Errors
    /// As [`Error`]'s classes say; the transaction is over then, so return it.
    pub async fn query(&self, statement: &'static Statement, params: Params<'_>) -> Result<Vec<Row>, Error> {
        Ok(self.run(statement, params).await?.rows)
    }

    /// Runs a statement and returns the number of rows it changed.
    ///
    /// # Errors
    /// As [`Txn::query`].
    pub async fn execute(&self, statement: &'static Statement, params: Params<'_>) -> Result<u64, Error> {
        Ok(self.run(statement, params).await?.changed)
    }

    async fn run(&self, statement: &'static Statement, params: Params<'_>) -> Result<Answer, Error> {
        let result = self.open.held.call(statement, params).await;
        result.map_err(|failure| {
            // Nothing was committed yet, so nothing was applied.
            let failure = failure.before_sending();
            let mut broken = self.open.broken.lock().expect("nothing panics while it holds this lock");
            broken.get_or_insert_with(|| failure.clone());
            failure.into_error()
        })
    }
}

/// A transaction as work for the loop over the gateways.
pub(crate) struct Transaction<F> {
    pub(crate) lane: Lane,
    pub(crate) name: &'static str,
    pub(crate) body: F,
}

impl<T, F, R> Work for Transaction<F>
where
    T: Send,
    F: Fn(Txn) -> R + Send + Sync,
    R: Future<Output = Result<T, Error>> + Send,
{
    type Done = T;

    async fn attempt(&self, gateway: &Gateway) -> Result<T, Failure> {
        let held = gateway.hold(self.lane, self.name).await?;
        held.command(self.name, "BEGIN").await.map_err(Failure::before_sending)?;
        let txn = Txn { open: Arc::new(Open { held, broken: Mutex::new(None) }) };
        let result = (self.body)(txn.clone()).await;
        let Ok(Open { held, broken }) = Arc::try_unwrap(txn.open) else {
            // The connection ends with the clone, and with it the transaction.
            let detail = Detail::new(self.name, "the body kept the transaction after its end");
            return Err(Failure { verdict: Verdict::Refused, detail });
        };
        let broken = broken.into_inner().expect("nothing panics while it holds this lock");
        let outcome = match (broken, result) {
            (Some(failure), _) => Err(failure),
            (None, Err(error)) => Err(Failure::from(error)),
            (None, Ok(value)) => {
                held.command(self.name, &format!("/* {}:commit */ COMMIT", self.name)).await?;
                held.give_back();
                return Ok(value);
            }
        };
        if held.command(self.name, "ROLLBACK").await.is_ok() {
            held.give_back();
        }
        outcome
    }
}
