//! The newest memories of a home with their vectors, for who looks for issues that come again.

use pgvector::Vector;
use sql::{Db, Statement};
use topology::{DatabaseRegion, Specialization};

use super::row::{columns, read};
use super::{Shown, names_of};
use crate::embed::Space;
use crate::model::Memory;

/// $1 home  $2 space  $3 residencies  $4 specializations  $5 most
const NEWEST: Statement = sql::statement!(
    "memory_occurrences",
    idempotent,
    "SELECT e.embedding::VECTOR AS embedding, ",
    columns!(),
    " FROM agent_memories AS m
     JOIN agent_memory_embeddings AS e
       ON e.crdb_region = $1::TEXT::crdb_internal_region AND e.memory_id = m.id AND e.space = $2::TEXT
     WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.specialization = ANY ($4::TEXT[])
       AND m.merged_into IS NULL AND COALESCE(m.residency, '') = ANY ($3::TEXT[])
     ORDER BY m.created_at DESC, m.id LIMIT $5::INT8"
)
.planned_anew();

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&NEWEST];

/// The newest memories of one home that stand for themselves and have a vector of the space, at most `most`.
///
/// # Errors
/// As [`Db::query`].
pub async fn memory_occurrences(
    db: &Db,
    home: &DatabaseRegion,
    space: &Space,
    specializations: &[Specialization],
    shown: &Shown,
    most: i64,
) -> Result<Vec<(Memory, Vec<f32>)>, sql::Error> {
    let kinds = names_of(specializations);
    let rows = db.query(&NEWEST, &[&home.as_str(), &space.as_str(), shown.names(), &kinds, &most]).await?;
    rows.iter().map(|row| Ok((read(row)?.memory, row.try_get::<_, Vector>("embedding")?.to_vec()))).collect()
}
