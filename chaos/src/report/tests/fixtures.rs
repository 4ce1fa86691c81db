//! Journals like those of real runs, and some that no run would make.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::checker::{Anomalies, AnomalyKind, Indeterminate, Summary};
use crate::drill::{Objectives, TierName, Tolerance};
use crate::journal::{
    Activity, Breakdown, DrillTold, Figure, Journal, Judged, MarkName, Marks, Measures, Probed, Series, Span, Strip,
    Timeline, Verdict, Victim, WorldTold,
};

/// When the fault comes in every run here.
pub(super) const FAULT: i64 = 1_764_225_030_000_000;
const STEP: i64 = 500_000;
const STEPS: usize = 190;
const REGIONS: [&str; 3] = ["us-west", "europe-west", "asia-east"];

fn at(seconds: f64) -> i64 {
    FAULT + (seconds * 1e6) as i64
}

fn marks(seconds: &[(MarkName, f64)]) -> Marks {
    let mut marks = Marks::default();
    for (name, second) in seconds {
        marks.note(*name, at(*second));
    }
    marks
}

/// A region is cut off, and everything holds.
pub(super) fn pass() -> Journal {
    Journal {
        version: Journal::VERSION,
        chaos_version: "0.1.0".to_owned(),
        run: "20251127-063000-region-cut".to_owned(),
        drill: DrillTold {
            name: "region-cut".to_owned(),
            title: "Cut off the region that holds the most leases".to_owned(),
            description: "A region is gone from one moment to the next: its missions go on elsewhere.".to_owned(),
            digest: "5f1c7d0b9a52".repeat(5) + "c0de",
            configuration: BTreeMap::from([("region".to_owned(), "most-leases".to_owned())]),
        },
        tier: TierName::Local,
        seed: 7,
        world: WorldTold {
            engine: "PostgreSQL 18.0, one database".to_owned(),
            could_not_fail: vec!["the database itself".to_owned()],
            survive: "region".to_owned(),
            regions: REGIONS.map(str::to_owned).to_vec(),
            topology_digest: "a90be14477d1".repeat(5) + "f00d",
            clocks: BTreeMap::from([
                ("down_after".to_owned(), 6.0),
                ("heartbeat".to_owned(), 1.0),
                ("session_ttl".to_owned(), 5.0),
                ("up_after".to_owned(), 15.0),
            ]),
        },
        started_at_us: at(-31.2),
        ended_at_us: at(78.4),
        victim: Some(Victim { region: "us-west".to_owned(), leases: 412, of: 1_003 }),
        steady_before: probed([0.9998, 11.4, 0.0]),
        steady_after: probed([1.0, 12.1, 0.0]),
        activities: vec![activity("cut", "partition us-west both ways", (-0.018, 0.0), Some(40.012))],
        marks: marks(&[
            (MarkName::Fault, 0.0),
            (MarkName::Suspected, 2.13),
            (MarkName::Steered, 2.61),
            (MarkName::Decided, 5.214),
            (MarkName::Detected, 6.08),
            (MarkName::Recovered, 6.42),
            (MarkName::Healed, 40.012),
            (MarkName::FailedBack, 55.31),
        ]),
        measures: measures(),
        objectives: Objectives::default(),
        judged: judged(),
        check: check(),
        residue: Vec::new(),
        verdict: Verdict::Pass,
        reasons: Vec::new(),
        timeline: timeline(),
    }
}

fn probed([submits, p99, overdue]: [f64; 3]) -> Vec<Probed> {
    let probe = |name: &str, min, max, figure| {
        let tolerance = Tolerance { min, max };
        Probed { probe: name.to_owned(), tolerance, figure: Some(figure), holds: tolerance.holds(Some(figure)) }
    };
    vec![
        probe("submits_acknowledged", Some(0.999), None, submits),
        probe("submit_to_leased_p99_ms", None, Some(150.0), p99),
        probe("overdue_missions", None, Some(0.0), overdue),
    ]
}

fn activity(name: &str, what: &str, (from, to): (f64, f64), undone: Option<f64>) -> Activity {
    Activity {
        name: name.to_owned(),
        what: what.to_owned(),
        started_at_us: at(from),
        ended_at_us: at(to),
        undone_at_us: undone.map(at),
        error: None,
        detail: json!({ "links": 14, "region": "us-west" }),
    }
}

fn measures() -> Measures {
    Measures {
        rto_s: Figure::Measured(6.42),
        rto_label: "database alive".to_owned(),
        detection_s: Figure::Measured(6.08),
        rpo_s: Figure::NotMeasured("not measured: one database, never lost".to_owned()),
        budget_minutes: 0.107,
        survivors_p99_ms: [Some(114.0), Some(198.0), Some(121.0)],
        priority_inversions: 0,
        submit_errors: [0, 30, 0],
        moved_leases: 412,
        breakdown: Breakdown(vec![
            ("sessions run out".to_owned(), 5.0),
            ("reaper notices".to_owned(), 0.214),
            ("leases move".to_owned(), 0.866),
            ("back in tolerance".to_owned(), 0.34),
        ]),
    }
}

fn judged() -> Vec<Judged> {
    let one = |objective: &str, at_most: f64, had: f64| Judged {
        objective: objective.to_owned(),
        at_most,
        had: Figure::Measured(had),
        kept: Some(had <= at_most),
    };
    vec![
        one("rto_s", 7.0, 6.42),
        one("detection_s", 7.0, 6.08),
        one("lost", 0.0, 0.0),
        one("duplicated", 0.0, 0.0),
        one("overlap", 0.0, 0.0),
        one("budget_minutes", 0.25, 0.107),
        one("survivors_p99_ratio", 2.0, 1.737),
    ]
}

fn check() -> Summary {
    Summary {
        operations: 41_302,
        acknowledged: 12_034,
        proven: 12_021,
        failed: BTreeMap::from([("attempts_exhausted".to_owned(), 4)]),
        held_back: 9,
        fenced: 3,
        lost_attempts: 409,
        indeterminate: Indeterminate { all: 37, done: 22, not_done: 15 },
        ..Summary::default()
    }
}

/// A wave that looks like noise and is the same every time.
fn noise(step: usize, salt: f64) -> f64 {
    let phase = step as f64 * 1.7 + salt * 31.0;
    phase.sin() + (phase * 2.3).cos() * 0.6
}

fn timeline() -> Timeline {
    let second = |step: usize| (step as i64 * STEP) as f64 / 1e6 - 20.0;
    let series = |figure: &dyn Fn(usize, f64) -> f64| {
        (0..STEPS).map(|step| figure(step, second(step)).max(0.0)).collect::<Series>()
    };
    let share = |region: usize, s: f64| match (region, s) {
        (0, s) if (0.0..40.0).contains(&s) => 0.0,
        (0, s) if s >= 40.0 => ((s - 55.0) / 12.0).clamp(0.0, 1.0),
        (_, s) if (0.0..6.0).contains(&s) => 1.0,
        (_, s) if (6.0..10.0).contains(&s) => 2.2,
        (_, s) if (10.0..56.0).contains(&s) => 1.5,
        _ => 1.0,
    };
    let by_region = |scale: f64, wobble: f64| {
        let series = &series;
        REGIONS.iter().enumerate().map(move |(index, region)| {
            let figure = |step, s| share(index, s) * (scale + wobble * noise(step, index as f64));
            ((*region).to_owned(), series(&figure))
        })
    };
    Timeline {
        from_us: at(-20.0),
        step_us: STEP,
        throughput: by_region(32.0, 3.0).collect(),
        errors: series(&|step, s| if (0.0..2.5).contains(&s) { (6.0 + noise(step, 5.0)).round() } else { 0.0 }),
        p99_ms: (0..STEPS)
            .map(|step| match second(step) {
                s if (0.4..1.0).contains(&s) => None,
                s if (1.0..6.5).contains(&s) => Some(140.0 + 900.0 * (s / 6.5) + 40.0 * noise(step, 2.0)),
                s if (6.5..9.0).contains(&s) => Some(70.0 + 20.0 * noise(step, 2.0)),
                _ => Some(11.0 + 2.0 * noise(step, 2.0)),
            })
            .collect(),
        leases: by_region(334.0, 9.0).collect(),
        strips: strips(),
    }
}

fn strip(group: &str, name: &str, spans: &[(f64, f64, &str)]) -> Strip {
    let span =
        |(from, to, state): &(f64, f64, &str)| Span { from_us: at(*from), to_us: at(*to), state: (*state).to_owned() };
    Strip { group: group.to_owned(), name: name.to_owned(), spans: spans.iter().map(span).collect() }
}

fn strips() -> Vec<Strip> {
    vec![
        strip(
            "breaker",
            "europe-west: scheduler us-west",
            &[(-20.0, 1.1, "closed"), (1.1, 41.0, "open"), (41.0, 42.0, "half_open"), (42.0, 75.0, "closed")],
        ),
        strip("breaker", "asia-east: scheduler us-west", &[(-20.0, 75.0, "closed")]),
        strip("breaker", "asia-east: gateway europe-west", &[(-20.0, 75.0, "closed")]),
        strip("fault", "cut", &[(0.0, 40.012, "active")]),
        strip("probe", "submits_acknowledged", &[(-20.0, 0.4, "holds"), (0.4, 3.1, "breached"), (3.1, 75.0, "holds")]),
        strip("probe", "submit_to_leased_p99_ms", &[(-20.0, 75.0, "holds")]),
        strip("probe", "stranded_leases", &[(-20.0, 5.2, "holds"), (5.2, 6.42, "breached"), (6.42, 75.0, "holds")]),
        strip("region", "asia-east", &[(-20.0, 75.0, "up")]),
        strip("region", "europe-west", &[(-20.0, 75.0, "up")]),
        strip(
            "region",
            "us-west",
            &[(-20.0, 2.13, "up"), (2.13, 6.08, "suspect"), (6.08, 55.31, "down"), (55.31, 75.0, "up")],
        ),
    ]
}

/// Missions were lost and done twice, and something was left behind.
pub(super) fn deviated() -> Journal {
    let mut journal = pass();
    journal.drill.name = "planted-complete-without-epoch-check".to_owned();
    journal.drill.title = "Pause a region's agents, and let them come back as zombies".to_owned();
    journal.verdict = Verdict::Deviated;
    journal.reasons = vec![
        "Duplicated was 12; none was allowed.".to_owned(),
        "Recovery took 7.0004 s; at most 7 s were allowed.".to_owned(),
        "A stopped process was left behind.".to_owned(),
    ];
    journal.residue = vec!["process 4242 of us-west is stopped".to_owned()];
    let mission = |last: u8| format!("018f3b6e-0000-4000-8000-0000000000{last:02x}").parse().expect("an id");
    let seen = |last: u8, what: &str| (mission(last), what.to_owned());
    journal.check.anomalies = BTreeMap::from([
        (AnomalyKind::Lost, Anomalies { count: 1, first: vec![seen(1, "acknowledged at +3.2 s, has no row")] }),
        (
            AnomalyKind::Duplicated,
            Anomalies {
                count: 12,
                first: (0..10).map(|n| seen(16 + n, "accepted under epoch 1 and epoch 2")).collect(),
            },
        ),
    ]);
    journal.measures.rto_s = Figure::Measured(7.0004);
    for judged in &mut journal.judged {
        match judged.objective.as_str() {
            "rto_s" => judged.had = Figure::Measured(7.0004),
            "lost" => judged.had = Figure::Measured(1.0),
            "duplicated" => judged.had = Figure::Measured(12.0),
            _ => continue,
        }
        judged.kept = Some(false);
    }
    journal.steady_after[1].figure = None;
    journal.steady_after[1].holds = false;
    journal.activities[0].undone_at_us = None;
    journal.activities[0].error = Some("continue: no such process".to_owned());
    journal
}

/// Broken off before it recovered.
pub(super) fn aborted() -> Journal {
    let mut journal = pass();
    journal.verdict = Verdict::Aborted;
    journal.reasons = vec!["submits_acknowledged was below 0.5 for 20 s.".to_owned()];
    journal.marks = marks(&[(MarkName::Fault, 0.0), (MarkName::Suspected, 2.13), (MarkName::Healed, 23.5)]);
    let none = |why: &str| Figure::NotMeasured(format!("not measured: {why}"));
    journal.measures.rto_s = none("broken off before it recovered");
    journal.measures.detection_s = none("no survivor called the region down");
    journal.measures.survivors_p99_ms = [Some(114.0), None, None];
    journal.measures.breakdown = Breakdown::default();
    journal.judged.clear();
    journal.steady_after.clear();
    journal
}

/// It never came to a fault, and nothing was recorded over time.
pub(super) fn bare() -> Journal {
    let mut journal = pass();
    journal.verdict = Verdict::Broken;
    journal.reasons = vec!["The world did not start: the database did not answer within 30 s.".to_owned()];
    journal.victim = None;
    journal.steady_before.clear();
    journal.steady_after.clear();
    journal.activities.clear();
    journal.marks = Marks::default();
    let none = || Figure::NotMeasured("not measured: no fault was injected".to_owned());
    journal.measures = Measures {
        rto_s: none(),
        detection_s: none(),
        rpo_s: none(),
        budget_minutes: 0.0,
        survivors_p99_ms: [None; 3],
        submit_errors: [0; 3],
        moved_leases: 0,
        breakdown: Breakdown::default(),
        ..journal.measures
    };
    journal.judged.clear();
    journal.check = Summary::default();
    journal.timeline = Timeline::default();
    journal
}

/// Long names, markup in them, five regions, no missions, and all marks within 50 ms.
pub(super) fn extreme() -> Journal {
    let mut journal = pass();
    let long = "a-region-whose-name-goes-on-and-on-and-on-until-nobody-reads-it";
    journal.drill.title =
        "<script>alert(\"1\")</script> & a title that is as long as a title may be and then some".to_owned();
    journal.drill.name = "a-drill-whose-name-is-much-longer-than-its-column".to_owned();
    journal.world.regions = ["us-west", "europe-west", long, "us-east", "south-america"].map(str::to_owned).to_vec();
    let series = journal.timeline.throughput["asia-east"].clone();
    for region in &journal.world.regions[2..] {
        journal.timeline.throughput.insert(region.clone(), series.clone());
        journal.timeline.leases.insert(region.clone(), series.iter().map(|figure| figure * 1e7).collect());
        journal.timeline.strips.push(strip(
            "region",
            region,
            &[(-20.0, 7.0, "up"), (7.0, 7.01, "a_state_nobody_knows")],
        ));
    }
    journal.timeline.strips.push(strip("<b>", "x\"><script>", &[(0.0, 75.0, "<i>")]));
    journal.marks = marks(&[
        (MarkName::Fault, 0.0),
        (MarkName::Suspected, 0.007),
        (MarkName::Detected, 0.013),
        (MarkName::Decided, 0.02),
        (MarkName::Steered, 0.027),
        (MarkName::Recovered, 0.033),
        (MarkName::Healed, 0.049),
        (MarkName::FailedBack, 0.05),
    ]);
    journal.check = Summary {
        operations: 7,
        anomalies: BTreeMap::from([(AnomalyKind::Lost, Anomalies::default())]),
        ..Summary::default()
    };
    journal.victim = Some(Victim { region: long.to_owned(), leases: 0, of: 0 });
    journal.measures.rto_s = Figure::Measured(1e300);
    journal.measures.breakdown = Breakdown(vec![("nothing".to_owned(), 0.0), ("<b>all".to_owned(), 1e300)]);
    journal.activities[0].detail = Value::String("</code><script>".to_owned());
    journal
}

/// All of them, by name.
pub(super) fn all() -> [(&'static str, Journal); 5] {
    [("pass", pass()), ("deviated", deviated()), ("aborted", aborted()), ("bare", bare()), ("extreme", extreme())]
}
