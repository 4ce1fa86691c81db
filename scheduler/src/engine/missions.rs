//! One mission at a time: show, cancel, retry; and lists.

use futures_util::future::join_all;
use scheduler_client::wire;
use scheduler_core::lifecycle::{self, Command, Landing, MissionState};
use sql::Db;
use topology::{DatabaseRegion, MissionId};
use uuid::Uuid;

use super::{Actor, Change, Engine, check, convert, lock, results};
use crate::figures;
use crate::refusal::{Fault, Refusal};
use crate::store::event::event_list;
use crate::store::mission::{
    ListFilter, MissionRow, NewPlace, mission_cancel, mission_find, mission_list, mission_retry,
};
use crate::view::Ask;

/// Tries of a cancel or retry: each but the first follows a mission that changed meanwhile.
const TRIES: usize = 5;
/// Rows of a page where the query names no number, and at most.
const PAGE: (i64, i64) = (50, 500);

impl Engine {
    /// One mission with payload and history.
    pub async fn show(&self, mission: MissionId) -> Result<wire::Mission, Refusal> {
        let row = self.find(mission, None).await?;
        let homes = self.homes();
        let events = join_all(homes.iter().map(|home| event_list(&self.0.submit, home, mission))).await;
        // A home that does not answer hides the part of the history that was made there, not the mission.
        let events: Vec<_> = events.into_iter().flatten().flatten().collect();
        Ok(convert::whole_mission(&row, &events))
    }

    /// The stored placement of a mission, as it was explained when it was made.
    pub async fn placement(&self, mission: MissionId) -> Result<wire::PlacementAnswer, Refusal> {
        Ok(convert::placement(&self.find(mission, None).await?, &self.0.views.current().topology))
    }

    /// Missions, newest first by the time in their ids, which is the clock of the scheduler that took them. A region whose database does not answer is left out and named.
    pub async fn list(&self, query: wire::ListMissions) -> Result<wire::MissionPage, Refusal> {
        let limit = query.limit.unwrap_or(PAGE.0);
        check::range("/limit", limit, 1, PAGE.1)?;
        query.drill.as_deref().map_or(Ok(()), |run| check::drill("/drill", run))?;
        let after = query.after.as_deref().map_or(Ok(MissionId(Uuid::max())), cursor)?;
        let filter = ListFilter {
            state: query.state.map(convert::stored_state),
            region: query.region,
            specialization: query.specialization,
            drill: query.drill,
            after,
            limit: limit + 1,
        };
        let homes = self.homes();
        let parts = join_all(homes.iter().map(|home| mission_list(&self.0.submit, home, &filter))).await;
        let (mut rows, mut degraded) = (Vec::new(), Vec::new());
        for (home, part) in homes.iter().zip(parts) {
            match part {
                Ok(part) => rows.extend(part),
                Err(_) => degraded.push(home.as_str().to_owned()),
            }
        }
        if degraded.len() == homes.len() {
            return Err(Refusal::Unavailable);
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.id));
        let page = usize::try_from(limit).expect("the limit was checked");
        let more = rows.len() > page;
        rows.truncate(page);
        let next = rows.last().filter(|_| more).map(|row| row.id.to_string());
        Ok(wire::MissionPage { missions: rows.iter().map(convert::mission).collect(), next, degraded })
    }

    /// Calls a mission off. A submitter may do it to its own missions. Doing it twice is no error.
    pub async fn cancel(&self, actor: &Actor, mission: MissionId, reason: &str) -> Result<wire::Mission, Refusal> {
        check::nul_free("/reason", reason)?;
        if reason.chars().count() > 500 {
            return Err(Refusal::invalid(Fault::Length, "/reason", "it must have at most 500 characters"));
        }
        let why = serde_json::json!({ "reason": reason }).to_string();
        let by = actor.to_string();
        for _ in 0..TRIES {
            let row = self.find(mission, None).await?;
            allow(actor, &row)?;
            if row.state == MissionState::Cancelled {
                return Ok(convert::mission(&row));
            }
            lifecycle::apply(&row.facts(), &Command::Cancel, row.submitted_at)
                .map_err(|r| results::refused(r, &row))?;
            let home: DatabaseRegion = row.home.parse().map_err(|_| Refusal::Internal)?;
            if mission_cancel(&self.0.submit, &home, mission, owner(actor), &by, &why).await? {
                let pool = convert::pool(row.region.as_deref(), &row.specialization);
                figures::finished(MissionState::Cancelled, pool.as_ref(), row.drill.is_some());
                let row = self.find(mission, Some(&home)).await?;
                self.announce(&row);
                return Ok(convert::mission(&row));
            }
        }
        Err(Refusal::Unavailable)
    }

    /// Submits a failed or cancelled mission again: same id, attempts and crashes from 0, epoch goes on.
    pub async fn retry(&self, actor: &Actor, mission: MissionId) -> Result<wire::Mission, Refusal> {
        for _ in 0..TRIES {
            let row = self.find(mission, None).await?;
            allow(actor, &row)?;
            let command = Command::Retry(Landing::Queued);
            lifecycle::apply(&row.facts(), &command, row.submitted_at).map_err(|refusal| match row.state {
                MissionState::Succeeded => {
                    results::refused(lifecycle::Refusal::MissionFinished { state: row.state }, &row)
                }
                MissionState::Pending
                | MissionState::Queued
                | MissionState::Leased
                | MissionState::Failed
                | MissionState::Cancelled => results::refused(refusal, &row),
            })?;
            let place = self.place_again(&row).await?;
            let home: DatabaseRegion = row.home.parse().map_err(|_| Refusal::Internal)?;
            if mission_retry(&self.0.submit, &home, mission, row.epoch, &place, &actor.to_string()).await? {
                let row = self.find(mission, Some(&place.home)).await?;
                self.announce(&row);
                return Ok(convert::mission(&row));
            }
            self.0.views.refresh_now().await?;
        }
        Err(Refusal::Unavailable)
    }

    async fn place_again(&self, row: &MissionRow) -> Result<NewPlace, Refusal> {
        let specialization = row.specialization.parse().map_err(|_| Refusal::Internal)?;
        let residency = row.residency.as_deref().and_then(|name| name.parse().ok());
        let origin: wire::Origin = serde_json::from_str(&row.origin).map_err(|_| Refusal::Internal)?;
        let origin = self.0.views.resolve(Some(&origin), None)?;
        let nonce = rand::random::<i64>() & i64::MAX;
        let ask = Ask { specialization: &specialization, origin: &origin, residency: residency.as_ref(), nonce };
        let placed = self.0.views.place(&ask);
        let now = self.0.clock.now(&self.0.submit).await?;
        let aging = self.0.views.current().topology.scheduling.aging;
        let rank = scheduler_core::queue::rank(now, row.priority, aging);
        let round = placed.pool.as_ref().map_or(0, |pool| lock(&self.0.rounds).next(pool, rank, &row.submitter));
        if let Some(pool) = &placed.pool {
            self.0.views.bump(pool, 1);
        }
        Ok(NewPlace {
            home: placed.home,
            state: if placed.pool.is_some() { MissionState::Queued } else { MissionState::Pending },
            region: placed.pool.map(|pool| pool.region.as_str().to_owned()),
            rank,
            round,
            topology_version: placed.topology_version,
            residency_version: placed.residency_version,
            nonce,
            placement: Some(placed.explained.clone()),
            reason: placed.reason.map(str::to_owned),
            // The old moment may be over; a retried mission waits as long as it must.
            start_by: row.start_by.filter(|time| *time > now),
        })
    }

    /// The row of a mission, wherever it is homed: looked for at the hint, then at home, then in the other homes, at last
    /// in those that left the topology.
    pub(crate) async fn find(&self, mission: MissionId, hint: Option<&DatabaseRegion>) -> Result<MissionRow, Refusal> {
        self.find_on(&self.0.submit, mission, hint).await
    }

    /// As [`Engine::find`], on the connections of one kind of work.
    pub(crate) async fn find_on(
        &self,
        db: &Db,
        mission: MissionId,
        hint: Option<&DatabaseRegion>,
    ) -> Result<MissionRow, Refusal> {
        if let Some(row) = self.look_through(db, mission, hint).await? {
            return Ok(row);
        }
        // Again: what moves from a far home to a near one between two reads is seen in neither, and a new topology may
        // have homes that are not known here yet.
        self.0.views.refresh_topology().await?;
        self.look_through(db, mission, hint).await?.ok_or(Refusal::MissionNotFound)
    }

    async fn look_through(
        &self,
        db: &Db,
        mission: MissionId,
        hint: Option<&DatabaseRegion>,
    ) -> Result<Option<MissionRow>, Refusal> {
        self.in_homes(hint, |home| async move { mission_find(db, &home, &[mission]).await }).await
    }

    fn announce(&self, row: &MissionRow) {
        let pool = convert::pool(row.region.as_deref(), &row.specialization);
        self.0.hub.queued(pool.iter().filter(|_| row.state == MissionState::Queued));
        // Nobody listens is no error.
        let _ = self.0.changes.send(Change { mission: row.id, state: convert::state(row.state), pool });
    }
}

/// The submitter that a mission must be of; operators may touch anyone's.
fn owner(actor: &Actor) -> Option<&str> {
    match actor {
        Actor::Submitter(name) => Some(name),
        Actor::Operator(_) | Actor::Session(_) | Actor::Scheduler(_) => None,
    }
}

fn allow(actor: &Actor, row: &MissionRow) -> Result<(), Refusal> {
    if owner(actor).is_some_and(|name| name != row.submitter) { Err(Refusal::NotYours) } else { Ok(()) }
}

/// Reads a page mark: the last mission before it.
fn cursor(text: &str) -> Result<MissionId, Refusal> {
    text.parse().map_err(|_| Refusal::invalid(Fault::Cursor, "/after", "hand back the `next` of a page"))
}
