//! One mission from its grant to its accepted result.

use std::sync::Arc;
use std::time::Duration;

use scheduler_client::wire::{Complete, Fail, Grant, LeaseProof, MissionMemory, Progress, Release};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use topology::MissionId;
use tracing::{Instrument, Span};

use super::Agent;
use super::recall::left_behind;
use super::session::Session;
use crate::book::{StopCause, Verdict};
use crate::runner::{Ending, Failure, Job, Tether};
use crate::spool::{Finished, FinishedResult};

/// Shortest time between two reports of one mission's progress.
const PROGRESS: Duration = Duration::from_secs(1);

/// How long a hand-back is tried. One that fails goes back too, when two heartbeats have not named it.
const HAND_BACK: Duration = Duration::from_secs(3);

impl Session {
    /// Takes grants up: starts them, or hands back what must not be started.
    pub(super) fn take(self: &Arc<Self>, grants: Vec<Grant>) {
        for grant in grants {
            let verdict = self.book().admit(&grant);
            match verdict {
                Verdict::Start => self.start(grant),
                Verdict::Known => {}
                Verdict::HandBack(reason) => {
                    metrics::counter!("region_agent_unstarted_total", "reason" => reason).increment(1);
                    let (agent, proof) = (self.agent.clone(), self.proof(&grant));
                    tokio::spawn(async move { agent.hand_back(grant.mission, proof, reason).await });
                }
            }
        }
    }

    fn start(self: &Arc<Self>, grant: Grant) {
        let span = mission_span(&grant);
        let clock = &self.agent.0.clock;
        let limit = Duration::from_millis(grant.run_limit_ms.try_into().unwrap_or_default());
        let job = Job {
            session: self.id,
            region: self.agent.config().region.clone(),
            run_until: clock.now().after(limit),
            grant,
            memory: None,
        };
        let (stop_sender, stop) = watch::channel(None);
        self.jobs().insert(job.name(), stop_sender);
        let (progress_sender, progress) = mpsc::channel(16);
        let tether = Tether { lease: self.lease.subscribe(), stop, progress: progress_sender, clock: clock.clone() };
        let session = Arc::clone(self);
        tokio::spawn(session.report(job.grant.mission, self.proof(&job.grant), progress));
        let session = Arc::clone(self);
        tokio::spawn(async move { session.work(job, tether).await }.instrument(span));
    }

    async fn work(self: Arc<Self>, mut job: Job, tether: Tether) {
        let runner = self.agent.runner(&job.grant.specialization);
        let works = runner.works_on(&job);
        let recalled = if works { self.agent.recall(&job.grant).await } else { None };
        job.memory = recalled.as_ref().map(|recalled| recalled.context.clone());
        let begun = self.agent.0.clock.now();
        tracing::info!(title = job.grant.title, attempt = job.grant.attempt, "mission started");
        let ending = runner.run(&job, tether).await;
        let took = begun.until(self.agent.0.clock.now());
        self.jobs().remove(&job.name());
        metrics::histogram!("region_agent_run_seconds", "ending" => label(&ending)).record(took.as_secs_f64());
        tracing::info!(ending = label(&ending), took_ms = took.as_millis() as u64, "mission ended");
        self.settle(&job, ending, |result| left_behind(result, recalled.as_ref(), works)).await;
        self.book().settled(job.name());
        self.changed.notify_waiters();
    }

    /// Tells the scheduler. What the session no longer holds is told to nobody.
    async fn settle(&self, job: &Job, ending: Ending, left_behind: impl FnOnce(&Value) -> Option<Box<MissionMemory>>) {
        if !self.book().holds(job.name()) {
            return;
        }
        let lease = self.proof(&job.grant);
        let mission = job.grant.mission;
        let result = match ending {
            Ending::Succeeded(outcome) => {
                let memory = left_behind(&outcome);
                FinishedResult::Complete(Complete { lease, outcome, memory })
            }
            Ending::Failed(failure) => {
                let memory = left_behind(&failure.detail);
                let Failure { reason, detail, retryable } = failure;
                FinishedResult::Fail(Fail { lease, reason: reason.to_owned(), detail, retryable, memory })
            }
            Ending::Stopped(StopCause::Drain) => return self.agent.hand_back(mission, lease, "drain").await,
            Ending::Expired => return self.agent.hand_back(mission, lease, "fenced").await,
            Ending::Stopped(StopCause::Lost | StopCause::Cancelled | StopCause::SessionEnded) => return,
        };
        self.book().finished(job.name());
        self.agent.finish(Finished { mission, result }).await;
    }

    /// Reports progress, the newest only, while the runner lives.
    async fn report(self: Arc<Self>, mission: MissionId, lease: LeaseProof, mut progress: mpsc::Receiver<Value>) {
        let client = self.agent.brief(PROGRESS);
        while let Some(mut newest) = progress.recv().await {
            while let Ok(newer) = progress.try_recv() {
                newest = newer;
            }
            let body = Progress { lease: lease.clone(), progress: newest };
            if let Err(error) = client.progress(mission, &body).await {
                tracing::debug!(%mission, error = &error as &dyn std::error::Error, "progress was not reported");
            }
            tokio::time::sleep(PROGRESS).await;
        }
    }

    fn proof(&self, grant: &Grant) -> LeaseProof {
        LeaseProof { session: self.id, epoch: grant.epoch, home: grant.home.clone() }
    }
}

impl Agent {
    async fn hand_back(&self, mission: MissionId, lease: LeaseProof, reason: &'static str) {
        tracing::info!(%mission, epoch = %lease.epoch, reason, "handing back");
        let body = Release { lease, reason: reason.to_owned() };
        if let Err(error) = self.brief(HAND_BACK).release(mission, &body).await {
            tracing::info!(%mission, error = &error as &dyn std::error::Error, "not handed back");
        }
    }
}

/// The span of one mission, below the span of its submit.
fn mission_span(grant: &Grant) -> Span {
    let span = tracing::info_span!("mission", mission = %grant.mission, epoch = %grant.epoch);
    if let Some(traceparent) = &grant.traceparent {
        telemetry::continue_trace(&span, traceparent);
    }
    span
}

const fn label(ending: &Ending) -> &'static str {
    match ending {
        Ending::Succeeded(_) => "succeeded",
        Ending::Failed(_) => "failed",
        Ending::Stopped(_) => "stopped",
        Ending::Expired => "expired",
    }
}
