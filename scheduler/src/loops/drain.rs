//! Carries drains on: any scheduler does, for the wish is in the region's row. Queued missions leave by the re-place
//! loop as soon as the region drains; leases may finish until the deadline, and what is left then is handed back.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use scheduler_core::health::Verb;
use scheduler_core::lifecycle::Command;
use topology::{DatabaseRegion, RegionName};

use super::context::Context;
use super::decide::Placer;
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

/// Whether a region drains and its deadline has passed.
fn is_over(view: &View, region: &RegionName, clock: DateTime<Utc>) -> bool {
    view.regions
        .get(region)
        .is_some_and(|row| row.verb == Verb::Draining && row.drain_until.is_some_and(|until| until <= clock))
}
