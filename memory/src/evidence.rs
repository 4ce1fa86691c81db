//! What follows a mission that used memories: it is evidence of what they teach.
//!
//! One tick counts a bounded batch of the missions of one home, for lessons of the same home. A mission counts for the
//! memory that it named, or the older one that stands for it by now, under the stricter one of the two residency rules; where
//! neither covers the other it counts for nothing. It is counted once, whoever does it and however often: see
//! [`lesson_count`]. When its line of the log changes, since a review said otherwise or it ran again, what it counted
//! before is taken back.

mod known;

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use sql::Db;
use topology::{DatabaseRegion, RegionName, Topology};
use uuid::Uuid;

use crate::lawful;
use crate::lesson::{Strictest, Taught, strictest, taught};
use crate::store::Shown;
use crate::store::lesson::{Change, Count, lesson_count, lesson_forget, lesson_put};
use crate::store::uses::{Use, uses_due, uses_postpone};
use known::{Known, What};

/// Missions of one tick.
const BATCH: i64 = 200;
/// After so long a mission is tried again whose memories could not be read.
const PAUSE_MS: i64 = 60_000;
/// Lessons of memories that were forgotten within so long are taken away, should any be left.
const FORGOTTEN: TimeDelta = TimeDelta::days(1);

/// Where evidence is counted.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The topology.
    pub topology: &'a Topology,
    /// The region of who counts: it reads only what may be there.
    pub here: &'a RegionName,
    /// Home of the missions, and of the lessons.
    pub home: &'a DatabaseRegion,
}

/// What one tick did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Done {
    /// Missions that were counted, or need not be.
    pub missions: usize,
    /// Missions that are to be tried again.
    pub postponed: usize,
    /// Whether more may be due.
    pub more: bool,
}

/// Counts a batch of the missions of a home that are not counted yet.
///
/// # Errors
/// The database's; what was not counted then is due still.
pub async fn tick(db: &Db, place: Place<'_>) -> Result<Done, sql::Error> {
    let clock = db.clock().await?;
    lesson_forget(db, place.home, clock - FORGOTTEN).await?;
    let lawful = lawful::shown(place.topology, &[place.here]);
    let shown = Shown::under(lawful.rules());
    let uses = uses_due(db, place.home, &shown, clock, BATCH).await?;
    if uses.is_empty() {
        return Ok(Done::default());
    }
    let named: BTreeSet<_> = uses.iter().flat_map(|one| one.used.iter().copied()).collect();
    let known = Known::read(db, place, &shown, named).await?;
    let mut lessons = BTreeMap::new();
    let (mut counts, mut later) = (Vec::new(), Vec::new());
    for one in &uses {
        match taught_by(one, &known, place.topology) {
            Some(told) => {
                counts.push(count(one, told.keys().copied().collect()));
                lessons.extend(told);
            }
            None => later.push(one),
        }
    }
    if !lessons.is_empty() {
        lesson_put(db, place.home, &lessons.into_values().collect::<Vec<_>>()).await?;
    }
    if !counts.is_empty() {
        lesson_count(db, place.home, &counts).await?;
    }
    if !later.is_empty() {
        uses_postpone(db, place.home, &later, PAUSE_MS).await?;
    }
    let more = i64::try_from(uses.len()).is_ok_and(|uses| uses == BATCH);
    let done = Done { missions: counts.len(), postponed: later.len(), more };
    metrics::counter!("memory_evidence_total", "what" => "counted").increment(done.missions as u64);
    metrics::counter!("memory_evidence_total", "what" => "postponed").increment(done.postponed as u64);
    Ok(done)
}

/// The lessons that a mission is evidence of; none where that is not known now. Its own memory, which it may have used when
/// it ran before, is no other mission's.
fn taught_by(one: &Use, known: &Known, topology: &Topology) -> Option<BTreeMap<Uuid, Taught>> {
    let mut lessons = BTreeMap::new();
    for id in &one.used {
        let (memory, having) = match known.what(*id) {
            What::Unknown => return None,
            What::Gone => continue,
            What::Read(memory, having) => (memory, having),
        };
        if [*id, memory.id].iter().any(|used| used.0 == one.mission.0) {
            continue;
        }
        let rules = [memory.residency.as_ref(), one.residency.as_ref()];
        let lesson = match strictest(rules, &topology.residency) {
            Strictest::Anywhere => taught(memory, None, having),
            Strictest::Under(rule) => taught(memory, Some(&rule), having),
            Strictest::Nowhere => None,
        };
        lessons.extend(lesson.map(|lesson| (lesson.id, lesson)));
    }
    Some(lessons)
}

/// What a mission adds to the lessons that it is evidence of, less what it added before.
fn count(one: &Use, lessons: Vec<Uuid>) -> Count {
    let change = |lesson: Uuid, success: bool, sign: i64| Change {
        lesson,
        succeeded: if success { sign } else { 0 },
        failed: if success { 0 } else { sign },
    };
    let before = one.counted.iter().map(|lesson| change(*lesson, one.counted_success, -1));
    let now = lessons.iter().map(|lesson| change(*lesson, one.success, 1));
    let changes = before.chain(now).collect();
    Count { mission: one.mission, count_at: one.count_at, lessons, changes }
}
