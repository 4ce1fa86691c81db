//! Places queued missions anew that wait in a pool which may not serve: its region went down or is emptied, the pool
//! left the topology or lost its last session, or its region's rows have another home now.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use scheduler_core::lifecycle::{Command, Landing};
use topology::{DatabaseRegion, PoolId};

use super::context::Context;
use super::decide::{Place, Placer};
use super::reap::MOVE_FOR;
use super::step::Step;
use super::ticker::More;
use crate::refusal::Refusal;
use crate::store::sweep::{MissionRow, Page, Verdict, pools_queued};

/// Queues of pools that every view knows to serve are looked through only now and then: for pools that left the
/// topology before this scheduler started.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

pub(super) async fn home(context: &Arc<Context>, home: &DatabaseRegion, clock: DateTime<Utc>) -> Result<More, Refusal> {
    if !is_due(context, home) {
        return Ok(More::Done);
    }
    let mut more = More::Done;
    for (region, specialization) in pools_queued(&context.upkeep, home).await? {
        let pool = PoolId { region, specialization };
        if !context.views.current().may_keep(&pool, home) && empty(context, home, &pool, clock).await? {
            more = More::Left;
        }
    }
    context.memory().looked.insert(home.clone(), Instant::now());
    Ok(more)
}

/// Whether some pool homed there may not serve, or nobody looked for a while.
fn is_due(context: &Context, home: &DatabaseRegion) -> bool {
    let view = context.views.current();
    let here = view.topology.pools.iter().filter(|pool| view.home_of(&pool.id.region) == home);
    let generation = *context.views.changes().borrow();
    let mut memory = context.memory();
    let changed = memory.looked_for.insert(home.clone(), generation) != Some(generation);
    let lately = memory.looked.get(home).is_some_and(|at| at.elapsed() < LOOK_AGAIN);
    changed || !lately || here.into_iter().any(|pool| !view.may_keep(&pool.id, home))
}

/// Empties a pool's queue; returns whether something is left that could be moved now.
async fn empty(
    context: &Arc<Context>,
    home: &DatabaseRegion,
    pool: &PoolId,
    clock: DateTime<Utc>,
) -> Result<bool, Refusal> {
    let until = Instant::now() + MOVE_FOR;
    while Instant::now() < until {
        let view = context.views.current();
        let placer = Placer::new(context, &view, clock);
        let at = home.clone();
        let decide = Arc::new(move |row: &MissionRow| replace(&placer, row, &at));
        let page = Page::Queued(pool.clone());
        match context.step(&view, home, &page, "pool_may_not_serve", decide).await? {
            Step::Done => return Ok(false),
            Step::Left => {}
            Step::Stale => return Ok(true),
        }
    }
    Ok(true)
}

/// Places a waiting mission anew, or lets it wait as pending.
pub(super) fn replace(placer: &Placer, row: &MissionRow, home: &DatabaseRegion) -> Verdict {
    match placer.place(row) {
        Place::NoBudget => Verdict::Leave,
        Place::To(placed) if Placer::stays(row, home, &placed) => Verdict::Leave,
        Place::To(placed) => {
            let command = match placed.landing {
                Landing::Queued => Command::Replace,
                Landing::Pending(why) => Command::Unplaceable(why),
            };
            placer.verdict(row, &command, Some(&placed), home)
        }
    }
}
