//! Plan, apply and revert of topologies.

use std::collections::BTreeSet;
use std::sync::Arc;

use scheduler_client::wire;
use scheduler_core::health::Verb;
use sql::migrate::{Regions, sync_regions};
use topology::plan::{Plan, plan, removed_specializations};
use topology::{PoolId, RegionName, Topology};

use super::bootstrap::digest;
use super::refusals::{Census, Reason, reasons, rehomed};
use super::{Control, shown};
use crate::engine::Actor;
use crate::refusal::{Fault, Refusal};
use crate::store::census::{missions_open, missions_wait, sessions_by_region};
use crate::store::topology::{Current, NewVersion, Version, topology_apply, topology_current, topology_read};
use crate::view::parse;

/// Longest message of an apply, in characters.
const MESSAGE_MAX: usize = 1_000;

/// Time until what is left in a region that was let go is handed back.
pub(super) const DRAIN_MS: i64 = 5 * 60 * 1_000;

/// A wished topology against the one in force.
struct Wished {
    base: Current,
    old: Arc<Topology>,
    new: Topology,
    plan: Plan,
}

impl Control {
    /// What a file would change, and why apply would refuse it.
    ///
    /// # Errors
    /// [`Refusal::TopologyRefused`] where it is no topology, or the database's.
    pub async fn plan(&self, body: wire::PlanTopology) -> Result<wire::PlanAnswer, Refusal> {
        let wished = self.wished(&body.text).await?;
        let census = self.census(&wished).await?;
        let refused = reasons(&wished.plan, &wished.old, &wished.new, &census);
        Ok(wire::PlanAnswer {
            base_version: wished.base.version,
            plan: json(&wished.plan),
            missions: census
                .open
                .into_iter()
                .filter(|(_, open)| open.queued + open.leased > 0)
                .map(|(pool, open)| wire::PoolMissions { pool, queued: open.queued, leased: open.leased })
                .collect(),
            refused: refused.into_iter().map(|reason| reason.text).collect(),
        })
    }

    /// Puts a file in force if `base_version` is still the current version.
    ///
    /// # Errors
    /// [`Refusal::PlanStale`] with the difference since, [`Refusal::HoldsMissions`], [`Refusal::TopologyRefused`], or
    /// the database's.
    pub async fn apply(&self, actor: &Actor, body: wire::ApplyTopology) -> Result<wire::TopologyVersion, Refusal> {
        check_message(&body.message)?;
        let wished = self.wished(&body.text).await?;
        if wished.base.version != body.base_version {
            return Err(self.stale(body.base_version).await);
        }
        let census = self.census(&wished).await?;
        let left: Vec<Reason> = reasons(&wished.plan, &wished.old, &wished.new, &census)
            .into_iter()
            .filter(|reason| !(body.drain && reason.drains))
            .collect();
        if !left.is_empty() {
            return Err(Refusal::HoldsMissions { what: left.into_iter().map(|reason| reason.text).collect() });
        }
        self.make_homes(&wished).await?;
        let version = self.put(actor, &wished, &body).await?;
        self.let_go(actor, &wished.plan, &body.message).await;
        // The watch would find it within a second; this scheduler answers by it at once.
        if let Err(refusal) = self.views.refresh_topology().await {
            tracing::warn!(code = refusal.code(), "the new topology is in force but could not be read yet");
        }
        Ok(shown(version))
    }

    /// Applies the text of an earlier version, through the same plan and checks.
    ///
    /// # Errors
    /// [`Refusal::VersionNotFound`], and as [`Control::apply`].
    pub async fn revert(&self, actor: &Actor, body: wire::RevertTopology) -> Result<wire::TopologyVersion, Refusal> {
        let text = topology_read(&self.db, body.to).await?.map(|version| version.text);
        let text = text.ok_or(Refusal::VersionNotFound { version: body.to })?;
        let message = if body.message.is_empty() { format!("revert to version {}", body.to) } else { body.message };
        self.apply(actor, wire::ApplyTopology { text, base_version: body.base_version, message, drain: body.drain })
            .await
    }

    /// Parses a wished file and compares it with what is in force in the database, not only in this process.
    async fn wished(&self, text: &str) -> Result<Wished, Refusal> {
        if text.contains('\0') {
            return Err(Refusal::invalid(Fault::Nul, "/text", "a text cannot hold U+0000"));
        }
        let new = parse(text, self.db.engine())?;
        self.views.refresh_topology().await?;
        let view = self.views.current();
        let base = Current { version: view.topology_version, residency_version: view.residency_version };
        let old = Arc::clone(&view.topology);
        let plan = plan(&old, &new);
        Ok(Wished { base, old, new, plan })
    }

    /// Counts what the plan touches, in every home.
    async fn census(&self, wished: &Wished) -> Result<Census, Refusal> {
        let rehomed = rehomed(&wished.old, &wished.new);
        let pools: BTreeSet<PoolId> = wished
            .plan
            .pools
            .iter()
            .map(|change| change.pool.clone())
            .chain(wished.plan.vanishing_pools())
            .chain(wished.old.pools.iter().filter(|p| rehomed.contains(&p.id.region)).map(|p| p.id.clone()))
            .collect();
        let pools: Vec<PoolId> = pools.into_iter().collect();
        let removed = removed_specializations(&wished.old, &wished.new);
        let mut census = Census::default();
        for home in &wished.old.database.regions {
            for (pool, open) in missions_open(&self.db, home, &pools).await? {
                let sum = census.open.entry(pool).or_default();
                sum.queued += open.queued;
                sum.leased += open.leased;
            }
            for name in &removed {
                if missions_wait(&self.db, home, name).await? {
                    census.waiting.push(name.clone());
                }
            }
            if !rehomed.is_empty() {
                census.alive.extend(sessions_by_region(&self.db, home).await?.into_keys());
            }
        }
        Ok(census)
    }

    /// Lets rows live in the database regions of both topologies, and of those before them where keys are still looked
    /// up; the others go later, when they are empty.
    async fn make_homes(&self, wished: &Wished) -> Result<(), Refusal> {
        let (old, new) = (&wished.old.database, &wished.new.database);
        if new.regions.iter().all(|home| old.regions.contains(home)) && new.survive == old.survive {
            return Ok(());
        }
        let former = self.views.current().former_homes();
        let others = new.regions.iter().chain(&old.regions).chain(&former).filter(|home| **home != new.primary_region);
        let mut all = vec![new.primary_region.clone()];
        for home in others {
            if !all.contains(home) {
                all.push(home.clone());
            }
        }
        let gateway = self.gateways.configs().first().ok_or(Refusal::Unavailable)?;
        sync_regions(gateway, &Regions { all, survive: new.survive }).await.map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "the database regions cannot be changed");
            Refusal::Unavailable
        })
    }

    /// The compare-and-set, and the answer where somebody else was faster.
    async fn put(&self, actor: &Actor, wished: &Wished, body: &wire::ApplyTopology) -> Result<Version, Refusal> {
        let (author, digest) = (actor.to_string(), digest(&body.text));
        let new = NewVersion {
            base: wished.base.version,
            text: &body.text,
            digest: &digest,
            residency_version: wished.base.residency_version + i64::from(wished.plan.residency_changed),
            author: &author,
            message: &body.message,
        };
        match topology_apply(&self.db, &new).await {
            Ok(Some(version)) => Ok(version),
            Ok(None) => Err(self.stale(wished.base.version).await),
            Err(error @ sql::Error::Indeterminate(_)) => {
                // The version after the base tells whether it was ours.
                let made = topology_read(&self.db, wished.base.version + 1).await?;
                made.filter(|made| made.digest == digest && made.author == author).ok_or_else(|| error.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What lies between a base and the version in force.
    async fn stale(&self, base: i64) -> Refusal {
        match self.difference_since(base).await {
            Ok((current, difference)) => Refusal::PlanStale { current, difference },
            Err(refusal) => refusal,
        }
    }

    async fn difference_since(&self, base: i64) -> Result<(i64, serde_json::Value), Refusal> {
        let current = topology_current(&self.db).await?.map_or(0, |current| current.version);
        let read = async |version| -> Result<Option<Topology>, Refusal> {
            let found = topology_read(&self.db, version).await?;
            found.map(|found| parse(&found.text, self.db.engine())).transpose()
        };
        let difference = match (read(base).await?, read(current).await?) {
            (Some(old), Some(new)) => json(&plan(&old, &new)),
            _ => serde_json::Value::Null,
        };
        Ok((current, difference))
    }

    /// Drains the regions that left the topology, so that what is left there is handed back in time. A region that
    /// cannot be told now still leaves: its queue moves and its leases end by themselves.
    async fn let_go(&self, actor: &Actor, plan: &Plan, message: &str) {
        let removed: Vec<RegionName> = plan.removed_regions().into_iter().cloned().collect();
        for region in removed {
            let told = self.change_verb(actor, &region, Verb::Draining, message, Some(DRAIN_MS)).await;
            if let Err(refusal) = told {
                tracing::warn!(%region, code = refusal.code(), "a region that left the topology was not told to drain");
            }
        }
    }
}

fn json(plan: &Plan) -> serde_json::Value {
    serde_json::to_value(plan).unwrap_or_default()
}

/// A reason or message that a person gives.
pub(super) fn check_message(message: &str) -> Result<(), Refusal> {
    if message.contains('\0') {
        return Err(Refusal::invalid(Fault::Nul, "/message", "a text cannot hold U+0000"));
    }
    if message.chars().count() > MESSAGE_MAX {
        return Err(Refusal::invalid(Fault::Length, "/message", format!("at most {MESSAGE_MAX} characters")));
    }
    Ok(())
}
