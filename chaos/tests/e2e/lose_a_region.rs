//! A region is killed with -9 while it holds the most leases (P1, P2, P4, P5).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chaos::history::{Effect, EffectKind};
use chaos::load::{Pace, now_us, submit};
use chaos::wait::wait_until;
use chaos::world::World;
use nix::sys::signal::Signal;
use topology::{MissionId, RegionName};

use crate::fixture::{Database, acknowledged, large_world, ledger, missions, region, slack, submits, turn};

const MISSIONS: usize = 2_000;
/// The default session TTL on PostgreSQL and what a reaper tick and a claim may take after it (P5).
const RELEASE_BOUND: Duration = Duration::from_secs(5 + 2);

const LEASED: &str = "SELECT count(*) FROM missions WHERE state = 'leased'";
const LEASED_BY_REGION: &str = "SELECT region, count(*) FROM missions WHERE state = 'leased' GROUP BY region";
const OPEN: &str = "SELECT count(*) FROM missions WHERE state IN ('pending', 'queued', 'leased')";

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_region_loses_no_mission_and_doubles_none() {
    let _turn = turn().await;
    let database = Database::new().await;
    let mut world = World::start(large_world(&database.url, (1_500, 2_500))).await.unwrap();
    let record = submits(&world);
    let clients: Vec<_> = world.regions().iter().map(|region| world.client(region).unwrap()).collect();
    let submits =
        tokio::spawn(
            async move { submit(&clients, missions(MISSIONS, 7), Pace::PerSecond(85.0), record).await.unwrap() },
        );

    // The middle: enough is leased, and about half of it is still to come.
    let busy = wait_until(Duration::from_secs(90), async || {
        database.count(LEASED).await >= 150 && acknowledged(&world).len() >= MISSIONS / 2
    })
    .await;
    assert!(busy, "150 missions were never leased at once: {:?}", database.counts(LEASED_BY_REGION).await);
    let leased = database.counts(LEASED_BY_REGION).await;
    let victim = victim(&leased);
    let killed_at_us = now_us();
    world.signal_region(&victim, Signal::SIGKILL);
    let held = held_at(&ledger(&world), &victim, killed_at_us);

    let submitted = submits.await.unwrap();
    assert_eq!(
        submitted.first_failure, None,
        "{} submits that another region could have taken failed",
        submitted.failed
    );

    // Everything ends but what only the lost region may do.
    let bound = format!(
        "SELECT count(*) FROM missions WHERE state IN ('pending', 'queued', 'leased') \
         AND residency IS DISTINCT FROM 'only-{victim}'"
    );
    assert!(
        wait_until(Duration::from_secs(120), async || database.count(&bound).await == 0).await,
        "still open: {:?}",
        database.counts("SELECT state || ' ' || coalesce(region, '-'), count(*) FROM missions GROUP BY 1").await
    );
    let waiting =
        database.counts("SELECT state, count(*) FROM missions WHERE finished_at IS NULL GROUP BY state").await;
    assert!(waiting.keys().all(|state| state == "pending"), "what may run nowhere else waits as pending: {waiting:?}");

    let last = last_new_lease(&ledger(&world), &held, killed_at_us);
    let took = Duration::from_micros(u64::try_from(last - killed_at_us).unwrap());

    // It comes back, and what waited for it ends.
    world.start_scheduler(&victim).unwrap();
    world.wait_ready(&victim).await.unwrap();
    world.start_agent(&victim).unwrap();
    assert!(wait_until(Duration::from_secs(120), async || database.count(OPEN).await == 0).await);

    let summary = database.check(&world).await;
    eprintln!(
        "leased at the kill: {leased:?}, victim {victim} held {} runs, waited for its return: {waiting:?}, last new \
         lease after {took:?}, checked: {}",
        held.len(),
        serde_json::to_string(&summary).unwrap(),
    );
    assert!(summary.all_proven(), "{summary:?}");
    assert_eq!(summary.acknowledged, MISSIONS as u64);
    assert!(took <= RELEASE_BOUND * slack(), "the last lease was granted anew {took:?} after the kill");
}

fn victim(leased: &BTreeMap<String, i64>) -> RegionName {
    let (name, _) = leased.iter().max_by_key(|(_, count)| **count).expect("150 missions are leased somewhere");
    (0..5).map(region).find(|region| region.as_str() == name).expect("leases are in a region of the world")
}

/// Missions that ran in a region at a moment: started there, not ended.
fn held_at(ledger: &[Effect], region: &RegionName, at_us: i64) -> BTreeSet<MissionId> {
    let mut held = BTreeSet::new();
    for effect in ledger.iter().filter(|effect| effect.region == region.as_str() && effect.at_us <= at_us) {
        match effect.event {
            EffectKind::Start => held.insert(effect.mission),
            EffectKind::End | EffectKind::Stop => held.remove(&effect.mission),
        };
    }
    held
}

/// When the last of these missions was started anew after a moment; those that were not are left out.
fn last_new_lease(ledger: &[Effect], missions: &BTreeSet<MissionId>, after_us: i64) -> i64 {
    let mut first: BTreeMap<MissionId, i64> = BTreeMap::new();
    for effect in ledger {
        if effect.event == EffectKind::Start && effect.at_us > after_us && missions.contains(&effect.mission) {
            first.entry(effect.mission).or_insert(effect.at_us);
        }
    }
    first.values().copied().max().unwrap_or(after_us)
}
