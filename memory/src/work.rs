//! What follows a memory that was written: its words are stored and counted, it and an older or younger one that says the
//! same are merged, and its vector is stored. It is found by its words from the first step on, by its vector from the last.
//!
//! One tick leases a bounded batch of the work of one home. Every step looks at what is there, so a batch that was left
//! half-way, or is done by two schedulers since a lease ran out, comes to the same.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::Arc;

use sql::Db;
use topology::{DatabaseRegion, SchedulerId};

use crate::embed::{Embedder, Error, vectors_of};
use crate::model::{Memory, MemoryId, content_hash};
use crate::store::Shown;
use crate::store::document::{Document, Words};
use crate::store::embedding::{space_open, vectors_put};
use crate::store::forget::{memory_forget, tombstones_find};
use crate::store::merge::{Pair, merge, twins};
use crate::store::row::memory_read;
use crate::store::search::{Filter, memory_near};
use crate::store::terms::{Indexed, memory_index};
use crate::store::work::{Held, Holder, work_done, work_failed, work_lease};

/// Memories of one tick.
const BATCH: i64 = 32;
/// How long a batch is leased: longer than a tick may take.
const LEASE_MS: i64 = 60_000;
/// Cosine from which two memories of one kind, one residency and one outcome say the same.
pub const SAME: f64 = 0.97;
/// Nearest memories that are looked at for one that says the same.
const NEAREST: i64 = 4;

/// Who forgets what says exactly what was forgotten.
const RETOLD: &str = "indexer";

/// What one tick did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Done {
    /// Memories that were looked after.
    pub memories: usize,
    /// Of these, how many were merged into an older one.
    pub merged: usize,
    /// Of these, how many are to be tried again.
    pub failed: usize,
    /// Whether more may be due.
    pub more: bool,
}

/// Ticks in one home for one scheduler; what embeds is inside.
pub type Indexer = Arc<dyn Fn(Db, DatabaseRegion, SchedulerId) -> Ticking + Send + Sync>;

/// A tick under way.
pub type Ticking = Pin<Box<dyn Future<Output = Result<Done, sql::Error>> + Send>>;

/// [`tick`] with this embedder, for who need not know it.
pub fn indexer<E: Embedder + 'static>(embedder: Arc<E>, words: Words) -> Indexer {
    Arc::new(move |db, home, scheduler| {
        let embedder = Arc::clone(&embedder);
        Box::pin(async move { tick(&db, Holder { home: &home, scheduler }, &*embedder, words).await })
    })
}

/// Leases a batch of what is due in a home and does it.
///
/// # Errors
/// The database's; what was leased is due again when its lease has run out.
pub async fn tick<E: Embedder>(db: &Db, by: Holder<'_>, embedder: &E, words: Words) -> Result<Done, sql::Error> {
    let held = work_lease(db, by, LEASE_MS, BATCH).await?;
    if held.is_empty() {
        return Ok(Done::default());
    }
    let batch = Batch { db, home: by.home, embedder };
    let mut memories = memory_read(db, by.home, &held.iter().map(|held| held.memory).collect::<Vec<_>>()).await?;
    memories.sort_by_key(|memory| (memory.created_at, memory.id));
    let retold = batch.index(&memories, words).await?;
    memories.retain(|memory| !retold.contains(&memory.id));
    let mut merged = batch.merge_twins(&memories).await?;
    memories.retain(|memory| !merged.contains(&memory.id));
    // What its embedder may not see is found by words alone.
    memories.retain(|memory| embedder.may_see(memory.residency.as_ref()));
    let Embedded { vectors, failed } = batch.embed(&memories).await;
    merged.extend(batch.store(&memories, vectors).await?);
    let (failing, ended): (Vec<Held>, Vec<Held>) = held.iter().partition(|held| failed.contains_key(&held.memory));
    work_done(db, by, &ended).await?;
    for why in failed.values().collect::<BTreeSet<_>>() {
        tracing::warn!(home = %by.home, why, "memories have no vector yet and are tried again");
        let of_why: Vec<Held> = failing.iter().filter(|held| failed.get(&held.memory) == Some(why)).copied().collect();
        work_failed(db, by, &of_why, why).await?;
    }
    let done = Done {
        memories: held.len(),
        merged: merged.len(),
        failed: failing.len(),
        more: i64::try_from(held.len()).is_ok_and(|held| held == BATCH),
    };
    done.count();
    Ok(done)
}

impl Done {
    fn count(self) {
        for (what, memories) in
            [("ended", self.memories - self.failed), ("merged", self.merged), ("failed", self.failed)]
        {
            metrics::counter!("memory_work_total", "what" => what).increment(memories as u64);
        }
    }
}

/// Vectors by memory.
type Vectors = BTreeMap<MemoryId, Vec<f32>>;

/// What the embedder made of a batch.
#[derive(Default)]
struct Embedded {
    vectors: Vectors,
    /// Why a memory has no vector.
    failed: BTreeMap<MemoryId, String>,
}

impl Embedded {
    fn take(&mut self, memories: &[Memory], result: Result<Vec<Vec<f32>>, Error>) {
        let ids = memories.iter().map(|memory| memory.id);
        match result {
            Ok(made) => self.vectors.extend(ids.zip(made)),
            Err(error) => self.failed.extend(ids.map(|id| (id, error.to_string()))),
        }
    }
}

struct Batch<'a, E> {
    db: &'a Db,
    home: &'a DatabaseRegion,
    embedder: &'a E,
}

impl<E: Embedder> Batch<'_, E> {
    /// Stores the words, and takes away again what says exactly what was forgotten: a forgotten memory does not come
    /// back as a new mission's. Returns what went.
    async fn index(&self, memories: &[Memory], words: Words) -> Result<BTreeSet<MemoryId>, sql::Error> {
        let indexed: Vec<Indexed> = memories
            .iter()
            .map(|memory| Indexed {
                id: memory.id,
                document: Document::of(words(&memory.text())),
                hash: content_hash(memory),
            })
            .collect();
        memory_index(self.db, self.home, &indexed).await?;
        // After the words: who forgets meanwhile looks for such memories when its tombstone is written.
        let hashes: Vec<&str> = indexed.iter().map(|one| one.hash.as_str()).collect();
        let forgotten = tombstones_find(self.db, &hashes).await?;
        let mut gone = BTreeSet::new();
        for one in indexed.iter().filter(|one| forgotten.contains(&one.hash)) {
            tracing::info!(home = %self.home, memory = %one.id.0, "it says what was forgotten and is taken away");
            metrics::counter!("memory_retold_total").increment(1);
            gone.extend(memory_forget(self.db, self.home, one.id, RETOLD, words).await?);
        }
        Ok(gone)
    }

    /// Merges what says exactly what an older one says, and returns what is not to be embedded.
    async fn merge_twins(&self, memories: &[Memory]) -> Result<BTreeSet<MemoryId>, sql::Error> {
        let ids: Vec<MemoryId> = memories.iter().map(|memory| memory.id).collect();
        let mut merged = BTreeSet::new();
        for pair in twins(self.db, self.home, &ids).await? {
            if merge(self.db, self.home, pair).await? {
                merged.insert(pair.younger);
            }
        }
        Ok(merged)
    }

    /// Vectors, and why some have none. One text that is refused does not keep the others from theirs.
    async fn embed(&self, memories: &[Memory]) -> Embedded {
        let mut embedded = Embedded::default();
        match vectors_of(self.embedder, memories).await {
            Err(Error::Refused(_)) if memories.len() > 1 => {
                for one in memories.chunks(1) {
                    embedded.take(one, vectors_of(self.embedder, one).await);
                }
            }
            all => embedded.take(memories, all),
        }
        embedded
    }

    /// Merges what nearly says what an older one says, stores the vectors of the rest, and returns what was merged.
    async fn store(&self, memories: &[Memory], mut vectors: Vectors) -> Result<BTreeSet<MemoryId>, sql::Error> {
        let mut merged = BTreeSet::new();
        if vectors.is_empty() {
            return Ok(merged);
        }
        let space = self.embedder.space();
        space_open(self.db, space).await?;
        let mut kept: Vec<&Memory> = Vec::new();
        for memory in memories.iter().filter(|memory| vectors.contains_key(&memory.id)) {
            let vector = &vectors[&memory.id];
            let beside =
                kept.iter().find(|other| is_of_kind(other, memory) && cosine(&vectors[&other.id], vector) >= SAME);
            let pair = match beside {
                Some(other) => Some(Pair::of(memory, other)),
                None => self.near(memory, vector).await?.map(|other| Pair::of(memory, &other)),
            };
            match pair {
                Some(pair) if merge(self.db, self.home, pair).await? && pair.younger == memory.id => {
                    merged.insert(memory.id);
                }
                Some(_) | None => kept.push(memory),
            }
        }
        vectors.retain(|id, _| !merged.contains(id));
        let vectors: Vec<(MemoryId, Vec<f32>)> = vectors.into_iter().collect();
        vectors_put(self.db, self.home, space, &vectors).await?;
        Ok(merged)
    }

    /// Another memory, with its vector stored, that says nearly the same.
    async fn near(&self, memory: &Memory, vector: &[f32]) -> Result<Option<Memory>, sql::Error> {
        let filter = Filter {
            shown: Shown::only(memory.residency.as_ref()),
            specializations: vec![memory.specialization.clone()],
            agent: None,
            success: Some(memory.success),
        };
        let near = memory_near(self.db, self.home, self.embedder.space(), vector, &filter, NEAREST).await?;
        let mut same = near.candidates.into_iter().filter(|near| near.score >= SAME).map(|near| near.stored.memory);
        Ok(same.find(|other| other.id != memory.id))
    }
}

fn is_of_kind(one: &Memory, other: &Memory) -> bool {
    one.specialization == other.specialization && one.residency == other.residency && one.success == other.success
}

/// The cosine of two vectors of length 1.
fn cosine(one: &[f32], other: &[f32]) -> f64 {
    one.iter().zip(other).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}
