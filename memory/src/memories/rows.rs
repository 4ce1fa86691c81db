//! The candidates of a home, from its rows: those with the nearest vectors, and those with the words.

use std::collections::BTreeMap;

use sql::Db;
use topology::DatabaseRegion;

use crate::lawful::Shown;
use crate::model::{MemoryId, Scope};
use crate::recall::{Error, Found, Query, Source};
use crate::store;
use crate::store::search::{Candidate, Filter, memory_by_words, memory_near};

/// The rows of all homes.
#[derive(Clone)]
pub struct Rows {
    db: Db,
}

impl Rows {
    /// Reads by these connections.
    #[must_use]
    pub const fn new(db: Db) -> Self {
        Self { db }
    }
}

impl Source for Rows {
    async fn candidates(&self, home: &DatabaseRegion, query: &Query, shown: &Shown) -> Result<Vec<Found>, Error> {
        let filter = Filter {
            shown: store::Shown::under(shown.rules()),
            specializations: query.specializations.clone(),
            agent: match &query.scope {
                Scope::Agent(agent) => Some(agent.clone()),
                Scope::Specialization(_) | Scope::Everyone => None,
            },
            success: query.success,
        };
        let most = i64::try_from(query.limit).unwrap_or(i64::MAX);
        let near = async {
            match &query.vector {
                Some(vector) => memory_near(&self.db, home, &query.space, vector, &filter, most).await,
                None => Ok(store::search::Page::default()),
            }
        };
        let words = memory_by_words(&self.db, home, &query.terms, &filter, most);
        let (near, words) = futures_util::try_join!(near, words)?;
        Ok(merged(near.candidates, words.candidates))
    }
}

/// Each memory once, with what each arm says of it.
fn merged(near: Vec<Candidate>, words: Vec<Candidate>) -> Vec<Found> {
    let mut all: BTreeMap<MemoryId, Found> = BTreeMap::new();
    for (candidate, by_vector) in
        near.into_iter().map(|one| (one, true)).chain(words.into_iter().map(|one| (one, false)))
    {
        let Candidate { stored, score } = candidate;
        let fresh = Found { memory: stored.memory.clone(), similarity: None, keyword: None };
        let found = all.entry(stored.memory.id).or_insert(fresh);
        let arm = if by_vector { &mut found.similarity } else { &mut found.keyword };
        *arm = Some(score);
    }
    all.into_values().collect()
}
