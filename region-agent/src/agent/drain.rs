//! A drain: nothing new, finish within the grace or hand back, end the session.

use std::time::Duration;

use tokio::time::Instant;

use super::Wish;
use super::session::{Over, Session};
use crate::book::StopCause;

/// How long what was stopped at the end of the grace may take to be handed back.
const HAND_BACK: Duration = Duration::from_secs(5);

/// A drain and its deadlines.
#[derive(Default)]
pub(super) struct Drain {
    grace_over: Option<Instant>,
    given_up: Option<Instant>,
}

impl Drain {
    pub(super) const fn begun(&self) -> bool {
        self.grace_over.is_some()
    }

    /// Begins, hastens and ends the drain as the wish and the time say.
    pub(super) async fn look(&mut self, session: &Session, wish: Wish) -> Option<Over> {
        if wish == Wish::Run {
            return None;
        }
        let now = Instant::now();
        if self.grace_over.is_none() {
            tracing::info!("draining: nothing new, finish or hand back");
            session.book().drain();
            self.grace_over = Some(now + session.agent.config().grace);
        }
        if wish == Wish::Leave {
            self.grace_over = self.grace_over.map(|at| at.min(now));
        }
        if self.grace_over.is_some_and(|at| now >= at) && self.given_up.is_none() {
            session.stop_all(StopCause::Drain);
            self.given_up = Some(now + HAND_BACK);
        }
        let done = session.book().is_empty() || self.given_up.is_some_and(|at| now >= at);
        if !done {
            return None;
        }
        if let Err(error) = session.agent.brief(HAND_BACK).end_session(session.id).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the session ends by silence");
        }
        Some(Over::Drained)
    }

    /// Ends at the next deadline; never without one.
    pub(super) async fn over(&self) {
        match self.given_up.or(self.grace_over) {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}
