//! Long polls for free slots.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use scheduler_client::Pauses;
use scheduler_client::wire::Claim;
use tokio::task::JoinSet;

use super::session::Session;

/// Longest wait of one claim, in milliseconds; a random tenth less keeps agents apart.
const WAIT_MS: i64 = 10_000;

/// Most claims of a session at a time: the newest, and those that the scheduler is about to answer because of it.
const OPEN_MAX: usize = 4;

/// Longest wait for a change that nobody announces.
const LOOK: Duration = Duration::from_millis(500);

/// An open claim in the book; closed however it ends.
struct Open {
    session: Arc<Session>,
    claim: Claim,
    number: u64,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.session.book().claim_closed(self.number);
    }
}

impl Session {
    /// Keeps a claim open for all free slots; a slot that comes free brings a new one, which replaces it. Ends with the
    /// session, which drops it.
    pub(super) async fn claim_loop(self: Arc<Self>) {
        let mut open = JoinSet::new();
        let mut pauses = Pauses::new(&self.agent.0.client.limits());
        loop {
            let changed = self.changed.notified();
            while open.len() < OPEN_MAX {
                let wait_ms = WAIT_MS - rand::rng().random_range(0..WAIT_MS / 10);
                let mut book = self.book();
                let Some(claim) = book.claim(wait_ms) else { break };
                let claim = Open { session: Arc::clone(&self), claim, number: book.claim_number() };
                drop(book);
                open.spawn(claim.ask());
            }
            tokio::select! {
                Some(answered) = open.join_next() => match answered {
                    Ok(true) => pauses = Pauses::new(&self.agent.0.client.limits()),
                    Ok(false) | Err(_) => tokio::time::sleep(pauses.next(None)).await,
                },
                // Where a heartbeat hangs a claim may, too, and for much longer. A grant that gets lost with it goes
                // back when two heartbeats have not named it.
                () = self.reclaim.notified() => open.shutdown().await,
                () = changed => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }
}

impl Open {
    /// One long poll; false = it failed.
    async fn ask(self) -> bool {
        let session = &self.session;
        match session.agent.0.client.claim(session.id, &self.claim).await {
            Ok(answer) => {
                session.take(answer.grants);
                true
            }
            Err(error) => {
                // An ended session is told so by its heartbeat.
                tracing::debug!(error = &error as &dyn std::error::Error, "claim failed");
                false
            }
        }
    }
}
