//! The course of a drill: gate, method, undo, after.

use std::collections::BTreeSet;

use tokio::time::{Instant, timeout};

use super::lookout::{EVERY, Lookout};
use super::{Carried, Ended, Event, Setup};
use crate::drill::{Drill, Step};
use crate::journal::{Activity, Probed};
use crate::tier::Tier;
use crate::undo::UndoLine;

pub(super) struct Course<'a, T: Tier> {
    pub(super) drill: &'a Drill,
    pub(super) tier: &'a mut T,
    pub(super) setup: Setup<'a>,
    pub(super) lookout: &'a Lookout<'a, T::Gauges>,
    pub(super) activities: Vec<Activity>,
    /// What was begun and has an undo, in that order.
    pub(super) begun: Vec<Begun<'a>>,
    /// What went wrong with undoing: one phrase each.
    pub(super) undo_failures: Vec<String>,
}

/// A step that has to be undone.
pub(super) struct Begun<'a> {
    pub(super) step: &'a Step,
    /// Its place among the activities.
    pub(super) activity: usize,
    /// The regions that it hits.
    pub(super) regions: BTreeSet<String>,
    pub(super) undone: bool,
}

impl<'a, T: Tier> Course<'a, T> {
    pub(super) fn new(
        drill: &'a Drill,
        tier: &'a mut T,
        setup: Setup<'a>,
        lookout: &'a Lookout<'a, T::Gauges>,
    ) -> Self {
        Self { drill, tier, setup, lookout, activities: Vec::new(), begun: Vec::new(), undo_failures: Vec::new() }
    }

    pub(super) async fn run(mut self) -> Carried {
        let started_at_us = (self.setup.clock)();
        let (steady_before, holds) = self.gate().await;
        if holds {
            self.lookout.begin();
            self.method().await;
            self.heal().await;
            self.soak().await;
        }
        let ended = match self.lookout.broken() {
            Some(reason) => Ended::Aborted(reason),
            None if holds => Ended::Completed,
            None => Ended::Inconclusive(not_steady(&steady_before)),
        };
        self.finish(started_at_us, ended, steady_before).await
    }

    /// Whether every probe held at once before the time was over.
    async fn gate(&self) -> (Vec<Probed>, bool) {
        let deadline = Instant::now() + self.setup.limits.gate;
        loop {
            let seen = self.lookout.look_at_all().await;
            let holds = seen.iter().filter(|probed| probed.holds).count();
            (self.setup.progress)(Event::Gate { holds, of: seen.len() });
            let all = holds == seen.len();
            if self.lookout.broken().is_some() || (!all && Instant::now() >= deadline) {
                return (seen, false);
            }
            if all || !self.lookout.pause(EVERY).await {
                return (seen, all);
            }
        }
    }

    async fn soak(&self) {
        let soak = self.drill.after.soak;
        if self.lookout.broken().is_none() && !soak.is_zero() {
            (self.setup.progress)(Event::Soaking(soak));
            self.lookout.pause(soak).await;
        }
    }

    async fn finish(mut self, started_at_us: i64, ended: Ended, steady_before: Vec<Probed>) -> Carried {
        let again = self.drill.after.recheck_hypothesis && self.lookout.fault_at_us().is_some();
        let steady_after = if again { self.lookout.look_at_all().await } else { Vec::new() };
        let mut residue = self.residue().await;
        let mut undone = self.begun.iter().all(|begun| begun.undone);
        if undone
            && self.setup.ends_log
            && let Err(error) = self.setup.log.append(&UndoLine::Over)
        {
            self.undo_failures.push(format!("{:#}", anyhow::Error::from(error)));
            undone = false;
        }
        residue.append(&mut self.undo_failures);
        Carried {
            started_at_us,
            ended_at_us: (self.setup.clock)(),
            ended,
            healed_at_us: self.healed_at_us(),
            activities: self.activities,
            observed: self.lookout.take_observed(),
            steady_before,
            steady_after,
            residue,
            fault_at_us: self.lookout.fault_at_us(),
            undone,
        }
    }

    async fn residue(&mut self) -> Vec<String> {
        match timeout(self.setup.limits.undo, self.tier.residue()).await {
            Ok(residue) => residue,
            Err(_) => vec!["what is left behind could not be looked at in time".to_owned()],
        }
    }

    /// When the fault that was acknowledged first was undone.
    fn healed_at_us(&self) -> Option<i64> {
        let mut faults = self.begun.iter().map(|begun| &self.activities[begun.activity]);
        faults.find(|activity| activity.error.is_none())?.undone_at_us
    }
}

fn not_steady(seen: &[Probed]) -> String {
    let bad = seen.iter().filter(|probed| !probed.holds).map(|probed| match probed.figure {
        Some(figure) => format!("{} was {figure}", probed.probe),
        None => format!("{} could not be had", probed.probe),
    });
    format!("the hypothesis did not hold before the method: {}", bad.collect::<Vec<_>>().join(", "))
}
