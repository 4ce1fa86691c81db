//! The database's clock, read seldom.

use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sql::Db;
use tokio::time::Instant;

use super::lock;

/// A reading is used for so long. It only ever lags, which is the safe side of `not_before` and of expiry.
const FRESH_FOR: Duration = Duration::from_millis(200);

/// The last reading of the database's clock. It is handed out as it was read: no local clock is added to it.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    last: Mutex<Option<(Instant, DateTime<Utc>)>>,
    /// Held by whoever reads.
    reading: tokio::sync::Mutex<()>,
}

impl Clock {
    /// A moment of the database's clock, at most [`FRESH_FOR`] old.
    pub(crate) async fn now(&self, db: &Db) -> Result<DateTime<Utc>, sql::Error> {
        if let Some(time) = self.fresh() {
            return Ok(time);
        }
        let turn = self.reading.try_lock();
        if turn.is_err() {
            // One reads for all who ask meanwhile. Where it fails, each asks for itself, so that no one waits for many.
            drop(self.reading.lock().await);
            if let Some(time) = self.fresh() {
                return Ok(time);
            }
        }
        let asked = Instant::now();
        let time = db.clock().await?;
        *lock(&self.last) = Some((asked, time));
        Ok(time)
    }

    fn fresh(&self) -> Option<DateTime<Utc>> {
        let (read, time) = (*lock(&self.last))?;
        (read.elapsed() < FRESH_FOR).then_some(time)
    }
}
