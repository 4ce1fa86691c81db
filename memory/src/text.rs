//! The words of a text and their weight. Pure.
//!
//! A term is lower case, has only `[a-z0-9_]`, and is what a TSVECTOR of a memory's text has for its lexemes; what is
//! searched and what is scored are the same words. The same text gives the same terms on every machine: changing what
//! this module does needs the memories' lexemes and vectors made anew.

mod bm25;
mod stem;
mod stop;
mod words;

pub use bm25::{Collection, Question};
pub use words::{MAX_TERM_BYTES, MAX_TERMS, MAX_TEXT_CHARS, distinct, terms};

pub(crate) use words::plain_words;

use std::collections::{BTreeSet, HashMap};

/// The text of a memory, or of a question, that is searched and made a vector of: what the problem is. What was done about
/// it stays out: it makes recall worse, for it has the words of other problems too (`make eval-memory` prints by how much).
#[must_use]
pub fn problem(title: &str, description: &str) -> String {
    [title, description].join("\n")
}

/// The different terms of a text.
#[must_use]
pub fn term_set(text: &str) -> BTreeSet<String> {
    terms(text).into_iter().collect()
}

/// How much two texts say the same: the terms that both have over those that either has. A text without terms has nothing
/// in common with any.
#[must_use]
pub fn overlap(one: &BTreeSet<String>, other: &BTreeSet<String>) -> f64 {
    let both = one.intersection(other).count();
    let either = one.len() + other.len() - both;
    if either == 0 { 0.0 } else { both as f64 / either as f64 }
}

/// What a keyword search may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Terms, at most.
    pub terms: usize,
    /// Memories that any of the terms may be in, summed over the terms: what the search may have to read.
    pub documents: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { terms: 16, documents: 1_000 }
    }
}

/// The terms that a keyword search asks for, joined by OR: the rarest, while the memories they are in stay within
/// `bounds`. The rarest of all is always asked for, however common. Terms that no memory has are left out.
#[must_use]
pub fn rarest(terms: &[String], document_frequency: &HashMap<String, u64>, bounds: &Bounds) -> Vec<String> {
    let mut known: Vec<(u64, &String)> = distinct(terms)
        .into_iter()
        .filter_map(|term| document_frequency.get(term).map(|&count| (count, term)))
        .filter(|&(count, _)| count > 0)
        .collect();
    known.sort_unstable();
    let mut read = 0_u64;
    known
        .into_iter()
        .take(bounds.terms)
        .enumerate()
        .take_while(|&(position, (count, _))| {
            read = read.saturating_add(count);
            position == 0 || read <= bounds.documents
        })
        .map(|(_, (_, term))| term.clone())
        .collect()
}

#[cfg(test)]
mod tests;
