//! Moves the memories of one home to another space of vectors while they are searched in the old one.
//!
//! It goes through what has no vector of the new space, in order of ids, and begins again until a whole pass stores none:
//! memories that come meanwhile have ids of any order. What it did is what is stored, so one that was killed, and is
//! started again, goes on; two at once do no harm.

use sql::Db;
use topology::DatabaseRegion;
use uuid::Uuid;

use crate::embed::{self, Embedder, vectors_of};
use crate::model::{Memory, MemoryId};
use crate::store::embedding::{space_open, vectors_missing, vectors_put};
use crate::store::row::memory_read;

/// Memories of one step. Where all of them are refused the move ends.
const STEP: i64 = 64;
/// Before every id.
const FIRST: MemoryId = MemoryId(Uuid::nil());

/// Why a step was not done. What was stored before stays.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error("the memories cannot be read or their vectors not be stored")]
    Database(#[from] sql::Error),
    /// The embedder.
    #[error("the vectors cannot be made")]
    Embedder(#[from] embed::Error),
}

/// What was done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moved {
    /// Vectors that were stored.
    pub stored: u64,
    /// Memories under a rule that the embedder may not see: they are found by words alone.
    pub withheld: u64,
    /// Memories whose text the embedder refused: likewise.
    pub refused: u64,
}

/// A move under way.
pub struct Move<'a, E> {
    db: &'a Db,
    home: &'a DatabaseRegion,
    embedder: &'a E,
    after: MemoryId,
    /// By the passes that ended.
    before: u64,
    /// By this pass.
    pass: Moved,
}

impl<'a, E: Embedder> Move<'a, E> {
    /// Into the embedder's space.
    #[must_use]
    pub fn new(db: &'a Db, home: &'a DatabaseRegion, embedder: &'a E) -> Self {
        Self { db, home, embedder, after: FIRST, before: 0, pass: Moved::default() }
    }

    /// What was done so far. What is withheld or refused is met by every pass, and counted by the last.
    #[must_use]
    pub const fn moved(&self) -> Moved {
        Moved { stored: self.before + self.pass.stored, ..self.pass }
    }

    /// Does a bounded part, and returns whether something may be left.
    ///
    /// # Errors
    /// [`Error`]; the step may be done again.
    pub async fn step(&mut self) -> Result<bool, Error> {
        let missing = vectors_missing(self.db, self.home, self.embedder.space(), self.after, STEP).await?;
        let Some(last) = missing.last() else {
            let stored = self.pass.stored;
            if stored > 0 {
                (self.before, self.pass, self.after) = (self.before + stored, Moved::default(), FIRST);
            }
            return Ok(stored > 0);
        };
        let memories = memory_read(self.db, self.home, &missing).await?;
        let (seen, withheld): (Vec<Memory>, Vec<Memory>) =
            memories.into_iter().partition(|memory| self.embedder.may_see(memory.residency.as_ref()));
        let (vectors, refused) = self.vectors(&seen).await?;
        if !vectors.is_empty() {
            space_open(self.db, self.embedder.space()).await?;
            self.pass.stored += vectors_put(self.db, self.home, self.embedder.space(), &vectors).await?;
        }
        self.pass.withheld += withheld.len() as u64;
        self.pass.refused += refused;
        self.after = *last;
        Ok(true)
    }

    /// Vectors, and how many texts were refused: one that is does not keep the others from theirs.
    async fn vectors(&self, memories: &[Memory]) -> Result<(Vec<(MemoryId, Vec<f32>)>, u64), embed::Error> {
        let ids = memories.iter().map(|memory| memory.id);
        match vectors_of(self.embedder, memories).await {
            Ok(vectors) => return Ok((ids.zip(vectors).collect(), 0)),
            Err(embed::Error::Refused(_)) => {}
            Err(error) => return Err(error),
        }
        let (mut vectors, mut refused) = (Vec::new(), 0);
        for one in memories.chunks(1) {
            match vectors_of(self.embedder, one).await {
                Ok(made) => vectors.extend(one.iter().map(|memory| memory.id).zip(made)),
                Err(embed::Error::Refused(why)) => {
                    refused += 1;
                    // Not the texts are at fault then: a wrong token, say.
                    if refused == STEP.unsigned_abs() {
                        return Err(embed::Error::Refused(why));
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok((vectors, refused))
    }
}
