//! Memories that come from elsewhere: exports of issue trackers, of this memory, of another one.

use chrono::{DateTime, Utc};
use sql::{Db, Statement};
use topology::DatabaseRegion;
use uuid::Uuid;

use crate::model::{Memory, MemoryId, content_hash};

/// Stores memories that are new here and were not forgotten anywhere, and asks for them to be indexed; what says the same
/// as an older one is then merged into it. $1 home  $2.. one array a column
const PUT: Statement = sql::statement!(
    "memory_import",
    idempotent,
    "WITH stored AS (
         INSERT INTO agent_memories
             (crdb_region, id, mission_id, specialization, agent, issue_id, title, description, solution_approach,
              pr_number, success, success_source, resolution_minutes, residency, epoch, content_hash, evidence,
              evidence_succeeded, terms, words, created_at)
         SELECT $1::TEXT::crdb_internal_region, w.id, w.mission_id, w.specialization, w.agent, w.issue_id, w.title,
                w.description, w.solution, w.pr_number, w.success = 1, w.success_source, w.minutes::FLOAT8, w.residency,
                w.epoch, w.hash, w.evidence, w.evidence_succeeded, ''::TSVECTOR, 0, w.created_at
         FROM unnest($2::UUID[], $3::UUID[], $4::TEXT[], $5::TEXT[], $6::TEXT[], $7::TEXT[], $8::TEXT[], $9::TEXT[],
                     $10::INT8[], $11::INT8[], $12::TEXT[], $13::TEXT[], $14::TEXT[], $15::INT8[], $16::TEXT[],
                     $17::INT8[], $18::INT8[], $19::TIMESTAMPTZ[])
             AS w (id, mission_id, specialization, agent, issue_id, title, description, solution, pr_number, success,
                   success_source, minutes, residency, epoch, hash, evidence, evidence_succeeded, created_at)
         WHERE NOT EXISTS (SELECT 1 FROM memory_tombstones AS g WHERE g.id = w.id)
           AND NOT EXISTS (SELECT 1 FROM memory_tombstones AS g WHERE g.content_hash = w.hash)
         ON CONFLICT (crdb_region, id) DO NOTHING
         RETURNING id
     ),
     asked AS (
         INSERT INTO memory_work (crdb_region, memory_id, kind, epoch, expires_at, attempts, not_before, created_at)
         SELECT $1::TEXT::crdb_internal_region, s.id, 'index', 0, '1970-01-01 00:00:00+00', 0, now(), now()
         FROM stored AS s
         ON CONFLICT (crdb_region, memory_id, kind) DO NOTHING
         RETURNING memory_id
     )
     SELECT s.id FROM stored AS s"
)
.planned_anew();

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&PUT];

/// Stores memories in one home, and returns those that were stored now: not those that are there already, nor those that
/// were forgotten. Their own home is not looked at. An import that is killed goes on where it likes, since equal ids are
/// stored once.
///
/// # Errors
/// As [`Db::query`]. A batch must name each id once.
pub async fn memory_import(db: &Db, home: &DatabaseRegion, memories: &[Memory]) -> Result<Vec<MemoryId>, sql::Error> {
    macro_rules! column {
        ($kind:ty, $one:ident => $value:expr) => {
            memories.iter().map(|$one| $value).collect::<Vec<$kind>>()
        };
    }
    let rows = db
        .query(
            &PUT,
            &[
                &home.as_str(),
                &column!(Uuid, one => one.id.0),
                &column!(Option<Uuid>, one => one.mission.map(|mission| mission.0)),
                &column!(&str, one => one.specialization.as_str()),
                &column!(&str, one => one.agent.as_str()),
                &column!(Option<&str>, one => one.issue.as_deref()),
                &column!(&str, one => one.title.as_str()),
                &column!(&str, one => one.description.as_str()),
                &column!(Option<&str>, one => one.solution.as_deref()),
                &column!(Option<i64>, one => one.pr_number),
                &column!(i64, one => i64::from(one.success)),
                &column!(&str, one => one.success_source.as_str()),
                &column!(Option<String>, one => one.resolution_minutes.map(|minutes| minutes.to_string())),
                &column!(Option<&str>, one => one.residency.as_ref().map(AsRef::as_ref)),
                &column!(i64, one => one.epoch.0),
                &column!(String, one => content_hash(one)),
                &column!(i64, one => one.evidence),
                &column!(i64, one => one.evidence_succeeded),
                &column!(DateTime<Utc>, one => one.created_at),
            ],
        )
        .await?;
    rows.iter().map(|row| Ok(MemoryId(row.try_get("id")?))).collect()
}
