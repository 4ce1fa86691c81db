//! What works on missions: a command, an HTTP worker, or a simulation.
//!
//! A runner sees its lease as a watched value and stands still while that is fenced; it ends when its [`Tether`] says so.

mod command;
mod http;
mod ledger;
mod simulated;
mod verdict;

use std::time::Duration;

use scheduler_client::wire::{Grant, LeaseName};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use topology::{RegionName, SessionId};

use crate::book::StopCause;
use crate::clock::{Boot, Clock};
use crate::lease::Lease;

pub use command::{Command, CommandSettings};
pub use http::{Http, HttpSettings};
pub use ledger::{Ledger, LedgerEvent};
pub use simulated::{Simulated, SimulatedSettings};

/// A mission to work on.
#[derive(Debug, Clone)]
pub struct Job {
    /// The lease with the work.
    pub grant: Grant,
    /// Who holds it.
    pub session: SessionId,
    /// Where.
    pub region: RegionName,
    /// When its time is over.
    pub run_until: Boot,
    /// What is remembered of such problems, at most 16 KiB; none where that cannot be had.
    pub memory: Option<Value>,
}

impl Job {
    /// The lease's name.
    #[must_use]
    pub const fn name(&self) -> LeaseName {
        LeaseName { mission: self.grant.mission, epoch: self.grant.epoch }
    }

    /// The mission as the runner reads it.
    #[must_use]
    pub fn input(&self) -> Value {
        serde_json::json!({
            "mission": self.grant.mission,
            "epoch": self.grant.epoch,
            "region": self.region,
            "specialization": self.grant.specialization,
            "title": self.grant.title,
            "attempt": self.grant.attempt,
            "run_limit_ms": self.grant.run_limit_ms,
            "payload": self.grant.payload,
            "memory": self.memory,
        })
    }
}

/// What ties a runner to the agent.
#[derive(Debug)]
pub struct Tether {
    /// The session's lease, as it is renewed and fenced.
    pub lease: watch::Receiver<Lease>,
    /// Why to stop, once there is a reason.
    pub stop: watch::Receiver<Option<StopCause>>,
    /// Where progress goes; what nobody takes at once is dropped.
    pub progress: mpsc::Sender<Value>,
    /// The clock that the lease is judged by.
    pub clock: Clock,
}

impl Tether {
    /// Ends when the runner is to stop. An agent that is gone is a reason too.
    pub async fn stopped(&mut self) -> StopCause {
        match self.stop.wait_for(Option::is_some).await {
            Ok(cause) => cause.unwrap_or(StopCause::SessionEnded),
            Err(_) => StopCause::SessionEnded,
        }
    }

    /// Waits until the lease is certainly the session's own: an agent that stood still may take up a grant long after
    /// it was given, and what it holds may be another's by then. Not beyond the run's own time.
    async fn holds(&mut self, job: &Job) -> Result<(), Ending> {
        loop {
            let now = self.clock.now();
            if now >= job.run_until {
                return Err(run_limit(job, None));
            }
            if !self.lease.borrow_and_update().is_fenced(now) {
                return Ok(());
            }
            let mut lease = self.lease.clone();
            tokio::select! {
                cause = self.stopped() => return Err(Ending::Stopped(cause)),
                // Without a sender nobody renews: `stopped` ends then too.
                _ = lease.changed() => {}
                () = tokio::time::sleep(now.until(job.run_until)) => {}
            }
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// With this outcome.
    Succeeded(Value),
    /// Without success.
    Failed(Failure),
    /// It was stopped for this cause: there is nothing to report.
    Stopped(StopCause),
    /// The lease ran out while the agent could not speak: to be handed back, through no fault of the mission.
    Expired,
}

/// A failed run.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// Stable code.
    pub reason: &'static str,
    /// For people.
    pub detail: Value,
    /// Whether another attempt may help.
    pub retryable: bool,
}

/// The reasons of failures: the one place where these codes are written.
pub mod reason {
    /// The runner ended with an exit code other than 0, or by a signal.
    pub const EXIT: &str = "runner_exit";
    /// The runner could not be started, or its supervisor broke.
    pub const START: &str = "runner_start";
    /// The runner's output is no JSON.
    pub const NO_JSON: &str = "runner_no_json";
    /// The runner wrote more than 1 MB.
    pub const OUTPUT_TOO_LARGE: &str = "runner_output_too_large";
    /// The run limit was over.
    pub const RUN_LIMIT: &str = "run_limit";
    /// The worker did not answer.
    pub const WORKER_UNREACHABLE: &str = "worker_unreachable";
    /// The worker answered with another status than 2xx.
    pub const WORKER_STATUS: &str = "worker_status";
    /// The simulation drew a failure.
    pub const SIMULATED: &str = "simulated_failure";
    /// The scheduler does not store the runner's result.
    pub const RESULT_REFUSED: &str = "result_refused";
}

/// A runner of any kind.
#[derive(Debug)]
pub enum Runner {
    /// A program on this machine.
    Command(Command),
    /// A worker behind HTTP.
    Http(Http),
    /// Seeded durations and failures.
    Simulated(Simulated),
}

impl Runner {
    /// Whether it does real work on a mission: it is shown what is remembered then, and leaves a memory. A simulation does
    /// so where the payload's `simulate` says `memory: true`.
    pub(crate) fn works_on(&self, job: &Job) -> bool {
        match self {
            Self::Command(_) | Self::Http(_) => true,
            Self::Simulated(_) => job.grant.payload.pointer("/simulate/memory") == Some(&Value::Bool(true)),
        }
    }

    /// Works on a mission until it ends or is stopped; does nothing of it before the lease is certain.
    pub async fn run(&self, job: &Job, mut tether: Tether) -> Ending {
        if let Err(ending) = tether.holds(job).await {
            return ending;
        }
        match self {
            Self::Command(runner) => runner.run(job, tether).await,
            Self::Http(runner) => runner.run(job, tether).await,
            Self::Simulated(runner) => runner.run(job, tether).await,
        }
    }
}

/// The failure of a run whose time was over.
pub(crate) fn run_limit(job: &Job, stderr: Option<&str>) -> Ending {
    let limit = Duration::from_millis(job.grant.run_limit_ms.try_into().unwrap_or_default());
    let detail = serde_json::json!({ "run_limit_ms": limit.as_millis() as u64, "stderr": stderr });
    Ending::Failed(Failure { reason: reason::RUN_LIMIT, detail, retryable: true })
}
