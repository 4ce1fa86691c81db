//! Missions that have crashed their holders are granted only to a session that holds nothing.
//!
//! So that such a mission cannot starve, one session of its pool is reserved while it waits: no claimer of this process
//! grants anything else to it until it is empty. A reservation is only a choice of this process; it ends by itself.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;
use topology::SessionId;

use super::Line;

/// A reservation ends so long after its session was last seen waiting; then another is made.
const HOLDS_FOR: Duration = Duration::from_secs(60);

/// Which sessions are kept free for which line.
#[derive(Debug, Default)]
pub(super) struct Reservations {
    by_session: HashMap<SessionId, (Line, Instant)>,
}

impl Reservations {
    /// Whether a session must get nothing but a mission that is granted alone.
    pub(super) fn is_reserved(&self, session: SessionId, now: Instant) -> bool {
        self.by_session.get(&session).is_some_and(|(_, until)| now < *until)
    }

    /// Whether a session is kept free for another line than this.
    pub(super) fn is_taken(&self, session: SessionId, line: &Line, now: Instant) -> bool {
        self.by_session.get(&session).is_some_and(|(by, until)| now < *until && by != line)
    }

    /// Keeps one of these sessions (with the number of its leases) free for a line, and goes on doing so while it is
    /// among them.
    pub(super) fn reserve(&mut self, line: &Line, sessions: &[(SessionId, i64)], now: Instant) {
        self.by_session.retain(|_, (_, until)| now < *until);
        if let Some((kept, (_, until))) = self.by_session.iter_mut().find(|(_, (by, _))| by == line) {
            // It still waits here: its runs take their time, and to begin with another session would take as long.
            if sessions.iter().any(|(session, _)| session == kept) {
                *until = now + HOLDS_FOR;
            }
            return;
        }
        let free = sessions.iter().filter(|(session, _)| !self.by_session.contains_key(session));
        if let Some((session, _)) = free.min_by_key(|(session, holding)| (*holding, *session)) {
            self.by_session.insert(*session, (line.clone(), now + HOLDS_FOR));
        }
    }

    /// Nothing waits to be granted alone in this line any more.
    pub(super) fn release(&mut self, line: &Line) {
        self.by_session.retain(|_, (by, _)| by != line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(pool: &str) -> Line {
        Line { home: "us-west-2".parse().unwrap(), pool: pool.parse().unwrap() }
    }

    #[test]
    fn one_session_a_line_is_kept_free_the_emptiest_first() {
        let (mut kept, now) = (Reservations::default(), Instant::now());
        let (busy, idle) = (SessionId::random(), SessionId::random());
        kept.reserve(&line("us-west/a"), &[(busy, 3), (idle, 1)], now);
        kept.reserve(&line("us-west/a"), &[(busy, 0)], now);
        assert!(kept.is_reserved(idle, now) && !kept.is_reserved(busy, now));
        assert!(kept.is_taken(idle, &line("us-west/b"), now) && !kept.is_taken(idle, &line("us-west/a"), now));
        kept.reserve(&line("us-west/b"), &[(busy, 3), (idle, 1)], now);
        assert!(kept.is_reserved(busy, now), "a reserved session is not reserved twice");
    }

    #[test]
    fn a_session_that_takes_long_to_become_empty_stays_reserved() {
        let (mut kept, now, session) = (Reservations::default(), Instant::now(), SessionId::random());
        kept.reserve(&line("us-west/a"), &[(session, 2)], now);
        let later = now + HOLDS_FOR - Duration::from_secs(1);
        kept.reserve(&line("us-west/a"), &[(session, 1)], later);
        assert!(kept.is_reserved(session, now + HOLDS_FOR));
        kept.reserve(&line("us-west/a"), &[(SessionId::random(), 1)], later + HOLDS_FOR / 2);
        assert!(!kept.is_reserved(session, later + HOLDS_FOR), "it does not wait here any more");
    }

    #[test]
    fn a_reservation_ends_by_release_and_by_time() {
        let (mut kept, now, session) = (Reservations::default(), Instant::now(), SessionId::random());
        kept.reserve(&line("us-west/a"), &[(session, 0)], now);
        assert!(!kept.is_reserved(session, now + HOLDS_FOR));
        kept.release(&line("us-west/a"));
        assert!(!kept.is_reserved(session, now));
    }
}
