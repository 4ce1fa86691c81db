//! Carries drains on: any scheduler does, for the wish is in the region's row. Queued missions leave by the re-place
//! loop as soon as the region drains; leases may finish until the deadline, and agents hand back what is left then.
//!
//! What they do not hand back is taken a grace later. An agent learns of the deadline from a heartbeat that is answered
//! after it; one that is told nothing stands still when its lease ends, at most a TTL later. Taken sooner, a mission would
//! be worked on by its old holder and its next one at once (P2).

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use scheduler_core::health::Verb;
use scheduler_core::lifecycle::Command;
use topology::{DatabaseRegion, RegionName, Scheduling};

use super::context::Context;
use super::decide::Placer;
use super::limits;
use super::step::Step;
use super::ticker::More;
use crate::refusal::Refusal;
use crate::store::sweep::{MissionRow, Page};
use crate::view::View;

pub(super) async fn home(context: &Arc<Context>, home: &DatabaseRegion, clock: DateTime<Utc>) -> Result<More, Refusal> {
    let view = context.views.current();
    let mut more = More::Done;
    let watched = context.watched(&view).into_iter().filter(|watched| watched.home == *home);
    for region in watched.map(|watched| watched.region).filter(|region| is_over(&view, region, clock)) {
        let placer = Placer::new(context, &view, clock);
        let decide = Arc::new(move |row: &MissionRow| placer.move_by(row, Command::DrainHandBack));
        let page = Page::LeasesOfRegion(region);
        match context.step(&view, home, &page, "drain", decide).await? {
            Step::Done => {}
            Step::Left => more = More::Left,
            Step::Stale => return Ok(More::Left),
        }
    }
    Ok(more)
}

/// Whether a region drains and no agent of it works on what it holds any more.
fn is_over(view: &View, region: &RegionName, clock: DateTime<Utc>) -> bool {
    let Some(row) = view.regions.get(region).filter(|row| row.verb == Verb::Draining) else { return false };
    let grace = grace(&view.topology.scheduling);
    row.drain_until.is_some_and(|until| until + grace <= clock)
}

/// A whole lease, and the time to stop a run that was told just before the lease's end.
fn grace(clocks: &Scheduling) -> TimeDelta {
    TimeDelta::from_std(clocks.session_ttl).unwrap_or(TimeDelta::MAX) + limits::GRACE
}
