//! The memories that missions used, read from the homes that have them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use sql::Db;
use topology::DatabaseRegion;

use super::Place;
use crate::model::{Memory, MemoryId};
use crate::store::Shown;
use crate::store::row::memory_find;
use crate::store::terms::frequencies;
use crate::store::uses::memory_elders;
use crate::text::terms;

/// Longest time that another home is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many memories of a home have a word.
type Having = HashMap<String, u64>;

/// What is known of a memory.
pub(super) enum What<'a> {
    /// It is in no home any more: it was forgotten, or is too old.
    Gone,
    /// A home does not answer, or who counts may not read it and another may.
    Unknown,
    /// The memory that says it, and how common words are where it is.
    Read(&'a Memory, &'a Having),
}

/// The memories that were found.
#[derive(Default)]
pub(super) struct Known {
    /// What stands for a memory.
    elders: BTreeMap<MemoryId, MemoryId>,
    memories: BTreeMap<MemoryId, Memory>,
    having: BTreeMap<DatabaseRegion, Having>,
    /// Whether a home did not answer.
    incomplete: bool,
}

impl Known {
    /// Asks the own home, and the others for what it does not have.
    pub(super) async fn read(
        db: &Db,
        place: Place<'_>,
        shown: &Shown,
        mut ids: BTreeSet<MemoryId>,
    ) -> Result<Self, sql::Error> {
        let mut known = Self::default();
        known.add(db, place.home, shown, &ids).await?;
        let others = place.topology.database.regions.iter().filter(|home| *home != place.home);
        for home in others {
            ids.retain(|id| !known.elders.contains_key(id));
            if ids.is_empty() {
                break;
            }
            match tokio::time::timeout(PATIENCE, known.add(db, home, shown, &ids)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(%home, error = &error as &dyn std::error::Error, "used memories cannot be read");
                    known.incomplete = true;
                }
                Err(_) => {
                    tracing::warn!(%home, "used memories were not read in time");
                    known.incomplete = true;
                }
            }
        }
        Ok(known)
    }

    pub(super) fn what(&self, id: MemoryId) -> What<'_> {
        let Some(elder) = self.elders.get(&id) else {
            return if self.incomplete { What::Unknown } else { What::Gone };
        };
        let Some(memory) = self.memories.get(elder) else { return What::Unknown };
        match self.having.get(&memory.home) {
            Some(having) => What::Read(memory, having),
            None => What::Unknown,
        }
    }

    /// Adds what one home has of some memories.
    async fn add(
        &mut self,
        db: &Db,
        home: &DatabaseRegion,
        shown: &Shown,
        ids: &BTreeSet<MemoryId>,
    ) -> Result<(), sql::Error> {
        let ids: Vec<MemoryId> = ids.iter().copied().collect();
        let elders: BTreeMap<MemoryId, MemoryId> = memory_elders(db, home, &ids).await?.into_iter().collect();
        if elders.is_empty() {
            return Ok(());
        }
        let standing: Vec<MemoryId> = elders.values().copied().collect::<BTreeSet<_>>().into_iter().collect();
        let memories = memory_find(db, home, &standing, shown).await?;
        let words: BTreeSet<String> = memories.iter().flat_map(|stored| terms(&stored.memory.text())).collect();
        let words: Vec<String> = words.into_iter().collect();
        let having = frequencies(db, home, &words).await?.having;
        // All of a home, or nothing: what is half known would be taken for gone.
        self.elders.extend(elders);
        self.memories.extend(memories.into_iter().map(|stored| (stored.memory.id, stored.memory)));
        let having = having.into_iter().map(|(word, documents)| (word, documents.unsigned_abs())).collect();
        self.having.insert(home.clone(), having);
        Ok(())
    }
}
