//! A runner that only waits: durations and failures are drawn from a seed, the mission and the epoch.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::{Ending, Failure, Job, Ledger, LedgerEvent, Tether, reason};

/// How a simulation behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimulatedSettings {
    /// The same seed, mission and epoch give the same run.
    pub seed: u64,
    /// Shortest run.
    pub min: Duration,
    /// Longest run.
    pub max: Duration,
    /// Share of runs that fail, 0 to 1.
    pub failure_rate: f64,
}

/// What a mission's payload may ask of a simulation, under the key `simulate`.
#[derive(Debug, Default, Deserialize)]
struct Wish {
    /// The run takes so long.
    ms: Option<u64>,
    /// Whether it fails.
    fail: Option<bool>,
    /// The whole agent dies at the run's end, as a runner may make it die.
    #[serde(default)]
    abort: bool,
}

/// The runner.
#[derive(Debug)]
pub struct Simulated {
    settings: SimulatedSettings,
    ledger: Option<Arc<Ledger>>,
}

/// A run as it was drawn.
struct Draw {
    length: Duration,
    fails: bool,
    aborts: bool,
}

impl Simulated {
    /// A simulation that notes what it does in the ledger, if there is one.
    #[must_use]
    pub const fn new(settings: SimulatedSettings, ledger: Option<Arc<Ledger>>) -> Self {
        Self { settings, ledger }
    }

    pub(super) async fn run(&self, job: &Job, mut tether: Tether) -> Ending {
        let draw = self.draw(job);
        self.note(job, LedgerEvent::Start, None);
        let ending = work(job, &draw, &mut tether).await;
        match &ending {
            Ending::Succeeded(_) => self.note(job, LedgerEvent::End, Some(true)),
            Ending::Failed(_) => self.note(job, LedgerEvent::End, Some(false)),
            Ending::Stopped(_) | Ending::Expired => self.note(job, LedgerEvent::Stop, None),
        }
        ending
    }

    fn draw(&self, job: &Job) -> Draw {
        let (high, low) = job.grant.mission.0.as_u64_pair();
        let mut rng = StdRng::seed_from_u64(self.settings.seed ^ high ^ low ^ job.grant.epoch.0 as u64);
        let (min, max) = (self.settings.min, self.settings.max.max(self.settings.min));
        let length = rng.random_range(min..=max);
        let fails = rng.random_bool(self.settings.failure_rate.clamp(0.0, 1.0));
        let wish = job.grant.payload.get("simulate").cloned().unwrap_or_default();
        let wish: Wish = serde_json::from_value(wish).unwrap_or_default();
        Draw {
            length: wish.ms.map_or(length, Duration::from_millis),
            fails: wish.fail.unwrap_or(fails),
            aborts: wish.abort,
        }
    }

    fn note(&self, job: &Job, event: LedgerEvent, ok: Option<bool>) {
        if let Some(ledger) = &self.ledger {
            ledger.note(job, event, ok);
        }
    }
}

/// Waits the run's length, not counting the time in which the lease was fenced.
async fn work(job: &Job, draw: &Draw, tether: &mut Tether) -> Ending {
    let mut left = draw.length;
    loop {
        if let Err(ending) = tether.holds(job).await {
            return ending;
        }
        if left.is_zero() {
            break;
        }
        let rest = tether.clock.now().until(job.run_until).min(left);
        let begun = Instant::now();
        let mut lease = tether.lease.clone();
        tokio::select! {
            cause = tether.stopped() => return Ending::Stopped(cause),
            // Without a sender nobody renews: `stopped` ends then too.
            _ = lease.changed() => {}
            () = tokio::time::sleep(rest) => {}
        }
        left = left.saturating_sub(begun.elapsed());
    }
    if draw.aborts {
        tracing::error!(mission = %job.grant.mission, "a simulated mission ends the agent");
        std::process::abort();
    }
    if draw.fails {
        let detail = json!({ "simulated": true });
        return Ending::Failed(Failure { reason: reason::SIMULATED, detail, retryable: true });
    }
    Ending::Succeeded(json!({ "simulated": true, "ms": draw.length.as_millis() as u64 }))
}

#[cfg(test)]
pub(crate) mod tests {
    use scheduler_client::wire::Grant;
    use tokio::sync::{mpsc, watch};
    use topology::{Epoch, MissionId, SessionId};
    use uuid::Uuid;

    use super::*;
    use crate::book::StopCause;
    use crate::clock::{Boot, Clock};
    use crate::lease::Lease;
    use crate::runner::Runner;

    pub(crate) fn job(mission: u128) -> Job {
        let grant = Grant {
            mission: MissionId(Uuid::from_u128(mission)),
            epoch: Epoch(1),
            home: "us-west-2".to_owned(),
            specialization: "a".parse().unwrap(),
            title: "t".to_owned(),
            payload: serde_json::Value::Null,
            attempt: 1,
            run_limit_ms: 60_000,
            seq: 0,
            alone: false,
            traceparent: None,
            drill: None,
        };
        let session = SessionId(Uuid::from_u128(99));
        Job { grant, session, region: "us-west".parse().unwrap(), run_until: seconds(60), memory: None }
    }

    struct Ends {
        lease: watch::Sender<Lease>,
        stop: watch::Sender<Option<StopCause>>,
    }

    const fn seconds(seconds: u64) -> Boot {
        Boot(seconds * 1_000_000_000)
    }

    fn lease(fence_at: Boot) -> Lease {
        Lease { fence_at, expires_at: fence_at.after(Duration::from_millis(500)), fenced: false }
    }

    fn tether(fence_at: Boot) -> (Ends, Tether) {
        let (lease_sender, lease) = watch::channel(lease(fence_at));
        let (stop_sender, stop) = watch::channel(None);
        let (progress, _) = mpsc::channel(1);
        let clock = Clock::Tokio(Instant::now());
        (Ends { lease: lease_sender, stop: stop_sender }, Tether { lease, stop, progress, clock })
    }

    fn runner(failure_rate: f64) -> Simulated {
        let ten = Duration::from_secs(10);
        Simulated::new(SimulatedSettings { seed: 1, min: ten, max: ten, failure_rate }, None)
    }

    #[tokio::test(start_paused = true)]
    async fn it_takes_as_long_as_it_was_drawn() {
        let (_ends, tether) = tether(seconds(1_000));
        let begun = Instant::now();
        let ending = runner(0.0).run(&job(1), tether).await;
        assert_eq!(ending, Ending::Succeeded(json!({"simulated": true, "ms": 10_000})));
        assert_eq!(begun.elapsed(), Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn it_stands_still_while_the_lease_is_fenced_and_goes_on_after() {
        let (ends, tether) = tether(seconds(4));
        let begun = Instant::now();
        let running = tokio::spawn(async move { runner(0.0).run(&job(1), tether).await });
        tokio::time::sleep(Duration::from_secs(4)).await;
        ends.lease.send_modify(|lease| lease.fenced = true);
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert!(!running.is_finished());
        ends.lease.send_replace(lease(seconds(1_000)));
        running.await.unwrap();
        assert_eq!(begun.elapsed(), Duration::from_secs(30));
    }

    #[tokio::test(start_paused = true)]
    async fn an_unnoticed_fence_still_keeps_it_from_ending() {
        let (ends, tether) = tether(seconds(4));
        let running = tokio::spawn(async move { runner(0.0).run(&job(1), tether).await });
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert!(!running.is_finished(), "nobody set the flag, but the clock is past the fence");
        ends.stop.send_replace(Some(StopCause::Lost));
        assert_eq!(running.await.unwrap(), Ending::Stopped(StopCause::Lost));
    }

    #[tokio::test(start_paused = true)]
    async fn the_run_limit_ends_it_even_while_it_stands_still() {
        let (_ends, tether) = tether(seconds(4));
        let ending = runner(0.0).run(&job(1), tether).await;
        assert!(matches!(ending, Ending::Failed(Failure { reason: reason::RUN_LIMIT, .. })), "{ending:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_rate_of_one_always_fails_and_the_payload_has_the_last_word() {
        let (_ends, first) = tether(seconds(1_000));
        assert!(matches!(runner(1.0).run(&job(1), first).await, Ending::Failed(_)));
        let mut job = job(1);
        job.grant.payload = json!({"simulate": {"ms": 5, "fail": false}});
        let (_ends, second) = tether(seconds(1_000));
        let begun = Instant::now();
        assert!(matches!(runner(1.0).run(&job, second).await, Ending::Succeeded(_)));
        assert_eq!(begun.elapsed(), Duration::from_millis(5));
    }

    #[test]
    fn the_same_seed_draws_the_same_run_and_another_epoch_another_one() {
        let runner = Simulated::new(
            SimulatedSettings { seed: 7, min: Duration::ZERO, max: Duration::from_secs(100), failure_rate: 0.5 },
            None,
        );
        let mut again = job(1);
        assert_eq!(runner.draw(&job(1)).length, runner.draw(&again).length);
        again.grant.epoch = Epoch(2);
        assert_ne!(runner.draw(&job(1)).length, runner.draw(&again).length);
    }

    #[tokio::test(start_paused = true)]
    async fn a_grant_that_is_taken_up_behind_the_fence_is_not_begun() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.jsonl");
        let ten = Duration::from_secs(10);
        let settings = SimulatedSettings { seed: 1, min: ten, max: ten, failure_rate: 0.0 };
        let runner =
            Arc::new(Runner::Simulated(Simulated::new(settings, Some(Arc::new(Ledger::open(&path).unwrap())))));
        let start = |tether| {
            let runner = Arc::clone(&runner);
            tokio::spawn(async move { runner.run(&job(5), tether).await })
        };

        // The flag is not set: whoever sets it stood still along with the rest of the agent.
        let (ends, behind) = tether(seconds(0));
        let running = start(behind);
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "");
        ends.stop.send_replace(Some(StopCause::Lost));
        assert_eq!(running.await.unwrap(), Ending::Stopped(StopCause::Lost));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "");

        let (ends, behind) = tether(seconds(0));
        let running = start(behind);
        tokio::time::sleep(Duration::from_secs(20)).await;
        ends.lease.send_replace(lease(seconds(1_000)));
        assert!(matches!(running.await.unwrap(), Ending::Succeeded(_)));
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn the_ledger_has_one_line_a_side_effect() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.jsonl");
        let ten = Duration::from_secs(10);
        let settings = SimulatedSettings { seed: 1, min: ten, max: ten, failure_rate: 0.0 };
        let runner = Simulated::new(settings, Some(Arc::new(Ledger::open(&path).unwrap())));
        let (_ends, tether) = tether(seconds(1_000));
        runner.run(&job(5), tether).await;
        let text = std::fs::read_to_string(path).unwrap();
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
        assert_eq!(events, ["start", "end"]);
        assert_eq!(lines[1]["mission"], job(5).grant.mission.to_string());
        assert_eq!(lines[1]["epoch"], 1);
        assert!(lines[1]["at_us"].as_i64().unwrap() > 0);
    }
}
