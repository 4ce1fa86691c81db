//! Vectors, and which space each lies in. Vectors of two spaces are never compared.

pub mod choice;
pub mod http;
mod lexical;
pub mod statics;

use std::fmt;
use std::future::Future;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use topology::ResidencyName;

pub use choice::Choice;
pub use lexical::Lexical;
pub use statics::Statics;

use crate::model::Memory;

/// Dimensions of every vector that is stored.
pub const DIMENSIONS: usize = 1536;

/// The name of a space: who makes its vectors, of how many dimensions, in which version. Equal names are comparable
/// vectors.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Space(String);

impl Space {
    /// A space of this name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name, such as `local:lex1536:v1`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why there is no vector.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Whoever makes them answers another number of dimensions than the space has.
    #[error("a vector of {got} dimensions came, the space {space} has {wanted}")]
    Dimensions {
        /// The space.
        space: Space,
        /// Its dimensions.
        wanted: usize,
        /// What came.
        got: usize,
    },
    /// It cannot be had now; a later try may have it.
    #[error("the embeddings cannot be had now: {0}")]
    Unavailable(String),
    /// What may be spent on them is spent.
    #[error("the {per_day} tokens a day for embeddings are spent, there are new ones at {again_at}")]
    Spent {
        /// The limit.
        per_day: u64,
        /// When its next day begins.
        again_at: DateTime<Utc>,
    },
    /// It cannot be had at all as things are set up.
    #[error("no embeddings: {0}")]
    Refused(String),
}

/// Makes vectors of one space.
pub trait Embedder: Send + Sync {
    /// The space of its vectors.
    fn space(&self) -> &Space;

    /// Whether texts under this rule may be given to it. Where nothing else is said only those under none: what leaves
    /// their texts where they are says so.
    fn may_see(&self, rule: Option<&ResidencyName>) -> bool {
        rule.is_none()
    }

    /// One vector a text, in their order, each of length 1 and of [`DIMENSIONS`].
    fn embed(&self, texts: &[String]) -> impl Future<Output = Result<Vec<Vec<f32>>, Error>> + Send;
}

/// One vector a memory, in their order, of the right size and without what is no number.
///
/// # Errors
/// The embedder's, and [`Error::Refused`] and [`Error::Dimensions`] for an answer that cannot be stored.
pub(crate) async fn vectors_of<E: Embedder>(embedder: &E, memories: &[Memory]) -> Result<Vec<Vec<f32>>, Error> {
    if memories.is_empty() {
        return Ok(Vec::new());
    }
    let texts: Vec<String> = memories.iter().map(Memory::text).collect();
    let vectors = embedder.embed(&texts).await?;
    if vectors.len() != texts.len() {
        return Err(Error::Refused(format!("{} vectors came for {} texts", vectors.len(), texts.len())));
    }
    for vector in &vectors {
        if vector.len() != DIMENSIONS {
            return Err(Error::Dimensions { space: embedder.space().clone(), wanted: DIMENSIONS, got: vector.len() });
        }
        if !vector.iter().all(|number| number.is_finite()) {
            return Err(Error::Refused("a vector holds what is no number".to_owned()));
        }
    }
    Ok(vectors)
}
