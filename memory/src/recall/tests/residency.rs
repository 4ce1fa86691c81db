//! P4: an answer holds nothing that its caller may not see, whatever the sources give and whoever filled the caches.

use proptest::prelude::*;
use topology::{Residency, ResidencyName};

use super::*;

const REGIONS: [(&str, &str); 3] = [("europe", EUROPE), ("america", AMERICA), ("asia", ASIA)];

#[derive(Debug, Clone)]
enum Step {
    /// Somebody in this region asks this question.
    Ask(usize, usize),
    Pass(u64),
    /// A home stops to answer, or answers again.
    Mood(usize, bool),
    /// A rule's regions change, or it goes.
    Rule(usize, Vec<usize>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3usize, 0..2usize).prop_map(|(caller, query)| Step::Ask(caller, query)),
        2 => (0..30u64).prop_map(Step::Pass),
        1 => (0..3usize, any::<bool>()).prop_map(|(home, answers)| Step::Mood(home, answers)),
        1 => (0..2usize, proptest::collection::vec(0..3usize, 0..3)).prop_map(|(rule, at)| Step::Rule(rule, at)),
    ]
}

const RULES: [&str; 3] = ["eu", "west", "unknown"];

fn memories() -> impl Strategy<Value = Vec<Found>> {
    let memory = (0..3usize, proptest::option::of(0..3usize));
    proptest::collection::vec(memory, 1..12).prop_map(|all| {
        let all = all.into_iter().enumerate();
        all.map(|(n, (home, rule))| found(n as u128, REGIONS[home].1, rule.map(|rule| RULES[rule]))).collect()
    })
}

fn apply(topology: &mut Topology, rule: usize, at: &[usize]) {
    let rule: ResidencyName = name(RULES[rule]);
    let regions: Vec<RegionName> = at.iter().map(|n| name(REGIONS[*n].0)).collect();
    let known = topology.residency.remove(&rule);
    if let (Some(known), false) = (known, regions.is_empty()) {
        topology.residency.insert(rule, Residency { regions, ..known });
    }
}

/// What the rule says, said again without the code under test.
fn may_see(topology: &Topology, found: &Found, region: &str) -> bool {
    match &found.memory.residency {
        None => true,
        Some(rule) => topology.residency.get(rule).is_some_and(|rule| rule.regions.contains(&name(region))),
    }
}

async fn run(here: usize, memories: Vec<Found>, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let (world, mut topology) = (World::holding(memories.clone()), topology());
    let recall = recall(REGIONS[here].0, REGIONS[here].1, &world);
    let mut changed = false;
    for step in steps {
        match step {
            Step::Pass(seconds) => advance(Duration::from_secs(seconds)).await,
            Step::Mood(home, answers) => world.is(REGIONS[home].1, if answers { Mood::Answers } else { Mood::Breaks }),
            Step::Rule(rule, at) => {
                apply(&mut topology, rule, &at);
                changed = true;
            }
            Step::Ask(caller, query) => {
                let caller = REGIONS[caller].0;
                let answer = recall.ask(&topology, &name(caller), other_query(query)).await.unwrap();
                settle().await;
                let lawful =
                    |found: &Found| may_see(&topology, found, caller) && may_see(&topology, found, REGIONS[here].0);
                prop_assert!(answer.found.iter().all(lawful), "{caller} was shown {answer:?}");
                if answer.completeness.degraded.is_empty() && answer.completeness.stale_ms == 0 {
                    let all = memories.iter().filter(|found| lawful(found)).count();
                    prop_assert_eq!(answer.found.len(), all, "what it may see was kept back");
                }
            }
        }
        // What was lawful when it came may be kept for its life after a rule changes; it is not shown.
        let lawful = recall.kept().iter().all(|found| changed || may_see(&topology, found, REGIONS[here].0));
        prop_assert!(lawful, "the caches hold {:?}", recall.kept());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_shown_what_residency_keeps_from_them(
        here in 0..3usize,
        memories in memories(),
        steps in proptest::collection::vec(step(), 1..24),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(run(here, memories, steps))?;
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_a_caller_inside_had_is_not_given_to_one_outside() {
    let world = World::holding([found(1, EUROPE, Some("eu")), found(2, AMERICA, Some("west"))]);
    let recall = recall("europe", EUROPE, &world);
    let topology = topology();
    let shown = async |caller: &str| ids(&recall.ask(&topology, &name(caller), query()).await.unwrap());
    assert_eq!(shown("europe").await, [1, 2]);
    assert_eq!(shown("america").await, [2]);
    assert!(shown("asia").await.is_empty());
    assert_eq!(shown("europe").await, [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_in_a_region_is_not_kept_there_even_for_a_caller_who_may_see_it() {
    let world = World::holding([found(1, EUROPE, Some("eu")), found(2, EUROPE, Some("west"))]);
    let recall = recall("america", AMERICA, &world);
    let answer = recall.ask(&topology(), &name("europe"), query()).await.unwrap();
    assert_eq!(ids(&answer), [2]);
    let kept: Vec<u128> = recall.kept().iter().map(|found| found.memory.id.0.as_u128()).collect();
    assert_eq!(kept, [2]);
}
