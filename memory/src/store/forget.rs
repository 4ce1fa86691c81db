//! Forgetting: the row, what was merged into it, its vectors, lessons and work, in one transaction, with a tombstone; then
//! whatever else says exactly the same, and whatever will: who indexes a memory looks at tombstones when its words are
//! stored, who forgets looks for such memories when its tombstone is, so that one of the two sees the other.
//!
//! A transaction, for a statement sees nothing that was stored beside it: the rows are taken away first, which waits for
//! whoever stores a vector under their lock; what comes then sees that vector.

use std::collections::BTreeSet;

use sql::{Db, Statement, Txn};
use topology::DatabaseRegion;
use uuid::Uuid;

use super::document::{Document, Words};
use super::row::{Stored, columns, read};
use super::terms;
use crate::model::{MemoryId, content_hash};

/// Most memories that one transaction takes away.
pub const AT_ONCE: i64 = 200;

/// A memory and what it stands for. $1 home  $2 id  $3 most
const READ: Statement = sql::statement!(
    "memory_forget_read",
    idempotent,
    "SELECT ",
    columns!(),
    " FROM agent_memories AS m
     WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND (m.id = $2::UUID OR m.merged_into = $2::UUID)
     ORDER BY m.id LIMIT $3::INT8"
);

/// Takes rows away and says which were indexed. $1 home  $2 ids
const ROWS: Statement = sql::statement!(
    "memory_forget_rows",
    idempotent,
    "DELETE FROM agent_memories AS m
     WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.id = ANY ($2::UUID[])
     RETURNING m.id, m.indexed_at IS NOT NULL AS counted"
);

/// What hangs on the rows, and their words' counts. $1 home  $2 ids  $3 words  $4 memories less  $5 occurrences less
const LINKS: Statement = sql::statement!(
    "memory_forget_links",
    idempotent,
    "WITH vectors AS (
         DELETE FROM agent_memory_embeddings AS v
         WHERE v.crdb_region = $1::TEXT::crdb_internal_region AND v.memory_id = ANY ($2::UUID[])
         RETURNING v.memory_id
     ),
     lessons AS (
         DELETE FROM agent_learning_outcomes AS l
         WHERE l.crdb_region = $1::TEXT::crdb_internal_region AND l.memory_id = ANY ($2::UUID[])
         RETURNING l.id
     ),
     work AS (
         DELETE FROM memory_work AS w
         WHERE w.crdb_region = $1::TEXT::crdb_internal_region AND w.memory_id = ANY ($2::UUID[])
         RETURNING w.memory_id
     )
     UPDATE memory_terms AS t
     SET documents = t.documents - c.documents, occurrences = t.occurrences - c.occurrences
     FROM unnest($3::TEXT[], $4::INT8[], $5::INT8[]) AS c (term, documents, occurrences)
     WHERE t.crdb_region = $1::TEXT::crdb_internal_region AND t.term = c.term"
)
.planned_anew();

/// $1 ids  $2 hashes  $3 by whom
const TOMBSTONES: Statement = sql::statement!(
    "memory_tombstones_put",
    idempotent,
    "INSERT INTO memory_tombstones (id, content_hash, forgotten_by, forgotten_at)
     SELECT w.id, w.hash, $3::TEXT, now() FROM unnest($1::UUID[], $2::TEXT[]) AS w (id, hash)
     ON CONFLICT (id) DO NOTHING"
);

/// What says exactly what forgotten memories said. $1 home  $2 ids  $3 most
const TWINS: Statement = sql::statement!(
    "memory_forget_twins",
    idempotent,
    "SELECT m.id FROM agent_memories AS m
     WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.content_hash <> ''
       AND m.content_hash IN (
           SELECT g.content_hash FROM memory_tombstones AS g WHERE g.id = ANY ($2::UUID[])
       )
     ORDER BY m.id LIMIT $3::INT8"
);

/// $1 hashes
const FIND: Statement = sql::statement!(
    "memory_tombstones_find",
    idempotent,
    "SELECT DISTINCT g.content_hash FROM memory_tombstones AS g WHERE g.content_hash = ANY ($1::TEXT[])"
);

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&READ, &ROWS, &LINKS, &TOMBSTONES, &TWINS, &FIND];

/// Forgets a memory, what was merged into it, and what else in this home says exactly the same, and returns which are
/// forgotten now; none where it is not in this home. In other homes [`twins_forget`] and [`links_forget`] are to follow.
///
/// # Errors
/// As [`Db::txn`]; after [`sql::Error::Indeterminate`] it may be called again.
pub async fn memory_forget(
    db: &Db,
    home: &DatabaseRegion,
    id: MemoryId,
    by: &str,
    words: Words,
) -> Result<Vec<MemoryId>, sql::Error> {
    let mut forgotten = one_forget(db, home, id, by, words).await?;
    // Also where nothing was there: the answer to the first call may have been lost.
    let ids: Vec<MemoryId> = std::iter::once(id).chain(forgotten.iter().copied()).collect();
    forgotten.extend(twins_forget(db, home, &ids, by, words).await?);
    Ok(forgotten)
}

/// Forgets what says exactly what these forgotten memories said, whoever left it and under whatever rule; returns which
/// are forgotten now.
///
/// # Errors
/// As [`memory_forget`].
pub async fn twins_forget(
    db: &Db,
    home: &DatabaseRegion,
    ids: &[MemoryId],
    by: &str,
    words: Words,
) -> Result<Vec<MemoryId>, sql::Error> {
    let mut forgotten = Vec::new();
    loop {
        let rows = db.query(&TWINS, &[&home.as_str(), &super::row::uuids(ids), &AT_ONCE]).await?;
        if rows.is_empty() {
            return Ok(forgotten);
        }
        for row in rows {
            forgotten.extend(one_forget(db, home, MemoryId(row.try_get("id")?), by, words).await?);
        }
    }
}

/// Which of these content hashes were forgotten.
///
/// # Errors
/// As [`Db::query`].
pub async fn tombstones_find(db: &Db, hashes: &[&str]) -> Result<BTreeSet<String>, sql::Error> {
    let rows = db.query(&FIND, &[&hashes]).await?;
    rows.iter().map(|row| Ok(row.try_get("content_hash")?)).collect()
}

async fn one_forget(
    db: &Db,
    home: &DatabaseRegion,
    id: MemoryId,
    by: &str,
    words: Words,
) -> Result<Vec<MemoryId>, sql::Error> {
    let mut forgotten = Vec::new();
    loop {
        let rows = db.query(&READ, &[&home.as_str(), &id.0, &AT_ONCE]).await?;
        let found = rows.iter().map(read).collect::<Result<Vec<Stored>, _>>()?;
        if found.is_empty() {
            return Ok(forgotten);
        }
        let gone = db.txn("memory_forget", |txn| take_away(txn, home, &found, Some(by), words)).await?;
        forgotten.extend(gone);
    }
}

/// Takes away what a forgotten memory left in a home that is not its own: lessons that it taught.
///
/// # Errors
/// As [`Db::query`].
pub async fn links_forget(db: &Db, home: &DatabaseRegion, ids: &[MemoryId]) -> Result<(), sql::Error> {
    let none: (Vec<&str>, Vec<i64>) = (Vec::new(), Vec::new());
    let ids = super::row::uuids(ids);
    db.execute(&LINKS, &[&home.as_str(), &ids, &none.0, &none.1, &none.1]).await.map(drop)
}

/// Takes memories away, with a tombstone where somebody had them forgotten. Returns those that were still there.
pub(super) async fn take_away(
    txn: Txn,
    home: &DatabaseRegion,
    found: &[Stored],
    by: Option<&str>,
    words: Words,
) -> Result<Vec<MemoryId>, sql::Error> {
    let ids: Vec<Uuid> = found.iter().map(|stored| stored.memory.id.0).collect();
    let rows = txn.query(&ROWS, &[&home.as_str(), &ids]).await?;
    let gone: Vec<(Uuid, bool)> = rows.iter().map(|row| (row.get("id"), row.get("counted"))).collect();
    let was_counted = |stored: &&Stored| gone.contains(&(stored.memory.id.0, true));
    let less = counts(found.iter().filter(was_counted), words);
    txn.execute(&LINKS, &[&home.as_str(), &ids, &less.words, &less.documents, &less.occurrences]).await?;
    if let Some(by) = by {
        let hashes: Vec<String> = found.iter().map(|stored| content_hash(&stored.memory)).collect();
        txn.execute(&TOMBSTONES, &[&ids, &hashes, &by]).await?;
    }
    Ok(gone.into_iter().map(|(id, _)| MemoryId(id)).collect())
}

#[derive(Default)]
struct Counts {
    words: Vec<String>,
    documents: Vec<i64>,
    occurrences: Vec<i64>,
}

/// What the words of some memories come to, in the order of the words.
fn counts<'a>(memories: impl Iterator<Item = &'a Stored>, words: Words) -> Counts {
    let mut sums = std::collections::BTreeMap::<String, (i64, i64)>::new();
    for stored in memories {
        let document = Document::of(words(&stored.memory.text()));
        let all = std::iter::once((terms::ALL, document.words()));
        for (word, times) in all.chain(document.counts()) {
            let sum = sums.entry(word.to_owned()).or_default();
            *sum = (sum.0 + 1, sum.1 + times);
        }
    }
    let mut counts = Counts::default();
    for (word, (documents, occurrences)) in sums {
        counts.words.push(word);
        counts.documents.push(documents);
        counts.occurrences.push(occurrences);
    }
    counts
}
