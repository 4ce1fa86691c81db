//! A mission's row, read by id or as a list.

use chrono::{DateTime, Utc};
use scheduler_core::lifecycle::{MissionFacts, MissionState, Reason};
use sql::{Batched, Db, Statement};
use tokio_postgres::Row;
use topology::{DatabaseRegion, Epoch, MissionId, RegionName, SessionId, Specialization};
use uuid::Uuid;

/// Missions of one home by id. $1 home  $2 ids
pub(super) const FIND: Batched = Batched::new(sql::statement!(
    "mission_find",
    idempotent,
    "SELECT ",
    include_str!("../sql/mission_columns.sql"),
    include_str!("../sql/mission_find_filter.sql")
));

/// Missions of one home, newest first, by the time in their ids. $1 home  $2 after  $3 state  $4 region  $5 specialization
/// $6 drill  $7 limit
pub(super) const LIST: Statement = sql::statement!(
    "mission_list",
    idempotent,
    "SELECT ",
    include_str!("../sql/mission_columns.sql"),
    include_str!("../sql/mission_list_filter.sql")
);

/// Open missions of a submitter in one home that were submitted under a limit, counted up to a bound. $1 home  $2 submitter  $3 bound
pub(super) const OPEN_COUNT: Statement = sql::statement!(
    "mission_open_count",
    idempotent,
    "SELECT count(*) AS open FROM (
        SELECT m.id FROM missions AS m
        WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.submitter = $2::TEXT
          AND m.counted AND m.finished_at IS NULL
        LIMIT $3::INT8) AS bounded"
);

/// A mission as it is stored. JSON is text; names were checked when they came in.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the columns are described in the schema")]
pub struct MissionRow {
    pub home: String,
    pub id: MissionId,
    pub state: MissionState,
    pub specialization: String,
    pub submitter: String,
    pub title: String,
    pub payload: String,
    pub origin: String,
    pub residency: Option<String>,
    pub priority: i32,
    pub rank: i64,
    pub round: i64,
    pub region: Option<String>,
    pub epoch: Epoch,
    pub attempts: i32,
    pub crashes: i32,
    pub moves: i32,
    pub max_attempts: i32,
    pub max_crashes: i32,
    pub run_limit_ms: i64,
    pub not_before: DateTime<Utc>,
    pub start_by: Option<DateTime<Utc>>,
    pub session: Option<SessionId>,
    pub grant_seq: Option<i64>,
    pub run_until: Option<DateTime<Utc>>,
    pub nonce: i64,
    pub reason: Option<String>,
    pub progress: Option<String>,
    pub outcome: Option<String>,
    pub outcome_digest: Option<String>,
    pub placement: Option<String>,
    pub submitted_at: DateTime<Utc>,
    pub placed_at: Option<DateTime<Utc>>,
    pub leased_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub placed_by: Option<String>,
    pub leased_by: Option<String>,
    pub finished_by: Option<String>,
    pub drill: Option<String>,
}

impl MissionRow {
    fn of(row: &Row) -> Self {
        Self {
            home: row.get("home"),
            id: MissionId(row.get("id")),
            state: state_of(row.get("state")),
            specialization: row.get("specialization"),
            submitter: row.get("submitter"),
            title: row.get("title"),
            payload: row.get("payload"),
            origin: row.get("origin"),
            residency: row.get("residency"),
            priority: row.get("priority"),
            rank: row.get("rank"),
            round: row.get("round"),
            region: row.get("region"),
            epoch: Epoch(row.get("epoch")),
            attempts: row.get("attempts"),
            crashes: row.get("crashes"),
            moves: row.get("moves"),
            max_attempts: row.get("max_attempts"),
            max_crashes: row.get("max_crashes"),
            run_limit_ms: row.get("run_limit_ms"),
            not_before: row.get("not_before"),
            start_by: row.get("start_by"),
            session: row.get::<_, Option<Uuid>>("session_id").map(SessionId),
            grant_seq: row.get("grant_seq"),
            run_until: row.get("run_until"),
            nonce: row.get("nonce"),
            reason: row.get("reason"),
            progress: row.get("progress"),
            outcome: row.get("outcome"),
            outcome_digest: row.get("outcome_digest"),
            placement: row.get("placement"),
            submitted_at: row.get("submitted_at"),
            placed_at: row.get("placed_at"),
            leased_at: row.get("leased_at"),
            finished_at: row.get("finished_at"),
            placed_by: row.get("placed_by"),
            leased_by: row.get("leased_by"),
            finished_by: row.get("finished_by"),
            drill: row.get("drill"),
        }
    }

    /// What the pure lifecycle reads of it.
    #[must_use]
    pub fn facts(&self) -> MissionFacts {
        MissionFacts {
            state: self.state,
            epoch: self.epoch,
            attempts: self.attempts,
            crashes: self.crashes,
            moves: self.moves,
            max_attempts: self.max_attempts,
            max_crashes: self.max_crashes,
            session: self.session,
            digest: self.outcome_digest.clone(),
            not_before: self.not_before,
            start_by: self.start_by,
            run_until: self.run_until,
            // Agents' own words are stored too; only placement's reasons matter to a decision.
            reason: None::<Reason>,
        }
    }
}

/// The state of a row. The table's CHECK holds it to the six.
pub(super) fn state_of(text: &str) -> MissionState {
    text.parse().expect("the CHECK of missions.state allows nothing else")
}

/// Missions of one home by id; those that are not there are left out.
///
/// # Errors
/// As [`Db::query`].
pub async fn mission_find(db: &Db, home: &DatabaseRegion, ids: &[MissionId]) -> Result<Vec<MissionRow>, sql::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = db.query(FIND.for_rows(ids.len()), &[&home.as_str(), &ids]).await?;
    Ok(rows.iter().map(MissionRow::of).collect())
}

/// What to list, and after which mission.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "each is a filter by the column of its name")]
pub struct ListFilter {
    pub state: Option<MissionState>,
    pub region: Option<RegionName>,
    pub specialization: Option<Specialization>,
    pub drill: Option<String>,
    /// Only what was submitted before this mission.
    pub after: MissionId,
    /// At most so many.
    pub limit: i64,
}

/// Missions of one home, newest first.
///
/// # Errors
/// As [`Db::query`].
pub async fn mission_list(db: &Db, home: &DatabaseRegion, filter: &ListFilter) -> Result<Vec<MissionRow>, sql::Error> {
    let state = filter.state.map(MissionState::as_str);
    let region = filter.region.as_ref().map(RegionName::as_str);
    let specialization = filter.specialization.as_ref().map(Specialization::as_str);
    let (after, drill, limit) = (&filter.after.0, &filter.drill, &filter.limit);
    let rows = db.query(&LIST, &[&home.as_str(), after, &state, &region, &specialization, drill, limit]).await?;
    Ok(rows.iter().map(MissionRow::of).collect())
}

/// Open missions of a submitter in one home that were submitted under a limit, counted up to `bound`.
///
/// # Errors
/// As [`Db::query`].
pub async fn mission_open_count(
    db: &Db,
    home: &DatabaseRegion,
    submitter: &str,
    bound: i64,
) -> Result<i64, sql::Error> {
    let row = db.query_one(&OPEN_COUNT, &[&home.as_str(), &submitter, &bound]).await?;
    Ok(row.get("open"))
}
