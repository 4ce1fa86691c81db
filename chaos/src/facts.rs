//! What is known of a run's missions at any instant: pure, the same while the drill runs and when it is measured after.
//!
//! A figure at an instant uses only what had happened by then, so that a run can be looked at again at a finer step than
//! the one at which it was watched.

mod figure;

pub(crate) use figure::percentile;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use topology::{Epoch, MissionId};

/// A mission, from the submitter's and the runners' side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// When it was submitted, microseconds since the Unix epoch.
    pub invoked_us: i64,
    /// The region that its client is near.
    pub entry: String,
    /// When the answer came, and whether it was a promise.
    pub answered: Option<(i64, bool)>,
    /// Priority.
    pub priority: i32,
    /// Specialization.
    pub specialization: String,
    /// Regions where residency lets it run; empty = anywhere.
    pub allowed: Vec<String>,
    /// Region of its first pool; none where there was none, or nobody knows.
    pub first_region: Option<String>,
    /// Its runs, in the order of their begins.
    pub runs: Vec<Run>,
}

/// One run of a mission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Fencing token.
    pub epoch: Epoch,
    /// Where it ran.
    pub region: String,
    /// When it began.
    pub began_us: i64,
    /// When its work was done.
    pub ended_us: Option<i64>,
    /// When its lease was taken back and the mission went into a queue again.
    pub moved_us: Option<i64>,
}

/// A region under a fault for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The region.
    pub region: String,
    /// From when.
    pub from_us: i64,
    /// Until when; none while it lasts.
    pub to_us: Option<i64>,
    /// Whether the fault takes the region's agents away, so that its leases have to move.
    pub takes_leases: bool,
}

impl Hit {
    fn at(&self, at_us: i64) -> bool {
        self.from_us <= at_us && self.to_us.is_none_or(|to| at_us < to)
    }
}

/// Everything that is known.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    lives: Vec<Life>,
    by_mission: HashMap<MissionId, usize>,
    /// Runs of missions whose submit has not been answered yet.
    early: HashMap<MissionId, Vec<Run>>,
    hits: Vec<Hit>,
    serving: Vec<(i64, Option<f64>)>,
    /// Regions as their rows had them, each time that changed.
    standings: Vec<(i64, String, bool)>,
}

/// Handle of a mission between its submit and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LifeId(usize);

impl Facts {
    /// A mission is submitted.
    pub fn submitted(&mut self, life: Life) -> LifeId {
        self.lives.push(life);
        LifeId(self.lives.len() - 1)
    }

    /// The submit was answered with a mission, and its first region where it was placed.
    pub fn accepted(&mut self, life: LifeId, at_us: i64, mission: MissionId, region: Option<String>) {
        let early = self.early.remove(&mission).unwrap_or_default();
        let known = &mut self.lives[life.0];
        known.answered = Some((at_us, true));
        known.first_region = region;
        known.runs.extend(early);
        self.by_mission.insert(mission, life.0);
    }

    /// The submit ended without a promise.
    pub fn refused(&mut self, life: LifeId, at_us: i64) {
        self.lives[life.0].answered = Some((at_us, false));
    }

    /// A run began.
    pub fn began(&mut self, mission: MissionId, epoch: Epoch, region: &str, at_us: i64) {
        let run = Run { epoch, region: region.to_owned(), began_us: at_us, ended_us: None, moved_us: None };
        self.runs(mission).push(run);
    }

    /// A run's work was done.
    pub fn ended(&mut self, mission: MissionId, epoch: Epoch, at_us: i64) {
        if let Some(run) = self.runs(mission).iter_mut().rev().find(|run| run.epoch == epoch) {
            run.ended_us.get_or_insert(at_us);
        }
    }

    /// A lease was taken back; `epoch` is the one that the mission has since.
    pub fn moved(&mut self, mission: MissionId, epoch: Epoch, at_us: i64) {
        if let Some(run) = self.runs(mission).iter_mut().rev().find(|run| run.epoch < epoch) {
            run.moved_us.get_or_insert(at_us);
        }
    }

    /// Whether a region serves, as its row says.
    pub fn stands(&mut self, region: &str, at_us: i64, serves: bool) {
        let last = self.standings.iter().rev().find(|(_, name, _)| name == region);
        if last.is_none_or(|(.., before)| *before != serves) {
            self.standings.push((at_us, region.to_owned(), serves));
        }
    }

    fn runs(&mut self, mission: MissionId) -> &mut Vec<Run> {
        match self.by_mission.get(&mission) {
            Some(life) => &mut self.lives[*life].runs,
            None => self.early.entry(mission).or_default(),
        }
    }

    /// A region comes under a fault.
    pub fn hit(&mut self, region: &str, at_us: i64, takes_leases: bool) {
        self.hits.push(Hit { region: region.to_owned(), from_us: at_us, to_us: None, takes_leases });
    }

    /// A fault on a region ends.
    pub fn healed(&mut self, region: &str, at_us: i64, takes_leases: bool) {
        let lasting = |hit: &&mut Hit| hit.region == region && hit.to_us.is_none() && hit.takes_leases == takes_leases;
        if let Some(hit) = self.hits.iter_mut().find(lasting) {
            hit.to_us = Some(at_us);
        }
    }

    /// Every fault on a region ends.
    pub fn all_healed(&mut self, at_us: i64) {
        for hit in &mut self.hits {
            hit.to_us.get_or_insert(at_us);
        }
    }

    /// How many regions serve, as a scheduler said; none where nobody answered.
    pub fn serving(&mut self, at_us: i64, regions: Option<f64>) {
        self.serving.push((at_us, regions));
    }

    /// All missions, in the order of their submits.
    #[must_use]
    pub fn lives(&self) -> &[Life] {
        &self.lives
    }

    /// When a mission was promised, where it was.
    #[must_use]
    pub fn promised_us(&self, mission: MissionId) -> Option<i64> {
        let life = self.lives.get(*self.by_mission.get(&mission)?)?;
        life.answered.filter(|(_, promised)| *promised).map(|(at, _)| at)
    }

    /// Missions that were promised.
    pub fn promised(&self) -> impl Iterator<Item = MissionId> + '_ {
        self.by_mission.keys().copied()
    }

    /// The faults on regions.
    #[must_use]
    pub fn hits(&self) -> &[Hit] {
        &self.hits
    }

    /// Regions that any fault named so far.
    #[must_use]
    pub fn named(&self) -> BTreeSet<&str> {
        self.hits.iter().map(|hit| hit.region.as_str()).collect()
    }

    /// Leases by region, as the runners know them: begun and not done, of the newest run of each mission.
    #[must_use]
    pub fn leases_at(&self, at_us: i64) -> BTreeMap<&str, u64> {
        let mut leases = BTreeMap::new();
        for run in self.lives.iter().filter_map(|life| life.newest(at_us)).filter(|run| !run.done_at(at_us)) {
            *leases.entry(run.region.as_str()).or_insert(0) += 1;
        }
        leases
    }
}

impl Life {
    /// The newest run that had begun.
    #[must_use]
    pub fn newest(&self, at_us: i64) -> Option<&Run> {
        self.runs.iter().rev().find(|run| run.began_us <= at_us)
    }

    /// When its first run began.
    #[must_use]
    pub fn first_began(&self) -> Option<i64> {
        self.runs.first().map(|run| run.began_us)
    }

    fn done_at(&self, at_us: i64) -> bool {
        self.runs.iter().any(|run| run.done_at(at_us))
    }

    fn promised_at(&self, at_us: i64) -> bool {
        self.answered.is_some_and(|(answered_us, promised)| promised && answered_us <= at_us)
    }
}

impl Run {
    fn done_at(&self, at_us: i64) -> bool {
        self.ended_us.is_some_and(|ended| ended <= at_us)
    }

    fn moved_at(&self, at_us: i64) -> bool {
        self.moved_us.is_some_and(|moved| moved <= at_us)
    }
}
