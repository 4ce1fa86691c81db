//! Ends sessions that fell silent, and moves what ended sessions hold.
//!
//! The two are apart: ending writes one row a session; moving looks for leases of ended sessions however they ended and
//! whoever ended them, in bounded batches. A scheduler that dies in between leaves nothing that the next tick of any
//! other does not find.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use scheduler_core::health::{Charge, RegionHealth, charge};
use scheduler_core::lifecycle::Command;
use topology::{DatabaseRegion, RegionName, SessionId};

use super::context::{AT_ONCE, Context, REGION_TIMEOUT, Watched};
use super::decide::Placer;
use super::step::Step;
use super::sweeps::each_home;
use super::ticker::More;
use crate::refusal::Refusal;
use crate::store::life::region_life;
use crate::store::session::session_reap;
use crate::store::sweep::{MissionRow, Page, Unsettled, sessions_settle, sessions_unsettled, sweep};
use crate::view::View;

/// Why a session ended that fell silent: its leases may be charged as crashes.
pub(crate) const EXPIRED: &str = "expired";

/// Missions moved by one transaction.
pub(super) const BATCH: i64 = 500;

/// Ended sessions that are settled at once.
const SESSIONS: i64 = 500;

/// Longest time that a tick moves missions of one home; what is left is the next tick's.
pub(super) const MOVE_FOR: Duration = Duration::from_secs(3);

pub(super) async fn tick(context: Arc<Context>) -> Result<More, Refusal> {
    let view = context.views.current();
    let silent: Vec<Watched> =
        context.watched(&view).into_iter().filter(|watched| context.may_hold_silent(&view, watched)).collect();
    if silent.is_empty() {
        return Ok(More::Done);
    }
    let clock = context.lease.clock().await?;
    let (shared, seen) = (&context, &view);
    let homes: BTreeSet<DatabaseRegion> = futures_util::stream::iter(silent)
        .map(|watched| async move { expire(shared, seen, &watched, clock).await.then_some(watched.home) })
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    context.refill_budget(&view);
    let settle = |context: Arc<Context>, home: DatabaseRegion| async move { settle(&context, &home, clock).await };
    Ok(each_home("reap", &context, homes.into_iter().collect(), settle).await)
}

/// Ends the sessions of one region that are silent for longer than they may, unless that silence may be ours. Returns
/// whether there were any.
async fn expire(context: &Context, view: &View, watched: &Watched, clock: DateTime<Utc>) -> bool {
    if !context.may_end_sessions(view, &watched.home) {
        return false;
    }
    let deadline = clock - view.topology.scheduling.session_ttl;
    let regions = std::slice::from_ref(&watched.region);
    let actor = context.actor();
    let ended = session_reap(&context.upkeep, &watched.home, regions, deadline, &actor, EXPIRED);
    match tokio::time::timeout(REGION_TIMEOUT, ended).await {
        Ok(Ok(ended)) if ended.is_empty() => false,
        Ok(Ok(ended)) => {
            tracing::info!(region = %watched.region, sessions = ended.len(), "sessions expired");
            metrics::counter!("scheduler_sessions_expired_total", "region" => watched.region.to_string())
                .increment(ended.len() as u64);
            true
        }
        Ok(Err(_)) | Err(_) => {
            metrics::counter!("scheduler_reap_failures_total", "region" => watched.region.to_string()).increment(1);
            false
        }
    }
}

/// Moves what the ended sessions of a home hold, then writes down that they hold nothing.
pub(super) async fn settle(
    context: &Arc<Context>,
    home: &DatabaseRegion,
    clock: DateTime<Utc>,
) -> Result<More, Refusal> {
    let sessions = sessions_unsettled(&context.upkeep, home, SESSIONS).await?;
    if sessions.is_empty() {
        return Ok(More::Done);
    }
    let until = Instant::now() + MOVE_FOR;
    let mut more = More::Left;
    while Instant::now() < until {
        if !move_batch(context, home, &sessions, clock).await? {
            more = More::Done;
            break;
        }
    }
    let ids: Vec<SessionId> = sessions.iter().map(|session| session.id).collect();
    sessions_settle(&context.upkeep, home, &ids).await?;
    Ok(more)
}

/// Moves one batch of what ended sessions hold; returns whether there may be more that can be moved now.
pub(super) async fn move_batch(
    context: &Arc<Context>,
    home: &DatabaseRegion,
    sessions: &[Unsettled],
    clock: DateTime<Utc>,
) -> Result<bool, Refusal> {
    let view = context.views.current();
    let causes = causes(context, &view, home, sessions, clock).await;
    let placer = Placer::new(context, &view, clock);
    let page = Page::LeasesOfSessions(sessions.iter().map(|session| session.id).collect());
    let decide = Arc::new(move |row: &MissionRow| {
        let cause = row.facts.session.and_then(|session| causes.get(&session)).copied().unwrap_or(Cause::Left);
        placer.move_by(row, |landing| match cause {
            Cause::Crash => Command::SessionExpired { charged: true, landing },
            Cause::Left => Command::SessionExpired { charged: false, landing },
            Cause::RegionLost => Command::RegionLost(landing),
        })
    });
    Ok(context.step(&view, home, &page, "session_ended", decide).await? != Step::Done)
}

/// Why a session's leases leave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// It fell silent while its region shows other life: the mission may have killed it.
    Crash,
    /// It ended in order, or nobody can tell.
    Left,
    /// It fell silent with its region.
    RegionLost,
}

async fn causes(
    context: &Context,
    view: &View,
    home: &DatabaseRegion,
    sessions: &[Unsettled],
    clock: DateTime<Utc>,
) -> BTreeMap<SessionId, Cause> {
    let mut regions: BTreeMap<&RegionName, Cause> = BTreeMap::new();
    let mut causes = BTreeMap::new();
    for session in sessions {
        if session.reason != EXPIRED {
            causes.insert(session.id, Cause::Left);
            continue;
        }
        let cause = match regions.get(&session.region) {
            Some(cause) => *cause,
            None => {
                let cause = cause_of(context, view, home, &session.region, clock).await;
                *regions.entry(&session.region).or_insert(cause)
            }
        };
        causes.insert(session.id, cause);
    }
    causes
}

async fn cause_of(
    context: &Context,
    view: &View,
    home: &DatabaseRegion,
    region: &RegionName,
    clock: DateTime<Utc>,
) -> Cause {
    let read = region_life(&context.lease, home, region);
    let Ok(Ok(life)) = tokio::time::timeout(REGION_TIMEOUT, read).await else { return Cause::Left };
    match charge(life.newest, clock, &view.topology.scheduling) {
        Charge::Crash => Cause::Crash,
        Charge::Move if view.regions.get(region).is_some_and(|r| r.standing.health == RegionHealth::Up) => Cause::Left,
        Charge::Move => Cause::RegionLost,
    }
}

/// Looks for leases whose session is gone or was settled: there should be none, and none is left behind if there is.
pub(super) async fn orphans(context: Arc<Context>) -> Result<More, Refusal> {
    let view = context.views.current();
    context.refill_budget(&view);
    Ok(each_home("orphans", &context, context.watched_homes(&view), orphans_of).await)
}

async fn orphans_of(context: Arc<Context>, home: DatabaseRegion) -> Result<More, Refusal> {
    let view = context.views.current();
    let placer = Placer::new(&context, &view, view.now());
    let decide = Arc::new(move |row: &MissionRow| {
        placer.move_by(row, |landing| Command::SessionExpired { charged: false, landing })
    });
    let swept = sweep(&context.upkeep, &home, &Page::LeasesOrphaned, BATCH, &context.terms(&view), decide).await?;
    if !swept.moved.is_empty() {
        tracing::error!(%home, missions = swept.moved.len(), "leases of sessions that were settled were found");
    }
    context.note_moved(&swept, "orphaned");
    Ok(More::Done)
}
