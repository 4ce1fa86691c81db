//! The health of the watched regions, judged by the pure core from their heartbeats as the database shows them, and
//! written by compare-and-set.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use scheduler_core::health::{Look, RegionHealth, hold, judge, look};
use topology::{RegionName, Scheduling};

use super::context::{AT_ONCE, Context, REGION_TIMEOUT, Watched};
use super::ticker::More;
use crate::refusal::Refusal;
use crate::store::life::{Life, region_life};
use crate::store::region::{RegionRow, region_health};
use crate::view::View;

/// What was read, by region and home.
type Readings = BTreeMap<Watched, Life>;

pub(super) async fn tick(context: Arc<Context>) -> Result<More, Refusal> {
    let observer = context.observe_self();
    let clock = context.lease.clock().await?;
    let view = context.views.current();
    let watched: Vec<Watched> = context.watched(&view);
    let life = read_life(&context, &watched).await;
    if !life.is_empty() {
        context.note_read();
    }
    let clocks = &view.topology.scheduling;
    let looks: Vec<Look> = view.topology.regions.iter().map(|r| look_at(&view, &life, &r.name, clock)).collect();
    let held = hold(&looks, observer, clocks);
    context.views.set_held(held);
    let mut changed = false;
    for watched in &watched {
        if let Some(life) = life.get(watched) {
            context.memory().quietest.insert(watched.clone(), life.quietest_session);
        }
        if let (Some(newest), Some(row)) = (newest(&life, &watched.region), view.regions.get(&watched.region)) {
            let held = held.is_some() || context.writes_ok_for(&watched.home, clocks) < clocks.down_after;
            let settled = settle(&context, row, newest, clock, clocks, held);
            // What cannot be written now is judged again at the next tick.
            changed |= tokio::time::timeout(REGION_TIMEOUT, settled).await.unwrap_or(Ok(false))?;
        }
    }
    if changed {
        context.views.refresh_regions().await?;
    }
    Ok(More::Done)
}

/// Reads each region with a time limit of its own. What cannot be read is missing: no evidence is no verdict.
async fn read_life(context: &Context, watched: &[Watched]) -> Readings {
    futures_util::stream::iter(watched.to_vec())
        .map(|watched| async move {
            let read = region_life(&context.lease, &watched.home, &watched.region);
            let life = tokio::time::timeout(REGION_TIMEOUT, read).await.ok()?.ok()?;
            Some((watched, life))
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await
}

/// The newest heartbeat of a region in any home (one that left the topology may have rows in several); none where
/// nothing was read.
fn newest(life: &Readings, region: &RegionName) -> Option<Option<DateTime<Utc>>> {
    life.iter().filter(|(watched, _)| watched.region == *region).map(|(_, life)| life.newest).max()
}

/// What is seen of a region: the heartbeats where they were read, else what others wrote down.
fn look_at(view: &View, life: &Readings, region: &RegionName, now: DateTime<Utc>) -> Look {
    if let Some(newest) = newest(life, region) {
        return look(newest, now, &view.topology.scheduling);
    }
    match view.regions.get(region).map(|row| row.standing.health) {
        Some(RegionHealth::Up | RegionHealth::Returning) => Look::Fresh,
        Some(RegionHealth::Suspect) => Look::Late,
        Some(RegionHealth::Down) => Look::Silent,
        Some(RegionHealth::Unknown) | None => Look::Never,
    }
}

/// Writes the next standing down where it differs. Another observer may have been faster: that is as good.
async fn settle(
    context: &Context,
    row: &RegionRow,
    newest: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    clocks: &Scheduling,
    held: bool,
) -> Result<bool, Refusal> {
    let next = judge(row.standing, newest, now, clocks, held);
    if next.health == row.standing.health {
        return Ok(false);
    }
    let why = newest.map_or_else(
        || "nothing was heard".to_owned(),
        |at| format!("newest heartbeat {} ms old", (now - at).num_milliseconds()),
    );
    let written = region_health(&context.upkeep, row, &next, &context.actor(), &why).await?;
    if written {
        let (from, to) = (row.standing.health.as_str(), next.health.as_str());
        tracing::info!(region = %row.region, from, to, why, "region health");
        metrics::counter!("scheduler_region_health_changes_total", "region" => row.region.to_string(), "to" => to)
            .increment(1);
    }
    Ok(true)
}
