//! Regions and pools as operators see them, and the verbs.

use std::collections::BTreeMap;

use scheduler_client::wire;
use scheduler_core::health::{RegionHealth, Verb};
use topology::{Region, RegionName, Survive};

use super::Control;
use super::apply::DRAIN_MS;
use crate::engine::Actor;
use crate::refusal::{Fault, Refusal};
use crate::store::census::sessions_by_region;
use crate::store::region::{NewVerb, RegionRow, region_verb, regions_ensure, regions_read};
use crate::view::{PoolLoad, View};

/// Tries of a compare-and-set before the caller is told to come back.
const TRIES: usize = 5;

/// Longest wait of a drain, and longest reason.
const DRAIN_MAX_MS: i64 = 24 * 60 * 60 * 1_000;
const REASON_MAX: usize = 1_000;

impl Control {
    /// The regions with all that holds them back. Figures come from the view in memory and say their age.
    ///
    /// # Errors
    /// None at present: what cannot be read is named in `degraded`.
    pub async fn regions(&self) -> Result<wire::RegionList, Refusal> {
        let view = self.views.current();
        let mut degraded = self.views.ages().stale();
        let mut sessions = BTreeMap::new();
        for home in self.homes() {
            match self.in_time(sessions_by_region(&self.db, &home)).await {
                Some(counted) => sessions.extend(counted),
                None => degraded.push(format!("sessions of {home}")),
            }
        }
        let regions = view.topology.regions.iter().map(|region| region_view(&view, region, &sessions)).collect();
        let survive = survives(&view, self.db.engine());
        Ok(wire::RegionList { topology_version: view.topology_version, survive, regions, degraded })
    }

    /// The pools with their load; from the view in memory, with its age.
    ///
    /// # Errors
    /// None at present.
    pub async fn pools(&self) -> Result<wire::PoolList, Refusal> {
        let view = self.views.current();
        let pools = view
            .topology
            .pools
            .iter()
            .map(|pool| {
                let load = view.loads.get(&pool.id);
                let figure = |of: fn(&PoolLoad) -> i64| load.map_or(0, of);
                wire::PoolView {
                    pool: pool.id.clone(),
                    role: pool.role,
                    wished_slots: i64::try_from(pool.wished_slots()).unwrap_or(i64::MAX),
                    slots: figure(|load| load.slots),
                    queued: figure(|load| load.queued),
                    leased: figure(|load| load.leased),
                    unmet: figure(|load| load.unmet),
                    service_ms: figure(|load| load.service_us) / 1_000,
                    age_ms: load.map_or(0, |load| age_ms(&view, load)),
                }
            })
            .collect();
        Ok(wire::PoolList { pools, degraded: self.views.ages().stale() })
    }

    /// Sets the operator's wish for a region: cordon, drain, or none (uncordon).
    ///
    /// # Errors
    /// [`Refusal::RegionNotFound`], [`Refusal::Invalid`], [`Refusal::Overloaded`] where others change it all the time,
    /// or the database's.
    pub async fn set_verb(
        &self,
        actor: &Actor,
        region: &RegionName,
        verb: wire::RegionVerb,
        body: wire::RegionControl,
    ) -> Result<wire::RegionView, Refusal> {
        check(&body)?;
        let verb = match verb {
            wire::RegionVerb::None => Verb::None,
            wire::RegionVerb::Cordoned => Verb::Cordoned,
            wire::RegionVerb::Draining => Verb::Draining,
        };
        let deadline_ms = (verb == Verb::Draining).then(|| body.deadline_ms.unwrap_or(DRAIN_MS));
        let known = self.views.current();
        let shown = known.topology.region(region).cloned().ok_or_else(|| not_found(&known, region))?;
        self.change_verb(actor, region, verb, &body.reason, deadline_ms).await?;
        self.views.refresh_regions().await?;
        let view = self.views.current();
        let counted = self.in_time(sessions_by_region(&self.db, &shown.database_region)).await.unwrap_or_default();
        Ok(region_view(&view, &shown, &counted))
    }

    /// The compare-and-set on what the row says now, again where somebody else was faster.
    pub(super) async fn change_verb(
        &self,
        actor: &Actor,
        region: &RegionName,
        verb: Verb,
        reason: &str,
        deadline_ms: Option<i64>,
    ) -> Result<(), Refusal> {
        let actor = actor.to_string();
        let new = NewVerb { verb, reason, actor: &actor, deadline_ms };
        for _ in 0..TRIES {
            let rows = regions_read(&self.db).await?;
            match rows.iter().find(|row| row.region == *region) {
                Some(row) if region_verb(&self.db, row, &new).await? => return Ok(()),
                Some(_) => {}
                None => {
                    regions_ensure(&self.db, std::slice::from_ref(region), &actor).await?;
                }
            }
        }
        Err(Refusal::Overloaded)
    }
}

fn check(body: &wire::RegionControl) -> Result<(), Refusal> {
    if body.reason.contains('\0') {
        return Err(Refusal::invalid(Fault::Nul, "/reason", "a text cannot hold U+0000"));
    }
    if body.reason.chars().count() > REASON_MAX {
        return Err(Refusal::invalid(Fault::Length, "/reason", format!("at most {REASON_MAX} characters")));
    }
    if body.deadline_ms.is_some_and(|ms| !(0..=DRAIN_MAX_MS).contains(&ms)) {
        return Err(Refusal::invalid(Fault::Range, "/deadline_ms", format!("0 to {DRAIN_MAX_MS}")));
    }
    Ok(())
}

fn not_found(view: &View, region: &RegionName) -> Refusal {
    let names = view.topology.regions.iter().map(|region| region.name.as_str());
    let nearest = topology::catalogue::nearest(region.as_str(), names);
    Refusal::RegionNotFound { name: region.to_string(), nearest: nearest.into_iter().map(str::to_owned).collect() }
}

fn region_view(view: &View, region: &Region, sessions: &BTreeMap<RegionName, i64>) -> wire::RegionView {
    let row = view.regions.get(&region.name);
    let serving = view.snapshot.serving(&region.name);
    let loads: Vec<&PoolLoad> =
        view.loads.iter().filter(|(pool, _)| pool.region == region.name).map(|(_, load)| load).collect();
    let sum = |of: fn(&PoolLoad) -> i64| loads.iter().map(|load| of(load)).sum();
    wire::RegionView {
        name: region.name.clone(),
        cloud: format!("{} {}", region.provider, region.cloud_region),
        database_region: region.database_region.to_string(),
        state: region.state,
        verb: verb_shown(row),
        health: health_shown(row),
        serves: serving.takes_new(),
        held_by: serving.held_by().map(|by| by.as_str().to_owned()),
        sessions: sessions.get(&region.name).copied().unwrap_or(0),
        slots: sum(|load| load.slots),
        queued: sum(|load| load.queued),
        leased: sum(|load| load.leased),
        age_ms: loads.iter().map(|load| age_ms(view, load)).max().unwrap_or(0),
    }
}

fn age_ms(view: &View, load: &PoolLoad) -> i64 {
    (view.now() - load.at).num_milliseconds().max(0)
}

fn verb_shown(row: Option<&RegionRow>) -> wire::RegionVerb {
    match row.map_or(Verb::None, |row| row.verb) {
        Verb::None => wire::RegionVerb::None,
        Verb::Cordoned => wire::RegionVerb::Cordoned,
        Verb::Draining => wire::RegionVerb::Draining,
    }
}

fn health_shown(row: Option<&RegionRow>) -> wire::RegionHealth {
    match row.map_or(RegionHealth::Unknown, |row| row.standing.health) {
        RegionHealth::Up => wire::RegionHealth::Up,
        RegionHealth::Suspect => wire::RegionHealth::Suspect,
        RegionHealth::Down => wire::RegionHealth::Down,
        RegionHealth::Returning => wire::RegionHealth::Returning,
        RegionHealth::Unknown => wire::RegionHealth::Unknown,
    }
}

/// What the database outlives, in words.
fn survives(view: &View, engine: sql::Engine) -> String {
    let wish = match view.topology.database.survive {
        Survive::Region => "region: the missions of a lost region go on elsewhere",
        Survive::Zone => "zone: the missions of a lost region wait for it",
    };
    match engine {
        sql::Engine::Cockroach => wish.to_owned(),
        sql::Engine::Postgres => format!("{wish} (PostgreSQL: one server holds all rows, and is not survived)"),
    }
}
