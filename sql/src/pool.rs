//! Connection pools: one per gateway and lane.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, Instant};

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio_postgres::NoTls;

use crate::config::{Config, Lane};
use crate::engine::Engine;
use crate::url::Target;

/// The server gives a statement up this much earlier than we do, so that a slow answer is told from none.
const SERVER_GIVES_UP_FIRST: f64 = 0.8;
/// A transaction whose owner says nothing for so long is ended: between two of its statements there is only a decision to
/// make, and a process that was stopped there must not keep its rows locked.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(1);
/// How long PostgreSQL keeps the plans of a connection. Left alone it keeps one until somebody analyses the table, and one
/// that was made while a table was empty reads all of a region for every row.
const PLANS_FOR: Duration = Duration::from_secs(5);
const KEEPALIVE: Duration = Duration::from_secs(10);

/// Pool of one lane. Connections are opened when they are first needed.
pub(crate) fn build(target: &Target, engine: Engine, lane: Lane, config: &Config) -> Pool {
    let limits = config.lane(lane);
    let mut driver = with_keepalive(&target.driver, config.connect_timeout);
    driver.application_name(format!("{}/{}", config.application, lane.as_str()));
    driver.options(options(target.driver.get_options(), engine, limits.call_timeout));
    // Fast looks only whether the socket is closed. Clean would run what CockroachDB does not have.
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = match &target.tls {
        Some(tls) => Manager::from_config(driver, tls.clone(), recycling),
        None => Manager::from_config(driver, NoTls, recycling),
    };
    let lifetime = config.max_lifetime;
    Pool::builder(manager)
        .max_size(limits.connections.max(1))
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(limits.call_timeout))
        .create_timeout(Some(config.connect_timeout))
        .recycle_timeout(Some(limits.call_timeout))
        .pre_recycle(Hook::sync_fn(move |_, metrics| {
            if metrics.age() < jittered(lifetime, metrics.created) {
                return Ok(());
            }
            metrics::counter!("sql_connections_retired_total").increment(1);
            Err(HookError::message("its lifetime is over"))
        }))
        .post_recycle(Hook::async_fn(move |client, metrics| {
            let stale = engine == Engine::Postgres && plans_are_old(metrics.created, metrics.recycled, Instant::now());
            Box::pin(async move {
                if stale {
                    client.batch_execute("DISCARD PLANS").await.map_err(HookError::Backend)?;
                }
                Ok(())
            })
        }))
        .build()
        .expect("a runtime is given, which is all that timeouts need")
}

/// Whether a connection's plans were made in an earlier period of its life than the present one.
fn plans_are_old(created: Instant, used: Option<Instant>, now: Instant) -> bool {
    let period = |moment: Instant| moment.duration_since(created).as_millis() / PLANS_FOR.as_millis();
    period(now) > used.map_or(0, period)
}

/// Settings for a connection outside the pools.
pub(crate) fn with_keepalive(driver: &tokio_postgres::Config, connect_timeout: Duration) -> tokio_postgres::Config {
    let mut driver = driver.clone();
    driver
        .connect_timeout(connect_timeout)
        .keepalives(true)
        .keepalives_idle(KEEPALIVE)
        .keepalives_interval(KEEPALIVE)
        .keepalives_retries(3)
        .tcp_user_timeout(KEEPALIVE * 3);
    driver
}

/// Startup options: session settings that a recycled connection cannot lose.
fn options(given: Option<&str>, engine: Engine, call_timeout: Duration) -> String {
    let server_limit = call_timeout.mul_f64(SERVER_GIVES_UP_FIRST).as_millis().max(1);
    let mut options = format!(
        "-c default_transaction_isolation={} -c statement_timeout={server_limit} \
         -c idle_in_transaction_session_timeout={} -c TimeZone=UTC",
        engine.isolation(),
        call_timeout.min(IDLE_IN_TRANSACTION).as_millis().max(1),
    );
    for (name, value) in engine.planner_settings() {
        let _ = write!(options, " -c {name}={value}");
    }
    match given {
        Some(given) => format!("{options} {given}"),
        None => options,
    }
}

/// The lifetime of one connection: a tenth more or less, always the same for that connection, so that not all are
/// opened anew in one moment.
fn jittered(lifetime: Duration, created: Instant) -> Duration {
    let mut hasher = DefaultHasher::new();
    created.hash(&mut hasher);
    let share = (hasher.finish() % 2_001) as f64 / 10_000.0;
    lifetime.mul_f64(0.9 + share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_differ_by_a_tenth_at_most() {
        let lifetime = Duration::from_secs(1_000);
        let start = Instant::now();
        let spread: Vec<Duration> =
            (0..1_000).map(|i| jittered(lifetime, start + Duration::from_nanos(i * 977))).collect();
        assert!(spread.iter().all(|d| (900..=1_101).contains(&d.as_secs())), "{spread:?}");
        assert!(spread.iter().max().unwrap().as_secs() - spread.iter().min().unwrap().as_secs() > 150);
        assert_eq!(jittered(lifetime, start), jittered(lifetime, start));
    }

    #[test]
    fn plans_are_made_anew_once_a_period() {
        let created = Instant::now();
        let after = |seconds| created + Duration::from_secs(seconds);
        assert!(!plans_are_old(created, None, after(4)));
        assert!(plans_are_old(created, None, after(5)));
        assert!(plans_are_old(created, Some(after(4)), after(6)));
        assert!(!plans_are_old(created, Some(after(6)), after(9)));
    }

    #[test]
    fn options_follow_the_engine() {
        let limit = Duration::from_millis(500);
        let postgres = options(None, Engine::Postgres, limit);
        assert!(postgres.contains(r"default_transaction_isolation=read\ committed"), "{postgres}");
        assert!(postgres.contains("statement_timeout=400"), "{postgres}");
        let cockroach = options(Some("-c a=b"), Engine::Cockroach, limit);
        assert!(cockroach.contains("default_transaction_isolation=serializable"), "{cockroach}");
        assert!(cockroach.ends_with(" -c a=b") && !cockroach.contains("jit"), "{cockroach}");
        assert!(
            postgres.ends_with("-c random_page_cost=1.1 -c hnsw.ef_search=120 -c hnsw.iterative_scan=relaxed_order"),
            "{postgres}"
        );
    }
}
