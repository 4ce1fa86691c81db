//! The handle through which statements are run.

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use topology::DatabaseRegion;

use crate::breaker::Permit;
use crate::config::Lane;
use crate::error::{Detail, Failure, Verdict};
use crate::gateway::{Answer, Gateway};
use crate::gateways::Shared;
use crate::retry::Retry;
use crate::txn::Transaction;
use crate::{Engine, Error, Statement, Txn};

/// Parameters of a statement.
pub type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

const CLOCK: Statement = crate::statement!("clock_read", idempotent, "SELECT now()");

/// Every statement of this module.
#[cfg(all(test, feature = "testing"))]
pub(crate) const STATEMENTS: &[&Statement] = &[&CLOCK];

/// Tries on one gateway that lose their connection: the second has a fresh one.
const LOST_TRIES: u32 = 2;

/// Runs statements on one lane: on the local gateway, else on the nearest healthy one. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    shared: Arc<Shared>,
    lane: Lane,
    /// Where the only gateways stand that are asked; none = all are.
    only: Option<DatabaseRegion>,
}

/// What comes after a failed try.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// Again on this gateway.
    Again,
    /// On another gateway.
    Elsewhere,
    /// Nothing.
    Stop,
}

impl Db {
    pub(crate) const fn new(shared: Arc<Shared>, lane: Lane) -> Self {
        Self { shared, lane, only: None }
    }

    /// A handle that asks the gateway of `home` and no other, also where that one does not answer; none where no gateway
    /// is known to stand there.
    #[must_use]
    pub fn only_at(&self, home: &DatabaseRegion) -> Option<Self> {
        let is_known = self.shared.gateways.iter().any(|gateway| gateway.region.as_ref() == Some(home));
        is_known.then(|| Self { only: Some(home.clone()), ..self.clone() })
    }

    /// The database that answers.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.shared.engine
    }

    /// Runs a statement and returns its rows.
    ///
    /// 40001 is retried here whatever the statement; a lost connection only where it is idempotent.
    ///
    /// # Errors
    /// As [`Error`]'s classes say.
    pub async fn query(&self, statement: &'static Statement, params: Params<'_>) -> Result<Vec<Row>, Error> {
        Ok(self.run(None, statement, params).await?.rows)
    }

    /// Runs a statement that returns one row.
    ///
    /// # Errors
    /// As [`Db::query`]; [`Error::Permanent`] when there is no row or more than one.
    pub async fn query_one(&self, statement: &'static Statement, params: Params<'_>) -> Result<Row, Error> {
        let row = self.query_opt(statement, params).await?;
        row.ok_or_else(|| Error::Permanent(Detail::new(statement.name, "no row was returned")))
    }

    /// Runs a statement that returns one row or none.
    ///
    /// # Errors
    /// As [`Db::query`]; [`Error::Permanent`] when there is more than one row.
    pub async fn query_opt(&self, statement: &'static Statement, params: Params<'_>) -> Result<Option<Row>, Error> {
        let mut rows = self.query(statement, params).await?;
        if rows.len() > 1 {
            return Err(Error::Permanent(Detail::new(statement.name, "more than one row was returned")));
        }
        Ok(rows.pop())
    }

    /// Runs a statement and returns the number of rows it changed.
    ///
    /// # Errors
    /// As [`Db::query`].
    pub async fn execute(&self, statement: &'static Statement, params: Params<'_>) -> Result<u64, Error> {
        Ok(self.run(None, statement, params).await?.changed)
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
        Ok(self.run(home, statement, params).await?.rows)
    }

    /// The database's clock. Statements take it as a parameter where they compare times.
    ///
    /// # Errors
    /// As [`Db::query`].
    pub async fn clock(&self) -> Result<DateTime<Utc>, Error> {
        Ok(self.query_one(&CLOCK, &[]).await?.try_get(0)?)
    }

    /// Runs `body` in a transaction, again from its start on 40001, and commits when it returns `Ok`. It has the
    /// isolation of any statement, READ COMMITTED on PostgreSQL: what it relies on it locks, or compares when it writes.
    /// A refusal by the domain is a value of `T`, never an error. `name` labels metrics and errors.
    ///
    /// # Errors
    /// As [`Error`]'s classes say; a connection lost while committing is [`Error::Indeterminate`].
    pub async fn txn<T, F, R>(&self, name: &'static str, body: F) -> Result<T, Error>
    where
        T: Send,
        F: Fn(Txn) -> R + Send + Sync,
        R: Future<Output = Result<T, Error>> + Send,
    {
        // What is lost before COMMIT was not applied and moves on by itself; what is lost by it is not repeated.
        self.over_gateways(None, name, false, &Transaction { lane: self.lane, name, body }).await
    }

    async fn run(
        &self,
        home: Option<&DatabaseRegion>,
        statement: &'static Statement,
        params: Params<'_>,
    ) -> Result<Answer, Error> {
        let call = Call { lane: self.lane, statement, params };
        self.over_gateways(home, statement.name, statement.idempotent, &call).await
    }

    /// The gateways in the order in which a call tries them.
    fn order<'a>(&'a self, home: Option<&'a DatabaseRegion>) -> impl Iterator<Item = &'a Gateway> {
        let is_home = move |gateway: &&Gateway| home.is_some() && gateway.region.as_ref() == home;
        let is_asked = |gateway: &&Gateway| self.only.is_none() || gateway.region == self.only;
        let gateways = || self.shared.gateways.iter().filter(is_asked);
        gateways().filter(is_home).chain(gateways().filter(move |gateway| !is_home(gateway)))
    }

    /// Tries one gateway after the other. `repeatable` says whether a try whose effect is unknown may be repeated.
    async fn over_gateways<W: Work>(
        &self,
        home: Option<&DatabaseRegion>,
        label: &'static str,
        repeatable: bool,
        work: &W,
    ) -> Result<W::Done, Error> {
        let started = Instant::now();
        let mut retry = Retry::new(label);
        let mut last: Option<(&Gateway, Failure)> = None;
        for gateway in self.order(home) {
            let Some(permit) = gateway.breaker.admit() else { continue };
            if let Some((left, _)) = &last {
                metrics::counter!("sql_failovers_total", "gateway" => left.name.clone()).increment(1);
            }
            match on_gateway(gateway, permit, repeatable, &mut retry, work).await {
                Ok(done) => {
                    metrics::histogram!("sql_statement_seconds", "statement" => label)
                        .record(started.elapsed().as_secs_f64());
                    return Ok(done);
                }
                Err((failure, Next::Elsewhere)) => last = Some((gateway, failure)),
                Err((failure, Next::Again | Next::Stop)) => return Err(failed(label, failure)),
            }
        }
        let closed =
            || Failure { verdict: Verdict::Unfit, detail: Detail::new(label, "the breaker of every gateway is open") };
        Err(failed(label, last.map_or_else(closed, |(_, failure)| failure)))
    }
}

/// Something to be done on whichever gateway takes it.
pub(crate) trait Work: Sync {
    /// What comes of it.
    type Done: Send;

    /// Tries it once on one gateway.
    fn attempt(&self, gateway: &Gateway) -> impl Future<Output = Result<Self::Done, Failure>> + Send;
}

struct Call<'a> {
    lane: Lane,
    statement: &'static Statement,
    params: Params<'a>,
}

impl Work for Call<'_> {
    type Done = Answer;

    async fn attempt(&self, gateway: &Gateway) -> Result<Answer, Failure> {
        gateway.attempt(self.lane, self.statement, self.params).await
    }
}

/// Tries on one gateway until it is done, given up, or has to go elsewhere.
async fn on_gateway<W: Work>(
    gateway: &Gateway,
    first: Permit<'_>,
    repeatable: bool,
    retry: &mut Retry,
    work: &W,
) -> Result<W::Done, (Failure, Next)> {
    let mut past = Past::default();
    let mut permit = first;
    loop {
        metrics::counter!("sql_gateway_calls_total", "gateway" => gateway.name.clone()).increment(1);
        let failure = match work.attempt(gateway).await {
            Ok(done) => {
                permit.good();
                return Ok(done);
            }
            Err(failure) => failure,
        };
        if failure.verdict.blames_gateway() {
            metrics::counter!("sql_gateway_failures_total", "gateway" => gateway.name.clone()).increment(1);
            if permit.bad() {
                gateway.forget_connections();
            }
        } else {
            permit.good();
        }
        let next = past.next(failure.verdict, repeatable);
        if next != Next::Again {
            return Err((failure, next));
        }
        if !retry.pause().await {
            return Err((failure, Next::Stop));
        }
        let Some(again) = gateway.breaker.admit() else {
            return Err((failure, Next::Elsewhere));
        };
        permit = again;
    }
}

/// What already happened to a call on one gateway.
#[derive(Default)]
struct Past {
    lost: u32,
    stale: bool,
}

impl Past {
    /// Decides after a failed try.
    fn next(&mut self, verdict: Verdict, repeatable: bool) -> Next {
        match verdict {
            Verdict::Conflict => Next::Again,
            Verdict::StalePlan if !self.stale => {
                self.stale = true;
                Next::Again
            }
            Verdict::Ambiguous if repeatable => Next::Again,
            Verdict::Lost if repeatable => {
                self.lost += 1;
                if self.lost < LOST_TRIES { Next::Again } else { Next::Elsewhere }
            }
            Verdict::Hung if repeatable => Next::Elsewhere,
            Verdict::Unfit => Next::Elsewhere,
            Verdict::Ambiguous
            | Verdict::Lost
            | Verdict::Hung
            | Verdict::StalePlan
            | Verdict::Busy
            | Verdict::Late
            | Verdict::Refused => Next::Stop,
        }
    }
}

fn failed(label: &'static str, failure: Failure) -> Error {
    let error = failure.into_error();
    metrics::counter!("sql_errors_total", "statement" => label, "class" => error.class()).increment(1);
    error
}
