//! What follows memories that were written: words, duplicates, vectors; and missions that used them: lessons. The work is
//! leased row by row, and a mission counts once, so any number of schedulers may share it.

use std::sync::Arc;

use ::memory::evidence::{self, Place};
use topology::DatabaseRegion;

use super::context::Context;
use super::sweeps::each_home;
use super::ticker::More;
use crate::refusal::Refusal;

/// The own home alone, not the others that this scheduler watches: to index a memory is to read it, which its residency
/// may forbid elsewhere (P4). What is left in a lost region waits for it.
pub(super) async fn tick(context: Arc<Context>) -> Result<More, Refusal> {
    let view = context.views.current();
    let own = view.topology.region(&context.region).map(|region| region.database_region.clone());
    Ok(each_home("memory", &context, own.into_iter().collect(), index_home).await)
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
