//! Moves missions, home by home: one statement asks what is due there, and only what is due is swept.
//!
//! Homes are swept beside each other, each with a time limit, and one that fails is left alone for a moment: a dying
//! region's rows never delay another's (P5).

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use topology::DatabaseRegion;

use super::context::{AT_ONCE, Context, REGION_TIMEOUT};
use super::ticker::More;
use super::{bound, drain, limits, pending, reap, replace};
use crate::refusal::Refusal;
use crate::store::sweep::{Due, sweep_due};

/// Longest time that a tick spends on one home; what is left is the next tick's.
const HOME_FOR: Duration = Duration::from_secs(8);

/// How long a home that failed is left alone.
const REST: Duration = Duration::from_secs(2);

pub(super) async fn tick(context: Arc<Context>) -> Result<More, Refusal> {
    let view = context.views.current();
    context.refill_budget(&view);
    let homes = context.watched_homes(&view);
    Ok(each_home("sweeps", &context, homes, sweep_home).await)
}

/// Runs a loop's step for every home beside each other. A failure is counted, and that loop lets the home rest.
pub(super) async fn each_home<F>(
    by: &'static str,
    context: &Arc<Context>,
    homes: Vec<DatabaseRegion>,
    step: impl Fn(Arc<Context>, DatabaseRegion) -> F,
) -> More
where
    F: Future<Output = Result<More, Refusal>>,
{
    let step = &step;
    futures_util::stream::iter(homes)
        .map(|home| async move {
            if context.rests(by, &home) {
                return More::Done;
            }
            let done = tokio::time::timeout(HOME_FOR, step(Arc::clone(context), home.clone())).await;
            let why = match done {
                Ok(Ok(more)) => return more,
                Ok(Err(refusal)) => refusal.code(),
                Err(_) => "timed_out",
            };
            context.rest(by, &home, Instant::now() + REST);
            metrics::counter!("scheduler_sweep_failures_total", "home" => home.to_string(), "why" => why).increment(1);
            tracing::warn!(r#loop = by, %home, why, "a home could not be swept and rests");
            More::Done
        })
        .buffer_unordered(AT_ONCE)
        .fold(More::Done, |all, one| std::future::ready(all.or(one)))
        .await
}

async fn sweep_home(context: Arc<Context>, home: DatabaseRegion) -> Result<More, Refusal> {
    let view = context.views.current();
    let clock = view.now();
    let asked = sweep_due(&context.upkeep, &home, clock - limits::GRACE, clock, view.residency_version);
    let due = tokio::time::timeout(REGION_TIMEOUT, asked).await.map_err(|_| Refusal::Unavailable)??;
    sweep_due_parts(&context, &home, due, clock).await
}

async fn sweep_due_parts(
    context: &Arc<Context>,
    home: &DatabaseRegion,
    due: Due,
    clock: DateTime<Utc>,
) -> Result<More, Refusal> {
    let mut more = More::Done;
    // Missions that were started come before those that wait, and both by the rank of their queue, so that a budget that
    // is short goes to the right ones.
    if due.unsettled {
        more = more.or(reap::settle(context, home, clock).await?);
    }
    if due.bound {
        more = more.or(bound::home(context, home, clock).await?);
    }
    if due.over_run || due.over_wait {
        more = more.or(limits::home(context, home, clock).await?);
    }
    more = more.or(replace::home(context, home, clock).await?);
    more = more.or(drain::home(context, home, clock).await?);
    if due.pending {
        more = more.or(pending::home(context, home, clock).await?);
    }
    Ok(more)
}
