//! `duties`: work that is to be done once. Whoever holds the lease of a duty does it; the epoch grows with every
//! change of hands.

use sql::{Db, Statement};
use topology::{DatabaseRegion, Epoch, SchedulerId};

/// Takes a free or expired duty, or renews the own one. `$4` is the database's clock as it was read before.
const TAKE: Statement = sql::statement!(
    "duty_take",
    idempotent,
    "INSERT INTO duties (crdb_region, name, holder, epoch, expires_at)
     VALUES ($1::TEXT::crdb_internal_region, $2::TEXT, $3::UUID, 1, now() + $5::INT8 * '1 millisecond'::INTERVAL)
     ON CONFLICT (crdb_region, name) DO UPDATE
     SET holder = excluded.holder,
         expires_at = excluded.expires_at,
         epoch = duties.epoch + CASE WHEN duties.holder = excluded.holder THEN 0 ELSE 1 END
     WHERE duties.holder = excluded.holder OR duties.expires_at < $4::TIMESTAMPTZ
     RETURNING epoch"
);

/// Lets go of an own duty, so that another need not wait for its end.
const YIELD: Statement = sql::statement!(
    "duty_yield",
    idempotent,
    "UPDATE duties SET expires_at = now()
     WHERE crdb_region = $1::TEXT::crdb_internal_region AND name = $2::TEXT AND holder = $3::UUID"
);

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&TAKE, &YIELD];

/// Takes or renews a duty of a database region for so many milliseconds; none while another holds it.
///
/// # Errors
/// The database's.
pub async fn duty_take(
    db: &Db,
    home: &DatabaseRegion,
    name: &str,
    holder: SchedulerId,
    ttl_ms: i64,
) -> Result<Option<Epoch>, sql::Error> {
    let clock = db.clock().await?;
    let row = db.query_opt(&TAKE, &[&home.as_str(), &name, &holder.0, &clock, &ttl_ms]).await?;
    Ok(row.map(|row| Epoch(row.get(0))))
}

/// Lets go of a duty; nothing happens where another holds it.
///
/// # Errors
/// The database's.
pub async fn duty_yield(db: &Db, home: &DatabaseRegion, name: &str, holder: SchedulerId) -> Result<(), sql::Error> {
    db.execute(&YIELD, &[&home.as_str(), &name, &holder.0]).await.map(|_| ())
}
