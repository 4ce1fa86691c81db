//! `pool_loads`: what the watchers of a region count of its pools, for every scheduler to place by.

use chrono::{DateTime, Utc};
use sql::{Db, Row, Statement};
use topology::{DatabaseRegion, PoolId, RegionName, Specialization};

/// Missions of one pool are counted up to here: a longer queue is long, whatever its length.
pub const COUNT_MAX: i64 = 5_000;

const COUNT: Statement = sql::statement!("load_count", idempotent, include_str!("sql/load_count.sql"));

const PUBLISH: Statement = sql::statement!("load_publish", idempotent, include_str!("sql/load_publish.sql"));

const READ: Statement = sql::statement!(
    "load_read",
    idempotent,
    "SELECT region, specialization, sessions, slots, leased, queued, unmet, service_us, alive_at, at
     FROM pool_loads WHERE crdb_region = $1::TEXT::crdb_internal_region"
);

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&COUNT, &PUBLISH, &READ];

/// Load of one pool as its watchers published it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolLoad {
    /// Live sessions.
    pub sessions: i64,
    /// Slots of live sessions.
    pub slots: i64,
    /// Missions being worked on.
    pub leased: i64,
    /// Waiting missions, counted up to [`COUNT_MAX`].
    pub queued: i64,
    /// Missions refused only for want of a live session.
    pub unmet: i64,
    /// EWMA of the run time, in microseconds; 0 = nothing is known yet.
    pub service_us: i64,
    /// Newest heartbeat of any session of the pool.
    pub alive_at: Option<DateTime<Utc>>,
    /// When it was published, by the database's clock.
    pub at: DateTime<Utc>,
}

/// What was counted of one pool.
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    /// The pool's specialization.
    pub specialization: Specialization,
    /// Live sessions.
    pub sessions: i64,
    /// Slots of live sessions.
    pub slots: i64,
    /// Newest heartbeat of a live session.
    pub alive_at: Option<DateTime<Utc>>,
    /// Missions being worked on.
    pub leased: i64,
    /// Waiting missions, up to [`COUNT_MAX`].
    pub queued: i64,
    /// Missions that wait for a session of this pool, up to [`COUNT_MAX`].
    pub unmet: i64,
    /// Runs that ended since the moment asked for, at most 2,000 of a region.
    pub runs: i64,
    /// Their time in all, in microseconds.
    pub total_us: f64,
}

/// Counts the pools of a region; runs are those that ended since `since`.
///
/// # Errors
/// The database's.
pub async fn load_count(
    db: &Db,
    home: &DatabaseRegion,
    region: &RegionName,
    pools: &[&str],
    since: DateTime<Utc>,
) -> Result<Vec<Counted>, sql::Error> {
    let rows = db.query(&COUNT, &[&home.as_str(), &region.as_str(), &pools, &since, &COUNT_MAX]).await?;
    Ok(rows.iter().filter_map(counted).collect())
}

/// Publishes what was counted. A `service_us` of 0 and an `alive_at` that is older leave what is there.
///
/// # Errors
/// The database's.
pub async fn load_publish(
    db: &Db,
    home: &DatabaseRegion,
    region: &RegionName,
    counted: &[Counted],
    service_us: &[i64],
) -> Result<(), sql::Error> {
    let of = |figure: fn(&Counted) -> i64| counted.iter().map(figure).collect::<Vec<_>>();
    let names: Vec<&str> = counted.iter().map(|c| c.specialization.as_str()).collect();
    let alive: Vec<_> = counted.iter().map(|c| c.alive_at).collect();
    db.execute(
        &PUBLISH,
        &[
            &home.as_str(),
            &region.as_str(),
            &names,
            &of(|c| c.sessions),
            &of(|c| c.slots),
            &of(|c| c.leased),
            &of(|c| c.queued),
            &of(|c| c.unmet),
            &service_us,
            &alive,
        ],
    )
    .await
    .map(|_| ())
}

/// Everything that was published in a database region.
///
/// # Errors
/// The database's.
pub async fn load_read(db: &Db, home: &DatabaseRegion) -> Result<Vec<(PoolId, PoolLoad)>, sql::Error> {
    let rows = db.query_in(Some(home), &READ, &[&home.as_str()]).await?;
    Ok(rows.iter().filter_map(published).collect())
}

fn counted(row: &Row) -> Option<Counted> {
    Some(Counted {
        specialization: row.get::<_, &str>("specialization").parse().ok()?,
        sessions: row.get("sessions"),
        slots: row.get("slots"),
        alive_at: row.get("alive_at"),
        leased: row.get("leased"),
        queued: row.get("queued"),
        unmet: row.get("unmet"),
        runs: row.get("runs"),
        total_us: row.get("total_us"),
    })
}

fn published(row: &Row) -> Option<(PoolId, PoolLoad)> {
    let pool = PoolId {
        region: row.get::<_, &str>("region").parse().ok()?,
        specialization: row.get::<_, &str>("specialization").parse().ok()?,
    };
    let load = PoolLoad {
        sessions: row.get("sessions"),
        slots: row.get("slots"),
        leased: row.get("leased"),
        queued: row.get("queued"),
        unmet: row.get("unmet"),
        service_us: row.get("service_us"),
        alive_at: row.get("alive_at"),
        at: row.get("at"),
    };
    Some((pool, load))
}
