//! The row by which migrators take turns. No advisory locks: CockroachDB has none.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rand::RngExt as _;

use super::{Error, Session, steps};
use crate::Statement;

const TTL_SECONDS: f64 = 15.0;
const PATIENCE: Duration = Duration::from_secs(300);

pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_leases (\
    name text NOT NULL PRIMARY KEY, holder uuid NOT NULL, expires_at timestamptz NOT NULL)";

pub(super) const TAKE: Statement = crate::statement!(
    "schema_lease_take",
    idempotent,
    "INSERT INTO schema_leases (name, holder, expires_at) \
     VALUES ('migrate', $1::UUID, $2::TIMESTAMPTZ + $3::FLOAT8 * INTERVAL '1 second') \
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at \
     WHERE schema_leases.expires_at <= $2::TIMESTAMPTZ RETURNING holder"
);

pub(super) const RENEW: Statement = crate::statement!(
    "schema_lease_renew",
    idempotent,
    "UPDATE schema_leases SET expires_at = now() + $2::FLOAT8 * INTERVAL '1 second' \
     WHERE name = 'migrate' AND holder = $1::UUID RETURNING holder"
);

pub(super) const RELEASE: Statement = crate::statement!(
    "schema_lease_release",
    idempotent,
    "DELETE FROM schema_leases WHERE name = 'migrate' AND holder = $1::UUID"
);

/// Runs `work` while this session holds the lease; waits for its turn first.
pub(super) async fn with<T, F>(session: &Session, work: impl FnOnce() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let started = tokio::time::Instant::now();
    while !take(session).await? {
        if started.elapsed() > PATIENCE {
            return Err(Error::Waited(started.elapsed()));
        }
        let pause = rand::rng().random_range(50..150);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    let result = work().await;
    let released = session.query(&RELEASE, &[&session.id]).await;
    let value = result?;
    released?;
    Ok(value)
}

/// Keeps the lease through the next step. A lease lost meanwhile is no reason to stop, see the module's text.
pub(super) async fn renew(session: &Session) -> Result<(), crate::Error> {
    session.query(&RENEW, &[&session.id, &TTL_SECONDS]).await.map(drop)
}

async fn take(session: &Session) -> Result<bool, crate::Error> {
    let now: DateTime<Utc> = steps::clock(session).await?;
    match session.query(&TAKE, &[&session.id, &now, &TTL_SECONDS]).await {
        Ok(rows) => Ok(!rows.is_empty()),
        // A conflict with another taker is an answer too: it is not our turn.
        Err(crate::Error::Retryable(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
