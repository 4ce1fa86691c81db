//! Statistics of agents: missions, successes, minutes, the last one. Those of several homes are added up.

use chrono::{DateTime, Utc};
use sql::{Db, Statement};
use topology::{DatabaseRegion, Specialization};

use super::Shown;

/// $1 home  $2 agent or specialization  $3 residencies that may be shown
macro_rules! stats {
    ($by:literal) => {
        concat!(
            "SELECT count(*)::INT8 AS missions, count(CASE WHEN m.success THEN 1 END)::INT8 AS successes,
                    count(m.resolution_minutes)::INT8 AS timed,
                    COALESCE(sum(m.resolution_minutes), 0.0)::FLOAT8 AS minutes, max(m.created_at) AS last
             FROM agent_memories AS m
             WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND ",
            $by,
            " = $2::TEXT AND COALESCE(m.residency, '') = ANY ($3::TEXT[])"
        )
    };
}

const OF_AGENT: Statement = sql::statement!("memory_stats_agent", idempotent, stats!("m.agent"));
const OF_KIND: Statement = sql::statement!("memory_stats_specialization", idempotent, stats!("m.specialization"));

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&OF_AGENT, &OF_KIND];

/// What an agent, or agents of one kind, did.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Stats {
    /// Missions that left a memory.
    pub missions: i64,
    /// Of these, how many succeeded.
    pub successes: i64,
    /// Of these missions, how many have their minutes.
    timed: i64,
    minutes: f64,
    /// When the last one ended.
    pub last: Option<DateTime<Utc>>,
}

impl Stats {
    /// Adds those of another home.
    pub fn add(&mut self, other: &Self) {
        self.missions += other.missions;
        self.successes += other.successes;
        self.timed += other.timed;
        self.minutes += other.minutes;
        self.last = self.last.max(other.last);
    }

    /// Mean minutes from lease to end; none where no mission has any.
    #[must_use]
    pub fn mean_minutes(&self) -> Option<f64> {
        (self.timed > 0).then(|| self.minutes / self.timed as f64)
    }
}

/// What an agent did in one home.
///
/// # Errors
/// As [`Db::query`].
pub async fn stats_of_agent(db: &Db, home: &DatabaseRegion, agent: &str, shown: &Shown) -> Result<Stats, sql::Error> {
    read(&db.query_one(&OF_AGENT, &[&home.as_str(), &agent, shown.names()]).await?)
}

/// What agents of one kind did in one home.
///
/// # Errors
/// As [`Db::query`].
pub async fn stats_of_kind(
    db: &Db,
    home: &DatabaseRegion,
    specialization: &Specialization,
    shown: &Shown,
) -> Result<Stats, sql::Error> {
    read(&db.query_one(&OF_KIND, &[&home.as_str(), &specialization.as_str(), shown.names()]).await?)
}

fn read(row: &sql::Row) -> Result<Stats, sql::Error> {
    Ok(Stats {
        missions: row.try_get("missions")?,
        successes: row.try_get("successes")?,
        timed: row.try_get("timed")?,
        minutes: row.try_get("minutes")?,
        last: row.try_get("last")?,
    })
}
