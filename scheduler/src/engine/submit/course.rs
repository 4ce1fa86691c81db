//! The missions of one request, from their checks to their ends: the new ones are put in line together and waited for in
//! turn.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::{BoxFuture, join_all};
use topology::{DatabaseRegion, PoolId};

use super::Fate;
use super::request::Request;
use crate::engine::coalescer::Pushed;
use crate::engine::{Engine, SubmitContext, Submitted};
use crate::refusal::Refusal;
use crate::store::mission::NewMission;
use crate::store::submission::Submission;
use crate::view::{Ask, Placed};

/// What is done with one mission of a request.
pub(super) enum Course<Offered> {
    /// It is no mission, or its key could not be looked up.
    Refused(Refusal),
    /// Its key brought another mission under an earlier topology.
    Known(Box<Request>, Submission),
    /// Its submitter has too many open ones.
    Over(Box<Request>),
    /// It is new.
    New(Box<Request>, Offered),
}

/// A placed mission in line for its statement.
pub(super) struct Offer {
    pool: Option<PoolId>,
    home: DatabaseRegion,
    row: Arc<NewMission>,
    pushed: Pushed<Fate>,
}

/// A mission that was offered, the home that it was offered to, and what became of it.
pub(super) type Decided = (Arc<NewMission>, DatabaseRegion, Result<Fate, Refusal>);

impl Course<()> {
    /// What placement needs to know of a new mission.
    fn ask(&self) -> Option<Ask<'_>> {
        match self {
            Self::New(request, ()) => Some(request.ask()),
            Self::Refused(_) | Self::Known(..) | Self::Over(_) => None,
        }
    }
}

impl Engine {
    /// Places the new missions and puts them in line, in their order.
    pub(super) fn offer_each(
        &self,
        context: &SubmitContext,
        courses: Vec<Course<()>>,
        now: DateTime<Utc>,
    ) -> Vec<Course<Offer>> {
        let mut placed = self.0.views.place_each(courses.iter().filter_map(Course::ask)).into_iter();
        let offer = |course| match course {
            Course::Refused(refusal) => Course::Refused(refusal),
            Course::Known(request, submission) => Course::Known(request, submission),
            Course::Over(request) => Course::Over(request),
            Course::New(request, ()) => {
                let placed = placed.next().expect("each new mission was placed");
                let offer = self.offer(context, &request, placed, now);
                Course::New(request, offer)
            }
        };
        courses.into_iter().map(offer).collect()
    }

    /// Brings each mission to its end. Nearly all are stored by their first statement, and waited for in turn, which costs
    /// little; the few others go on together.
    pub(super) async fn follow(
        &self,
        context: &SubmitContext,
        courses: Vec<Course<Offer>>,
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
                Course::New(request, offer) => match self.fate(offer).await {
                    (row, home, Ok(Fate::Stored(stored))) => result = Ok(request.stored(&row, &home, stored)),
                    decided => rest.push((n, Box::pin(self.go_on(context, *request, decided, now)))),
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

    /// Puts a placed mission in line for its statement. Its key was looked up under earlier topologies.
    pub(super) fn offer(
        &self,
        context: &SubmitContext,
        request: &Request,
        placed: Placed,
        now: DateTime<Utc>,
    ) -> Offer {
        let row = Arc::new(self.row(request, context, &placed, now));
        let pushed = self.0.submits.put(&placed.home, Arc::clone(&row));
        Offer { pool: placed.pool, home: placed.home, row, pushed }
    }

    /// What became of an offered mission.
    pub(super) async fn fate(&self, offer: Offer) -> Decided {
        let fate = offer.pushed.answer().await;
        if !matches!(fate, Ok(Fate::Stored(_)))
            && let Some(pool) = &offer.pool
        {
            self.0.views.bump(pool, -1);
        }
        (offer.row, offer.home, fate)
    }
}
