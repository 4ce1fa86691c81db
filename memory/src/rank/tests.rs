//! The properties of README.md, by letter.

mod properties;

use chrono::TimeDelta;

use super::*;
use crate::embed::{Lexical, Space};
use crate::testing;

/// As if asked with twelve terms that weigh 10 together.
fn asked() -> Asked {
    Asked { terms: 12, full_keyword: 10.0, now: DateTime::UNIX_EPOCH + TimeDelta::days(1_000) }
}

/// Pinned, so that the numbers below stay what they are when the defaults change.
fn settings() -> Settings {
    Settings { minimum: 0.24, keyword_weight: 0.5, ..Settings::of(&Space::new(Lexical::SPACE)) }
}

/// A memory with words of its own, `days` old.
fn memory(id: u128, success: bool, days: i64) -> Memory {
    Memory { created_at: asked().now - TimeDelta::days(days), ..testing::memory(id, success) }
}

fn candidate(id: u128, cosine: f64, keyword: f64) -> Candidate {
    Candidate { memory: memory(id, true, 90), similarity: Some(cosine), keyword: Some(keyword) }
}

fn failed(candidate: Candidate) -> Candidate {
    let Memory { id, .. } = candidate.memory;
    Candidate { memory: memory(id.0.as_u128(), false, 90), ..candidate }
}

fn ids(hits: &[Hit]) -> Vec<u128> {
    hits.iter().map(|hit| hit.memory.id.0.as_u128()).collect()
}

#[test]
fn successes_are_hits_and_failures_warnings_and_what_does_not_fit_is_neither() {
    let candidates = [
        candidate(1, 0.6, 5.0),
        failed(candidate(2, 0.7, 6.0)),
        candidate(3, 0.15, 0.5),
        candidate(4, 0.8, 7.0),
        failed(candidate(5, 0.12, 0.2)),
    ];
    let ranked = rank(&asked(), &candidates, &settings());
    assert_eq!(ids(&ranked.hits), [4, 1]);
    assert_eq!(ids(&ranked.warnings), [2]);
    assert_eq!((ranked.considered, ranked.below_minimum), (5, 2));
}

#[test]
fn a_weak_candidate_that_is_alone_stays_weak() {
    let ranked = rank(&asked(), &[candidate(1, 0.25, 1.0)], &settings());
    assert!(ranked.hits.is_empty() && ranked.estimate.is_none());
}

#[test]
fn a_short_question_is_believed_less() {
    let candidates = [candidate(1, 0.45, 3.5)];
    assert_eq!(rank(&asked(), &candidates, &settings()).hits.len(), 1);
    let short = Asked { terms: 1, ..asked() };
    assert_eq!(rank(&short, &candidates, &settings()).hits.len(), 0);
}

#[test]
fn a_missing_arm_is_guessed_from_the_other() {
    let settings = settings();
    let both = rank(&asked(), &[candidate(1, 0.55, 5.5)], &settings).hits[0].why.relevance;
    for (similarity, keyword) in [(None, Some(5.5)), (Some(0.55), None), (Some(f64::NAN), Some(5.5))] {
        let one = Candidate { similarity, keyword, ..candidate(1, 0.0, 0.0) };
        let found = rank(&asked(), &[one], &settings).hits[0].why.relevance;
        assert!(found.guessed && (found.value - both.value).abs() < 0.01, "{found:?} {both:?}");
    }
    let neither = Candidate { similarity: None, keyword: None, ..candidate(1, 0.0, 0.0) };
    assert!(rank(&asked(), &[neither], &settings).hits.is_empty());
}

#[test]
fn of_equals_the_newer_the_more_proven_and_the_clearer_come_first() {
    let older = candidate(1, 0.6, 5.0);
    let newer = Candidate { memory: memory(2, true, 1), ..candidate(2, 0.6, 5.0) };
    assert_eq!(ids(&rank(&asked(), &[older.clone(), newer], &settings()).hits), [2, 1]);
    let mut proven = candidate(3, 0.6, 5.0);
    (proven.memory.evidence, proven.memory.evidence_succeeded) = (6, 6);
    assert_eq!(ids(&rank(&asked(), &[older.clone(), proven.clone()], &settings()).hits), [3, 1]);
    let mut mixed = candidate(4, 0.6, 5.0);
    (mixed.memory.evidence, mixed.memory.evidence_succeeded) = (6, 4);
    assert_eq!(ids(&rank(&asked(), &[older, proven, mixed], &settings()).hits), [3, 4, 1]);
}

#[test]
fn evidence_says_whether_a_memory_is_a_hit_or_a_warning() {
    for (success, evidence, succeeded, hit) in
        [(true, 5, 1, false), (false, 5, 4, true), (true, 2, 1, true), (false, 2, 1, false)]
    {
        let mut one = candidate(1, 0.8, 7.0);
        (one.memory.success, one.memory.evidence, one.memory.evidence_succeeded) = (success, evidence, succeeded);
        let ranked = rank(&asked(), &[one], &settings());
        assert_eq!((ranked.hits.len(), ranked.warnings.len()), (usize::from(hit), usize::from(!hit)));
    }
}

#[test]
fn what_tells_the_same_is_shown_once() {
    let mut same_hash = candidate(2, 0.7, 6.0);
    same_hash.memory.content_hash = "hash1".into();
    let mut same_words = candidate(3, 0.7, 6.0);
    same_words.memory.title = "title1x".into();
    same_words.memory.description = "Description1x, words1x.".into();
    same_words.memory.solution = Some("solution1x".into());
    let candidates = [candidate(1, 0.8, 7.0), same_hash, same_words, candidate(4, 0.6, 5.0)];
    let ranked = rank(&asked(), &candidates, &settings());
    assert_eq!(ids(&ranked.hits), [1, 4]);
    assert_eq!(ranked.estimate.unwrap().missions, 4);
}

#[test]
fn the_estimate_is_the_median_of_what_succeeded() {
    let mut unknown = candidate(40, 0.7, 6.0);
    unknown.memory.resolution_minutes = None;
    unknown.memory.evidence = 3;
    unknown.memory.evidence_succeeded = 2;
    let candidates = [
        candidate(10, 0.7, 6.0),
        candidate(20, 0.7, 6.0),
        failed(candidate(99, 0.7, 6.0)),
        unknown,
        candidate(7, 0.1, 0.0),
    ];
    let estimate = rank(&asked(), &candidates, &settings()).estimate.unwrap();
    assert_eq!(estimate, Estimate { minutes: Some(15.0), timed: 2, missions: 6, succeeded: 4 });
}

#[test]
fn reciprocal_ranks_order_by_both_arms_and_abstain_as_the_sum_does() {
    let by_sum = settings();
    let settings = Settings { fusion: Fusion::ReciprocalRanks { k: 60 }, ..by_sum };
    // By the sum the third is first; its rank does not tell how far it is ahead, and equals go by id.
    let candidates =
        [candidate(1, 0.60, 3.2), candidate(2, 0.62, 3.1), candidate(3, 0.58, 9.9), candidate(4, 0.12, 0.1)];
    assert_eq!(ids(&rank(&asked(), &candidates, &by_sum).hits), [3, 2, 1]);
    let ranked = rank(&asked(), &candidates, &settings);
    assert_eq!(ids(&ranked.hits), [2, 3, 1]);
    assert_eq!(ranked.below_minimum, 1);
}

#[test]
fn an_explanation_is_json_with_all_parts() {
    let ranked = rank(&asked(), &[candidate(1, 0.55, 5.0)], &settings());
    let json = serde_json::to_value(&ranked).unwrap();
    let why = &json["hits"][0]["why"];
    let one_of_one = 1.0 + 0.1 / 3.0;
    for (part, expected) in [
        ("/relevance/keyword", 0.5),
        ("/relevance/similarity", 0.5),
        ("/relevance/trust", 0.75),
        ("/relevance/value", 0.375),
        ("/minimum", 0.24),
        ("/fused", 0.375),
        ("/boosts/recency", 1.0),
        ("/boosts/evidence", 1.0),
        ("/boosts/outcome", one_of_one),
        ("/score", 0.375 * one_of_one),
    ] {
        let found = why.pointer(part).unwrap().as_f64().unwrap();
        assert!((found - expected).abs() < 1e-12, "{part}: {found}, not {expected}");
    }
    assert_eq!(serde_json::from_value::<Ranked>(json).unwrap().hits[0].memory, ranked.hits[0].memory);
}
