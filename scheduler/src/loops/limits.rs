//! Run limits and start deadlines, judged by the database's clock.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use scheduler_core::lifecycle::Command;
use topology::DatabaseRegion;

use super::context::Context;
use super::decide::Placer;
use super::step::Step;
use super::ticker::More;
use crate::refusal::Refusal;
use crate::store::sweep::{MissionRow, Page};

/// What the agent is given beyond the run limit to report it itself, with what the runner wrote last.
pub(super) const GRACE: TimeDelta = TimeDelta::seconds(2);

pub(super) async fn home(context: &Arc<Context>, home: &DatabaseRegion, clock: DateTime<Utc>) -> Result<More, Refusal> {
    let view = context.views.current();
    let mut more = More::Done;
    let causes = [
        (Page::RunLimit(clock - GRACE), Command::RunLimit, "run_limit"),
        (Page::StartBy(clock), Command::StartByPassed, "start_by"),
    ];
    for (page, command, why) in causes {
        let placer = Placer::new(context, &view, clock);
        let at = home.clone();
        let decide = Arc::new(move |row: &MissionRow| placer.verdict(row, &command, None, &at));
        match context.step(&view, home, &page, why, decide).await? {
            Step::Done => {}
            Step::Left => more = More::Left,
            Step::Stale => return Ok(More::Left),
        }
    }
    Ok(more)
}
