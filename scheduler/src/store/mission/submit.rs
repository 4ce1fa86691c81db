//! Storing new missions.

use chrono::{DateTime, Utc};
use scheduler_core::lifecycle::MissionState;
use sql::{Db, Statement};
use topology::{DatabaseRegion, MissionId};
use uuid::Uuid;

/// A batch of placed missions of one home. Idempotent: the ids are made before the first try, and never sent to another
/// home; a second try changes nothing, and says so by `missions_pkey`.
pub(super) const SUBMIT: Statement =
    sql::statement!("mission_submit", idempotent, include_str!("../sql/mission_submit.sql"));

/// A mission that was placed and is not yet stored.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the columns are described in the schema")]
pub struct NewMission {
    pub id: MissionId,
    pub state: MissionState,
    pub specialization: String,
    pub submitter: String,
    pub title: String,
    /// JSON.
    pub payload: String,
    /// JSON.
    pub origin: String,
    pub residency: Option<String>,
    pub priority: i64,
    pub rank: i64,
    pub round: i64,
    pub region: Option<String>,
    pub max_attempts: i64,
    pub max_crashes: i64,
    pub run_limit_ms: i64,
    pub start_by: Option<DateTime<Utc>>,
    pub topology_version: i64,
    pub residency_version: i64,
    pub nonce: i64,
    /// JSON.
    pub placement: Option<String>,
    pub reason: Option<String>,
    pub traceparent: Option<String>,
    pub drill: Option<String>,
    /// Idempotency key with its home and the request's digest.
    pub key: Option<SubmissionKey>,
}

impl NewMission {
    /// The older of the topologies that it was placed by and that its key's home was computed by.
    #[must_use]
    pub fn oldest_topology(&self) -> i64 {
        self.key.as_ref().map_or(self.topology_version, |key| key.topology_version.min(self.topology_version))
    }
}

/// An idempotency key and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SubmissionKey {
    /// Computed from the request alone.
    pub home: DatabaseRegion,
    /// As sent.
    pub key: String,
    /// SHA-256 of the request, hex.
    pub digest: String,
    /// Version of the topology that the home was computed by.
    pub topology_version: i64,
}

/// A mission that was stored now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredMission {
    /// The mission.
    pub id: MissionId,
    /// The database's clock.
    pub submitted_at: DateTime<Utc>,
    /// The database's clock, unless pending.
    pub placed_at: Option<DateTime<Utc>>,
}

/// Stores missions of one home, and returns those that were stored now: not one whose key was there, one that was
/// placed under another residency version than the current one, nor one whose key's home is another topology's.
///
/// `counted` = they count for the limits of their submitters. The batch should be ordered by key, so that two batches never wait for each other's keys.
///
/// # Errors
/// As [`Db::query`]; `missions_pkey` where an earlier try has stored them.
pub async fn mission_submit(
    db: &Db,
    home: &DatabaseRegion,
    placed_by: &str,
    counted: bool,
    batch: &[&NewMission],
) -> Result<Vec<StoredMission>, sql::Error> {
    macro_rules! column {
        (|$m:ident| $value:expr) => {
            &batch.iter().map(|$m| $value).collect::<Vec<_>>()
        };
    }
    macro_rules! keyed {
        (|$m:ident, $key:ident| $value:expr) => {
            &batch.iter().filter_map(|m| Some((m, m.key.as_ref()?))).map(|($m, $key)| $value).collect::<Vec<_>>()
        };
    }
    let rows = db
        .query(
            &SUBMIT,
            &[
                &home.as_str(),
                &placed_by,
                column!(|m| m.id.0),
                column!(|m| m.state.as_str()),
                column!(|m| m.specialization.as_str()),
                column!(|m| m.submitter.as_str()),
                column!(|m| m.title.as_str()),
                column!(|m| m.payload.as_str()),
                column!(|m| m.origin.as_str()),
                column!(|m| m.residency.as_deref()),
                column!(|m| m.priority),
                column!(|m| m.rank),
                column!(|m| m.round),
                column!(|m| m.region.as_deref()),
                column!(|m| m.max_attempts),
                column!(|m| m.max_crashes),
                column!(|m| m.run_limit_ms),
                column!(|m| m.start_by),
                column!(|m| m.topology_version),
                column!(|m| m.residency_version),
                column!(|m| m.nonce),
                column!(|m| m.placement.as_deref()),
                column!(|m| m.reason.as_deref()),
                column!(|m| m.traceparent.as_deref()),
                column!(|m| i64::from(m.key.is_some())),
                column!(|m| m.drill.as_deref()),
                &counted,
                keyed!(|m, _key| m.id.0),
                keyed!(|m, _key| m.submitter.as_str()),
                keyed!(|_m, key| key.home.as_str()),
                keyed!(|_m, key| key.key.as_str()),
                keyed!(|_m, key| key.digest.as_str()),
                keyed!(|_m, key| key.topology_version),
                keyed!(|m, _key| m.residency_version),
            ],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| StoredMission {
            id: MissionId(row.get::<_, Uuid>("id")),
            submitted_at: row.get("submitted_at"),
            placed_at: row.get("placed_at"),
        })
        .collect())
}
