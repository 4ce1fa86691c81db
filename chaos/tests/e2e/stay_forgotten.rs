//! A memory is forgotten, and the scheduler and the gateway that know it die at once: within the printed horizon it is shown
//! nowhere any more, and nothing brings it back.

use std::time::{Duration, Instant};

use chaos::wait::wait_until;
use memory::model::{Memory, MemoryId};
use nix::sys::signal::Signal;
use sql::relay::Mode;
use uuid::Uuid;

use crate::fixture::turn;
use crate::memory_bed::{EAST, Regions, WEST, Worker, memory, shows};

const PATIENCE: Duration = Duration::from_secs(60);
/// What the last answer before the horizon may be late by.
const LATE: Duration = Duration::from_secs(5);
const PROBLEM: (&str, &str) =
    ("Telnet connection is not encrypted", "A telnet connection is opened: everybody on the wire reads the password.");
const OTHER: (&str, &str) =
    ("Telnet connection is not encrypted", "Another telnet connection is opened: everybody on the wire reads the log.");

#[tokio::test(flavor = "multi_thread")]
async fn what_was_forgotten_stays_forgotten_when_its_region_dies_and_comes_back() {
    let _turn = turn().await;
    let worker = Worker::start().await;
    let mut regions = Regions::start(1, &worker).await;
    let (west, east) = (regions.region(0), regions.region(1));
    let it = memory(1, WEST, PROBLEM);
    assert!(regions.import(&it).await);
    assert!(wait_until(PATIENCE, async || shown(&regions, 1, &it).await).await, "the other region never shows it");

    let forgotten = regions.world.client(&west).unwrap().forget_memory(it.id.0).await.unwrap();
    let began = Instant::now();
    regions.west.set(Mode::Refuse);
    regions.world.signal_scheduler(&west, Signal::SIGKILL);
    assert_eq!(forgotten.forgotten, [it.id.0]);
    assert!((1..=60).contains(&forgotten.horizon_s), "{forgotten:?}");
    assert!(shown(&regions, 1, &it).await, "this test is about a copy that outlives the row");
    let horizon = Duration::from_secs(forgotten.horizon_s) + LATE;
    let gone = wait_until(horizon, async || !shown(&regions, 1, &it).await).await;
    eprintln!("the copy was shown for {:?}; the horizon is {} s", began.elapsed(), forgotten.horizon_s);
    assert!(gone, "it is shown past the horizon of {} s", forgotten.horizon_s);

    // What may come late: a vector, the work of a scheduler that read the row before, an import of it and of a copy.
    assert!(!regions.vector_comes(&it).await, "a late vector was stored");
    assert!(!regions.import(&it).await, "an import brought it back");
    let copy = Memory { id: MemoryId(Uuid::from_u128(2)), ..it.clone() };
    assert!(!regions.import(&copy).await, "an import brought it back under another id");
    assert!(
        !regions.import(&Memory { home: EAST.parse().unwrap(), ..copy }).await,
        "an import brought it back elsewhere"
    );
    regions.database.run(&left_work(&it)).await;
    // And something that its scheduler is to index when it is back.
    let other = memory(3, WEST, OTHER);
    assert!(regions.import(&other).await);

    regions.world.signal_scheduler(&east, Signal::SIGKILL);
    regions.world.start_scheduler(&east).unwrap();
    regions.world.wait_ready(&east).await.unwrap();
    assert!(!shown(&regions, 1, &it).await, "a scheduler that started anew shows it");

    regions.west.set(Mode::Pass);
    regions.world.start_scheduler(&west).unwrap();
    regions.world.wait_ready(&west).await.unwrap();
    let indexed = wait_until(PATIENCE, async || {
        regions.database.count("SELECT count(*) FROM memory_work").await == 0
            && shown(&regions, 0, &other).await
            && shown(&regions, 1, &other).await
    })
    .await;
    assert!(indexed, "the region that came back does not go on with its work");
    assert!(!shown(&regions, 0, &it).await && !shown(&regions, 1, &it).await, "it is back");
    let rows = format!("WHERE memory_id = '{}'", it.id.0);
    assert_eq!(regions.database.count(&format!("SELECT count(*) FROM agent_memory_embeddings {rows}")).await, 0);
    assert_eq!(regions.database.count(&format!("SELECT count(*) FROM agent_learning_outcomes {rows}")).await, 0);
    assert_eq!(regions.database.count("SELECT count(*) FROM agent_memories").await, 1);
    let tombstone = format!("SELECT count(*) FROM memory_tombstones WHERE id = '{}'", it.id.0);
    assert_eq!(regions.database.count(&tombstone).await, 1);
}

/// Asked with the same words each time, so that a copy in a cache would be told.
async fn shown(regions: &Regions, nth: usize, memory: &Memory) -> bool {
    regions.try_search(nth, PROBLEM).await.is_some_and(|answer| shows(&answer, memory))
}

/// The work that would follow the memory if it were there.
fn left_work(of: &Memory) -> String {
    format!(
        "INSERT INTO memory_work (crdb_region, memory_id, kind, epoch, expires_at, attempts, not_before, created_at)
         VALUES ('{WEST}', '{}', 'index', 0, to_timestamp(0), 0, to_timestamp(0), now())",
        of.id.0
    )
}
