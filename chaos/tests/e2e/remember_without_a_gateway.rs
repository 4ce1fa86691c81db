//! Missions end while gateways are cut: every mission's memory is there once, whatever was on its way (P1, P2, P6).

use std::time::Duration;

use chaos::wait::wait_until;
use scheduler_client::wire::{Complete, LeaseProof, MissionMemory};
use sql::relay::Mode;
use topology::{Epoch, MissionId};

use crate::fixture::turn;
use crate::memory_bed::{Regions, WEST, Worker};

/// Missions of each fault, all at work when it begins.
const MISSIONS: usize = 6;
const PATIENCE: Duration = Duration::from_secs(60);
/// How long both gateways are cut: shorter than the session TTL, so that no lease moves.
const CUT: Duration = Duration::from_secs(3);

/// Words that no two problems share, so that none is taken for another's twin.
const SUBJECTS: [&str; 5] = ["telescopes", "volcanoes", "harpsichords", "glaciers", "beekeeping"];

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_while_gateways_are_cut_is_remembered_once() {
    let _turn = turn().await;
    let worker = Worker::start().await;
    let regions = Regions::start(MISSIONS, &worker).await;
    let mut all: Vec<MissionId> = Vec::new();

    // The gateway of the region's home alone: results move on to the other one.
    for (subject, mode) in SUBJECTS.into_iter().zip([Mode::Hang, Mode::Refuse]) {
        let held = at_work(&regions, &worker, subject).await;
        regions.west.set(mode.clone());
        worker.answer(usize::MAX);
        assert!(
            wait_until(PATIENCE, async || ended(&regions, &held).await).await,
            "{mode:?}: results wait for a gateway"
        );
        regions.heal().await;
        worker.answer(worker.seen().len());
        all.extend(held);
    }
    // Both: there is nowhere to go, so results wait at their agents.
    for (subject, mode) in SUBJECTS.into_iter().skip(2).zip([Mode::Hang, Mode::Refuse]) {
        let held = at_work(&regions, &worker, subject).await;
        regions.west.set(mode.clone());
        regions.east.set(mode.clone());
        worker.answer(usize::MAX);
        tokio::time::sleep(CUT).await;
        let stored = "SELECT count(*) FROM agent_memories";
        let before = i64::try_from(all.len()).unwrap();
        assert_eq!(regions.database.count(stored).await, before, "{mode:?}: a result came past two dead gateways");
        regions.heal().await;
        assert!(wait_until(PATIENCE, async || ended(&regions, &held).await).await, "{mode:?}: results were lost");
        worker.answer(worker.seen().len());
        all.extend(held);
    }
    // An answer that is lost after the commit: the result is handed in again.
    let held = at_work(&regions, &worker, SUBJECTS[4]).await;
    regions.west.set(Mode::CutAfter("mission_complete_remembered".to_owned()));
    worker.answer(usize::MAX);
    assert!(wait_until(PATIENCE, async || regions.west.cuts() > 0).await, "no result came by the gateway of its home");
    assert!(wait_until(PATIENCE, async || ended(&regions, &held).await).await, "a lost answer holds missions up");
    all.extend(held);

    once(&regions, all.len()).await;
    handed_in_again(&regions, all[0]).await;
    once(&regions, all.len()).await;
    let done = async || regions.database.count("SELECT count(*) FROM memory_work").await == 0;
    assert!(wait_until(PATIENCE, done).await, "work that follows the memories is left");
    assert_eq!(regions.database.count("SELECT count(*) FROM agent_memories WHERE indexed_at IS NULL").await, 0);
}

/// Missions that run in the west, all of them before the worker.
async fn at_work(regions: &Regions, worker: &Worker, subject: &str) -> Vec<MissionId> {
    let before = worker.seen().len();
    let mut held = Vec::new();
    for n in 0..MISSIONS {
        let title = format!("The {subject} of room {n} are broken");
        held.push(regions.submit(0, (&title, &format!("{subject} {n}"))).await);
    }
    let all = wait_until(PATIENCE, async || worker.seen().len() >= before + MISSIONS).await;
    assert!(all, "{} of {MISSIONS} missions are at work", worker.seen().len() - before);
    held
}

async fn ended(regions: &Regions, missions: &[MissionId]) -> bool {
    let ids: Vec<String> = missions.iter().map(|id| format!("'{id}'")).collect();
    let ended = format!("SELECT count(*) FROM missions WHERE state = 'succeeded' AND id IN ({})", ids.join(", "));
    regions.database.count(&ended).await == i64::try_from(missions.len()).expect("a few")
}

/// Each mission has one memory and one line of the recall log, both of the epoch that ended it.
async fn once(regions: &Regions, missions: usize) {
    let wanted = i64::try_from(missions).expect("a few");
    for table in ["agent_memories", "memory_recalls"] {
        let rows = regions.database.count(&format!("SELECT count(*) FROM {table}")).await;
        let matching = format!(
            "SELECT count(DISTINCT m.id) FROM missions AS m JOIN {table} AS t ON t.mission_id = m.id AND t.epoch = m.epoch
             AND t.crdb_region = m.crdb_region"
        );
        assert_eq!((rows, regions.database.count(&matching).await), (wanted, wanted), "{table}");
    }
}

/// The holder of a lease says again how its mission ended, with something else to be remembered.
async fn handed_in_again(regions: &Regions, mission: MissionId) {
    let told = format!("SELECT session_id::TEXT, epoch FROM missions WHERE id = '{mission}'");
    let (session, epoch) = regions.database.counts(&told).await.pop_first().expect("it is there");
    let client = regions.world.client(&regions.region(0)).unwrap();
    let outcome = client.mission(mission).await.unwrap().outcome.expect("it succeeded");
    let memory =
        Some(Box::new(MissionMemory { solution: Some("another story".to_owned()), ..MissionMemory::default() }));
    let lease = LeaseProof { session: session.parse().unwrap(), epoch: Epoch(epoch), home: WEST.to_owned() };
    let again = client.complete(mission, &Complete { lease, outcome, memory }).await.unwrap();
    assert_eq!(again.epoch, Epoch(epoch), "the same result is answered as before");
    let changed = "SELECT count(*) FROM agent_memories WHERE solution_approach = 'another story'";
    assert_eq!(regions.database.count(changed).await, 0, "a result that was handed in twice changed its memory");
}
