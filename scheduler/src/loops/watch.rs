//! Keeps the view fresh: topology, regions, and the loads of every database region.

use std::sync::Arc;

use futures_util::StreamExt as _;
use topology::RegionName;

use super::context::{AT_ONCE, Context, REGION_TIMEOUT};
use super::ticker::More;
use crate::refusal::Refusal;
use crate::store;

/// Database regions whose loads are read in one tick: the own one always, the others in turn.
const LOADS_A_TICK: usize = 8;

pub(super) async fn tick(context: Arc<Context>) -> Result<More, Refusal> {
    context.views.refresh_topology().await?;
    ensure_regions(&context).await?;
    context.views.refresh_regions().await?;
    read_loads(&context).await;
    Ok(More::Done)
}

/// Makes the rows of regions that are new in the topology.
async fn ensure_regions(context: &Context) -> Result<(), Refusal> {
    let view = context.views.current();
    if context.memory().ensured == view.topology_version {
        return Ok(());
    }
    let names: Vec<RegionName> = view.topology.regions.iter().map(|region| region.name.clone()).collect();
    store::region::regions_ensure(&context.upkeep, &names, &context.actor()).await?;
    context.memory().ensured = view.topology_version;
    Ok(())
}

async fn read_loads(context: &Context) {
    let view = context.views.current();
    let own = view.home_of(&context.region).clone();
    let mut homes = vec![own.clone()];
    let others: Vec<_> = context.homes(&view).into_iter().filter(|home| *home != own).collect();
    let first = {
        let mut memory = context.memory();
        let first = memory.next_load;
        memory.next_load = first.wrapping_add(LOADS_A_TICK);
        first
    };
    homes.extend(others.iter().cycle().skip(first % others.len().max(1)).take(others.len().min(LOADS_A_TICK)).cloned());
    futures_util::stream::iter(homes)
        .for_each_concurrent(AT_ONCE, |home| async move {
            let read = tokio::time::timeout(REGION_TIMEOUT, context.views.refresh_loads(&home)).await;
            if !matches!(read, Ok(Ok(()))) {
                metrics::counter!("scheduler_stale_loads_total", "home" => home.to_string()).increment(1);
            }
        })
        .await;
}
