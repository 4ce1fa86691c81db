//! Transactions of more than one statement.

use std::sync::Mutex;

use futures_util::future::BoxFuture;
use tokio_postgres::Row;

use crate::config::Lane;
use crate::db::{Params, Work};
use crate::error::Failure;
use crate::gateway::{Answer, Gateway, Held};
use crate::{Error, Statement};

/// A running transaction. See [`crate::Db::txn`].
pub struct Txn<'c> {
    held: &'c Held,
    /// The first failure. The transaction is over then, whatever the body makes of it.
    broken: Mutex<Option<Failure>>,
}

impl Txn<'_> {
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
        let result = self.held.call(statement, params).await;
        result.map_err(|failure| {
            // Nothing was committed yet, so nothing was applied.
            let failure = failure.before_sending();
            let mut broken = self.broken.lock().expect("nothing panics while it holds this lock");
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

impl<T, F> Work for Transaction<F>
where
    T: Send,
    F: for<'t> Fn(&'t Txn<'t>) -> BoxFuture<'t, Result<T, Error>> + Send + Sync,
{
    type Done = T;

    async fn attempt(&self, gateway: &Gateway) -> Result<T, Failure> {
        let held = gateway.hold(self.lane, self.name).await?;
        held.command(self.name, "BEGIN ISOLATION LEVEL SERIALIZABLE").await.map_err(Failure::before_sending)?;
        let txn = Txn { held: &held, broken: Mutex::new(None) };
        let result = (self.body)(&txn).await;
        let broken = txn.broken.into_inner().expect("nothing panics while it holds this lock");
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
