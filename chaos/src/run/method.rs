//! The method: its steps in order, each undo written down before its step.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::course::{Begun, Course};
use super::{Event, exceeded, told};
use crate::drill::{Probe, Step, StepKind, Tolerance};
use crate::journal::Activity;
use crate::tier::{Target, Tier};
use crate::undo::UndoLine;

impl<'a, T: Tier> Course<'a, T> {
    /// Carries out step after step, until one fails or the drill is broken off.
    pub(super) async fn method(&mut self) {
        for step in &self.drill.method {
            if !self.lookout.pause(step.pause_before).await {
                return;
            }
            let goes_on = match &step.kind {
                StepKind::Fault(_) | StepKind::Command(_) => self.act(step).await,
                StepKind::Undo(name) => self.undo_early(step, name).await,
                StepKind::Probe(probe) => self.look(step, probe).await,
            };
            if !goes_on || !self.lookout.pause(step.pause_after).await {
                return;
            }
        }
    }

    /// Answers whether the step was carried out.
    async fn act(&mut self, step: &'a Step) -> bool {
        let activity = self.begin(step, String::new());
        let acted = self.act_as_written(step, activity).await;
        if acted.is_ok() {
            self.lookout.fault((self.setup.clock)());
        }
        self.end(activity, acted)
    }

    async fn act_as_written(&mut self, step: &'a Step, activity: usize) -> Result<Value, String> {
        let bound = bound(step, self.setup.limits.act);
        let undo = tokio::select! {
            biased;
            () = self.lookout.until_broken() => return Err("the drill was broken off before it began".to_owned()),
            told = timeout(bound, self.tier.undo_of(step)) => told,
        };
        let undo = undo.map_err(|_| "its undo could not be told in time".to_owned())?.map_err(chain)?;
        // Only now the tier can tell which regions are meant.
        let targets = self.tier.targets(step);
        self.activities[activity].what = told::what(&targets);
        let regions = regions(&targets);
        let hit = self.begun.iter().filter(|begun| !begun.undone).flat_map(|begun| begun.regions.clone()).collect();
        if let Some(reason) = exceeded(&self.drill.blast_radius, &hit, &regions, self.setup.regions) {
            return Err(reason);
        }
        let planned = UndoLine::Planned { step: step.name.clone(), undo };
        self.setup.log.append(&planned).map_err(chain)?;
        self.begun.push(Begun { step, activity, regions, undone: false });
        (self.setup.progress)(Event::Began { step: &step.name, what: &self.activities[activity].what });
        tokio::select! {
            biased;
            acted = timeout(bound, self.tier.act(step)) => match acted {
                Ok(acted) => acted.map_err(chain),
                Err(_) => Err(format!("it was not acknowledged within {} s", bound.as_secs_f64())),
            },
            () = async { self.lookout.until_broken().await; sleep(self.setup.limits.grace).await } => {
                Err("the drill was broken off while it was under way".to_owned())
            }
        }
    }

    /// Answers whether the step that is meant was undone.
    async fn undo_early(&mut self, step: &Step, name: &str) -> bool {
        let activity = self.begin(step, format!("undo {name}"));
        let undone = match self.begun.iter().position(|begun| begun.step.name == name && !begun.undone) {
            Some(place) => self.undo(place).await,
            None => Err(format!("{name} has not begun")),
        };
        self.end(activity, undone.map(|()| Value::Null))
    }

    /// A probe out of tolerance is a deviation, but no reason to stop looking.
    async fn look(&mut self, step: &Step, probe: &Probe) -> bool {
        let activity = self.begin(step, format!("look at {}", probe.name));
        let probed = self.lookout.look_at(probe).await;
        self.activities[activity].detail = json!({ "figure": probed.figure, "holds": probed.holds });
        let seen = if probed.holds {
            Ok(self.activities[activity].detail.clone())
        } else {
            Err(out_of(probe.tolerance, probed.figure))
        };
        self.end(activity, seen);
        true
    }

    /// The place of the new activity.
    fn begin(&mut self, step: &Step, what: String) -> usize {
        let now_us = (self.setup.clock)();
        self.activities.push(Activity {
            name: step.name.clone(),
            what,
            started_at_us: now_us,
            ended_at_us: now_us,
            undone_at_us: None,
            error: None,
            detail: Value::Null,
        });
        self.activities.len() - 1
    }

    /// Answers whether it went well.
    fn end(&mut self, activity: usize, result: Result<Value, String>) -> bool {
        let activity = &mut self.activities[activity];
        activity.ended_at_us = (self.setup.clock)();
        let step = activity.name.as_str();
        match result {
            Ok(detail) => {
                activity.detail = detail;
                (self.setup.progress)(Event::Done { step });
                true
            }
            Err(error) => {
                (self.setup.progress)(Event::Failed { step, error: &error });
                activity.error = Some(error);
                false
            }
        }
    }
}

/// How long a step or its undo may take: a command says so itself.
pub(super) fn bound(step: &Step, limit: Duration) -> Duration {
    match &step.kind {
        // A little more, so that the command's own limit is the one that is told.
        StepKind::Command(command) => limit.max(command.timeout + Duration::from_secs(1)),
        StepKind::Fault(_) | StepKind::Undo(_) | StepKind::Probe(_) => limit,
    }
}

fn regions(targets: &[Target]) -> BTreeSet<String> {
    targets.iter().filter_map(|target| target.region.clone()).collect()
}

fn out_of(tolerance: Tolerance, figure: Option<f64>) -> String {
    let bound = |bound: Option<f64>| bound.map_or("any".to_owned(), |bound| bound.to_string());
    let good = format!("{} to {} is good", bound(tolerance.min), bound(tolerance.max));
    match figure {
        Some(figure) => format!("it is {figure}; {good}"),
        None => format!("it could not be had; {good}"),
    }
}

pub(super) fn chain(error: impl Into<anyhow::Error>) -> String {
    format!("{:#}", error.into())
}
