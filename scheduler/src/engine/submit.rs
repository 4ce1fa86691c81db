//! Submitting: check, place on the view in memory, store in one coalesced statement, wake who waits.

mod keys;
mod request;
mod stored;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::{BoxFuture, join_all};
use scheduler_client::wire;
use scheduler_core::lifecycle::MissionState;
use topology::{DatabaseRegion, Epoch, PoolId};

use self::request::{Request, RequestKey};
pub(crate) use self::stored::{Fate, Submits};
use super::coalescer::Pushed;
use super::{Actor, Engine, SubmitContext, Submitted, convert, lock};
use crate::refusal::Refusal;
use crate::store::mission::{NewMission, StoredMission, mission_open_count};
use crate::store::submission::{Submission, submission_find};
use crate::view::{Ask, Placed};

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
        let courses: Vec<Course> = requests
            .into_iter()
            .enumerate()
            .map(|(n, request)| {
                let known = request.is_ok().then(|| earlier.next()).flatten().unwrap_or(Ok(None));
                let over = allowance.is_some_and(|left| n >= left);
                match (request, known) {
                    (Err(refusal), _) | (_, Err(refusal)) => Course::Refused(refusal),
                    (Ok(request), Ok(Some(submission))) => Course::Known(Box::new(request), submission),
                    (Ok(request), Ok(None)) if over => Course::Over(Box::new(request)),
                    (Ok(request), Ok(None)) => Course::New(Box::new(request)),
                }
            })
            .collect();
        let placed = self.0.views.place_each(courses.iter().filter_map(Course::ask));
        self.follow(context, self.offer_each(context, courses, placed, now), now).await
    }

    /// Puts the new missions in line, in their order.
    fn offer_each(
        &self,
        context: &SubmitContext,
        courses: Vec<Course>,
        placed: Vec<Placed>,
        now: DateTime<Utc>,
    ) -> Vec<Course> {
        let mut placed = placed.into_iter();
        let offer = |course| match course {
            Course::New(request) => {
                let placed = placed.next().expect("each new mission was placed");
                let offer = self.offer(context, &request, placed, now);
                Course::Offered(request, offer)
            }
            other @ (Course::Refused(_) | Course::Known(..) | Course::Over(_) | Course::Offered(..)) => other,
        };
        courses.into_iter().map(offer).collect()
    }

    /// Brings each mission to its end. Nearly all are stored by their first statement, and waited for in turn, which costs
    /// little; the few others go on together.
    async fn follow(
        &self,
        context: &SubmitContext,
        courses: Vec<Course>,
        now: DateTime<Utc>,
    ) -> Vec<Result<Submitted, Refusal>> {
        let mut results = Vec::with_capacity(courses.len());
        let mut rest: Vec<(usize, BoxFuture<'_, Result<Submitted, Refusal>>)> = Vec::new();
        for (n, course) in courses.into_iter().enumerate() {
            // Takes its place until the others have come to their ends.
            let mut result = Err(Refusal::Internal);
            match course {
                Course::Refused(refusal) => result = Err(refusal),
                Course::Known(request, submission) => {
                    rest.push((n, Box::pin(async move { self.replay(&request, &submission).await })));
                }
                Course::Over(request) => {
                    rest.push((n, Box::pin(async move { self.replay_or_refuse(&request).await })));
                }
                Course::New(_) => {}
                Course::Offered(request, offer) => match self.fate(offer).await {
                    (row, home, Ok(Fate::Stored(stored))) => result = Ok(request.stored(&row, &home, stored)),
                    (row, home, fate) => {
                        rest.push((n, Box::pin(self.go_on(context, *request, (row, home, fate), now))));
                    }
                },
            }
            results.push(result);
        }
        let (places, ends): (Vec<usize>, Vec<_>) = rest.into_iter().unzip();
        for (n, end) in places.into_iter().zip(join_all(ends).await) {
            results[n] = end;
        }
        results
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

    /// Puts a placed mission in line for its statement. Its key was looked up under earlier topologies.
    fn offer(&self, context: &SubmitContext, request: &Request, placed: Placed, now: DateTime<Utc>) -> Offer {
        let row = Arc::new(self.row(request, context, &placed, now));
        let pushed = self.0.submits.put(&placed.home, Arc::clone(&row));
        Offer { pool: placed.pool, home: placed.home, row, pushed }
    }

    /// What became of an offered mission.
    async fn fate(&self, offer: Offer) -> Decided {
        let fate = offer.pushed.answer().await;
        if !matches!(fate, Ok(Fate::Stored(_)))
            && let Some(pool) = &offer.pool
        {
            self.0.views.bump(pool, -1);
        }
        (offer.row, offer.home, fate)
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

/// What is done with one mission of a request.
enum Course {
    /// It is no mission, or its key could not be looked up.
    Refused(Refusal),
    /// Its key brought another mission under an earlier topology.
    Known(Box<Request>, Submission),
    /// Its submitter has too many open ones.
    Over(Box<Request>),
    /// It is to be placed.
    New(Box<Request>),
    /// It is in line.
    Offered(Box<Request>, Offer),
}

impl Course {
    /// What placement needs to know of a new mission.
    fn ask(&self) -> Option<Ask<'_>> {
        match self {
            Self::New(request) => Some(request.ask()),
            Self::Refused(_) | Self::Known(..) | Self::Over(_) | Self::Offered(..) => None,
        }
    }
}

/// A placed mission in line for its statement.
struct Offer {
    pool: Option<PoolId>,
    home: DatabaseRegion,
    row: Arc<NewMission>,
    pushed: Pushed<Fate>,
}

/// A mission that was offered, the home that it was offered to, and what became of it.
type Decided = (Arc<NewMission>, DatabaseRegion, Result<Fate, Refusal>);

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
