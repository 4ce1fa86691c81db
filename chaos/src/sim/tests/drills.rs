//! Drills as values, as their files would give them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::checker::AnomalyKind;
use crate::drill::{
    After, BlastRadius, Direction, Drill, Endpoint, Fault, Hypothesis, LinkSelector, Load, Objectives, OperatorVerb,
    PlantedBug, Probe, ProcessKind, Query, RegionSelector, StatementAnswer, Step, StepKind, TierName, Tolerance,
    ToxicSpec, WorldSpec,
};

const MOST: RegionSelector = RegionSelector::MostLeases;

/// A drill of three regions and a minute, without any step.
fn bare(name: &str) -> Drill {
    let at_most = |name: &str, query, most, window| Probe {
        name: name.to_owned(),
        query,
        tolerance: Tolerance { min: None, max: Some(most) },
        window: Duration::from_secs(window),
    };
    Drill {
        name: name.to_owned(),
        digest: String::new(),
        title: name.to_owned(),
        description: String::new(),
        tags: Vec::new(),
        configuration: BTreeMap::new(),
        tiers: BTreeSet::from([TierName::Sim]),
        world: WorldSpec {
            regions: 3,
            specializations: 2,
            slots: 240,
            slots_of: BTreeMap::new(),
            run_ms: (500, 4_000),
            planted_bug: None,
        },
        load: Load {
            per_second: 40.0,
            warm_s: 6.0,
            steady_s: 5.0,
            residency_share: 0.2,
            priorities: vec![0, 5],
            seed: 0,
        },
        objectives: Objectives { lost: Some(0), duplicated: Some(0), overlap: Some(0), ..Objectives::default() },
        blast_radius: BlastRadius { regions_max: 2, min_healthy_regions: 1, tiers: BTreeSet::from([TierName::Sim]) },
        hypothesis: Hypothesis {
            title: "missions are taken and run".to_owned(),
            probes: vec![
                at_most("stranded", Query::StrandedLeases, 0.0, 1),
                at_most("overdue", Query::OverdueMissions, 5.0, 4),
            ],
        },
        abort: Vec::new(),
        method: Vec::new(),
        rollbacks: Vec::new(),
        context: None,
        after: After { recheck_hypothesis: true, soak: Duration::from_secs(15), residue_must_be_empty: true },
    }
}

impl Drill {
    /// One fault more, and a pause after it.
    fn then(mut self, fault: Fault, pause_s: f64) -> Self {
        let name = format!("step-{}", self.method.len());
        let pause_after = Duration::from_secs_f64(pause_s);
        self.method.push(Step { name, kind: StepKind::Fault(fault), pause_before: Duration::ZERO, pause_after });
        self
    }

    /// Undoes the step with this number.
    fn undo(mut self, step: usize, pause_s: f64) -> Self {
        let name = format!("undo-{}", self.method.len());
        let pause_after = Duration::from_secs_f64(pause_s);
        let kind = StepKind::Undo(format!("step-{step}"));
        self.method.push(Step { name, kind, pause_before: Duration::ZERO, pause_after });
        self
    }

    pub(super) fn with(mut self, bug: PlantedBug) -> Self {
        self.world.planted_bug = Some(bug);
        self
    }
}

fn cut(region: RegionSelector, direction: Direction) -> Fault {
    Fault::Partition { links: LinkSelector { from: Endpoint::Region(region), to: Endpoint::Everyone, direction } }
}

fn kill(process: ProcessKind, region: RegionSelector) -> Fault {
    Fault::Kill { process, region }
}

pub(super) fn region_cut() -> Drill {
    let mut drill = bare("region-cut");
    drill.objectives.rto_s = Some(9.0);
    drill.objectives.detection_s = Some(8.5);
    drill.then(cut(MOST, Direction::Both), 25.0)
}

pub(super) fn region_killed() -> Drill {
    bare("region-killed").then(kill(ProcessKind::Region, MOST), 20.0)
}

pub(super) fn oneway_cut() -> Drill {
    bare("region-cut-oneway").then(cut(MOST, Direction::Out), 20.0)
}

pub(super) fn deaf() -> Drill {
    let mut drill = bare("region-deaf");
    // Its leases alone: its queues wait until its pools are known to be without a session.
    drill.hypothesis.probes.retain(|probe| probe.query == Query::StrandedLeases);
    drill.objectives.rto_s = Some(12.0);
    drill.then(cut(MOST, Direction::In), 20.0)
}

pub(super) fn zombie() -> Drill {
    let pause = |seconds| (Fault::Pause { process: ProcessKind::Agent, region: MOST }, seconds);
    let (first, again) = (pause(9.0), pause(6.5));
    bare("agent-zombie").then(first.0, first.1).undo(0, 8.0).then(again.0, again.1)
}

pub(super) fn storm() -> Drill {
    let all = |answer, share| Fault::Statements { name: "*".to_owned(), answer, share };
    bare("storm")
        .then(all(StatementAnswer::SerializationFailure, 0.1), 0.0)
        .then(all(StatementAnswer::Ambiguous, 0.05), 0.0)
        .then(all(StatementAnswer::AdminShutdown, 0.03), 20.0)
}

pub(super) fn flapping() -> Drill {
    let flap = || cut(MOST, Direction::Both);
    bare("flapping-region").then(flap(), 7.0).undo(0, 4.0).then(flap(), 7.5).undo(2, 3.0).then(flap(), 8.0)
}

pub(super) fn two_regions() -> Drill {
    let mut drill = bare("two-regions");
    drill.world.regions = 5;
    drill.then(cut(MOST, Direction::Both), 2.0).then(kill(ProcessKind::Region, RegionSelector::SecondMostLeases), 20.0)
}

pub(super) fn crash_loop() -> Drill {
    let every = Duration::from_millis(2_500);
    bare("scheduler-crash-loop").then(Fault::CrashLoop { region: MOST, every }, 20.0)
}

pub(super) fn drain() -> Drill {
    bare("region-drain").then(Fault::Verb { region: MOST, verb: OperatorVerb::Drain }, 20.0)
}

pub(super) fn gray() -> Drill {
    let links = LinkSelector { from: Endpoint::Region(MOST), to: Endpoint::Everyone, direction: Direction::Both };
    let toxic = ToxicSpec::Latency { ms: 250, jitter_ms: 150 };
    bare("region-gray").then(Fault::Toxic { links, toxic }, 20.0)
}

pub(super) fn database() -> Drill {
    bare("database-restart")
        .then(Fault::GatewayDown { region: MOST }, 8.0)
        .then(Fault::RestartDatabase { down: Duration::from_secs(4) }, 15.0)
}

/// Every drill that must pass.
pub(super) fn all() -> Vec<Drill> {
    vec![
        region_cut(),
        region_killed(),
        oneway_cut(),
        zombie(),
        storm(),
        flapping(),
        two_regions(),
        crash_loop(),
        drain(),
        deaf(),
        gray(),
        database(),
    ]
}

/// Every planted bug with the drill that must find it, and as what.
pub(super) fn mutations() -> Vec<(PlantedBug, Drill, AnomalyKind)> {
    vec![
        (PlantedBug::DropAcknowledgement, region_cut(), AnomalyKind::Lost),
        (PlantedBug::CompleteWithoutEpochCheck, short_cut(), AnomalyKind::UnfencedWrite),
        (PlantedBug::MoveWithoutRaisingEpoch, region_cut(), AnomalyKind::EpochNotRaised),
        (PlantedBug::ForgetResidency, region_cut(), AnomalyKind::ResidencyBreach),
        (PlantedBug::IgnoreUnnamedLease, storm(), AnomalyKind::Orphaned),
        (PlantedBug::LoseOutcome, region_cut(), AnomalyKind::OutcomeLost),
    ]
}

/// A cut that heals just after leases have moved: results of the old epochs meet runs of the new ones.
pub(super) fn short_cut() -> Drill {
    bare("short-cut").then(cut(MOST, Direction::Both), 7.0)
}
