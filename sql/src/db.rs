//! The handle through which statements are run.

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use topology::DatabaseRegion;

use crate::{Engine, Error, Statement, Txn};

/// Parameters of a statement.
pub type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Runs statements on one lane: on the local gateway, else on the nearest healthy one. Cheap to clone.
#[derive(Clone)]
pub struct Db {}

impl Db {
    /// The database that answers.
    #[must_use]
    pub fn engine(&self) -> Engine {
        todo!()
    }

    /// Runs a statement and returns its rows.
    ///
    /// 40001 is retried here whatever the statement; a lost connection only where it is idempotent.
    ///
    /// # Errors
    /// As [`Error`]'s classes say.
    pub async fn query(&self, statement: &'static Statement, params: Params<'_>) -> Result<Vec<Row>, Error> {
        let _ = (statement, params);
        todo!()
    }

    /// Runs a statement that returns one row.
    ///
    /// # Errors
    /// As [`Db::query`]; [`Error::Permanent`] when there is no row or more than one.
    pub async fn query_one(&self, statement: &'static Statement, params: Params<'_>) -> Result<Row, Error> {
        let _ = (statement, params);
        todo!()
    }

    /// Runs a statement that returns one row or none.
    ///
    /// # Errors
    /// As [`Db::query`]; [`Error::Permanent`] when there is more than one row.
    pub async fn query_opt(&self, statement: &'static Statement, params: Params<'_>) -> Result<Option<Row>, Error> {
        let _ = (statement, params);
        todo!()
    }

    /// Runs a statement and returns the number of rows it changed.
    ///
    /// # Errors
    /// As [`Db::query`].
    pub async fn execute(&self, statement: &'static Statement, params: Params<'_>) -> Result<u64, Error> {
        let _ = (statement, params);
        todo!()
    }

    /// As [`Db::query`], starting at the gateway of `home` where there is one.
    ///
    /// # Errors
    /// As [`Db::query`].
    pub async fn query_in(
        &self,
        home: Option<&DatabaseRegion>,
        statement: &'static Statement,
        params: Params<'_>,
    ) -> Result<Vec<Row>, Error> {
        let _ = (home, statement, params);
        todo!()
    }

    /// The database's clock. Statements take it as a parameter where they compare times.
    ///
    /// # Errors
    /// As [`Db::query`].
    pub async fn clock(&self) -> Result<DateTime<Utc>, Error> {
        todo!()
    }

    /// Runs `body` in a transaction, again from its start on 40001, and commits when it returns `Ok`. A refusal by
    /// the domain is a value of `T`, never an error. `name` labels metrics and errors.
    ///
    /// # Errors
    /// As [`Error`]'s classes say; a connection lost while committing is [`Error::Indeterminate`].
    pub async fn txn<T, F>(&self, name: &'static str, body: F) -> Result<T, Error>
    where
        T: Send,
        F: for<'t> Fn(&'t Txn<'t>) -> BoxFuture<'t, Result<T, Error>> + Send + Sync,
    {
        let _ = (name, body);
        todo!()
    }
}
