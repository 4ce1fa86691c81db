//! Hits that tell the same are shown once.

use std::collections::BTreeSet;

use super::Hit;
use crate::text::{overlap, term_set};

/// The first so many, without those that tell what one before them tells.
pub(super) fn shown_once(hits: Vec<Hit>, most: usize, alike: f64) -> Vec<Hit> {
    let mut shown: Vec<(Hit, BTreeSet<String>)> = Vec::new();
    for hit in hits {
        if shown.len() >= most {
            break;
        }
        let words = words(&hit);
        let told = |(before, of_it): &(Hit, BTreeSet<String>)| {
            before.memory.content_hash == hit.memory.content_hash || overlap(of_it, &words) >= alike
        };
        if !shown.iter().any(told) {
            shown.push((hit, words));
        }
    }
    shown.into_iter().map(|(hit, _)| hit).collect()
}

fn words(hit: &Hit) -> BTreeSet<String> {
    let memory = &hit.memory;
    let solution = memory.solution.as_deref().unwrap_or_default();
    term_set(&[memory.title.as_str(), memory.description.as_str(), solution].join("\n"))
}
