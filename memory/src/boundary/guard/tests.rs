use std::convert::Infallible;
use std::future::{pending, ready};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const LIMIT: Duration = Duration::from_millis(500);

/// Pauses that a test can wait out; they pass by the process clock, everything else by tokio's.
fn guard() -> Guard {
    let breaker =
        BreakerConfig { failures: 3, open_for: Duration::from_millis(10), open_max: Duration::from_millis(20) };
    Guard::new("test", Limits { breaker, ..Limits::within(LIMIT) })
}

async fn hang(guard: &Guard) -> Result<(), Error<Infallible>> {
    guard.call(pending(), |never| match *never {}).await
}

async fn answer(guard: &Guard) -> Result<(), Error<Infallible>> {
    guard.call(ready(Ok(())), |never| match *never {}).await
}

async fn opened(guard: Guard) -> Guard {
    for _ in 0..3 {
        assert!(matches!(hang(&guard).await, Err(Error::TimedOut(LIMIT))));
    }
    assert_eq!(guard.state(), BreakerState::Open);
    guard
}

#[tokio::test(start_paused = true)]
async fn a_hang_is_cut_and_recorded_so_that_the_breaker_opens() {
    let guard = opened(Guard::new("test", Limits::within(LIMIT))).await;
    let before = Instant::now();
    assert!(matches!(hang(&guard).await, Err(Error::Rejected)));
    assert_eq!(before.elapsed(), Duration::ZERO, "a rejected call costs nothing");
}

#[tokio::test(start_paused = true)]
async fn a_shorter_limit_of_the_callers_is_recorded_once_the_call_was_slow() {
    let guard = guard();
    for _ in 0..20 {
        timeout(LIMIT / 2, hang(&guard)).await.unwrap_err();
    }
    assert_eq!(guard.state(), BreakerState::Closed, "somebody's impatience says nothing about the other side");
    for _ in 0..3 {
        timeout(LIMIT * 9 / 10, hang(&guard)).await.unwrap_err();
    }
    assert_eq!(guard.state(), BreakerState::Open);
}

#[tokio::test(start_paused = true)]
async fn failures_count_from_the_first_call_on() {
    let guard = guard();
    for _ in 0..3 {
        guard.call(ready(Err::<(), _>("refused")), |_| true).await.unwrap_err();
    }
    assert_eq!(guard.state(), BreakerState::Open, "the first window of a success rate is not waited for");
}

#[tokio::test(start_paused = true)]
async fn an_error_of_ours_never_counts() {
    let guard = guard();
    for _ in 0..100 {
        let error = guard.call(ready(Err::<(), _>("no such column")), |_| false).await;
        assert!(matches!(error, Err(Error::Failed("no such column"))));
    }
    assert_eq!(guard.state(), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_is_given_and_counts_as_a_failure() {
    let guard = guard();
    for _ in 0..3 {
        let slow = async {
            tokio::time::sleep(LIMIT * 9 / 10).await;
            Ok::<_, Infallible>("late")
        };
        assert_eq!(guard.call(slow, |never| match *never {}).await.unwrap(), "late");
    }
    assert_eq!(guard.state(), BreakerState::Open);
}

#[tokio::test(start_paused = true)]
async fn of_a_hundred_calls_at_once_one_probes_what_is_half_open() {
    let guard = opened(guard()).await;
    let reached = AtomicUsize::new(0);
    let call = || {
        let call = async {
            reached.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(LIMIT / 2).await;
            Ok::<_, Infallible>(())
        };
        guard.call(call, |never| match *never {})
    };
    while reached.load(Ordering::Relaxed) == 0 {
        let calls = (0..100).map(|_| call());
        futures_util::future::join_all(calls).await;
    }
    assert_eq!(reached.load(Ordering::Relaxed), 1);
    assert_eq!(guard.state(), BreakerState::Closed);
    futures_util::future::join_all((0..100).map(|_| call())).await;
    assert_eq!(reached.load(Ordering::Relaxed), 101, "a good probe lets all through again");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_hangs_or_is_dropped_opens_it_again_and_does_not_stick() {
    let guard = opened(guard()).await;
    while matches!(hang(&guard).await, Err(Error::Rejected)) {}
    assert_eq!(guard.state(), BreakerState::Open);
    // A call that is dropped before its end is refused at once while the breaker is open, else it is the probe.
    while timeout(LIMIT / 10, hang(&guard)).await.is_ok() {}
    assert_eq!(guard.state(), BreakerState::Open);
    while answer(&guard).await.is_err() {}
    assert_eq!(guard.state(), BreakerState::Closed);
}

#[test]
fn it_stays_open_for_a_second_at_first_and_ten_at_most() {
    let limits = Limits::within(LIMIT);
    assert_eq!((limits.breaker.open_for, limits.breaker.open_max), (Duration::from_secs(1), Duration::from_secs(10)));
    assert!(limits.slow < limits.timeout);
}

#[tokio::test(start_paused = true)]
async fn its_state_and_its_calls_are_metrics() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _installed = metrics::set_default_local_recorder(&recorder);
    let guard = opened(Guard::new("test", Limits::within(LIMIT))).await;
    answer(&guard).await.unwrap_err();
    let shown = handle.render();
    for line in [
        "memory_breaker_state{boundary=\"test\"} 2",
        "memory_breaker_rejected_total{boundary=\"test\"} 1",
        "memory_boundary_calls_total{boundary=\"test\",ending=\"timed_out\"} 3",
    ] {
        assert!(shown.contains(line), "{line} is not in\n{shown}");
    }
}
