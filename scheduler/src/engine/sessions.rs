//! Sessions: start, offers, end; and what this process remembers of them.

use std::collections::{BTreeMap, BTreeSet};

use scheduler_client::wire;
use topology::{DatabaseRegion, PoolId, RegionName, SessionId, Specialization};

use super::{Actor, Engine, check, lock};
use crate::refusal::{Fault, Refusal};
use crate::store::mission::{ReleaseRow, mission_leases};
use crate::store::session::{NewSession, SessionRow, session_end, session_find, session_offer, session_register};
use crate::view::View;

/// Most pools of one session.
const POOLS: usize = 256;

/// What never changes in a session, and whether this process has seen it end. Nothing relies on it being there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownSession {
    pub(crate) home: DatabaseRegion,
    pub(crate) region: RegionName,
    /// Why it ended.
    pub(crate) ended: Option<String>,
}

impl Engine {
    /// Starts a session. The same registration again is answered the same; with other pools it changes the offer of
    /// the live session.
    pub async fn register(
        &self,
        actor: &Actor,
        session: wire::RegisterSession,
    ) -> Result<wire::SessionAnswer, Refusal> {
        let view = self.0.views.current();
        let home = check_registration(&view, &session)?;
        let offers: Vec<(String, i64)> =
            session.pools.iter().map(|pool| (pool.specialization.as_str().to_owned(), pool.slots)).collect();
        let new = NewSession {
            home: &home,
            id: session.id,
            region: &session.region,
            agent: &session.agent,
            version: &session.version,
            offers: &offers,
        };
        if session_register(&self.0.lease, &new).await? {
            tracing::info!(session = %session.id, region = %session.region, %actor, "session registered");
        } else {
            self.register_again(&new).await?;
        }
        self.remember(session.id, KnownSession { home, region: session.region.clone(), ended: None });
        Ok(answer(&view, &session))
    }

    async fn register_again(&self, new: &NewSession<'_>) -> Result<(), Refusal> {
        let found = session_find(&self.0.lease, new.home, &[new.id]).await?;
        let Some(row) = found.into_iter().next() else { return Err(Refusal::Unavailable) };
        if row.region != *new.region || row.agent != new.agent {
            return Err(Refusal::SessionTaken);
        }
        if let Some(reason) = row.ended {
            return Err(Refusal::SessionEnded { reason });
        }
        if (row.offers != new.offers || row.version != new.version) && !session_offer(&self.0.lease, new).await? {
            return Err(Refusal::SessionEnded { reason: "ended".to_owned() });
        }
        Ok(())
    }

    /// The region of a session, ended or not: what an agent's token is checked against. Cached.
    pub async fn session_region(&self, session: SessionId) -> Result<RegionName, Refusal> {
        Ok(self.known(session).await?.region)
    }

    /// Ends a session for good and puts back what it holds. Ending it twice is no error.
    pub async fn end_session(&self, actor: &Actor, session: SessionId, reason: &str) -> Result<(), Refusal> {
        check::text("/reason", reason, 200)?;
        let mut known = self.known(session).await?;
        if session_end(&self.0.lease, &known.home, session, &actor.to_string(), reason).await? {
            tracing::info!(%session, region = %known.region, %actor, reason, "session ended");
        }
        self.put_back_all(&known.home, session, actor).await;
        known.ended.get_or_insert_with(|| reason.to_owned());
        self.remember(session, known);
        Ok(())
    }

    /// Puts back what an ended session holds. What is missed here is found by the reaper, so nothing fails.
    async fn put_back_all(&self, home: &DatabaseRegion, session: SessionId, actor: &Actor) {
        let held = match mission_leases(&self.0.lease, home, &[session]).await {
            Ok(held) => held,
            Err(error) => {
                tracing::warn!(%session, error = &error as &dyn std::error::Error, "leases are left to the reaper");
                return;
            }
        };
        let rows = held.into_iter().map(|lease| ReleaseRow {
            key: lease.key,
            reason: "session_ended".to_owned(),
            actor: actor.to_string(),
            unnamed_by: None,
        });
        for answer in futures_util::future::join_all(rows.map(|row| self.0.releases.push(home, row))).await {
            if let Err(refusal) = answer {
                tracing::warn!(%session, code = refusal.code(), "a lease is left to the reaper");
            }
        }
    }

    /// What is known of a session: remembered, or read from the own home first, then from the others, at last
    /// from those that left the topology. Told that it is unknown, an agent kills what it runs: so a topology that this
    /// scheduler has not heard of is read first.
    pub(crate) async fn known(&self, session: SessionId) -> Result<KnownSession, Refusal> {
        if let Some(known) = lock(&self.0.sessions).get(&session) {
            return Ok(known.clone());
        }
        let mut row = self.find_session(session).await?;
        if row.is_none() && self.has_more_homes().await? {
            row = self.find_session(session).await?;
        }
        let row = row.ok_or(Refusal::SessionNotFound)?;
        let known = KnownSession { home: row.home, region: row.region, ended: row.ended };
        self.remember(session, known.clone());
        Ok(known)
    }

    pub(crate) fn remember(&self, session: SessionId, known: KnownSession) {
        let mut sessions = lock(&self.0.sessions);
        // Bounded without bookkeeping: what is dropped here is read again when it is asked for.
        if sessions.len() >= 100_000 {
            sessions.clear();
        }
        sessions.insert(session, known);
    }

    async fn find_session(&self, session: SessionId) -> Result<Option<SessionRow>, Refusal> {
        let db = &self.0.lease;
        self.in_homes(None, |home| async move { session_find(db, &home, &[session]).await }).await
    }
}

/// Checks a registration and returns the home of the session's rows.
fn check_registration(view: &View, session: &wire::RegisterSession) -> Result<DatabaseRegion, Refusal> {
    check::text("/agent", &session.agent, 200)?;
    check::text("/version", &session.version, 100)?;
    if session.pools.is_empty() || session.pools.len() > POOLS {
        let detail = format!("a session serves 1 to {POOLS} pools, not {}", session.pools.len());
        return Err(Refusal::invalid(Fault::Count, "/pools", detail));
    }
    let region = view
        .topology
        .region(&session.region)
        .ok_or_else(|| Refusal::invalid(Fault::UnknownRegion, "/region", "the topology has no region of this name"))?;
    let mut seen = BTreeSet::new();
    for (n, offer) in session.pools.iter().enumerate() {
        check::range(&format!("/pools/{n}/slots"), offer.slots, 1, 10_000)?;
        let pointer = format!("/pools/{n}/specialization");
        if !seen.insert(&offer.specialization) {
            return Err(Refusal::invalid(Fault::Duplicate, pointer, "a pool is offered once"));
        }
        let id = PoolId { region: session.region.clone(), specialization: offer.specialization.clone() };
        if view.topology.pool(&id).is_none() {
            return Err(Refusal::invalid(Fault::UnknownPool, pointer, format!("the topology has no pool {id}")));
        }
    }
    Ok(region.database_region.clone())
}

fn answer(view: &View, session: &wire::RegisterSession) -> wire::SessionAnswer {
    let scheduling = &view.topology.scheduling;
    wire::SessionAnswer {
        id: session.id,
        session_ttl_ms: millis(scheduling.session_ttl),
        heartbeat_ms: millis(scheduling.heartbeat),
        margin_ms: millis(scheduling.margin),
        wished: wished(view, &session.region),
    }
}

fn millis(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// One session's share of every pool of its region: what the topology wishes over the sessions that serve the pool.
pub(crate) fn wished(view: &View, region: &RegionName) -> BTreeMap<Specialization, i64> {
    let pools = view.topology.pools.iter().filter(|pool| pool.id.region == *region);
    pools
        .map(|pool| {
            let all = i64::try_from(pool.wished_slots()).unwrap_or(i64::MAX);
            let sessions = view.loads.get(&pool.id).map_or(1, |load| load.sessions.max(1));
            (pool.id.specialization.clone(), all.saturating_add(sessions - 1) / sessions)
        })
        .collect()
}
