//! Decides missions under a residency rule again after the rules changed (P4): what is still lawful is confirmed, what
//! waits is placed anew, and a lease that is not lawful any more is taken back. Until then a claim grants none of them,
//! for it compares the mission's residency version with the one in force.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use scheduler_core::lifecycle::{Command, Landing, MissionState};
use topology::DatabaseRegion;

use super::context::Context;
use super::decide::{Place, Placer};
use super::replace::replace;
use super::step::Step;
use super::ticker::More;
use crate::refusal::Refusal;
use crate::store::sweep::{MissionRow, Page, Verdict};
use crate::view::View;

pub(super) async fn home(context: &Arc<Context>, home: &DatabaseRegion, clock: DateTime<Utc>) -> Result<More, Refusal> {
    let view = context.views.current();
    let placer = Placer::new(context, &view, clock);
    let (seen, at) = (Arc::clone(&view), home.clone());
    let decide = Arc::new(move |row: &MissionRow| decide(&placer, &seen, row, &at));
    let page = Page::Bound(view.residency_version);
    Ok(match context.step(&view, home, &page, "residency_changed", decide).await? {
        Step::Done => More::Done,
        Step::Left | Step::Stale => More::Left,
    })
}

fn decide(placer: &Placer, view: &View, row: &MissionRow, home: &DatabaseRegion) -> Verdict {
    let lawful = row.region.as_ref().is_some_and(|region| view.topology.lawful(row.residency.as_ref(), region));
    match row.facts.state {
        MissionState::Leased | MissionState::Queued if lawful => Verdict::Confirm,
        MissionState::Leased => placer.move_by(row, Command::Unlawful),
        MissionState::Queued => replace(placer, row, home),
        MissionState::Pending => pending(placer, row, home),
        MissionState::Succeeded | MissionState::Failed | MissionState::Cancelled => Verdict::Leave,
    }
}

fn pending(placer: &Placer, row: &MissionRow, home: &DatabaseRegion) -> Verdict {
    match placer.place(row) {
        Place::NoBudget => Verdict::Leave,
        Place::To(placed) => match placed.landing {
            Landing::Queued => placer.verdict(row, &Command::Place, Some(&placed), home),
            Landing::Pending(why) if placed.home != *home => {
                placer.verdict(row, &Command::Unplaceable(why), Some(&placed), home)
            }
            Landing::Pending(_) => Verdict::Confirm,
        },
    }
}
