//! Over random candidates.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

prop_compose! {
    fn any_score(most: f64)(known in prop::bool::weighted(0.8), score in -0.2..1.0_f64) -> Option<f64> {
        known.then_some(score * most)
    }
}

prop_compose! {
    fn any_candidate()(
        // Few ids and few texts, so that they come twice.
        id in 1_u128..25, text in 1_u128..20, similarity in any_score(1.0), keyword in any_score(10.0),
        success in any::<bool>(), evidence in 1_i64..30, share in 0.0..=1.0_f64, days in -5_i64..900,
    ) -> Candidate {
        let mut memory = memory(id, success, days);
        memory.content_hash = format!("hash{text}");
        (memory.evidence, memory.evidence_succeeded) = (evidence, (evidence as f64 * share).round() as i64);
        Candidate { memory, similarity, keyword }
    }
}

/// Candidates of which each memory is one memory, however often it comes.
fn any_candidates() -> impl Strategy<Value = Vec<Candidate>> {
    prop::collection::vec(any_candidate(), 0..40).prop_map(|candidates| {
        let known: Vec<Memory> = candidates.iter().map(|candidate| candidate.memory.clone()).collect();
        let first = |id| known.iter().find(|memory| memory.id == id).unwrap().clone();
        candidates.into_iter().map(|one| Candidate { memory: first(one.memory.id), ..one }).collect()
    })
}

fn any_settings() -> impl Strategy<Value = Settings> {
    let fusion = prop_oneof![Just(Fusion::Sum), (0_u32..100).prop_map(|k| Fusion::ReciprocalRanks { k })];
    (fusion, 0.0..0.8_f64, 0.0..=1.0_f64, 0_usize..6, 0_usize..4).prop_map(
        |(fusion, minimum, keyword_weight, hits, warnings)| Settings {
            fusion,
            minimum,
            keyword_weight,
            hits,
            warnings,
            ..settings()
        },
    )
}

fn by_sum(settings: &Settings) -> Settings {
    Settings { fusion: Fusion::Sum, ..*settings }
}

/// Everything that fits, with its score: no two tell the same.
fn all(candidates: &[Candidate], settings: &Settings) -> Vec<Hit> {
    let settings = Settings { hits: usize::MAX, warnings: usize::MAX, twins: 2.0, ..*settings };
    let mut candidates = candidates.to_vec();
    for candidate in &mut candidates {
        candidate.memory.content_hash = candidate.memory.id.0.to_string();
    }
    let ranked = rank(&asked(), &candidates, &settings);
    ranked.hits.into_iter().chain(ranked.warnings).collect()
}

proptest! {
    #[test]
    fn a_the_order_of_the_candidates_does_not_matter(
        (candidates, shuffled) in any_candidates().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        settings in any_settings(),
    ) {
        prop_assert_eq!(rank(&asked(), &candidates, &settings), rank(&asked(), &shuffled, &settings));
    }

    #[test]
    fn b_d_e_f_i_what_is_shown_fits_is_few_and_in_order(candidates in any_candidates(), settings in any_settings()) {
        let ranked = rank(&asked(), &candidates, &settings);
        prop_assert!(ranked.hits.len() <= settings.hits && ranked.warnings.len() <= settings.warnings);
        let given: BTreeSet<MemoryId> = candidates.iter().map(|candidate| candidate.memory.id).collect();
        prop_assert_eq!(ranked.considered, given.len());
        let mut shown = BTreeSet::new();
        for hit in ranked.hits.iter().chain(&ranked.warnings) {
            let why = hit.why;
            prop_assert!(why.relevance.value >= settings.minimum && why.relevance.value <= 1.0);
            prop_assert!((0.0..=1.0).contains(&why.fused) && why.score == why.fused * why.boosts.product());
            prop_assert!(given.contains(&hit.memory.id) && shown.insert(hit.memory.id));
        }
        for hits in [&ranked.hits, &ranked.warnings] {
            prop_assert!(hits.windows(2).all(|pair| pair[0].why.score >= pair[1].why.score - 1e-9));
        }
        for hit in &ranked.hits {
            prop_assert!(2 * hit.memory.evidence_succeeded >= hit.memory.evidence);
        }
        for hit in &ranked.warnings {
            prop_assert!(2 * hit.memory.evidence_succeeded <= hit.memory.evidence);
        }
    }

    #[test]
    fn c_i_another_candidate_changes_no_score(
        candidates in any_candidates(), another in any_candidate(), settings in any_settings(),
    ) {
        let settings = by_sum(&settings);
        prop_assume!(candidates.iter().all(|candidate| candidate.memory.id != another.memory.id));
        let before = all(&candidates, &settings);
        let after = all(&[candidates, vec![another.clone()]].concat(), &settings);
        for hit in &before {
            prop_assert!(after.contains(hit));
            prop_assert_eq!(hit.why.fused, hit.why.relevance.value);
        }
        prop_assert!(after.iter().all(|hit| hit.memory.id == another.memory.id || before.contains(hit)));
    }

    #[test]
    fn g_boosts_are_small_and_never_turn_a_clear_order(candidates in any_candidates(), settings in any_settings()) {
        let hits = all(&candidates, &settings);
        for hit in &hits {
            let Boosts { recency, evidence, outcome } = hit.why.boosts;
            for boost in [recency, evidence, outcome] {
                prop_assert!((0.9..=1.1).contains(&boost), "{}", boost);
            }
        }
        for (one, other) in hits.iter().flat_map(|one| hits.iter().map(move |other| (one, other))) {
            prop_assert!(one.why.fused < 1.5 * other.why.fused || one.why.score >= other.why.score);
        }
    }

    #[test]
    fn h_a_higher_score_never_lowers_the_relevance(
        one in any_candidate(), more in 0.0..0.5_f64, settings in any_settings(),
    ) {
        let settings = Settings { minimum: 0.0, ..by_sum(&settings) };
        let value = |candidate: Candidate| all(&[candidate], &settings)[0].why.relevance.value;
        let before = value(one.clone());
        let nearer = Candidate { similarity: one.similarity.map(|cosine| cosine + more), ..one.clone() };
        let stronger = Candidate { keyword: one.keyword.map(|score| score + 10.0 * more), ..one };
        prop_assert!(value(nearer) >= before && value(stronger) >= before);
    }

    #[test]
    fn j_k_the_same_content_is_shown_once_and_counted_always(
        candidates in any_candidates(), settings in any_settings(),
    ) {
        let ranked = rank(&asked(), &candidates, &settings);
        for hits in [&ranked.hits, &ranked.warnings] {
            let hashes: BTreeSet<&String> = hits.iter().map(|hit| &hit.memory.content_hash).collect();
            prop_assert_eq!(hashes.len(), hits.len());
        }
        let missions: i64 = all(&candidates, &settings).iter().map(|hit| hit.memory.evidence).sum();
        prop_assert_eq!(ranked.estimate.map_or(0, |estimate| estimate.missions), missions);
    }
}
