//! The gateway of another region's home is dead while missions ask what is remembered: what is left is told at once, what is
//! missing is named, nobody waits for it twice, and no mission waits at all (P6).

use std::time::{Duration, Instant};

use chaos::http::{get, metric};
use chaos::wait::wait_until;
use scheduler_client::wire::MemoryAnswer;
use serde_json::json;
use sql::relay::Mode;

use crate::fixture::{slack, turn};
use crate::memory_bed::{EAST, Regions, WEST, Worker, memory, shows};

const PATIENCE: Duration = Duration::from_secs(60);
/// The time limit of a home.
const LIMIT: Duration = Duration::from_millis(500);
const SEARCHES: usize = 200;

const TITLE: &str = "Telnet connection is not encrypted";
const PROBLEM: &str = "A telnet connection is opened here, so everybody on the wire can read the password.";
/// The same problem told otherwise, so that it is another memory.
const ELSEWHERE: (&str, &str) =
    ("Telnet connection sends a password", "Whoever listens on the wire of this telnet connection reads the password.");

/// The problem as nobody told it before: no cache knows the answer.
fn told_anew(n: usize) -> String {
    format!("{PROBLEM} Seen in build {n}.")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_gateway_of_another_home_is_named_and_costs_its_limit_once() {
    let _turn = turn().await;
    let worker = Worker::start().await;
    worker.answer(usize::MAX);
    let regions = Regions::start(4, &worker).await;
    let (here, there) = (memory(1, WEST, (TITLE, PROBLEM)), memory(2, EAST, ELSEWHERE));
    assert!(regions.import(&here).await && regions.import(&there).await);
    let mut n = 0;
    let mut anew = async || {
        n += 1;
        regions.search(0, (TITLE, &told_anew(n))).await
    };
    let whole = |answer: &MemoryAnswer| {
        (answer.regions_asked, answer.regions_answered, answer.degraded.len()) == (2, 2, 0)
            && shows(answer, &here)
            && shows(answer, &there)
    };
    assert!(
        wait_until(PATIENCE, async || whole(&anew().await)).await,
        "both homes are never shown: {:?}",
        anew().await
    );

    for mode in [Mode::Hang, Mode::Refuse] {
        // An answer that is kept from just before the fault: one of the last round would be too old to serve.
        let kept = wait_until(PATIENCE, async || {
            let kept = regions.search(0, (TITLE, PROBLEM)).await;
            whole(&kept) && kept.stale_ms < 1_000
        })
        .await;
        assert!(kept, "{mode:?}: {:?}", regions.search(0, (TITLE, PROBLEM)).await);
        regions.east.set(mode.clone());

        let began = Instant::now();
        let answer = anew().await;
        let took = began.elapsed();
        assert!(took < (LIMIT + Duration::from_millis(500)) * slack(), "{mode:?}: a search took {took:?}");
        assert_eq!(answer.degraded, [EAST], "{mode:?}");
        assert_eq!((answer.regions_asked, answer.regions_answered), (2, 1), "{mode:?}");
        assert!(shows(&answer, &here) && !shows(&answer, &there), "{mode:?}: {answer:?}");

        // Not asked in the second round: no kept answer is found there, and why is not known yet.
        if matches!(mode, Mode::Hang) {
            stale(&regions, &mode, async |answer| shows(answer, &here) && shows(answer, &there)).await;
        }
        steady(&regions, &mode, async || anew().await).await;
        mission_runs(&regions, &worker, &mode).await;

        regions.heal().await;
        let healed = wait_until(PATIENCE, async || whole(&anew().await)).await;
        assert!(healed, "{mode:?}: the home is never asked again: {:?}", anew().await);
    }
}

/// Once its breaker is open, searches neither call the dead home nor open connections to it.
async fn steady(regions: &Regions, mode: &Mode, mut anew: impl AsyncFnMut() -> MemoryAnswer) {
    let page = format!("{}/metrics", regions.world.scheduler_url(&regions.region(0)));
    let boundary = format!("boundary=\"recall {EAST}\"");
    let read = async |name: &str| metric(&get(&page).await.unwrap().1, name, &[&boundary]);
    let open = wait_until(PATIENCE, async || {
        anew().await;
        read("memory_breaker_state").await >= 2.0
    })
    .await;
    assert!(open, "{mode:?}: its breaker never opened");

    let (calls, connections) = (read("memory_boundary_calls_total").await, regions.east.accepted());
    let began = Instant::now();
    let mut slowest = Duration::ZERO;
    for _ in 0..SEARCHES {
        let asked = Instant::now();
        let answer = anew().await;
        slowest = slowest.max(asked.elapsed());
        assert_eq!(answer.degraded, [EAST], "{mode:?}");
    }
    let calls = read("memory_boundary_calls_total").await - calls;
    // Other loops of both schedulers probe that gateway too, each breaker once a pause: that goes by time, not by searches.
    let connections = regions.east.accepted() - connections;
    let took = began.elapsed();
    eprintln!(
        "{mode:?}: {SEARCHES} searches in {took:?}, slowest {slowest:?}: {calls} calls, {connections} connections"
    );
    let probes = 2.0 + 2.0 * took.as_secs_f64();
    assert!(
        calls <= probes && calls < SEARCHES as f64 / 10.0,
        "{mode:?}: {calls} calls to a home behind an open breaker"
    );
    assert!((connections as usize) < SEARCHES / 4, "{mode:?}: {connections} connections");
}

/// What the dead home gave before the fault serves, with its age.
async fn stale(regions: &Regions, mode: &Mode, all: impl AsyncFn(&MemoryAnswer) -> bool) {
    let mut last = None;
    let said = wait_until(Duration::from_secs(20), async || {
        let answer = regions.search(0, (TITLE, PROBLEM)).await;
        let is_said = answer.degraded == [EAST] && answer.stale_ms >= 5_000;
        last = Some(answer);
        is_said
    })
    .await;
    let answer = last.expect("it was asked");
    assert!(said && answer.stale_ms <= 45_000, "{mode:?}: {answer:?}");
    assert_eq!(answer.regions_answered, 2, "{mode:?}: an answer from before is one");
    assert!(all(&answer).await, "{mode:?}: {answer:?}");
}

/// A mission runs with what is left, and its runner is told what is missing.
async fn mission_runs(regions: &Regions, worker: &Worker, mode: &Mode) {
    let id = regions.submit(0, (TITLE, &format!("{PROBLEM} With {mode:?}."))).await;
    assert!(wait_until(PATIENCE, async || regions.succeeded(0, id).await).await, "{mode:?}: the mission does not end");
    let seen = worker.seen();
    let input = seen.iter().find(|input| input["mission"] == json!(id)).expect("the worker had it");
    assert_eq!(input["memory"]["degraded"], json!([EAST]), "{mode:?}: {input}");
    assert!(input["memory"]["hits"].as_array().is_some_and(|hits| !hits.is_empty()), "{mode:?}: {input}");
}
