//! What follows memories that were written: words, duplicates, vectors; and missions that used them: lessons. The work is
//! leased row by row, and a mission counts once, so any number of schedulers may share it. And their end, where they are
//! not kept for ever: a duty, so that one scheduler a home does it.

use std::sync::Arc;

use ::memory::evidence::{self, Place};
use ::memory::store::forget::AT_ONCE;
use ::memory::store::retention::{memories_retire, recalls_retire};
use ::memory::text;
use topology::DatabaseRegion;

use super::context::Context;
use super::sweeps::each_home;
use super::ticker::More;
use crate::refusal::Refusal;
use crate::store::duty::duty_take;

/// Name of the duty to take old memories away.
pub(super) const DUTY: &str = "memory_retention";

/// How long a holder keeps the duty without renewing it: three ticks.
const DUTY_MS: i64 = 90_000;

/// The own home alone, not the others that this scheduler watches: to index a memory is to read it, which its residency
/// may forbid elsewhere (P4). What is left in a lost region waits for it.
pub(super) async fn tick(context: Arc<Context>) -> Result<More, Refusal> {
    Ok(each_home("memory", &context, own_home(&context), index_home).await)
}

/// The own home alone, likewise: the words of a memory that goes are read, to count them no more. It has a duty of its own
/// since the duty of other rows may be a scheduler's of another home.
pub(super) async fn retire(context: Arc<Context>) -> Result<More, Refusal> {
    Ok(each_home("memory_retention", &context, own_home(&context), retire_home).await)
}

fn own_home(context: &Context) -> Vec<DatabaseRegion> {
    let view = context.views.current();
    view.topology.region(&context.region).map(|region| region.database_region.clone()).into_iter().collect()
}

async fn index_home(context: Arc<Context>, home: DatabaseRegion) -> Result<More, Refusal> {
    let Some(index) = &context.index else { return Ok(More::Done) };
    let indexed = index(context.upkeep.clone(), home.clone(), context.id).await;
    let counted = count_home(&context, &home).await;
    let left = indexed?.more || counted?.more;
    Ok(if left { More::Left } else { More::Done })
}

async fn count_home(context: &Context, home: &DatabaseRegion) -> Result<evidence::Done, sql::Error> {
    let view = context.views.current();
    let place = Place { topology: &view.topology, here: &context.region, home };
    evidence::tick(&context.upkeep, place).await
}

/// Takes one batch of each kind; more is left where one of them was full.
async fn retire_home(context: Arc<Context>, home: DatabaseRegion) -> Result<More, Refusal> {
    let db = &context.upkeep;
    if duty_take(db, &home, DUTY, context.id, DUTY_MS).await?.is_none() {
        return Ok(More::Done);
    }
    let (clock, kept) = (db.clock().await?, context.retention);
    let memories = match kept.memories {
        Some(kept) => memories_retire(db, &home, clock - kept, text::terms).await? as u64,
        None => 0,
    };
    let recalls = recalls_retire(db, &home, clock - kept.recalls).await?;
    for (what, rows) in [("memories", memories), ("recalls", recalls)] {
        metrics::counter!("scheduler_retired_total", "what" => what).increment(rows);
    }
    let full = memories.max(recalls) >= AT_ONCE.unsigned_abs();
    Ok(if full { More::Left } else { More::Done })
}
