//! Tries pending missions again: all of them once after what may be placed where has changed, and now and then.

use std::sync::{Arc, Mutex, PoisonError};
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

/// A place in the order of the pending missions: behind this one.
type Cursor = (DateTime<Utc>, MissionId);

/// One way through the pending missions of a home, oldest first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass {
    /// The change of the view that it was started for.
    generation: u64,
    started: Instant,
    /// The last mission seen; none = the pass is over.
    after: Option<Cursor>,
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
    let mut more = More::Left;
    for _ in 0..PAGES {
        let Some(after) = pass.after else { break };
        let seen = page(context, home, after, clock).await?;
        pass.after = seen.next;
        if seen.no_budget {
            more = More::Done;
            break;
        }
    }
    context.memory().pending.insert(home.clone(), pass);
    Ok(if pass.after.is_some() { more } else { More::Done })
}

/// What came of a page.
struct Seen {
    /// Where the next page begins; none = it was the last one.
    next: Option<Cursor>,
    /// The budget of a region was used up: the pass goes on there in the next tick, with the next budget.
    no_budget: bool,
}

/// Tries one page.
async fn page(
    context: &Arc<Context>,
    home: &DatabaseRegion,
    after: Cursor,
    clock: DateTime<Utc>,
) -> Result<Seen, Refusal> {
    let view = context.views.current();
    let placer = Placer::new(context, &view, clock);
    let (at, passed_over) = (home.clone(), Arc::new(Mutex::new(None)));
    let first = Arc::clone(&passed_over);
    let decide = Arc::new(move |row: &MissionRow| {
        retry(&placer, row, &at).unwrap_or_else(|NoBudget| {
            let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert_with(|| before(row));
            Verdict::Leave
        })
    });
    let page = Page::Pending(after.0, after.1);
    let swept = sweep(&context.upkeep, home, &page, PAGE, &context.terms(&view), decide).await?;
    context.note_moved(&swept, "placed_again");
    if swept.stale {
        context.views.refresh_now().await?;
        return Ok(Seen { next: Some(after), no_budget: false });
    }
    let passed_over = passed_over.lock().unwrap_or_else(PoisonError::into_inner).take();
    let end = swept.found.last.filter(|_| swept.found.rows as i64 == PAGE);
    Ok(Seen { next: passed_over.or(end), no_budget: passed_over.is_some() })
}

/// The place in the order right before a mission.
fn before(row: &MissionRow) -> Cursor {
    (row.submitted_at, MissionId(Uuid::from_u128(row.id.0.as_u128().saturating_sub(1))))
}

/// The budget of the mission's region is used up.
struct NoBudget;

fn retry(placer: &Placer, row: &MissionRow, home: &DatabaseRegion) -> Result<Verdict, NoBudget> {
    match placer.place(row) {
        Place::NoBudget => Err(NoBudget),
        Place::To(placed) => Ok(match placed.landing {
            Landing::Queued => placer.verdict(row, &Command::Place, Some(&placed), home),
            // It goes on waiting; only what people are told about it, or where it waits, is brought up to date.
            Landing::Pending(why) if row.reason.as_deref() != Some(why.as_str()) => {
                placer.verdict(row, &Command::Unplaceable(why), Some(&placed), home)
            }
            Landing::Pending(_) => Verdict::Leave,
        }),
    }
}
