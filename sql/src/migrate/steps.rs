//! One DDL statement at a time.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Session;
use crate::Error;
use crate::retry::Retry;

/// Tries of one step. Two instances that create the same thing at the same moment collide in PostgreSQL's catalogue
/// even with IF NOT EXISTS; the second try finds it there.
const TRIES: u32 = 12;
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a step until it is done or fails for a reason that stays.
pub(super) async fn run(session: &Session, step: &str) -> Result<(), Error> {
    let mut retry = Retry::with_limits("migration_step", TRIES, FIRST_PAUSE, PATIENCE);
    loop {
        match session.command(step).await {
            Ok(()) => return Ok(()),
            Err(error) if collides(&error) && retry.pause().await => {}
            Err(error) => return Err(error),
        }
    }
}

/// Whether the failure may come from another instance that does the same: a row of the catalogue that is there
/// already, an object that appeared or was changed meanwhile, a lock.
pub(super) fn collides(error: &Error) -> bool {
    matches!(error, Error::Retryable(_))
        || error.sqlstate().is_some_and(|state| {
            matches!(state.code(), "23505" | "42P07" | "42710" | "42P06" | "42704" | "XX000" | "55006")
        })
}

pub(super) async fn clock(session: &Session) -> Result<DateTime<Utc>, Error> {
    let rows = session.client.query("SELECT now()", &[]).await.map_err(|e| session.failed("clock_read", e))?;
    Ok(rows[0].try_get(0)?)
}
