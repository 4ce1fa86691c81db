//! Carries drains on: any scheduler does, for the wish is in the region's row. Queued missions leave by the re-place
//! loop as soon as the region drains; leases may finish until the deadline, and what is left then is handed back.

use std::sync::Arc;

use scheduler_core::health::Verb;
use scheduler_core::lifecycle::Command;
use topology::RegionName;

use super::context::{Context, Watched};
use super::decide::Placer;
use super::reap::BATCH;
use super::ticker::More;
use crate::refusal::Refusal;
use crate::store::sweep::{MissionRow, Page, sweep};
use crate::view::View;

pub(super) async fn tick(context: Arc<Context>) -> Result<More, Refusal> {
    let clock = context.upkeep.clock().await?;
    let view = context.views.current();
    let mut more = More::Done;
    for Watched { region, home } in context.watched(&view) {
        if !is_over(&view, &region, clock) {
            continue;
        }
        context.refill_budget(&view);
        let placer = Placer::new(&context, &view, clock);
        let decide = Arc::new(move |row: &MissionRow| placer.move_by(row, Command::DrainHandBack));
        let page = Page::LeasesOfRegion(region);
        let swept = sweep(&context.upkeep, &home, &page, BATCH, &context.terms(&view), decide).await?;
        context.note_moved(&swept, "drain");
        if swept.stale {
            context.views.refresh_now().await?;
        }
        if swept.found.rows as i64 == BATCH && !swept.moved.is_empty() {
            more = More::Left;
        }
    }
    Ok(more)
}

/// Whether a region drains and its deadline has passed.
fn is_over(view: &View, region: &RegionName, clock: chrono::DateTime<chrono::Utc>) -> bool {
    view.regions
        .get(region)
        .is_some_and(|row| row.verb == Verb::Draining && row.drain_until.is_some_and(|until| until <= clock))
}
