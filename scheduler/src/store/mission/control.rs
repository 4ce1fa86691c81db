//! Cancel and retry: one mission a statement, by its submitter or an operator.

use chrono::{DateTime, Utc};
use scheduler_core::lifecycle::MissionState;
use sql::{Db, Statement};
use topology::{DatabaseRegion, Epoch, MissionId};

pub(super) const CANCEL: Statement =
    sql::statement!("mission_cancel", idempotent, include_str!("../sql/mission_cancel.sql"));
pub(super) const RETRY: Statement =
    sql::statement!("mission_retry", idempotent, include_str!("../sql/mission_retry.sql"));

/// Where a retried mission goes.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the columns are described in the schema")]
pub struct NewPlace {
    pub home: DatabaseRegion,
    pub state: MissionState,
    pub region: Option<String>,
    pub rank: i64,
    pub round: i64,
    pub topology_version: i64,
    pub residency_version: i64,
    pub nonce: i64,
    /// JSON.
    pub placement: Option<String>,
    /// Why it is pending.
    pub reason: Option<String>,
    pub start_by: Option<DateTime<Utc>>,
}

/// Calls an open mission off. `submitter` = only if it is theirs; `why` is JSON for the history. False = there is no
/// such open mission in this home.
///
/// # Errors
/// As [`Db::query`].
pub async fn mission_cancel(
    db: &Db,
    home: &DatabaseRegion,
    id: MissionId,
    submitter: Option<&str>,
    actor: &str,
    why: &str,
) -> Result<bool, sql::Error> {
    let row = db.query_opt(&CANCEL, &[&home.as_str(), &id.0, &submitter, &actor, &why]).await?;
    Ok(row.is_some())
}

/// Submits a failed or cancelled mission again. False = it changed since `epoch` was read, or residency did.
///
/// # Errors
/// As [`Db::query`].
pub async fn mission_retry(
    db: &Db,
    home: &DatabaseRegion,
    id: MissionId,
    epoch: Epoch,
    place: &NewPlace,
    actor: &str,
) -> Result<bool, sql::Error> {
    let row = db
        .query_opt(
            &RETRY,
            &[
                &home.as_str(),
                &id.0,
                &epoch.0,
                &place.home.as_str(),
                &place.state.as_str(),
                &place.region,
                &place.rank,
                &place.round,
                &place.topology_version,
                &place.residency_version,
                &place.nonce,
                &place.placement,
                &place.reason,
                &actor,
                &place.start_by,
            ],
        )
        .await?;
    Ok(row.is_some())
}
