//! What is asked, and its key in caches.

use sha2::{Digest as _, Sha256};

use crate::embed::Space;
use crate::lawful::Shown;
use crate::model::Scope;

/// What is asked of every home.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The space of `vector`; what has no vector there is found by its words.
    pub space: Space,
    /// The question as a vector of length 1; none where its embedder does not answer.
    pub vector: Option<Vec<f32>>,
    /// Its rarest words.
    pub terms: Vec<String>,
    /// Whose memories.
    pub scope: Scope,
    /// Only successes, or only failures.
    pub success: Option<bool>,
    /// Most candidates of each home, by vector and by words each.
    pub limit: usize,
}

/// Equal keys are equal questions of callers who may be shown the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

impl Key {
    pub(super) fn of(query: &Query, shown: &Shown) -> Self {
        let Query { space, vector, terms, scope, success, limit } = query;
        let rules: Vec<&str> = shown.rules().iter().map(AsRef::as_ref).collect();
        let rest = serde_json::to_vec(&(space, terms, scope, success, limit, rules, vector.is_some()));
        let mut hash = Sha256::new();
        for value in vector.iter().flatten() {
            hash.update(value.to_bits().to_le_bytes());
        }
        hash.update(rest.expect("names, words and numbers are JSON"));
        Self(hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recall::tests::bed::{query, topology};

    #[test]
    fn a_question_that_differs_in_anything_has_a_key_of_its_own() {
        let topology = topology();
        let shown = |region: &str| crate::lawful::shown(&topology, &[&region.parse().unwrap()]);
        let (base, europe) = (query(), shown("europe"));
        let others = [
            Query { space: Space::new("other"), ..query() },
            Query { vector: None, ..query() },
            Query { vector: Some(vec![0.0, 1.0]), ..query() },
            Query { terms: vec!["a".to_owned()], ..query() },
            Query { terms: vec!["a".to_owned(), "b".to_owned()], ..query() },
            Query { terms: vec!["ab".to_owned()], ..query() },
            Query { scope: Scope::Agent("a".to_owned()), ..query() },
            Query { success: Some(true), ..query() },
            Query { success: Some(false), ..query() },
            Query { limit: 1, ..query() },
        ];
        let mut keys: Vec<Key> = others.iter().map(|other| Key::of(other, &europe)).collect();
        keys.push(Key::of(&base, &europe));
        keys.push(Key::of(&base, &shown("asia")));
        let distinct: std::collections::HashSet<&Key> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
        assert_eq!(Key::of(&base, &europe), Key::of(&query(), &europe));
    }
}
