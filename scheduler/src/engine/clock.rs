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
}

impl Clock {
    /// A moment of the database's clock, at most [`FRESH_FOR`] old.
    pub(crate) async fn now(&self, db: &Db) -> Result<DateTime<Utc>, sql::Error> {
        let asked = Instant::now();
        if let Some((read, time)) = *lock(&self.last)
            && asked.duration_since(read) < FRESH_FOR
        {
            return Ok(time);
        }
        let time = db.clock().await?;
        *lock(&self.last) = Some((asked, time));
        Ok(time)
    }
}
