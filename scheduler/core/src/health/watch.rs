//! Who watches whom.

use topology::{RegionName, SchedulerId};

/// Schedulers of other regions that watch a region beside its own.
pub const WATCHERS_ELSEWHERE: usize = 3;

/// Whether a scheduler watches a region: its own do, three others by rendezvous hash over the live schedulers, and
/// everybody where fewer than four live.
///
/// `live` names every live scheduler with its region.
#[must_use]
pub fn watches(me: SchedulerId, region: &RegionName, live: &[(SchedulerId, RegionName)]) -> bool {
    let _ = (me, region, live);
    todo!()
}
