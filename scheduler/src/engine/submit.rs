//! Submitting: check, place on the view in memory, store in one coalesced statement, wake who waits.

mod course;
mod keys;
mod request;
mod stored;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use scheduler_client::wire;
use scheduler_core::lifecycle::MissionState;
use topology::{DatabaseRegion, Epoch};

use self::course::{Course, Decided};
use self::request::{Request, RequestKey};
pub(crate) use self::stored::{Fate, Submits};
use super::{Actor, Engine, SubmitContext, Submitted, convert, lock};
use crate::refusal::Refusal;
use crate::store::mission::{NewMission, StoredMission, mission_open_count};
use crate::store::submission::{Submission, submission_find};
use crate::view::Placed;

/// Decisions of one submit before it gives up: each but the first answers a change of residency meanwhile.
const DECISIONS: usize = 5;

impl Engine {
    /// Validates, places and stores missions: one result each, in order. A refused one leaves the others untouched.
    pub async fn submit(
        &self,
        actor: &Actor,
        context: &SubmitContext,
        missions: Vec<wire::SubmitMission>,
    ) -> Vec<Result<Submitted, Refusal>> {
        let allowance = self.allowance(actor, missions.len()).await;
        // Read once: after this a mission is placed and put into its batch without a pause, so that those of one
        // request keep their order.
        let now = match self.0.clock.now(&self.0.submit).await {
            Ok(now) => now,
            Err(error) => {
                let refusal = Refusal::from(error);
                return missions.iter().map(|_| Err(refusal.clone())).collect();
            }
        };
        let read = |mission| Request::read(&self.0.views, actor, context, mission);
        let requests: Vec<_> = missions.into_iter().map(read).collect();
        let valid: Vec<&Request> = requests.iter().filter_map(|request| request.as_ref().ok()).collect();
        let mut earlier = self.brought_earlier(&valid).await.into_iter();
        let courses: Vec<Course<()>> = requests
            .into_iter()
            .enumerate()
            .map(|(n, request)| {
                let known = request.is_ok().then(|| earlier.next()).flatten().unwrap_or(Ok(None));
                let over = allowance.is_some_and(|left| n >= left);
                match (request, known) {
                    (Err(refusal), _) | (_, Err(refusal)) => Course::Refused(refusal),
                    (Ok(request), Ok(Some(submission))) => Course::Known(Box::new(request), submission),
                    (Ok(request), Ok(None)) if over => Course::Over(Box::new(request)),
                    (Ok(request), Ok(None)) => Course::New(Box::new(request), ()),
                }
            })
            .collect();
        self.follow(context, self.offer_each(context, courses, now), now).await
    }

    /// How many of `wanted` missions the submitter may still add; none = all.
    async fn allowance(&self, actor: &Actor, wanted: usize) -> Option<usize> {
        let limit = self.0.max_open?;
        let name = actor.name();
        let homes = self.homes();
        let counts = homes.iter().map(|home| mission_open_count(&self.0.submit, home, &name, limit));
        // A home that does not answer counts as empty: the limit protects the service, it is no promise.
        let open: i64 = join_all(counts).await.into_iter().flatten().sum();
        Some(usize::try_from(limit - open).unwrap_or(0)).filter(|left| *left < wanted)
    }

    /// Stores a mission whose first decision has come to its end, by further decisions where it must.
    async fn go_on(
        &self,
        context: &SubmitContext,
        mut request: Request,
        first: Decided,
        now: DateTime<Utc>,
    ) -> Result<Submitted, Refusal> {
        let (mut row, mut home, mut fate) = first;
        for left in (0..DECISIONS).rev() {
            match fate? {
                Fate::Stored(stored) => return Ok(request.stored(&row, &home, stored)),
                Fate::Known(submission) => return self.replay(&request, &submission).await,
                Fate::Unknown => return Err(Refusal::Indeterminate),
                Fate::Stale => {
                    self.0.views.refresh_past(row.oldest_topology()).await?;
                    request.decide_anew(&self.0.views)?;
                    for known in self.brought_earlier(&[&request]).await {
                        if let Some(submission) = known? {
                            return self.replay(&request, &submission).await;
                        }
                    }
                }
            }
            if left == 0 {
                break;
            }
            let placed = self.0.views.place_each(std::iter::once(request.ask())).remove(0);
            (row, home, fate) = self.fate(self.offer(context, &request, placed, now)).await;
        }
        Err(Refusal::Unavailable)
    }

    fn row(&self, request: &Request, context: &SubmitContext, placed: &Placed, now: DateTime<Utc>) -> NewMission {
        let view = self.0.views.current();
        let scheduling = &view.topology.scheduling;
        let rank = scheduler_core::queue::rank(now, request.body.priority, scheduling.aging);
        let pool_limit = placed.pool.as_ref().and_then(|id| view.topology.pool(id)).and_then(|pool| pool.run_limit);
        let run_limit = pool_limit.unwrap_or(scheduling.run_limit).as_millis();
        NewMission {
            id: request.id,
            state: if placed.pool.is_some() { MissionState::Queued } else { MissionState::Pending },
            specialization: request.specialization.as_str().to_owned(),
            submitter: request.submitter.clone(),
            title: request.body.title.clone(),
            payload: request.payload.clone(),
            origin: request.origin.clone(),
            residency: request.residency.as_ref().map(|name| name.as_str().to_owned()),
            priority: i64::from(request.body.priority),
            rank,
            round: placed.pool.as_ref().map_or(0, |pool| lock(&self.0.rounds).next(pool, rank, &request.submitter)),
            region: placed.pool.as_ref().map(|pool| pool.region.as_str().to_owned()),
            max_attempts: i64::from(request.body.max_attempts.unwrap_or_else(|| small(scheduling.max_attempts))),
            max_crashes: i64::from(scheduling.max_crashes),
            run_limit_ms: request.body.run_limit_ms.unwrap_or_else(|| i64::try_from(run_limit).unwrap_or(i64::MAX)),
            start_by: request.body.start_by,
            topology_version: placed.topology_version,
            residency_version: placed.residency_version,
            nonce: request.nonce,
            placement: Some(placed.explained.clone()),
            reason: placed.reason.map(str::to_owned),
            traceparent: context.traceparent.clone(),
            drill: request.body.drill.clone(),
            key: request.key.as_ref().map(RequestKey::stored),
        }
    }

    /// Answers for a submitter that has too many open missions: a repeated request is no new mission.
    async fn replay_or_refuse(&self, request: &Request) -> Result<Submitted, Refusal> {
        if let Some(key) = &request.key {
            let keys = [(&key.homes.home, request.submitter.as_str(), key.key.as_str())];
            let found = submission_find(&self.0.submit, &keys).await?;
            if let Some(submission) = found.into_iter().flatten().next() {
                return self.replay(request, &submission).await;
            }
        }
        Err(Refusal::TooManyOpen { limit: self.0.max_open.unwrap_or(i64::MAX) })
    }

    /// Answers with the mission that the key brought before.
    async fn replay(&self, request: &Request, submission: &Submission) -> Result<Submitted, Refusal> {
        if request.key.as_ref().is_none_or(|key| key.digest != submission.digest) {
            return Err(Refusal::KeyReused);
        }
        let hint: Option<DatabaseRegion> = submission.mission_home.parse().ok();
        let row = self.find(submission.mission, hint.as_ref()).await?;
        Ok(Submitted { mission: convert::mission(&row), replayed: true })
    }
}

fn small(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

impl Request {
    /// The mission as it was stored.
    fn stored(&self, row: &NewMission, home: &DatabaseRegion, stored: StoredMission) -> Submitted {
        let mission = wire::Mission {
            id: self.id,
            state: convert::state(row.state),
            reason: row.reason.clone(),
            specialization: self.specialization.clone(),
            title: self.body.title.clone(),
            submitter: self.submitter.clone(),
            origin: self.stored_origin(),
            residency: self.residency.clone(),
            priority: self.body.priority,
            drill: self.body.drill.clone(),
            pool: convert::pool(row.region.as_deref(), &row.specialization),
            home: home.as_str().to_owned(),
            epoch: Epoch::INITIAL,
            attempts: 0,
            crashes: 0,
            moves: 0,
            session: None,
            progress: None,
            outcome: None,
            submitted_at: stored.submitted_at,
            placed_at: stored.placed_at,
            leased_at: None,
            finished_at: None,
            payload: None,
            history: None,
        };
        Submitted { mission, replayed: false }
    }
}
