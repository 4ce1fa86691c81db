//! Run limits and start deadlines, judged by the database's clock.

use std::sync::Arc;

use chrono::TimeDelta;
use scheduler_core::lifecycle::Command;

use super::context::Context;
use super::decide::Placer;
use super::reap::BATCH;
use super::ticker::More;
use crate::refusal::Refusal;
use crate::store::sweep::{MissionRow, Page, sweep};

/// What the agent is given beyond the run limit to report it itself, with what the runner wrote last.
const GRACE: TimeDelta = TimeDelta::seconds(2);

pub(super) async fn tick(context: Arc<Context>) -> Result<More, Refusal> {
    let clock = context.upkeep.clock().await?;
    let view = context.views.current();
    let mut more = More::Done;
    for home in context.watched_homes(&view) {
        let causes = [
            (Page::RunLimit(clock - GRACE), Command::RunLimit, "run_limit"),
            (Page::StartBy(clock), Command::StartByPassed, "start_by"),
        ];
        for (page, command, why) in causes {
            let placer = Placer::new(&context, &view, clock);
            let at = home.clone();
            let decide = Arc::new(move |row: &MissionRow| placer.verdict(row, &command, None, &at));
            let swept = sweep(&context.upkeep, &home, &page, BATCH, &context.terms(&view), decide).await?;
            context.note_moved(&swept, why);
            if swept.stale {
                context.views.refresh_now().await?;
            }
            if swept.found.rows as i64 == BATCH && !swept.moved.is_empty() {
                more = More::Left;
            }
        }
    }
    Ok(more)
}
