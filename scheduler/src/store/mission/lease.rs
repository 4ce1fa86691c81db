//! What holders say of their leases. Every statement is fenced by (mission, epoch, session); what it does not return
//! it did not change.

use chrono::{DateTime, Utc};
use scheduler_core::lifecycle::{MissionState, RETRY_BASE, RETRY_CAP};
use sql::{Batched, Db, Statement, ToSql};
use tokio_postgres::Row;
use topology::{DatabaseRegion, Epoch, MissionId, SessionId};
use uuid::Uuid;

use super::remember::{Columns, MemoryRow};
use super::row::state_of;
use crate::planted::planted;

pub(super) const COMPLETE: Batched =
    Batched::new(sql::statement!("mission_complete", idempotent, include_str!("../sql/mission_complete.sql")));
/// The same where a result has a memory, which is stored with it. A statement of its own, so that results without one are
/// planned and run as if there were no memory.
pub(super) const COMPLETE_REMEMBERED: Batched = Batched::new(sql::statement!(
    "mission_complete_remembered",
    idempotent,
    "WITH done AS (\n",
    include_str!("../sql/mission_complete.sql"),
    "),\n",
    include_str!("../sql/mission_complete_told.sql"),
    include_str!("../sql/mission_remember.sql"),
    include_str!("../sql/mission_complete_answer.sql")
));
pub(super) const FAIL: Batched = Batched::new(sql::statement!(
    "mission_fail",
    idempotent,
    include_str!("../sql/mission_fail.sql"),
    include_str!("../sql/mission_fail_answer.sql")
));
/// As [`COMPLETE_REMEMBERED`].
pub(super) const FAIL_REMEMBERED: Batched = Batched::new(sql::statement!(
    "mission_fail_remembered",
    idempotent,
    include_str!("../sql/mission_fail.sql"),
    ",\n",
    include_str!("../sql/mission_fail_told.sql"),
    include_str!("../sql/mission_remember.sql"),
    include_str!("../sql/mission_fail_answer.sql")
));
pub(super) const RELEASE: Batched =
    Batched::new(sql::statement!("mission_release", idempotent, include_str!("../sql/mission_release.sql")));
pub(super) const PROGRESS: Statement =
    sql::statement!("mission_progress", idempotent, include_str!("../sql/mission_progress.sql"));

/// What sessions of one home hold. $1 home  $2 sessions
pub(super) const LEASES: Statement = sql::statement!(
    "mission_leases",
    idempotent,
    "SELECT m.id, m.epoch, m.session_id, m.grant_seq FROM missions AS m
     WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.state = 'leased' AND m.session_id = ANY ($2::UUID[])"
);

/// What became of missions of one home. $1 home  $2 ids
pub(super) const FATES: Statement = sql::statement!(
    "mission_fates",
    idempotent,
    "SELECT m.id, m.state, m.epoch, m.session_id FROM missions AS m
     WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.id = ANY ($2::UUID[])"
);

/// What became of a mission that a session names and does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fate {
    /// The mission.
    pub mission: MissionId,
    /// Where it stands.
    pub state: MissionState,
    /// Its fencing token.
    pub epoch: Epoch,
    /// Who holds it, or ended it by its word.
    pub session: Option<SessionId>,
}

/// A lease as its holder names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseKey {
    /// The mission.
    pub mission: MissionId,
    /// Fencing token of the grant.
    pub epoch: Epoch,
    /// Who holds it.
    pub session: SessionId,
}

/// A lease as the database knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldLease {
    /// The lease.
    pub key: LeaseKey,
    /// The session's last heartbeat number that the grant saw.
    pub grant_seq: i64,
}

/// A completion to be stored.
#[derive(Debug, Clone)]
pub struct CompletionRow {
    /// The lease.
    pub key: LeaseKey,
    /// JSON.
    pub outcome: String,
    /// SHA-256 of the outcome, hex.
    pub digest: String,
    /// What is to be remembered of it.
    pub memory: Option<MemoryRow>,
}

/// A completion that was stored now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletedLease {
    /// The lease that ended.
    pub key: LeaseKey,
    /// Digest of the stored outcome.
    pub digest: String,
    /// Pool's region.
    pub region: Option<String>,
    /// Pool's specialization.
    pub specialization: String,
    /// When it was submitted.
    pub submitted_at: DateTime<Utc>,
    /// When it was leased.
    pub leased_at: Option<DateTime<Utc>>,
    /// Now, by the database's clock.
    pub finished_at: DateTime<Utc>,
    /// Whether a drill submitted it.
    pub of_drill: bool,
}

/// A failed attempt to be stored.
#[derive(Debug, Clone)]
pub struct FailureRow {
    /// The lease.
    pub key: LeaseKey,
    /// Stable code.
    pub reason: String,
    /// JSON.
    pub detail: String,
    /// SHA-256 of reason and detail, hex.
    pub digest: String,
    /// Another attempt would not help.
    pub last: bool,
    /// What is to be remembered of it, where it is the last.
    pub memory: Option<MemoryRow>,
}

/// A failed attempt that was stored now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedLease {
    /// The lease that ended.
    pub key: LeaseKey,
    /// Digest of the failure that was stored.
    pub digest: String,
    /// Queued again, or failed.
    pub state: MissionState,
    /// Fencing token after.
    pub epoch: Epoch,
    /// Pool's region.
    pub region: Option<String>,
    /// Pool's specialization.
    pub specialization: String,
    /// Whether a drill submitted it.
    pub of_drill: bool,
}

/// A lease to be put back.
#[derive(Debug, Clone)]
pub struct ReleaseRow {
    /// The lease.
    pub key: LeaseKey,
    /// Stable code.
    pub reason: String,
    /// Stored form of who does it.
    pub actor: String,
    /// None = its holder hands it back; else the number of the holder's heartbeat that did not name it.
    pub unnamed_by: Option<i64>,
}

/// A lease that was put back now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleasedLease {
    /// The lease that ended.
    pub key: LeaseKey,
    /// Fencing token after.
    pub epoch: Epoch,
    /// Pool's region.
    pub region: Option<String>,
    /// Pool's specialization.
    pub specialization: String,
}

/// The three columns that fence a batch.
struct Fences {
    ids: Vec<Uuid>,
    epochs: Vec<i64>,
    sessions: Vec<Uuid>,
}

impl Fences {
    fn of<'a>(keys: impl Iterator<Item = &'a LeaseKey> + Clone) -> Self {
        Self {
            ids: keys.clone().map(|key| key.mission.0).collect(),
            epochs: keys.clone().map(|key| key.epoch.0).collect(),
            sessions: keys.map(|key| key.session.0).collect(),
        }
    }
}

fn key_of(row: &Row, epoch: &str, session: &str) -> LeaseKey {
    LeaseKey { mission: MissionId(row.get("id")), epoch: Epoch(row.get(epoch)), session: SessionId(row.get(session)) }
}

/// Ends missions with their outcomes, and returns those that ended now.
///
/// # Errors
/// As [`Db::query`].
pub async fn mission_complete(
    db: &Db,
    home: &DatabaseRegion,
    batch: &[&CompletionRow],
) -> Result<Vec<CompletedLease>, sql::Error> {
    let fences = Fences::of(batch.iter().map(|row| &row.key));
    let outcomes: Vec<&str> = batch.iter().map(|row| planted!(LoseOutcome, "{}", row.outcome.as_str())).collect();
    let digests: Vec<&str> = batch.iter().map(|row| row.digest.as_str()).collect();
    let actors: Vec<String> = batch.iter().map(|row| format!("session:{}", row.key.session)).collect();
    let memories = Columns::of(batch.iter().map(|row| (row.key.mission, row.memory.as_ref())));
    let statement: &'static Batched = if memories.is_some() {
        planted!(CompleteWithoutEpochCheck, crate::planted::unfenced(&COMPLETE_REMEMBERED), &COMPLETE_REMEMBERED)
    } else {
        planted!(CompleteWithoutEpochCheck, crate::planted::unfenced(&COMPLETE), &COMPLETE)
    };
    let home = home.as_str();
    let mut params: Vec<&(dyn ToSql + Sync)> =
        vec![&home, &fences.ids, &fences.epochs, &fences.sessions, &outcomes, &digests, &actors];
    params.extend(memories.iter().flat_map(Columns::params));
    let rows = db.query(statement.for_rows(batch.len()), &params).await?;
    Ok(rows
        .iter()
        .map(|row| CompletedLease {
            key: key_of(row, "epoch", "session_id"),
            digest: row.get("outcome_digest"),
            region: row.get("region"),
            specialization: row.get("specialization"),
            submitted_at: row.get("submitted_at"),
            leased_at: row.get("leased_at"),
            finished_at: row.get("finished_at"),
            of_drill: row.get("of_drill"),
        })
        .collect())
}

/// Charges attempts, and returns those that were charged now.
///
/// # Errors
/// As [`Db::query`].
pub async fn mission_fail(
    db: &Db,
    home: &DatabaseRegion,
    batch: &[&FailureRow],
) -> Result<Vec<FailedLease>, sql::Error> {
    let fences = Fences::of(batch.iter().map(|row| &row.key));
    let reasons: Vec<&str> = batch.iter().map(|row| row.reason.as_str()).collect();
    let details: Vec<&str> = batch.iter().map(|row| row.detail.as_str()).collect();
    let digests: Vec<&str> = batch.iter().map(|row| row.digest.as_str()).collect();
    let actors: Vec<String> = batch.iter().map(|row| format!("session:{}", row.key.session)).collect();
    let last: Vec<i64> = batch.iter().map(|row| i64::from(row.last)).collect();
    let first_pause = i64::try_from(RETRY_BASE.as_millis()).expect("a second fits");
    let longest_pause = i64::try_from(RETRY_CAP.as_millis()).expect("five minutes fit");
    let memories = Columns::of(batch.iter().map(|row| (row.key.mission, row.memory.as_ref())));
    let statement = if memories.is_some() { &FAIL_REMEMBERED } else { &FAIL };
    let home = home.as_str();
    let mut params: Vec<&(dyn ToSql + Sync)> = vec![
        &home,
        &fences.ids,
        &fences.epochs,
        &fences.sessions,
        &reasons,
        &details,
        &digests,
        &actors,
        &first_pause,
        &longest_pause,
        &last,
    ];
    params.extend(memories.iter().flat_map(Columns::params));
    let rows = db.query(statement.for_rows(batch.len()), &params).await?;
    Ok(rows
        .iter()
        .map(|row| FailedLease {
            key: key_of(row, "lease_epoch", "lease_session"),
            digest: row.get("digest"),
            state: state_of(row.get("state")),
            epoch: Epoch(row.get("epoch")),
            region: row.get("region"),
            specialization: row.get("specialization"),
            of_drill: row.get("of_drill"),
        })
        .collect())
}

/// Puts leases back into their queues, and returns those that were put back now.
///
/// # Errors
/// As [`Db::query`].
pub async fn mission_release(
    db: &Db,
    home: &DatabaseRegion,
    batch: &[&ReleaseRow],
) -> Result<Vec<ReleasedLease>, sql::Error> {
    let fences = Fences::of(batch.iter().map(|row| &row.key));
    let reasons: Vec<&str> = batch.iter().map(|row| row.reason.as_str()).collect();
    let actors: Vec<&str> = batch.iter().map(|row| row.actor.as_str()).collect();
    let numbers: Vec<Option<i64>> = batch.iter().map(|row| row.unnamed_by).collect();
    let rows = db
        .query(
            RELEASE.for_rows(batch.len()),
            &[&home.as_str(), &fences.ids, &fences.epochs, &fences.sessions, &reasons, &actors, &numbers],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| ReleasedLease {
            key: key_of(row, "lease_epoch", "lease_session"),
            epoch: Epoch(row.get("epoch")),
            region: row.get("region"),
            specialization: row.get("specialization"),
        })
        .collect())
}

/// Stores progress (JSON), and returns the leases that it was stored for.
///
/// # Errors
/// As [`Db::query`].
pub async fn mission_progress(
    db: &Db,
    home: &DatabaseRegion,
    batch: &[&(LeaseKey, String)],
) -> Result<Vec<LeaseKey>, sql::Error> {
    let fences = Fences::of(batch.iter().map(|row| &row.0));
    let progress: Vec<&str> = batch.iter().map(|row| row.1.as_str()).collect();
    let rows = db.query(&PROGRESS, &[&home.as_str(), &fences.ids, &fences.epochs, &fences.sessions, &progress]).await?;
    Ok(rows.iter().map(|row| key_of(row, "epoch", "session_id")).collect())
}

/// What sessions of one home hold.
///
/// # Errors
/// As [`Db::query`].
pub async fn mission_leases(
    db: &Db,
    home: &DatabaseRegion,
    sessions: &[SessionId],
) -> Result<Vec<HeldLease>, sql::Error> {
    let sessions: Vec<Uuid> = sessions.iter().map(|session| session.0).collect();
    let rows = db.query(&LEASES, &[&home.as_str(), &sessions]).await?;
    Ok(rows
        .iter()
        .map(|row| HeldLease { key: key_of(row, "epoch", "session_id"), grant_seq: row.get("grant_seq") })
        .collect())
}

/// What became of missions of one home; those that are not there are left out.
///
/// # Errors
/// As [`Db::query`].
pub async fn mission_fates(db: &Db, home: &DatabaseRegion, ids: &[MissionId]) -> Result<Vec<Fate>, sql::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = db.query(&FATES, &[&home.as_str(), &ids]).await?;
    Ok(rows
        .iter()
        .map(|row| Fate {
            mission: MissionId(row.get("id")),
            state: state_of(row.get("state")),
            epoch: Epoch(row.get("epoch")),
            session: row.get::<_, Option<Uuid>>("session_id").map(SessionId),
        })
        .collect())
}
