//! One gateway: its pools, its breaker, and a single try of a statement.

use std::time::Duration;

use deadpool_postgres::{Object, Pool, PoolError, TimeoutType};
use futures_util::{TryStreamExt as _, pin_mut};
use tokio::time::timeout;
use tokio_postgres::Row;
use topology::DatabaseRegion;

use crate::breaker::{Breaker, Series};
use crate::config::{Config, GatewayConfig, Lane};
use crate::db::Params;
use crate::engine::Engine;
use crate::error::{Detail, Failure, Verdict};
use crate::gateways::GatewayHealth;
use crate::pool;
use crate::statement::Statement;
use crate::tls;
use crate::url::Target;

/// What the gateways' breakers are called in metrics.
pub(crate) static BREAKERS: Series = Series {
    label: "gateway",
    state: "sql_breaker_state",
    changes: "sql_breaker_changes_total",
    probes: "sql_breaker_probes_total",
    rejected: "sql_breaker_rejected_total",
};

/// One database endpoint.
pub(crate) struct Gateway {
    pub(crate) name: String,
    pub(crate) region: Option<DatabaseRegion>,
    pub(crate) breaker: Breaker,
    lanes: Vec<LanePool>,
}

struct LanePool {
    lane: Lane,
    pool: Pool,
    call_timeout: Duration,
}

/// What a statement returned.
pub(crate) struct Answer {
    pub(crate) rows: Vec<Row>,
    pub(crate) changed: u64,
}

/// A connection that is thrown away unless it is given back: one whose answer is still under way must not serve
/// another call, and dropping it makes the server give the statement up.
pub(crate) struct Held {
    object: Option<Object>,
    pub(crate) call_timeout: Duration,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    #[error("no answer within {0:?}")]
    Call(Duration),
    #[error("no connection became free in time")]
    Wait,
    #[error("no connection within the time limit")]
    Connect,
    #[error("the connection is closed")]
    Closed,
    #[error("the pool is closed")]
    Shutdown,
}

impl Gateway {
    pub(crate) fn new(given: &GatewayConfig, target: &Target, engine: Engine, config: &Config) -> Self {
        let name = given.region.as_ref().map_or_else(|| target.endpoint.clone(), ToString::to_string);
        let lanes = Lane::ALL
            .into_iter()
            .map(|lane| LanePool {
                lane,
                pool: pool::build(target, engine, lane, config),
                call_timeout: config.lane(lane).call_timeout,
            })
            .collect();
        Self { breaker: Breaker::new(&BREAKERS, &name, config.breaker), name, region: given.region.clone(), lanes }
    }

    pub(crate) fn health(&self) -> GatewayHealth {
        GatewayHealth { name: self.name.clone(), region: self.region.clone(), breaker: self.breaker.state() }
    }

    /// Throws idle connections away: what is behind an open breaker is not to be trusted.
    pub(crate) fn forget_connections(&self) {
        for lane in &self.lanes {
            lane.pool.retain(|_, _| false);
        }
    }

    pub(crate) fn close(&self) {
        for lane in &self.lanes {
            lane.pool.close();
        }
    }

    /// A connection of the lane.
    pub(crate) async fn hold(&self, lane: Lane, label: &'static str) -> Result<Held, Failure> {
        let lane = self.lanes.iter().find(|known| known.lane == lane).expect("every lane has a pool");
        match lane.pool.get().await {
            Ok(object) if object.is_closed() => Err(unfit(label, NoAnswer::Closed)),
            Ok(object) => Ok(Held { object: Some(object), call_timeout: lane.call_timeout }),
            Err(PoolError::Backend(error)) => {
                let verdict = match Verdict::of_driver(&error, true).before_sending() {
                    Verdict::Refused if error.code().is_none() => Verdict::Unfit,
                    verdict => verdict,
                };
                // Another gateway may have the right certificate; the message says what is wrong with this one's.
                let detail = match tls::sort(error, None) {
                    Ok(refused) => Detail::new(label, refused),
                    Err(error) => Detail::of_driver(label, error),
                };
                Err(Failure { verdict, detail })
            }
            Err(PoolError::Timeout(TimeoutType::Wait)) => {
                Err(Failure { verdict: Verdict::Busy, detail: Detail::new(label, NoAnswer::Wait) })
            }
            Err(PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle)) => Err(unfit(label, NoAnswer::Connect)),
            Err(PoolError::Closed) => {
                Err(Failure { verdict: Verdict::Busy, detail: Detail::new(label, NoAnswer::Shutdown) })
            }
            Err(PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_)) => {
                unreachable!("pools have a runtime and no such hook")
            }
        }
    }

    /// Tries a statement once.
    pub(crate) async fn attempt(
        &self,
        lane: Lane,
        statement: &'static Statement,
        params: Params<'_>,
    ) -> Result<Answer, Failure> {
        self.hold(lane, statement.name).await?.run(statement, params).await
    }
}

impl Held {
    pub(crate) fn client(&self) -> &Object {
        self.object.as_ref().expect("only a finished call gives its connection away")
    }

    /// Gives the connection back to its pool.
    pub(crate) fn give_back(mut self) {
        drop(self.object.take());
    }

    /// Runs one statement and gives the connection back when its answer is complete.
    async fn run(self, statement: &'static Statement, params: Params<'_>) -> Result<Answer, Failure> {
        let result = self.call(statement, params).await;
        // An answer of the server, good or bad, ends the exchange; anything else leaves it half-way.
        if result.as_ref().err().is_none_or(|failure| failure.detail.sqlstate.is_some()) && !self.client().is_closed() {
            self.give_back();
        }
        result
    }

    /// Runs one statement on the held connection.
    pub(crate) async fn call(&self, statement: &'static Statement, params: Params<'_>) -> Result<Answer, Failure> {
        let mut sent = false;
        let Ok(result) = timeout(self.call_timeout, exchange(self.client(), statement, params, &mut sent)).await else {
            let detail = Detail::new(statement.name, NoAnswer::Call(self.call_timeout));
            let verdict = if sent { Verdict::Hung } else { Verdict::Unfit };
            return Err(Failure { verdict, detail });
        };
        result.map_err(|error| {
            let verdict = Verdict::of_driver(&error, self.client().is_closed());
            if verdict == Verdict::StalePlan {
                self.client().statement_cache.clear();
            }
            let verdict = if sent { verdict } else { verdict.before_sending() };
            Failure { verdict, detail: Detail::of_driver(statement.name, error) }
        })
    }

    /// Runs a command without parameters or rows, within the lane's time limit.
    pub(crate) async fn command(&self, label: &'static str, text: &str) -> Result<(), Failure> {
        match timeout(self.call_timeout, self.client().batch_execute(text)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                let verdict = Verdict::of_driver(&error, self.client().is_closed());
                Err(Failure { verdict, detail: Detail::of_driver(label, error) })
            }
            Err(_) => {
                let detail = Detail::new(label, NoAnswer::Call(self.call_timeout));
                Err(Failure { verdict: Verdict::Hung, detail })
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(object) = self.object.take() {
            drop(Object::take(object));
        }
    }
}

async fn exchange(
    client: &Object,
    statement: &Statement,
    params: Params<'_>,
    sent: &mut bool,
) -> Result<Answer, tokio_postgres::Error> {
    let prepared = client.prepare_cached(statement.text).await?;
    *sent = true;
    let stream = if statement.planned_anew {
        // Without a name on the server the plan lives as long as the call.
        let typed = params.iter().copied().zip(prepared.params().iter().cloned());
        client.query_typed_raw(statement.text, typed).await?
    } else {
        client.query_raw(&prepared, params.iter().copied()).await?
    };
    pin_mut!(stream);
    let mut rows = Vec::new();
    while let Some(row) = stream.try_next().await? {
        rows.push(row);
    }
    let changed = stream.rows_affected().unwrap_or(0);
    Ok(Answer { rows, changed })
}

fn unfit(label: &'static str, cause: NoAnswer) -> Failure {
    Failure { verdict: Verdict::Unfit, detail: Detail::new(label, cause) }
}
