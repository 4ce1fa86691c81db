//! Keeps the view fresh: topology, regions, and the loads of every database region.

use std::sync::Arc;

use futures_util::StreamExt as _;
use topology::RegionName;

use super::context::{AT_ONCE, Context, REGION_TIMEOUT};
use super::ticker::More;
use crate::refusal::Refusal;
use crate::store;
use crate::view::{View, parse};

/// Database regions whose loads are read in one tick: the own one always, the others in turn.
const LOADS_A_TICK: usize = 8;

/// Versions of the topology whose homes are remembered.
const VERSIONS_BACK: i64 = 20;

pub(super) async fn tick(context: Arc<Context>) -> Result<More, Refusal> {
    context.views.refresh_topology().await?;
    take_over(&context).await?;
    context.views.refresh_regions().await?;
    read_loads(&context).await;
    Ok(More::Done)
}

/// What a new version asks for: rows of its regions, and an eye on the homes that earlier versions had.
async fn take_over(context: &Context) -> Result<(), Refusal> {
    let view = context.views.current();
    let known = context.memory().ensured == view.topology_version;
    // One may be missing later, too: where it left the topology and came back while its row was taken away.
    let rows = known.then_some(&view.regions);
    let missing =
        view.topology.regions.iter().filter(|region| rows.is_none_or(|rows| !rows.contains_key(&region.name)));
    let names: Vec<RegionName> = missing.map(|region| region.name.clone()).collect();
    if !names.is_empty() {
        store::region::regions_ensure(&context.upkeep, &names, &context.actor()).await?;
    }
    if known {
        return Ok(());
    }
    remember_homes(context, &view).await?;
    context.memory().ensured = view.topology_version;
    Ok(())
}

/// Rows may still be homed in database regions of earlier versions: their missions are swept like all others.
async fn remember_homes(context: &Context, view: &View) -> Result<(), Refusal> {
    let first = (view.topology_version - VERSIONS_BACK).max(1);
    for version in first..view.topology_version {
        let Some(stored) = store::topology::topology_read(&context.upkeep, version).await? else { continue };
        // A version that this program cannot read any more had its homes swept by those that could.
        let Ok(topology) = parse(&stored.text, context.upkeep.engine()) else { continue };
        for home in topology.database.regions {
            let known = context.memory().homes.contains(&home);
            // A home that the database does not know any more refuses the statement: it has no rows.
            if !known && store::sweep::pools_queued(&context.upkeep, &home).await.is_ok() {
                context.memory().homes.insert(home);
            }
        }
    }
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
