//! BM25, and what share of a question a text answers.

use std::collections::{BTreeMap, HashMap};

use super::distinct;

/// How fast a word that is repeated stops counting.
const K1: f64 = 1.2;
/// How much a long text's words count less.
const B: f64 = 0.75;

/// What is known about the texts that are searched.
#[derive(Debug, Clone, Copy)]
pub struct Collection<'a> {
    /// How many there are.
    pub documents: u64,
    /// Their mean length in terms.
    pub mean_terms: f64,
    /// In how many of them a term is; a term that is not here is in none.
    pub document_frequency: &'a HashMap<String, u64>,
}

/// What is asked, with the weight of each of its terms.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    weights: BTreeMap<String, f64>,
    mean_terms: f64,
    full_score: f64,
}

impl Question {
    /// A question of these terms; a repeated one counts once. The weight of a term is its inverse document frequency,
    /// `ln(1 + (N - n + 0.5) / (n + 0.5))`, which is never negative.
    #[must_use]
    pub fn new(terms: &[String], collection: &Collection<'_>) -> Self {
        let weights = distinct(terms)
            .into_iter()
            .map(|term| {
                let found = collection.document_frequency.get(term).copied().unwrap_or(0);
                (term.clone(), inverse_frequency(found, collection.documents))
            })
            .collect();
        // A collection that is empty, or was never counted, has no long and no short texts.
        let counted = collection.mean_terms.is_finite() && collection.mean_terms >= 1.0;
        let mean_terms = if counted { collection.mean_terms } else { 1.0 };
        let unasked = Self { weights, mean_terms, full_score: 0.0 };
        Self { full_score: unasked.score(terms), ..unasked }
    }

    /// How many different terms it has.
    #[must_use]
    pub fn terms(&self) -> usize {
        self.weights.len()
    }

    /// The BM25 of a text with these terms.
    #[must_use]
    pub fn score(&self, text_terms: &[String]) -> f64 {
        let mut counts: HashMap<&str, f64> = HashMap::new();
        for term in text_terms {
            *counts.entry(term).or_default() += 1.0;
        }
        let length = 1.0 - B + B * text_terms.len() as f64 / self.mean_terms;
        let of_term = |(term, weight): (&String, &f64)| {
            counts.get(term.as_str()).map_or(0.0, |count| weight * count * (K1 + 1.0) / (count + K1 * length))
        };
        self.weights.iter().map(of_term).sum()
    }

    /// The score of a text that is the question itself. Few texts have more, and those say the same only oftener.
    #[must_use]
    pub fn full_score(&self) -> f64 {
        self.full_score
    }
}

fn inverse_frequency(found: u64, documents: u64) -> f64 {
    // Counts come from statistics that lag behind: a term is never in more texts than there are.
    let (found, documents) = (found as f64, documents.max(found) as f64);
    ((documents - found + 0.5) / (found + 0.5)).ln_1p()
}
