//! The candidates of a home, from its rows: those with the nearest vectors, and those with the words.
//!
//! The own home's rows are read by the nearest gateway that answers. Those of another home come by that home's gateway and
//! no other: what is asked there is asked behind that home's breaker, and a gateway that is dead or far never keeps a
//! connection of the own one busy. Two exceptions: where no gateway is known to stand in that home, and on CockroachDB,
//! whose gateways read every home, from replicas near them.

use std::collections::BTreeMap;

use futures_util::join;
use sql::{Db, Engine};
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
    home: DatabaseRegion,
}

impl Rows {
    /// Reads by these connections, for who has its own rows in `home`.
    #[must_use]
    pub const fn new(db: Db, home: DatabaseRegion) -> Self {
        Self { db, home }
    }
}

/// By which connections who has its own rows in `own` reads those of `home`.
pub(crate) fn through(db: &Db, own: &DatabaseRegion, home: &DatabaseRegion) -> Db {
    let through = match db.engine() {
        Engine::Postgres if home != own => db.only_at(home),
        Engine::Postgres | Engine::Cockroach => None,
    };
    through.unwrap_or_else(|| db.clone())
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
        let db = through(&self.db, &self.home, home);
        let near = async {
            match &query.vector {
                Some(vector) => memory_near(&db, home, &query.space, vector, &filter, most).await,
                None => Ok(store::search::Page::default()),
            }
        };
        let words = memory_by_words(&db, home, &query.terms, &filter, most);
        // Both to their end: one that is dropped since the other was refused may be the probe that would close a breaker.
        let (near, words) = join!(near, words);
        Ok(merged(near?.candidates, words?.candidates))
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
