//! The two arms of recall: the nearest vectors, and the words.
//!
//! By vector: a part of the space, which is a list of residencies and one of specializations, is small or large. A small
//! one is read whole, which is exact and faster than an index. Of a large one the index gives the nearest candidates. Where
//! filters leave that page short, and for an agent's own, the filters come first, and the vectors of the newest
//! [`EXACT_MOST`] memories that pass are read exactly; a page that is short then says whether these were all.
//!
//! The ranked query has no other condition than equality of what stands before the vector in CockroachDB's index: with
//! one it would not be used there. Filters come after the join, so more candidates are taken than are wanted.

use pgvector::Vector;
use sql::{Db, Statement};
use topology::{DatabaseRegion, Specialization};

use super::document::any_of;
use super::row::{Stored, columns, read};
use super::{Shown, names_of};
use crate::embed::{DIMENSIONS, Space};

/// A part of a space with at most so many vectors is read whole.
pub const EXACT_BELOW: i64 = 4_000;
/// Most vectors that are read where filters come first.
pub const EXACT_MOST: i64 = 5_000;
/// Candidates that are taken for each one that is wanted, where there are filters.
const OVER: i64 = 4;
/// Most memories that are ranked by words: beyond them a word is so common that it says nothing.
pub const WORDS_MOST: i64 = 5_000;

/// How many vectors a part has, counted up to a bound. $1 home  $2 space  $3 residencies  $4 specializations  $5 bound
const COUNT: Statement = sql::statement!(
    "memory_vectors_count",
    idempotent,
    "SELECT count(*)::INT8 AS vectors FROM (
         SELECT 1 FROM agent_memory_embeddings AS e
         WHERE e.crdb_region = $1::TEXT::crdb_internal_region AND e.space = $2::TEXT
           AND e.residency = ANY ($3::TEXT[]) AND e.specialization = ANY ($4::TEXT[])
         LIMIT $5::INT8
     ) AS part"
);

/// What comes after the vectors of either form: rows, filters, order.
/// $1 home  $3 residencies  $6 success or null  $7 agent or null  $8 most
macro_rules! rows_of_near {
    () => {
        concat!(
            " SELECT n.distance, ",
            columns!(),
            " FROM near AS n
              JOIN agent_memories AS m ON m.crdb_region = $1::TEXT::crdb_internal_region AND m.id = n.memory_id
              WHERE m.merged_into IS NULL AND COALESCE(m.residency, '') = ANY ($3::TEXT[])
                AND ($6::BOOL IS NULL OR m.success = $6::BOOL) AND ($7::TEXT IS NULL OR m.agent = $7::TEXT)
              ORDER BY n.distance, m.id LIMIT $8::INT8"
        )
    };
}

/// Distances within a part. $2 space  $3 residencies  $4 specializations  $5 vector
macro_rules! vectors_of_part {
    () => {
        "WITH near AS MATERIALIZED (
         SELECT e.memory_id, e.embedding <=> $5::VECTOR AS distance
         FROM agent_memory_embeddings AS e
         WHERE e.crdb_region = $1::TEXT::crdb_internal_region AND e.space = $2::TEXT
           AND e.residency = ANY ($3::TEXT[]) AND e.specialization = ANY ($4::TEXT[])"
    };
}

/// By the index. Planned anew: the index of a space is found only where the space is known to the planner.
/// $9 candidates
const NEAR: Statement = sql::statement!(
    "memory_near",
    idempotent,
    vectors_of_part!(),
    " ORDER BY e.embedding <=> $5::VECTOR LIMIT $9::INT8)",
    rows_of_near!()
)
.planned_anew();

/// Exactly: all vectors of the part, at most $9.
const EXACT: Statement =
    sql::statement!("memory_near_exact", idempotent, vectors_of_part!(), " LIMIT $9::INT8)", rows_of_near!())
        .planned_anew();

/// Filters first: the newest memories that pass, and their vectors. $2 space  $4 specializations  $5 vector  $9 most memories
const FILTERED: Statement = sql::statement!(
    "memory_near_filtered",
    idempotent,
    "WITH passing AS MATERIALIZED (
         SELECT o.id FROM agent_memories AS o
         WHERE o.crdb_region = $1::TEXT::crdb_internal_region AND o.specialization = ANY ($4::TEXT[])
           AND o.merged_into IS NULL AND COALESCE(o.residency, '') = ANY ($3::TEXT[])
           AND ($6::BOOL IS NULL OR o.success = $6::BOOL) AND ($7::TEXT IS NULL OR o.agent = $7::TEXT)
         ORDER BY o.created_at DESC LIMIT $9::INT8
     ),
     near AS MATERIALIZED (
         SELECT e.memory_id, e.embedding <=> $5::VECTOR AS distance
         FROM passing AS o
         JOIN agent_memory_embeddings AS e
           ON e.crdb_region = $1::TEXT::crdb_internal_region AND e.memory_id = o.id AND e.space = $2::TEXT
     )",
    rows_of_near!()
)
.planned_anew();

/// How many memories pass the filters, counted up to a bound.
/// $1 home  $2 residencies  $3 specializations  $4 success or null  $5 agent or null  $6 bound
const PASSING: Statement = sql::statement!(
    "memory_passing_count",
    idempotent,
    "SELECT count(*)::INT8 AS memories FROM (
         SELECT 1 FROM agent_memories AS o
         WHERE o.crdb_region = $1::TEXT::crdb_internal_region AND o.specialization = ANY ($3::TEXT[])
           AND o.merged_into IS NULL AND COALESCE(o.residency, '') = ANY ($2::TEXT[])
           AND ($4::BOOL IS NULL OR o.success = $4::BOOL) AND ($5::TEXT IS NULL OR o.agent = $5::TEXT)
         LIMIT $6::INT8
     ) AS passing"
)
.planned_anew();

/// Any of the words, the best matches first. Planned anew: whether the words are rare decides the plan.
/// $1 home  $2 query  $3 residencies  $4 specializations  $5 success or null  $6 agent or null  $7 most ranked  $8 most
const BY_WORDS: Statement = sql::statement!(
    "memory_by_words",
    idempotent,
    "WITH found AS MATERIALIZED (
         SELECT f.id, ts_rank(f.terms, $2::TEXT::TSQUERY)::FLOAT8 AS score
         FROM agent_memories AS f
         WHERE f.crdb_region = $1::TEXT::crdb_internal_region AND f.terms @@ $2::TEXT::TSQUERY
           AND f.merged_into IS NULL AND COALESCE(f.residency, '') = ANY ($3::TEXT[])
           AND f.specialization = ANY ($4::TEXT[])
           AND ($5::BOOL IS NULL OR f.success = $5::BOOL) AND ($6::TEXT IS NULL OR f.agent = $6::TEXT)
         LIMIT $7::INT8
     ),
     best AS MATERIALIZED (
         SELECT f.id, f.score FROM found AS f ORDER BY f.score DESC, f.id LIMIT $8::INT8
     )
     SELECT b.score, ",
    columns!(),
    " FROM best AS b
     JOIN agent_memories AS m ON m.crdb_region = $1::TEXT::crdb_internal_region AND m.id = b.id
     ORDER BY b.score DESC, b.id"
)
.planned_anew();

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&COUNT, &NEAR, &EXACT, &FILTERED, &PASSING, &BY_WORDS];

/// Whose memories are searched, and which of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// Residency rules that may be shown.
    pub shown: Shown,
    /// Kinds of agents; everyone = all that there are.
    pub specializations: Vec<Specialization>,
    /// Only this agent's own.
    pub agent: Option<String>,
    /// Only successes, or only failures.
    pub success: Option<bool>,
}

/// A candidate of one arm.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The memory.
    pub stored: Stored,
    /// By vector: the cosine, 1 = the same. By words: what the engine's rank makes of it.
    pub score: f64,
}

/// What an arm found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// The best first.
    pub candidates: Vec<Candidate>,
    /// Whether a page shorter than asked for is all that there is.
    pub complete: bool,
}

/// The memories of one home whose vectors are nearest to one, at most `most`.
///
/// # Panics
/// When the vector has not [`DIMENSIONS`]: its embedder was checked before.
///
/// # Errors
/// As [`Db::query`].
pub async fn memory_near(
    db: &Db,
    home: &DatabaseRegion,
    space: &Space,
    vector: &[f32],
    filter: &Filter,
    most: i64,
) -> Result<Page, sql::Error> {
    assert_eq!(vector.len(), DIMENSIONS, "vectors of the space {space} have other dimensions");
    let search = Search { db, home, space, vector: Vector::from(vector.to_vec()), filter, most };
    if filter.agent.is_some() {
        return search.filtered().await;
    }
    if search.count(EXACT_BELOW + 1).await? <= EXACT_BELOW {
        return search.run(&EXACT, EXACT_BELOW).await.map(|found| Page::of(found, true));
    }
    let candidates = if filter.success.is_some() { most * OVER } else { most };
    let found = search.run(&NEAR, candidates).await?;
    if is_full(&found, most) { Ok(Page::of(found, true)) } else { search.filtered().await }
}

/// The memories of one home that have any of the words, at most `most`; none where there is no word.
///
/// # Errors
/// As [`Db::query`].
pub async fn memory_by_words(
    db: &Db,
    home: &DatabaseRegion,
    words: &[String],
    filter: &Filter,
    most: i64,
) -> Result<Page, sql::Error> {
    let Some(query) = any_of(words) else { return Ok(Page::of(Vec::new(), true)) };
    let Filter { shown, specializations, agent, success } = filter;
    let specializations = names_of(specializations);
    let rows = db
        .query(
            &BY_WORDS,
            &[&home.as_str(), &query, shown.names(), &specializations, success, agent, &WORDS_MOST, &most],
        )
        .await?;
    let candidates = rows.iter().map(|row| Ok(Candidate { stored: read(row)?, score: row.try_get("score")? }));
    Ok(Page::of(candidates.collect::<Result<_, sql::Error>>()?, true))
}

impl Page {
    const fn of(candidates: Vec<Candidate>, complete: bool) -> Self {
        Self { candidates, complete }
    }
}

fn is_full(found: &[Candidate], most: i64) -> bool {
    i64::try_from(found.len()).is_ok_and(|found| found >= most)
}

struct Search<'a> {
    db: &'a Db,
    home: &'a DatabaseRegion,
    space: &'a Space,
    vector: Vector,
    filter: &'a Filter,
    most: i64,
}

impl Search<'_> {
    /// Exactly, after the filters. A short page is complete where no more memories pass than were read.
    async fn filtered(&self) -> Result<Page, sql::Error> {
        let found = self.run(&FILTERED, EXACT_MOST).await?;
        if is_full(&found, self.most) {
            return Ok(Page::of(found, true));
        }
        let Filter { shown, specializations, agent, success } = self.filter;
        let (home, specializations, bound) = (self.home.as_str(), names_of(specializations), EXACT_MOST + 1);
        let row =
            self.db.query_one(&PASSING, &[&home, shown.names(), &specializations, success, agent, &bound]).await?;
        Ok(Page::of(found, row.try_get::<_, i64>("memories")? <= EXACT_MOST))
    }

    async fn count(&self, bound: i64) -> Result<i64, sql::Error> {
        let (home, space) = (self.home.as_str(), self.space.as_str());
        let specializations = names_of(&self.filter.specializations);
        let row =
            self.db.query_one(&COUNT, &[&home, &space, self.filter.shown.names(), &specializations, &bound]).await?;
        Ok(row.try_get("vectors")?)
    }

    async fn run(&self, statement: &'static Statement, candidates: i64) -> Result<Vec<Candidate>, sql::Error> {
        let Filter { shown, specializations, agent, success } = self.filter;
        let (home, space) = (self.home.as_str(), self.space.as_str());
        let specializations = names_of(specializations);
        let rows = self
            .db
            .query(
                statement,
                &[
                    &home,
                    &space,
                    shown.names(),
                    &specializations,
                    &self.vector,
                    success,
                    agent,
                    &self.most,
                    &candidates,
                ],
            )
            .await?;
        rows.iter()
            .map(|row| Ok(Candidate { stored: read(row)?, score: 1.0 - row.try_get::<_, f64>("distance")? }))
            .collect()
    }
}
