//! The loops that keep a scheduler's view fresh and its missions moving. All are level-triggered: each tick looks at
//! what is, does a bounded part of what is to be done, and leaves the rest to the next tick of any scheduler (P7).

use std::sync::Arc;
use std::time::Duration;

use topology::{RegionName, SchedulerId};

use crate::view::Views;

/// What the loops work with.
#[derive(Debug, Clone)]
pub struct Deps {
    /// This process.
    pub id: SchedulerId,
    /// The region it stands in.
    pub region: RegionName,
    /// Where other schedulers and agents reach it, such as `http://127.0.0.1:7701`; stored in its heartbeat.
    pub address: String,
    /// The view that the loops keep fresh.
    pub views: Arc<Views>,
}

/// The running loops.
#[derive(Debug)]
pub struct Loops {}

/// Starts every loop.
#[must_use]
pub fn spawn(_deps: Deps) -> Loops {
    todo!()
}

impl Loops {
    /// Tells every loop to end after its current step, and waits for them at most `bound`. The scheduler's heartbeat
    /// is withdrawn, so that nobody waits for it.
    pub async fn stop(self, _bound: Duration) {
        todo!()
    }
}
