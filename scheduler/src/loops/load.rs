//! Counts the pools of the watched regions and publishes the figures that every scheduler places by.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt as _;
use topology::{DatabaseRegion, PoolId};

use super::context::{AT_ONCE, Context, REGION_TIMEOUT, Watched};
use super::ticker::More;
use crate::refusal::Refusal;
use crate::store::load::{Counted, load_count, load_publish};
use crate::view::View;

/// Runs that ended before the first count, taken for the first figure.
const FIRST_WINDOW: TimeDelta = TimeDelta::seconds(60);

/// Figures older than this are published by whoever watches the region.
const STALE: TimeDelta = TimeDelta::milliseconds(2_500);

/// Time between two counts of what is pending in a home: it is shown to people and decides nothing.
const PENDING_EVERY: Duration = Duration::from_secs(5);

/// Weight of one run in the moving average of a pool's run time.
const WEIGHT: f64 = 0.1;

pub(super) async fn tick(context: Arc<Context>) -> Result<More, Refusal> {
    let clock = context.upkeep.clock().await?;
    let view = context.views.current();
    let (context, view) = (&context, &view);
    let mine: Vec<Watched> =
        context.watched(view).into_iter().filter(|watched| is_mine(context, view, watched)).collect();
    let homes: BTreeSet<DatabaseRegion> = mine.iter().map(|watched| watched.home.clone()).collect();
    futures_util::stream::iter(mine)
        .for_each_concurrent(AT_ONCE, |watched| async move {
            let publish = tokio::time::timeout(REGION_TIMEOUT, publish(context, view, &watched, clock));
            if !matches!(publish.await, Ok(Ok(()))) {
                metrics::counter!("scheduler_load_failures_total", "region" => watched.region.to_string()).increment(1);
            }
        })
        .await;
    for home in homes {
        // What was just published is placed by at once; the watch reads it again soon.
        let _stale = tokio::time::timeout(REGION_TIMEOUT, context.views.refresh_loads(&home)).await;
        count_pending(context, &home).await;
    }
    Ok(More::Done)
}

/// Counts what is pending in a home now and then. What cannot be counted is shown as it was for a minute.
async fn count_pending(context: &Context, home: &DatabaseRegion) {
    let lately = context.memory().pending_counted.get(home).is_some_and(|at| at.elapsed() < PENDING_EVERY);
    if !lately {
        context.memory().pending_counted.insert(home.clone(), Instant::now());
        let _uncounted = tokio::time::timeout(REGION_TIMEOUT, context.views.refresh_pending(home)).await;
    }
}

/// A region's own schedulers publish it; those that watch it from elsewhere do so only when nobody did lately.
fn is_mine(context: &Context, view: &View, watched: &Watched) -> bool {
    let newest = view.loads.iter().filter(|(pool, _)| pool.region == watched.region).map(|(_, load)| load.at).max();
    watched.region == context.region || newest.is_none_or(|at| view.now() - at > STALE)
}

async fn publish(context: &Context, view: &View, watched: &Watched, clock: DateTime<Utc>) -> Result<(), sql::Error> {
    let pools: Vec<&str> = view
        .topology
        .pools
        .iter()
        .filter(|pool| pool.id.region == watched.region)
        .map(|pool| pool.id.specialization.as_str())
        .collect();
    if pools.is_empty() {
        return Ok(());
    }
    let since = context.memory().counted.get(&watched.region).copied().unwrap_or(clock - FIRST_WINDOW);
    let mut counted = load_count(&context.upkeep, &watched.home, &watched.region, &pools, since).await?;
    for pool in counted.iter_mut().filter(|pool| pool.sessions > 0) {
        pool.unmet = 0;
    }
    let service_us: Vec<i64> = counted.iter().map(|pool| service_us(view, watched, pool)).collect();
    load_publish(&context.upkeep, &watched.home, &watched.region, &counted, &service_us).await?;
    context.memory().counted.insert(watched.region.clone(), clock);
    Ok(())
}

/// The moving average after these runs; 0 = nothing new.
fn service_us(view: &View, watched: &Watched, pool: &Counted) -> i64 {
    if pool.runs == 0 {
        return 0;
    }
    let id = PoolId { region: watched.region.clone(), specialization: pool.specialization.clone() };
    let before = view.loads.get(&id).map_or(0, |load| load.service_us);
    moving_average(before, pool.runs, pool.total_us).max(1)
}

/// The average of so many runs, weighed against what was known before.
fn moving_average(before_us: i64, runs: i64, total_us: f64) -> i64 {
    let mean = total_us / runs as f64;
    if before_us == 0 {
        return mean as i64;
    }
    let kept = (1.0 - WEIGHT).powi(i32::try_from(runs).unwrap_or(i32::MAX));
    (before_us as f64 * kept + mean * (1.0 - kept)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_moves_by_a_tenth_a_run() {
        assert_eq!(moving_average(0, 4, 4_000_000.0), 1_000_000, "the first figure is taken as it is");
        assert_eq!(moving_average(1_000_000, 1, 2_000_000.0), 1_100_000);
        let many = moving_average(1_000_000, 1_000, 1_000.0 * 2_000_000.0);
        assert!((1_999_999..=2_000_000).contains(&many), "{many}");
    }
}
