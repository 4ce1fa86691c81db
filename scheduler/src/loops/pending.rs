//! Tries pending missions again: all of them once after what may be placed where has changed, and now and then.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use scheduler_core::lifecycle::{Command, Landing};
use topology::{DatabaseRegion, MissionId};
use uuid::Uuid;

use super::context::Context;
use super::decide::{Place, Placer};
use super::ticker::More;
use crate::refusal::Refusal;
use crate::store::sweep::{MissionRow, Page, Verdict, sweep};

/// Missions on a page, and pages in a tick.
const PAGE: i64 = 250;
const PAGES: usize = 8;

/// All are tried again after so long, whatever was heard.
const AGAIN: Duration = Duration::from_secs(30);

/// One way through the pending missions of a home, oldest first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass {
    /// The change of the view that it was started for.
    generation: u64,
    started: Instant,
    /// The last mission seen; none = the pass is over.
    after: Option<(DateTime<Utc>, MissionId)>,
}

impl Pass {
    fn start(generation: u64) -> Self {
        let first = (DateTime::UNIX_EPOCH, MissionId(Uuid::nil()));
        Self { generation, started: Instant::now(), after: Some(first) }
    }
}

pub(super) async fn home(context: &Arc<Context>, home: &DatabaseRegion, clock: DateTime<Utc>) -> Result<More, Refusal> {
    let generation = *context.views.changes().borrow();
    let known = context.memory().pending.get(home).copied();
    let mut pass = match known {
        Some(pass) if pass.generation == generation && pass.started.elapsed() < AGAIN => pass,
        _ => Pass::start(generation),
    };
    for _ in 0..PAGES {
        let Some(after) = pass.after else { break };
        pass.after = page(context, home, after, clock).await?;
    }
    context.memory().pending.insert(home.clone(), pass);
    Ok(if pass.after.is_some() { More::Left } else { More::Done })
}

/// Tries one page; returns where the next one begins.
async fn page(
    context: &Arc<Context>,
    home: &DatabaseRegion,
    after: (DateTime<Utc>, MissionId),
    clock: DateTime<Utc>,
) -> Result<Option<(DateTime<Utc>, MissionId)>, Refusal> {
    let view = context.views.current();
    let placer = Placer::new(context, &view, clock);
    let at = home.clone();
    let decide = Arc::new(move |row: &MissionRow| retry(&placer, row, &at));
    let page = Page::Pending(after.0, after.1);
    let swept = sweep(&context.upkeep, home, &page, PAGE, &context.terms(&view), decide).await?;
    context.note_moved(&swept, "placed_again");
    if swept.stale {
        context.views.refresh_now().await?;
        return Ok(Some(after));
    }
    Ok(swept.found.last.filter(|_| swept.found.rows as i64 == PAGE))
}

fn retry(placer: &Placer, row: &MissionRow, home: &DatabaseRegion) -> Verdict {
    match placer.place(row) {
        Place::NoBudget => Verdict::Leave,
        Place::To(placed) => match placed.landing {
            Landing::Queued => placer.verdict(row, &Command::Place, Some(&placed), home),
            // It goes on waiting; only what people are told about it, or where it waits, is brought up to date.
            Landing::Pending(why) if row.reason.as_deref() != Some(why.as_str()) => {
                placer.verdict(row, &Command::Unplaceable(why), Some(&placed), home)
            }
            Landing::Pending(_) => Verdict::Leave,
        },
    }
}
