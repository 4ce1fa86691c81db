//! `agent_learning_outcomes`: lessons, with the evidence of one home. A lesson that has evidence in several homes, or under
//! several residency rules, has a row for each; confidence comes from their sum.
//!
//! A line of the recall log is evidence of the lessons that it names as `counted`, and its own `count_at` says that it is
//! to be counted. Taking that away and adding to the lessons is one statement, so that each mission counts once.

use chrono::{DateTime, Utc};
use sql::{Db, Statement};
use topology::{DatabaseRegion, MissionId, ResidencyName, Specialization};
use uuid::Uuid;

use super::{Shown, names_of};
use crate::lesson::{Lesson, Taught};
use crate::model::MemoryId;

/// Stores lessons that have no evidence yet, and what those that have some say now. Nothing is stored of what was
/// forgotten. $1 home  $2.. one array a column
const PUT: Statement = sql::statement!(
    "lesson_put",
    idempotent,
    "INSERT INTO agent_learning_outcomes
         (crdb_region, id, memory_id, specialization, lesson, applicable_patterns, avoid, residency, succeeded, failed,
          created_at, updated_at)
     SELECT $1::TEXT::crdb_internal_region, w.id, w.memory_id, w.specialization, w.lesson, w.patterns::TEXT[],
            w.avoid = 1, w.residency, 0, 0, now(), now()
     FROM unnest($2::UUID[], $3::UUID[], $4::TEXT[], $5::TEXT[], $6::TEXT[], $7::INT8[], $8::TEXT[])
         AS w (id, memory_id, specialization, lesson, patterns, avoid, residency)
     WHERE NOT EXISTS (SELECT 1 FROM memory_tombstones AS g WHERE g.id = w.memory_id)
     ON CONFLICT (crdb_region, id) DO UPDATE
     SET lesson = excluded.lesson, applicable_patterns = excluded.applicable_patterns, avoid = excluded.avoid,
         updated_at = now()"
)
.planned_anew();

/// Counts missions whose lines of the log are still as they were read. Lines and lessons change together or not at all.
/// $1 home  $2 missions  $3 when each was to be counted  $4 lessons that count it now
/// $5 missions  $6 lessons  $7 successes more or less  $8 failures more or less
const COUNT: Statement = sql::statement!(
    "lesson_count",
    idempotent,
    "WITH counted AS (
         UPDATE memory_recalls AS r
         SET count_at = NULL, counted = w.lessons::UUID[], counted_success = r.success
         FROM unnest($2::UUID[], $3::TIMESTAMPTZ[], $4::TEXT[]) AS w (mission_id, count_at, lessons)
         WHERE r.crdb_region = $1::TEXT::crdb_internal_region AND r.mission_id = w.mission_id
           AND r.count_at = w.count_at
         RETURNING r.mission_id
     ),
     change AS (
         SELECT e.lesson_id, sum(e.succeeded)::INT8 AS succeeded, sum(e.failed)::INT8 AS failed
         FROM unnest($5::UUID[], $6::UUID[], $7::INT8[], $8::INT8[]) AS e (mission_id, lesson_id, succeeded, failed)
         JOIN counted AS c ON c.mission_id = e.mission_id
         GROUP BY e.lesson_id
     )
     UPDATE agent_learning_outcomes AS l
     SET succeeded = l.succeeded + x.succeeded, failed = l.failed + x.failed, updated_at = now()
     FROM change AS x
     WHERE l.crdb_region = $1::TEXT::crdb_internal_region AND l.id = x.lesson_id"
)
.planned_anew();

/// Lessons of some kinds of agents that have evidence, the last counted first; nothing of what was forgotten, wherever that
/// was. $1 home  $2 specializations  $3 residencies  $4 most
const LIST: Statement = sql::statement!(
    "lesson_list",
    idempotent,
    "SELECT l.id, l.memory_id, l.specialization, l.lesson, l.applicable_patterns, l.avoid, l.residency, l.succeeded,
            l.failed, l.updated_at
     FROM agent_learning_outcomes AS l
     WHERE l.crdb_region = $1::TEXT::crdb_internal_region AND l.specialization = ANY ($2::TEXT[])
       AND COALESCE(l.residency, '') = ANY ($3::TEXT[]) AND l.succeeded + l.failed > 0
       AND NOT EXISTS (SELECT 1 FROM memory_tombstones AS g WHERE g.id = l.memory_id)
     ORDER BY l.updated_at DESC, l.id LIMIT $4::INT8"
);

/// Takes away what memories taught that were forgotten lately: whoever forgot them may have died before he came here, and
/// a lesson may have been stored meanwhile. $1 home  $2 since
const FORGET: Statement = sql::statement!(
    "lesson_forget",
    idempotent,
    "DELETE FROM agent_learning_outcomes AS l USING memory_tombstones AS g
     WHERE l.crdb_region = $1::TEXT::crdb_internal_region AND l.memory_id = g.id AND g.forgotten_at >= $2::TIMESTAMPTZ"
);

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&PUT, &COUNT, &LIST, &FORGET];

/// A mission that is counted: its line of the log as it was read, and what that comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The mission.
    pub mission: MissionId,
    /// When it was to be counted; another value by now = its line has changed, and nothing happens.
    pub count_at: DateTime<Utc>,
    /// Lessons that count it now, sorted.
    pub lessons: Vec<Uuid>,
    /// What that adds to the lessons, and takes from those that counted it before.
    pub changes: Vec<Change>,
}

/// What one mission adds to a lesson's counts, or takes from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The lesson.
    pub lesson: Uuid,
    /// Successes.
    pub succeeded: i64,
    /// Failures.
    pub failed: i64,
}

/// Stores lessons without evidence; where they are there already, what they say now. Each id once.
///
/// # Errors
/// As [`Db::query`].
pub async fn lesson_put(db: &Db, home: &DatabaseRegion, lessons: &[Taught]) -> Result<(), sql::Error> {
    macro_rules! column {
        ($one:ident => $value:expr) => {
            lessons.iter().map(|$one| $value).collect::<Vec<_>>()
        };
    }
    db.execute(
        &PUT,
        &[
            &home.as_str(),
            &column!(one => one.id),
            &column!(one => one.memory.0),
            &column!(one => one.specialization.as_str()),
            &column!(one => one.lesson.as_str()),
            &column!(one => literal(one.patterns.iter().map(|word| format!("\"{word}\"")))),
            &column!(one => i64::from(one.avoid)),
            &column!(one => one.residency.as_ref().map(ResidencyName::as_str)),
        ],
    )
    .await
    .map(drop)
}

/// Counts missions for lessons that are there; what was counted, or has changed, since it was read is left as it is.
///
/// # Errors
/// As [`Db::query`].
pub async fn lesson_count(db: &Db, home: &DatabaseRegion, counts: &[Count]) -> Result<(), sql::Error> {
    let missions: Vec<Uuid> = counts.iter().map(|count| count.mission.0).collect();
    let due: Vec<DateTime<Utc>> = counts.iter().map(|count| count.count_at).collect();
    let lessons: Vec<String> = counts.iter().map(|count| literal(count.lessons.iter().map(Uuid::to_string))).collect();
    let (mut of, mut each, mut succeeded, mut failed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for count in counts {
        for change in &count.changes {
            of.push(count.mission.0);
            each.push(change.lesson);
            succeeded.push(change.succeeded);
            failed.push(change.failed);
        }
    }
    let home = home.as_str();
    db.execute(&COUNT, &[&home, &missions, &due, &lessons, &of, &each, &succeeded, &failed]).await.map(drop)
}

/// Lessons of some kinds of agents in one home, at most `most`.
///
/// # Errors
/// As [`Db::query`].
pub async fn lesson_list(
    db: &Db,
    home: &DatabaseRegion,
    specializations: &[Specialization],
    shown: &Shown,
    most: i64,
) -> Result<Vec<Lesson>, sql::Error> {
    let rows = db.query(&LIST, &[&home.as_str(), &names_of(specializations), shown.names(), &most]).await?;
    rows.iter().map(read).collect()
}

/// Takes away what memories taught this home that were forgotten since a moment.
///
/// # Errors
/// As [`Db::query`].
pub async fn lesson_forget(db: &Db, home: &DatabaseRegion, since: DateTime<Utc>) -> Result<u64, sql::Error> {
    db.execute(&FORGET, &[&home.as_str(), &since]).await
}

fn read(row: &sql::Row) -> Result<Lesson, sql::Error> {
    let specialization: String = row.try_get("specialization")?;
    let residency: Option<String> = row.try_get("residency")?;
    Ok(Lesson {
        taught: Taught {
            id: row.try_get("id")?,
            memory: MemoryId(row.try_get("memory_id")?),
            specialization: specialization.parse().expect("only names of specializations are stored"),
            lesson: row.try_get("lesson")?,
            patterns: row.try_get("applicable_patterns")?,
            avoid: row.try_get("avoid")?,
            residency: residency.map(|name| name.parse().expect("only names of residency rules are stored")),
        },
        succeeded: row.try_get("succeeded")?,
        failed: row.try_get("failed")?,
        updated_at: row.try_get("updated_at")?,
    })
}

/// An array as a text that SQL casts: an array of arrays cannot be bound. Neither words nor ids hold a quote.
fn literal(items: impl Iterator<Item = String>) -> String {
    format!("{{{}}}", items.collect::<Vec<_>>().join(","))
}
