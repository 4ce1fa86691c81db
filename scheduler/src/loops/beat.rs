//! The scheduler's heartbeat, in its own database region and in those that it watches: the first says that it lives,
//! all of them show that heartbeats can be written there.

use std::sync::Arc;
use std::time::Instant;

use futures_util::StreamExt as _;
use topology::DatabaseRegion;

use super::context::{AT_ONCE, Context, REGION_TIMEOUT};
use super::ticker::More;
use crate::refusal::Refusal;
use crate::store::life::{Beat, scheduler_beat};
use crate::view::View;

pub(super) async fn tick(context: Arc<Context>) -> Result<More, Refusal> {
    let view = context.views.current();
    let own = view.home_of(&context.region).clone();
    let others = context.watched_homes(&view).into_iter().filter(|home| *home != own);
    let (context, view) = (&context, &view);
    futures_util::stream::iter(std::iter::once(own.clone()).chain(others))
        .for_each_concurrent(AT_ONCE, |home| async move { beat(context, view, &home).await })
        .await;
    Ok(More::Done)
}

async fn beat(context: &Context, view: &View, home: &DatabaseRegion) {
    let own = view.home_of(&context.region) == home;
    let db = if own { &context.lease } else { &context.upkeep };
    let beat = Beat {
        id: context.id,
        region: &context.region,
        address: &context.address,
        version: env!("CARGO_PKG_VERSION"),
        topology_version: view.topology_version,
    };
    let written = tokio::time::timeout(REGION_TIMEOUT, scheduler_beat(db, home, &beat)).await;
    let gap = Context::gap(&view.topology.scheduling);
    if matches!(written, Ok(Ok(()))) {
        context.steady.wrote(home, Instant::now(), gap);
    } else {
        context.steady.failed(home);
        metrics::counter!("scheduler_beat_failures_total", "home" => home.to_string()).increment(1);
    }
}
