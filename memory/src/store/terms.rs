//! `memory_terms`: how often words occur, and the words of the memories themselves.

use std::collections::BTreeMap;

use sql::{Db, Statement};
use topology::DatabaseRegion;
use uuid::Uuid;

use super::document::Document;
use crate::model::MemoryId;

/// The word that stands for all words of all memories.
pub(super) const ALL: &str = "";

/// Stores the words of memories and counts them, in one step, so that they are counted once. What a mission that was
/// submitted again left before stays counted: the figures weigh words, and need not be exact. What says exactly what was
/// forgotten gets none, so that it is never found.
/// $1 home  $2 ids  $3 words as lexemes  $4 how many  $5 hashes  $6 ids  $7 words  $8 occurrences
const INDEX: Statement = sql::statement!(
    "memory_index",
    idempotent,
    "WITH indexed AS (
         UPDATE agent_memories AS m
         SET terms = w.terms::TSVECTOR, words = w.words, content_hash = w.hash, indexed_at = now()
         FROM unnest($2::UUID[], $3::TEXT[], $4::INT8[], $5::TEXT[]) AS w (id, terms, words, hash)
         WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.id = w.id AND m.indexed_at IS NULL
           AND NOT EXISTS (SELECT 1 FROM memory_tombstones AS g WHERE g.content_hash = w.hash)
         RETURNING m.id
     ),
     counted AS (
         INSERT INTO memory_terms (crdb_region, term, documents, occurrences)
         SELECT $1::TEXT::crdb_internal_region, t.term, count(*), sum(t.times)::INT8
         FROM unnest($6::UUID[], $7::TEXT[], $8::INT8[]) AS t (id, term, times)
         JOIN indexed AS i ON i.id = t.id
         GROUP BY t.term ORDER BY t.term
         ON CONFLICT (crdb_region, term) DO UPDATE
         SET documents = memory_terms.documents + excluded.documents,
             occurrences = memory_terms.occurrences + excluded.occurrences
         RETURNING term
     )
     SELECT i.id FROM indexed AS i"
)
.planned_anew();

/// $1 home  $2 words
const READ: Statement = sql::statement!(
    "memory_terms_read",
    idempotent,
    "SELECT t.term, t.documents, t.occurrences FROM memory_terms AS t
     WHERE t.crdb_region = $1::TEXT::crdb_internal_region AND t.term = ANY ($2::TEXT[])"
);

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&INDEX, &READ];

/// The words of a memory that is indexed now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indexed {
    /// The memory.
    pub id: MemoryId,
    /// Its words.
    pub document: Document,
    /// SHA-256 of what it says, hexadecimal.
    pub hash: String,
}

/// How often words occur in the memories of one home. Those of several homes are added up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frequencies {
    /// Memories.
    pub documents: i64,
    /// Words of all of them.
    pub words: i64,
    /// Memories that have a word, of those that were asked for.
    pub having: BTreeMap<String, i64>,
}

impl Frequencies {
    /// Adds those of another home.
    pub fn add(&mut self, other: Self) {
        self.documents += other.documents;
        self.words += other.words;
        for (word, documents) in other.having {
            *self.having.entry(word).or_default() += documents;
        }
    }
}

/// Stores the words of memories of one home and counts them. What is indexed already, or gone, or says exactly what was
/// forgotten, is left as it is.
///
/// # Errors
/// As [`Db::query`].
pub async fn memory_index(db: &Db, home: &DatabaseRegion, memories: &[Indexed]) -> Result<(), sql::Error> {
    let ids: Vec<Uuid> = memories.iter().map(|one| one.id.0).collect();
    let terms: Vec<String> = memories.iter().map(|one| one.document.tsvector()).collect();
    let words: Vec<i64> = memories.iter().map(|one| one.document.words()).collect();
    let hashes: Vec<&str> = memories.iter().map(|one| one.hash.as_str()).collect();
    let (mut of, mut each, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for one in memories {
        let all = std::iter::once((ALL, one.document.words()));
        for (word, count) in all.chain(one.document.counts()) {
            of.push(one.id.0);
            each.push(word);
            times.push(count);
        }
    }
    db.execute(&INDEX, &[&home.as_str(), &ids, &terms, &words, &hashes, &of, &each, &times]).await.map(drop)
}

/// How often these words occur in the memories of one home.
///
/// # Errors
/// As [`Db::query`].
pub async fn frequencies(db: &Db, home: &DatabaseRegion, words: &[String]) -> Result<Frequencies, sql::Error> {
    let asked: Vec<&str> = std::iter::once(ALL).chain(words.iter().map(String::as_str)).collect();
    let mut found = Frequencies::default();
    for row in db.query(&READ, &[&home.as_str(), &asked]).await? {
        let (word, documents): (String, i64) = (row.try_get("term")?, row.try_get("documents")?);
        if word == ALL {
            found.documents = documents;
            found.words = row.try_get("occurrences")?;
        } else {
            found.having.insert(word, documents);
        }
    }
    Ok(found)
}
