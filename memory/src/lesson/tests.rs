use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;
use topology::model::ResidencyStrength;
use topology::{Residency, ResidencyName};

use super::*;
use crate::embed::{Lexical, Space};
use crate::model::{Memory, MemoryId};
use crate::rank::{Asked, Candidate, Ranked, Settings, rank};
use crate::testing;

fn counts(applied: i64, succeeded: i64) -> Counts {
    Counts { applied, succeeded }
}

fn memory(id: u128, evidence: Counts) -> Memory {
    Memory {
        evidence: evidence.applied,
        evidence_succeeded: evidence.succeeded,
        created_at: DateTime::UNIX_EPOCH + TimeDelta::hours(i64::try_from(id).unwrap()),
        ..testing::memory(id, evidence.succeeded > 0)
    }
}

#[test]
fn the_confidence_of_nothing_is_a_half_and_wide_open() {
    let confidence = Counts::default().confidence();
    assert_eq!((confidence.mean, confidence.missions), (0.5, 0));
    assert!((confidence.low - 0.025).abs() < 1e-9 && (confidence.high - 0.975).abs() < 1e-9);
}

#[test]
fn confidence_is_the_posterior_of_its_missions() {
    // Three of three: Beta(4, 1), whose share below x is x to the 4.
    let confidence = counts(3, 3).confidence();
    assert!((confidence.mean - 0.8).abs() < 1e-12);
    assert!((confidence.low - 0.025_f64.powf(0.25)).abs() < 1e-9);
    assert!((confidence.high - 0.975_f64.powf(0.25)).abs() < 1e-9);
}

#[test]
fn counts_of_regions_are_added_up() {
    let regions = [("us-west-2", counts(5, 4)), ("eu-west-1", counts(2, 0))];
    let regions = regions.map(|(region, counts)| (region.parse().unwrap(), counts)).into();
    assert_eq!(Counts::of_regions(&regions), counts(7, 4));
}

#[test]
fn counts_that_cannot_be_are_read_as_the_nearest_that_can() {
    assert_eq!(counts(-3, 2).confidence(), counts(0, 0).confidence());
    assert_eq!(counts(2, 9).mean(), counts(2, 2).mean());
}

#[test]
fn a_lesson_is_where_all_of_its_evidence_may_be() {
    let rule = |regions: &[&str], strength| Residency {
        regions: regions.iter().map(|region| region.parse().unwrap()).collect(),
        strength,
    };
    let name = |text: &str| -> ResidencyName { text.parse().unwrap() };
    let rules = BTreeMap::from([
        (name("eu"), rule(&["europe-west", "europe-central"], ResidencyStrength::Run)),
        (name("de"), rule(&["europe-central"], ResidencyStrength::Run)),
        (name("eu-store"), rule(&["europe-west", "europe-central"], ResidencyStrength::Store)),
        (name("us"), rule(&["us-west"], ResidencyStrength::Run)),
    ]);
    let cases: [(&[Option<&str>], Strictest); 9] = [
        (&[], Strictest::Anywhere),
        (&[None, None], Strictest::Anywhere),
        (&[None, Some("eu"), Some("eu")], Strictest::Under(name("eu"))),
        (&[Some("eu"), Some("de"), None], Strictest::Under(name("de"))),
        (&[Some("eu"), Some("eu-store")], Strictest::Under(name("eu-store"))),
        (&[Some("de"), Some("eu-store")], Strictest::Nowhere),
        (&[Some("eu"), Some("us")], Strictest::Nowhere),
        (&[Some("gone")], Strictest::Nowhere),
        (&[Some("eu"), Some("gone")], Strictest::Nowhere),
    ];
    for (evidence, expected) in cases {
        let names: Vec<Option<ResidencyName>> = evidence.iter().map(|text| text.map(name)).collect();
        assert_eq!(strictest(names.iter().map(Option::as_ref), &rules), expected, "{evidence:?}");
    }
}

/// A vector in the plane, so many degrees from the first axis.
fn direction(degrees: f32) -> [f32; 2] {
    let (sin, cos) = degrees.to_radians().sin_cos();
    [cos, sin]
}

#[test]
fn issues_that_come_again_are_a_pattern_with_the_solution_that_worked_most() {
    let memories = [
        (memory(1, counts(1, 0)), direction(0.0)),
        (memory(2, counts(4, 4)), direction(20.0)),
        (memory(3, counts(1, 1)), direction(30.0)),
        (memory(4, counts(1, 1)), direction(80.0)),
        (memory(5, counts(1, 1)), direction(170.0)),
        (memory(6, counts(1, 1)), direction(175.0)),
    ];
    let occurrences: Vec<Occurrence<'_>> =
        memories.iter().rev().map(|(memory, vector)| Occurrence { memory, vector }).collect();
    let found = patterns(&occurrences, &PatternSettings { same: 0.8, repeated: 2, ..PatternSettings::default() });
    let shape: Vec<(Vec<u128>, Counts, Option<u128>)> = found
        .iter()
        .map(|pattern| {
            let ids = pattern.memories.iter().map(|id| id.0.as_u128()).collect();
            (ids, pattern.counts, pattern.proven.map(|id| id.0.as_u128()))
        })
        .collect();
    assert_eq!(shape, [(vec![1, 2, 3], counts(6, 5), Some(2)), (vec![5, 6], counts(2, 2), Some(5))]);
    assert_eq!(found[0].confidence, counts(6, 5).confidence());
}

fn ranked(candidates: &[(Memory, f64)]) -> Ranked {
    let asked = Asked { terms: 36, full_keyword: 1.0, now: DateTime::UNIX_EPOCH };
    let candidates: Vec<Candidate> = candidates
        .iter()
        .map(|(memory, keyword)| Candidate {
            memory: memory.clone(),
            similarity: Some(0.1 + 0.9 * keyword),
            keyword: Some(*keyword),
        })
        .collect();
    rank(&asked, &candidates, &Settings::of(&Space::new(Lexical::SPACE)))
}

#[test]
fn a_proven_solution_is_offered_where_nothing_near_says_otherwise() {
    let settings = PatternSettings { relevance: 0.5, confidence: 0.6, ahead: 0.25, ..PatternSettings::default() };
    let offered = |candidates: &[(Memory, f64)]| proven(&ranked(candidates), &settings).map(|offer| offer.solution);
    let good = (memory(1, counts(3, 3)), 0.8);
    assert_eq!(offered(std::slice::from_ref(&good)), Some("solution1x".into()));
    assert_eq!(offered(&[good.clone(), (memory(2, counts(1, 1)), 0.4)]), Some("solution1x".into()));
    assert_eq!(offered(&[(memory(1, counts(3, 3)), 0.4)]), None, "fits too little");
    assert_eq!(offered(&[(memory(1, counts(3, 2)), 0.8)]), Some("solution1x".into()));
    assert_eq!(offered(&[(memory(1, counts(2, 1)), 0.8)]), None, "failed as often as it helped");
    assert_eq!(offered(&[good.clone(), (memory(2, counts(1, 1)), 0.7)]), None, "another solution fits as well");
    assert_eq!(offered(&[good.clone(), (memory(2, counts(1, 0)), 0.7)]), None, "a failure fits as well");
    let mut same = memory(2, counts(1, 1));
    same.solution = Some("Solution1x!".into());
    assert_eq!(offered(&[good, (same, 0.7)]), Some("solution1x".into()));
    let mut silent = memory(1, counts(3, 3));
    silent.solution = None;
    assert_eq!(offered(&[(silent, 0.8)]), None, "there is no solution");
}

proptest! {
    #[test]
    fn the_interval_holds_the_mean_and_narrows_with_evidence(applied in 0_i64..3_000, share in 0.0..=1.0_f64) {
        let some = counts(applied, (applied as f64 * share) as i64).confidence();
        prop_assert!(0.0 < some.low && some.low < some.mean && some.mean < some.high && some.high < 1.0);
        let more = counts(4 * applied + 2, (4.0 * applied as f64 * share) as i64 + 1).confidence();
        prop_assert!(more.high - more.low < some.high - some.low);
    }

    #[test]
    fn every_memory_is_in_at_most_one_pattern_and_the_order_given_does_not_matter(
        (angles, order) in prop::collection::vec(0.0..360.0_f32, 1..20)
            .prop_flat_map(|angles| (Just(angles.clone()), Just((0..angles.len()).collect::<Vec<_>>()).prop_shuffle())),
    ) {
        let memories: Vec<(Memory, [f32; 2])> =
            angles.iter().zip(1..).map(|(&angle, id)| (memory(id, counts(1, 1)), direction(angle))).collect();
        let occurrences: Vec<Occurrence<'_>> =
            memories.iter().map(|(memory, vector)| Occurrence { memory, vector }).collect();
        let settings = PatternSettings { repeated: 1, ..PatternSettings::default() };
        let found = patterns(&occurrences, &settings);
        let mut ids: Vec<MemoryId> = found.iter().flat_map(|pattern| pattern.memories.clone()).collect();
        ids.sort_unstable();
        prop_assert_eq!(ids, memories.iter().map(|(memory, _)| memory.id).collect::<Vec<_>>());
        let shuffled: Vec<Occurrence<'_>> = order.iter().map(|&at| occurrences[at]).collect();
        prop_assert_eq!(patterns(&shuffled, &settings), found);
    }
}
