//! An agent that was stopped wakes after its lease moved, and hands in what it learned: the winner's memory stands (P2).

use std::time::Duration;

use chaos::wait::wait_until;
use nix::sys::signal::Signal;
use scheduler_client::wire::{Complete, LeaseProof, MissionMemory};
use serde_json::json;
use topology::{Epoch, MissionId};

use crate::fixture::turn;
use crate::memory_bed::{Regions, WEST, Worker};

const PATIENCE: Duration = Duration::from_secs(60);
const PROBLEM: (&str, &str) = ("Telnet is not encrypted", "Everybody on the wire reads the password.");

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_session_writes_no_memory_neither_before_nor_after_the_winner() {
    let _turn = turn().await;
    let worker = Worker::start().await;
    let mut regions = Regions::start(1, &worker).await;
    let west = regions.region(0);
    let id = regions.submit(0, PROBLEM).await;
    assert!(wait_until(PATIENCE, async || worker.seen().len() == 1).await, "nobody works on it");
    let stale = lease(&regions, id).await;
    regions.world.signal_agent(&west, Signal::SIGSTOP);
    assert!(wait_until(PATIENCE, async || worker.seen().len() == 2).await, "its lease never moved");

    // The winner is at work: what the stopped one has to say comes too late already.
    hands_in(&regions, id, &stale).await;
    assert_eq!(regions.database.count("SELECT count(*) FROM agent_memories").await, 0);
    assert_eq!(regions.database.count("SELECT count(*) FROM memory_recalls").await, 0);

    // Both runs have their answer now; the stopped agent finds its own when it wakes.
    worker.answer(2);
    assert!(wait_until(PATIENCE, async || regions.succeeded(0, id).await).await, "the winner does not end");
    hands_in(&regions, id, &stale).await;
    regions.world.signal_agent(&west, Signal::SIGCONT);
    let agent = regions.world.agent_url(&west);
    let back = wait_until(PATIENCE, async || {
        chaos::http::get(&format!("{agent}/ready")).await.is_ok_and(|(status, _)| status == 200)
            && regions.database.count("SELECT count(*) FROM sessions WHERE ended_at IS NULL").await == 2
    })
    .await;
    assert!(back, "the agent that woke did not register anew");

    let winner = lease(&regions, id).await;
    assert!(winner.epoch > stale.epoch, "{winner:?}");
    for table in ["agent_memories", "memory_recalls"] {
        let rows = regions.database.counts(&format!("SELECT mission_id::TEXT, epoch FROM {table}")).await;
        assert_eq!(rows.into_iter().collect::<Vec<_>>(), [(id.to_string(), winner.epoch.0)], "{table}");
        assert_eq!(regions.database.count(&format!("SELECT count(*) FROM {table}")).await, 1);
    }
    let of_winner = "SELECT count(*) FROM agent_memories WHERE solution_approach LIKE '%call 2'";
    assert_eq!(regions.database.count(of_winner).await, 1, "a loser's story stands");
}

/// The lease that the mission's row tells of.
async fn lease(regions: &Regions, id: MissionId) -> LeaseProof {
    let told = format!("SELECT session_id::TEXT, epoch FROM missions WHERE id = '{id}'");
    let (session, epoch) = regions.database.counts(&told).await.pop_first().expect("it is leased");
    LeaseProof { session: session.parse().unwrap(), epoch: Epoch(epoch), home: WEST.to_owned() }
}

/// The loser's result is refused, whichever scheduler it goes to.
async fn hands_in(regions: &Regions, id: MissionId, stale: &LeaseProof) {
    for nth in 0..2 {
        let memory = MissionMemory { solution: Some("the loser's".to_owned()), ..MissionMemory::default() };
        let body =
            Complete { lease: stale.clone(), outcome: json!({ "call": "stale" }), memory: Some(Box::new(memory)) };
        let client = regions.world.client(&regions.region(nth)).unwrap();
        let error = client.complete(id, &body).await.expect_err("a lost lease was honoured");
        assert_eq!(error.code(), Some("lease_lost"), "{error}");
    }
}
