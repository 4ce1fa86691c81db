//! A long history through the checker: its memory is bounded, and in a release build a million operations take less than
//! ten seconds. A debug build judges a tenth of them, and only the memory.

#![expect(clippy::print_stderr, reason = "a run tells the figures that it judged")]

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use chaos::checker::{Indeterminate, Summary, check, check_within};
use chaos::history::{Call, EVENTS, Effect, EffectKind, Event, LEDGER, Op, OpKind, ROWS, Row, SUBMITS, agent_file};
use scheduler_client::wire::MissionState;
use serde::Serialize;
use topology::{Epoch, MissionId, SessionId};
use uuid::Uuid;

/// Half of them submits, half of them completions.
const OPERATIONS: u64 = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };
const TIME: Duration = Duration::from_secs(10);
/// For a million; fewer operations get their share of it, and the process itself a little.
const MEMORY_MB: u64 = 500;
const PROCESS_MB: u64 = 25;

const REGIONS: [&str; 3] = ["us-west", "europe-west", "asia-east"];

struct Lines(BufWriter<File>);

impl Lines {
    fn new(folder: &Path, name: &str) -> Self {
        Self(BufWriter::new(File::create(folder.join(name)).unwrap()))
    }

    fn add(&mut self, line: &impl Serialize) {
        serde_json::to_writer(&mut self.0, line).unwrap();
        self.0.write_all(b"\n").unwrap();
    }
}

/// The files of a history that is being written.
struct Folder {
    submits: Lines,
    agents: Vec<Lines>,
    ledger: Lines,
    rows: Lines,
    events: Lines,
}

impl Folder {
    fn new(folder: &Path) -> Self {
        let new = |name: &str| Lines::new(folder, name);
        let agents = REGIONS.iter().map(|region| new(&agent_file(region))).collect();
        Self { submits: new(SUBMITS), agents, ledger: new(LEDGER), rows: new(ROWS), events: new(EVENTS) }
    }

    /// A mission that is submitted, run, and completed; every tenth loses its first holder, and of every hundredth both
    /// answers are lost.
    fn mission(&mut self, n: u64) {
        let mission = MissionId(Uuid::from_u64_pair(n.wrapping_mul(0x9e37_79b9_7f4a_7c15), n));
        let key = Uuid::from_u64_pair(n, n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_string();
        let heard = !n.is_multiple_of(100);
        let at_us = i64::try_from(n).unwrap() + 1_700_000_000_000_000;
        let region = REGIONS[usize::try_from(n % 3).unwrap()];
        let session = SessionId(Uuid::from_u128((n % 3).into()));
        let (epoch, outcome) = (Epoch(if n.is_multiple_of(10) { 3 } else { 1 }), format!("{n:064x}"));

        let submit =
            |mission| Call::Submit { key: key.clone(), mission, priority: 5, residency: None, allowed: vec![] };
        let op = |kind, call| Op { at_us, op: n, kind, call, error: None };
        self.submits.add(&op(OpKind::Invoke, submit(None)));
        let effect = |event, epoch| {
            let ok = (event == EffectKind::End).then_some(true);
            Effect { at_us, event, mission, epoch, session, region: region.to_owned(), ok }
        };
        if epoch > Epoch(1) {
            self.ledger.add(&effect(EffectKind::Start, Epoch(1)));
            self.events.add(&Event {
                mission,
                at_us,
                from: Some(MissionState::Leased),
                to: MissionState::Queued,
                epoch: Epoch(2),
                session: Some(session),
                actor: "scheduler:1".to_owned(),
                reason: Some("session_expired".to_owned()),
                region: Some(region.to_owned()),
            });
        }
        self.ledger.add(&effect(EffectKind::Start, epoch));
        self.ledger.add(&effect(EffectKind::End, epoch));
        let complete = Call::Complete { mission, epoch, session, outcome: outcome.clone() };
        let agent = &mut self.agents[usize::try_from(n % 3).unwrap()];
        agent.add(&op(OpKind::Invoke, complete.clone()));
        if heard {
            self.submits.add(&op(OpKind::Ok, submit(Some(mission))));
            agent.add(&op(OpKind::Ok, complete));
        }
        self.rows.add(&Row {
            mission,
            key: Some(key),
            state: MissionState::Succeeded,
            epoch,
            session: Some(session),
            region: Some(region.to_owned()),
            home: "us-west-2".to_owned(),
            residency: None,
            allowed: vec![],
            reason: None,
            priority: 5,
            outcome: Some(outcome),
            submitted_at_us: at_us,
            leased_at_us: Some(at_us),
            finished_at_us: Some(at_us),
            attempts: 0,
            crashes: 0,
            moves: i32::from(epoch > Epoch(1)),
        });
    }
}

fn written(missions: u64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut history = Folder::new(folder.path());
    for n in 0..missions {
        history.mission(n);
    }
    folder
}

/// The most memory that this process ever had, in megabytes.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells of processes");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux counts memory");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("it is a number") / 1024
}

#[test]
fn a_long_history_is_judged_in_bounded_memory_and_little_time() {
    // A short one first: the program's own pages are in memory then.
    check(written(100).path()).unwrap();
    let missions = OPERATIONS / 2;
    let folder = written(missions);
    let bytes: u64 = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    let before = peak_mb();

    // In parts first: the peak of a process never falls.
    let in_parts = check_within(folder.path(), bytes / 3).unwrap();
    let parts_mb = peak_mb() - before;
    let begun = Instant::now();
    let summary = check(folder.path()).unwrap();
    let took = begun.elapsed();
    let whole_mb = peak_mb() - before;
    eprintln!(
        "{OPERATIONS} operations, {} MB: {took:.2?} and {whole_mb} MB as a whole, {parts_mb} MB in four parts; the \
         process had {} MB at most",
        bytes >> 20,
        peak_mb(),
    );

    let lost = missions / 100;
    let expected = Summary {
        operations: OPERATIONS,
        acknowledged: missions - lost,
        proven: missions - lost,
        lost_attempts: missions / 10,
        indeterminate: Indeterminate { all: 2 * lost, done: 2 * lost, not_done: 0 },
        ..Summary::default()
    };
    assert_eq!(summary, expected);
    assert_eq!(in_parts, expected);
    assert!(peak_mb() < MEMORY_MB * OPERATIONS / 1_000_000 + PROCESS_MB, "{} MB", peak_mb());
    assert!(parts_mb * 2 < whole_mb, "a quarter of the history needs {parts_mb} MB, all of it {whole_mb} MB");
    assert!(cfg!(debug_assertions) || took < TIME, "{took:?}");
}
