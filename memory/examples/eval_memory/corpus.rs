//! The corpus, and its two halves.

use std::path::Path;

use anyhow::Context;
use memory::text::problem;
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Changing it chooses other halves.
const SEED: &str = "1";

#[derive(Debug, Deserialize)]
pub(crate) struct Document {
    pub(crate) id: String,
    title: String,
    description: String,
    pub(crate) solution: String,
}

impl Document {
    pub(crate) fn problem(&self) -> String {
        problem(&self.title, &self.description)
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Query {
    id: String,
    pub(crate) gold: String,
    pub(crate) text: String,
    /// The rank of the right answer by a public BM25, over the same texts as ours.
    pub(crate) public_bm25_rank: usize,
    /// The same, with the solutions searched too.
    pub(crate) public_bm25_rank_in_whole: usize,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Corpus {
    pub(crate) documents: Vec<Document>,
    pub(crate) queries: Vec<Query>,
}

impl Corpus {
    pub(crate) fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        serde_json::from_slice(&text).context("this is no corpus")
    }

    /// The queries that settings are chosen on, and those that are reported: numbers into `queries`.
    pub(crate) fn halves(&self) -> (Vec<usize>, Vec<usize>) {
        let mut order: Vec<usize> = (0..self.queries.len()).collect();
        order.sort_by_cached_key(|&at| Sha256::digest(format!("{SEED}:{}", self.queries[at].id)).to_vec());
        let reported = order.split_off(order.len().div_ceil(2));
        (order, reported)
    }
}
