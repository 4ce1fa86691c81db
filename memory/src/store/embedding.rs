//! `agent_memory_embeddings`: a vector a memory and space.

use std::fmt::Write as _;

use sql::{Db, Engine, Statement};
use topology::DatabaseRegion;
use uuid::Uuid;

use crate::embed::Space;
use crate::model::MemoryId;

/// On PostgreSQL: makes the index of a space where there is none. $1 space
const OPEN: Statement = sql::statement!("memory_space_open", idempotent, "SELECT memory_space_open($1::TEXT) AS made");

/// Vectors of memories that are still there and stand for themselves: the memory's row is locked, so that forgetting it
/// comes before, and nothing is stored, or after, and finds the vector. $1 home  $2 space  $3 memories  $4 vectors
const PUT: Statement = sql::statement!(
    "memory_vectors_put",
    idempotent,
    "WITH there AS MATERIALIZED (
         SELECT m.id, COALESCE(m.residency, '') AS residency, m.specialization
         FROM agent_memories AS m
         WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.id = ANY ($3::UUID[]) AND m.merged_into IS NULL
         ORDER BY m.id FOR SHARE
     )
     INSERT INTO agent_memory_embeddings (crdb_region, memory_id, space, residency, specialization, embedding)
     SELECT $1::TEXT::crdb_internal_region, t.id, $2::TEXT, t.residency, t.specialization, w.embedding::VECTOR
     FROM unnest($3::UUID[], $4::TEXT[]) AS w (id, embedding)
     JOIN there AS t ON t.id = w.id
     ON CONFLICT (crdb_region, memory_id, space) DO UPDATE
     SET residency = excluded.residency, specialization = excluded.specialization, embedding = excluded.embedding"
);

/// Memories of a home that have no vector of a space, oldest first, after one. $1 home  $2 space  $3 after  $4 most
const MISSING: Statement = sql::statement!(
    "memory_vectors_missing",
    idempotent,
    "SELECT m.id FROM agent_memories AS m
     WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.id > $3::UUID AND m.merged_into IS NULL
       AND NOT EXISTS (
           SELECT 1 FROM agent_memory_embeddings AS e
           WHERE e.crdb_region = $1::TEXT::crdb_internal_region AND e.memory_id = m.id AND e.space = $2::TEXT
       )
     ORDER BY m.id LIMIT $4::INT8"
);

/// How many memories of a home have no vector of a space. $1 home  $2 space
const LEFT: Statement = sql::statement!(
    "memory_vectors_left",
    idempotent,
    "SELECT count(*)::INT8 AS memories FROM agent_memories AS m
     WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.merged_into IS NULL
       AND NOT EXISTS (
           SELECT 1 FROM agent_memory_embeddings AS e
           WHERE e.crdb_region = $1::TEXT::crdb_internal_region AND e.memory_id = m.id AND e.space = $2::TEXT
       )"
);

/// A batch of the vectors of a space that is not searched any more. $1 home  $2 space  $3 most
const DROP: Statement = sql::statement!(
    "memory_vectors_drop",
    idempotent,
    "DELETE FROM agent_memory_embeddings
     WHERE crdb_region = $1::TEXT::crdb_internal_region AND space = $2::TEXT AND memory_id IN (
         SELECT e.memory_id FROM agent_memory_embeddings AS e
         WHERE e.crdb_region = $1::TEXT::crdb_internal_region AND e.space = $2::TEXT
         LIMIT $3::INT8
     )"
);

/// On PostgreSQL: drops the index of a space that no home has vectors of. $1 space
const CLOSE: Statement =
    sql::statement!("memory_space_close", idempotent, "SELECT memory_space_close($1::TEXT) AS dropped");

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&OPEN, &PUT, &MISSING, &LEFT, &DROP, &CLOSE];

/// Makes a space searchable by an index, if it is not yet; to be called before its first vector is stored.
///
/// # Errors
/// As [`Db::query`].
pub async fn space_open(db: &Db, space: &Space) -> Result<(), sql::Error> {
    match db.engine() {
        Engine::Postgres => db.query_one(&OPEN, &[&space.as_str()]).await.map(drop),
        // One index for all spaces stands in the table.
        Engine::Cockroach => Ok(()),
    }
}

/// Stores vectors of memories of one home, and returns how many: those of memories that are gone are left out.
///
/// # Errors
/// As [`Db::query`].
pub async fn vectors_put(
    db: &Db,
    home: &DatabaseRegion,
    space: &Space,
    vectors: &[(MemoryId, Vec<f32>)],
) -> Result<u64, sql::Error> {
    let ids: Vec<Uuid> = vectors.iter().map(|(id, _)| id.0).collect();
    let texts: Vec<String> = vectors.iter().map(|(_, vector)| literal(vector)).collect();
    db.execute(&PUT, &[&home.as_str(), &space.as_str(), &ids, &texts]).await
}

/// Memories of a home without a vector of the space, in order of their ids, after one.
///
/// # Errors
/// As [`Db::query`].
pub async fn vectors_missing(
    db: &Db,
    home: &DatabaseRegion,
    space: &Space,
    after: MemoryId,
    most: i64,
) -> Result<Vec<MemoryId>, sql::Error> {
    let rows = db.query(&MISSING, &[&home.as_str(), &space.as_str(), &after.0, &most]).await?;
    Ok(rows.iter().map(|row| MemoryId(row.get(0))).collect())
}

/// How many memories of a home have no vector of the space.
///
/// # Errors
/// As [`Db::query`].
pub async fn vectors_left(db: &Db, home: &DatabaseRegion, space: &Space) -> Result<i64, sql::Error> {
    Ok(db.query_one(&LEFT, &[&home.as_str(), &space.as_str()]).await?.try_get("memories")?)
}

/// Takes one batch of vectors of a space away, and returns how many went.
///
/// # Errors
/// As [`Db::query`].
pub async fn vectors_drop(db: &Db, home: &DatabaseRegion, space: &Space, most: i64) -> Result<u64, sql::Error> {
    db.execute(&DROP, &[&home.as_str(), &space.as_str(), &most]).await
}

/// Drops the index of a space of which no vector is left in any home, and returns whether it was dropped now: not where
/// there is none, vectors are left, or searches hold the table for longer than a second.
///
/// # Errors
/// As [`Db::query`].
pub async fn space_close(db: &Db, space: &Space) -> Result<bool, sql::Error> {
    match db.engine() {
        Engine::Postgres => Ok(db.query_one(&CLOSE, &[&space.as_str()]).await?.try_get("dropped")?),
        Engine::Cockroach => Ok(false),
    }
}

/// A vector as a text that SQL casts: an array of vectors cannot be bound.
fn literal(vector: &[f32]) -> String {
    let mut text = String::with_capacity(vector.len() * 12);
    for (at, number) in vector.iter().enumerate() {
        write!(text, "{}{number}", if at == 0 { '[' } else { ',' }).expect("writing into a String cannot fail");
    }
    text.push(']');
    text
}
