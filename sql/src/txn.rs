//! Transactions of more than one statement.

use std::marker::PhantomData;

use tokio_postgres::Row;

use crate::db::Params;
use crate::{Error, Statement};

/// A running transaction. See [`crate::Db::txn`].
pub struct Txn<'c> {
    client: PhantomData<&'c ()>,
}

impl Txn<'_> {
    /// Runs a statement and returns its rows.
    ///
    /// # Errors
    /// As [`Error`]'s classes say; the transaction is over then, so return it.
    pub async fn query(&self, statement: &'static Statement, params: Params<'_>) -> Result<Vec<Row>, Error> {
        let _ = (statement, params, self.client);
        todo!()
    }

    /// Runs a statement and returns the number of rows it changed.
    ///
    /// # Errors
    /// As [`Txn::query`].
    pub async fn execute(&self, statement: &'static Statement, params: Params<'_>) -> Result<u64, Error> {
        let _ = (statement, params, self.client);
        todo!()
    }
}
