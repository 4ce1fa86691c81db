//! The loops that keep a scheduler's view fresh and its missions moving. All are level-triggered: each tick looks at
//! what is, does a bounded part of what is to be done, and leaves the rest to the next tick of any scheduler (P7).
//!
//! A loop that only reads what it needs at that moment may be stopped anywhere, run twice at once, or be run by two
//! schedulers: every write re-checks what it relies on.

mod beat;
mod bound;
mod context;
mod decide;
mod drain;
mod health;
mod limits;
mod load;
mod memory;
mod pending;
mod reap;
mod replace;
mod retention;
mod steady;
mod step;
mod sweeps;
mod ticker;
mod watch;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use sql::Gateways;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use topology::{PoolId, RegionName, SchedulerId};

use crate::config::Retention;
use crate::view::Views;

use context::Context;
use ticker::Ticker;

/// Lets claims look at once that wait for pools where something was queued.
pub type Wake = Arc<dyn Fn(&[PoolId]) + Send + Sync>;

/// What the loops work with.
#[derive(Clone)]
pub struct Deps {
    /// The database.
    pub gateways: Gateways,
    /// This process.
    pub id: SchedulerId,
    /// The region it stands in.
    pub region: RegionName,
    /// Where other schedulers and agents reach it, such as `http://127.0.0.1:7701`; stored in its heartbeat.
    pub address: String,
    /// The view that the loops keep fresh.
    pub views: Arc<Views>,
    /// How long what is over is kept.
    pub retention: Retention,
    /// Called after missions were queued.
    pub wake: Wake,
    /// What follows memories that were written; none = other schedulers see to it.
    pub index: Option<::memory::work::Indexer>,
}

/// The running loops.
#[derive(Debug)]
pub struct Loops {
    stop: CancellationToken,
    tasks: JoinSet<()>,
    context: Arc<Context>,
}

/// Starts every loop.
#[must_use]
pub fn spawn(deps: Deps) -> Loops {
    let context = Arc::new(Context::new(deps));
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    let ticker = |name, period| Ticker::new(name, period, stop.clone());
    let second = Duration::from_secs(1);
    let half = second / 2;
    let heartbeat = context.views.current().topology.scheduling.heartbeat;
    let quick = (heartbeat / 2).clamp(second / 10, half);

    tasks.spawn(ticker("beat", heartbeat.min(second)).run(Arc::clone(&context), beat::tick));
    tasks.spawn(ticker("watch", second).run(Arc::clone(&context), watch::tick));
    tasks.spawn(ticker("load", second).run(Arc::clone(&context), load::tick));
    tasks.spawn(ticker("health", quick).run(Arc::clone(&context), health::tick));
    tasks.spawn(ticker("reap", quick).run(Arc::clone(&context), reap::tick));
    let sweeps = ticker("sweeps", half).woken_by(context.views.changes());
    tasks.spawn(sweeps.run(Arc::clone(&context), sweeps::tick));
    tasks.spawn(ticker("orphans", second * 15).run(Arc::clone(&context), reap::orphans));
    tasks.spawn(ticker("retention", second * 30).run(Arc::clone(&context), retention::tick));
    tasks.spawn(ticker("memory_retention", second * 30).run(Arc::clone(&context), memory::retire));
    if context.index.is_some() {
        tasks.spawn(ticker("memory", half).run(Arc::clone(&context), memory::tick));
    }
    Loops { stop, tasks, context }
}

impl Loops {
    /// Tells every loop to end after its current step, and waits for them at most `bound`; what runs longer is dropped
    /// where it stands, which any loop may be. The scheduler's heartbeat and duties are withdrawn, so that nobody waits
    /// for them.
    pub async fn stop(mut self, bound: Duration) {
        self.stop.cancel();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(bound, ended).await.is_err() {
            tracing::warn!("some loops did not end in time");
        }
        self.tasks.shutdown().await;
        self.context.withdraw().await;
    }
}

impl std::fmt::Debug for Deps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deps").field("id", &self.id).field("region", &self.region).finish_non_exhaustive()
    }
}
