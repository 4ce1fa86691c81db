//! Takes old rows away: a duty, so that one scheduler a home does it.

use std::sync::Arc;

use chrono::TimeDelta;
use topology::DatabaseRegion;

use super::context::Context;
use super::sweeps::each_home;
use super::ticker::More;
use crate::refusal::Refusal;
use crate::store::census::region_in_use;
use crate::store::duty::duty_take;
use crate::store::region::region_forget;
use crate::store::retention::{BATCH, heartbeats_retire, keys_retire, missions_retire, sessions_retire};

/// Name of the duty.
pub(super) const DUTY: &str = "retention";

/// How long a holder keeps the duty without renewing it: three ticks.
const DUTY_MS: i64 = 90_000;

/// How long heartbeats of the dead are kept: nobody asks for them, so this is no setting. Far above `down_after`, and
/// short, for the newest is looked for among them.
const HEARTBEATS: TimeDelta = TimeDelta::minutes(10);

pub(super) async fn tick(context: Arc<Context>) -> Result<More, Refusal> {
    let homes = context.watched_homes(&context.views.current());
    forget_regions(&context).await?;
    Ok(each_home("retention", &context, homes, retire_home).await)
}

/// Forgets regions that left the topology and hold nothing any more, in any home. Returns how many went.
async fn forget_regions(context: &Context) -> Result<usize, Refusal> {
    let view = context.views.current();
    let gone = view.regions.values().filter(|row| view.topology.region(&row.region).is_none());
    let mut forgotten = 0;
    for row in gone {
        let mut used = false;
        for home in context.homes(&view) {
            used |= region_in_use(&context.upkeep, &home, &row.region).await?;
        }
        if !used && region_forget(&context.upkeep, row, view.topology_version, &context.actor()).await? {
            forgotten += 1;
        }
    }
    if forgotten > 0 {
        context.views.refresh_regions().await?;
    }
    Ok(forgotten)
}

async fn retire_home(context: Arc<Context>, home: DatabaseRegion) -> Result<More, Refusal> {
    let homes = context.homes(&context.views.current());
    let held = duty_take(&context.upkeep, &home, DUTY, context.id, DUTY_MS).await?;
    let more = held.is_some() && retire(&context, &home, &homes).await?;
    Ok(if more { More::Left } else { More::Done })
}

/// Takes one batch of each kind; returns whether one of them was full.
async fn retire(context: &Context, home: &DatabaseRegion, homes: &[DatabaseRegion]) -> Result<bool, Refusal> {
    let db = &context.upkeep;
    let (clock, kept) = (db.clock().await?, context.retention);
    let gone = [
        ("missions", missions_retire(db, home, homes, clock - kept.missions).await?),
        ("keys", keys_retire(db, home, homes, clock - kept.keys).await?),
        ("sessions", sessions_retire(db, home, clock - kept.sessions).await?),
        ("heartbeats", heartbeats_retire(db, home, clock - HEARTBEATS).await?),
    ];
    for (what, rows) in gone {
        metrics::counter!("scheduler_retired_total", "what" => what).increment(rows);
    }
    Ok(gone.iter().any(|(_, rows)| *rows >= BATCH.unsigned_abs()))
}
