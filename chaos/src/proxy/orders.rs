//! What a link's toxics come to, so that a connection needs to look at one thing only. Pure but for what is drawn.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::time::Instant;

use super::wire::{Direction, ProtocolToxic, Toxic};
use crate::drill::{StatementAnswer, ToxicSpec};

/// One way of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// From client to server.
    Up,
    /// From server to client.
    Down,
}

impl Direction {
    fn has(self, way: Way) -> bool {
        match self {
            Self::Both => true,
            Self::Up => way == Way::Up,
            Self::Down => way == Way::Down,
        }
    }
}

/// What is done to one way's bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flow {
    /// Everything vanishes.
    pub(super) hole: bool,
    /// Nothing moves.
    pub(super) stalled: bool,
    /// Everything is so late.
    pub(super) late: Duration,
    /// And up to so much more or less.
    pub(super) jitter: Duration,
    /// A close is so much later.
    pub(super) slow_close: Duration,
    /// At most so many bytes a second.
    pub(super) bytes_per_s: Option<u64>,
}

/// Everything that is done to a link.
#[derive(Debug, Default)]
pub(super) struct Orders {
    /// Grows with every change.
    pub(super) version: u64,
    up: Flow,
    down: Flow,
    /// Connections are refused.
    pub(super) refuse: bool,
    /// Connections are reset: since when, and how long each lives then.
    resets: Vec<(Instant, Duration)>,
    /// An end has gone without a word: when, and which: `Up` = the client.
    half_open: Vec<(Instant, Way)>,
    /// Requests that the proxy answers itself.
    pub(super) answers: Vec<Answer>,
    /// Statements that are answered badly.
    pub(super) statements: Vec<Arc<Rule>>,
}

/// One path that the proxy answers itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) path: String,
    pub(super) status: u16,
    pub(super) body: String,
}

/// Which statements are answered badly.
#[derive(Debug)]
pub(super) struct Rule {
    name: String,
    answer: StatementAnswer,
    share: f64,
    dice: Mutex<StdRng>,
}

/// One toxic on one link, since when.
#[derive(Debug, Clone)]
pub(super) struct Active {
    pub(super) since: Instant,
    pub(super) direction: Direction,
    pub(super) toxic: Toxic,
    /// What is drawn goes on, whatever else changes.
    rule: Option<Arc<Rule>>,
}

impl Active {
    /// A toxic from `since` on.
    ///
    /// `salt` makes links draw differently that have the same toxic.
    pub(super) fn new(since: Instant, direction: Direction, toxic: Toxic, salt: u64) -> Self {
        let rule = match &toxic {
            Toxic::Protocol(ProtocolToxic::Statement { name, answer, share, seed }) => Some(Arc::new(Rule {
                name: name.clone(),
                answer: *answer,
                share: *share,
                dice: Mutex::new(StdRng::seed_from_u64(seed.wrapping_add(salt))),
            })),
            Toxic::Protocol(ProtocolToxic::Answer { .. }) | Toxic::Bytes(_) => None,
        };
        Self { since, direction, toxic, rule }
    }
}

impl Rule {
    /// What an execution of this statement is answered with, where it is hit.
    pub(super) fn draw(&self, name: &str, writes: bool) -> Option<StatementAnswer> {
        let meant = if self.name == "*" { writes } else { self.name == name };
        // A panic while it was held left a generator that is as good as before.
        let hit = meant && self.dice.lock().unwrap_or_else(PoisonError::into_inner).random_bool(self.share);
        hit.then_some(self.answer)
    }
}

impl Orders {
    /// What toxics come to, in the order in which they were put.
    pub(super) fn of<'a>(version: u64, toxics: impl IntoIterator<Item = &'a Active>) -> Self {
        let mut orders = Self { version, ..Self::default() };
        for active in toxics {
            orders.add(active);
        }
        orders
    }

    fn add(&mut self, active: &Active) {
        match &active.toxic {
            Toxic::Bytes(ToxicSpec::Refuse) => self.refuse = true,
            Toxic::Bytes(ToxicSpec::Reset { after_ms }) => {
                self.resets.push((active.since, Duration::from_millis(*after_ms)));
            }
            Toxic::Bytes(ToxicSpec::HalfOpen) => {
                let gone = if active.direction == Direction::Down { Way::Down } else { Way::Up };
                self.half_open.push((active.since, gone));
            }
            Toxic::Bytes(spec) => {
                for (way, flow) in [(Way::Up, &mut self.up), (Way::Down, &mut self.down)] {
                    if active.direction.has(way) {
                        flow.add(spec);
                    }
                }
            }
            Toxic::Protocol(ProtocolToxic::Answer { path, status, body }) => {
                self.answers.push(Answer { path: path.clone(), status: *status, body: body.clone() });
            }
            Toxic::Protocol(ProtocolToxic::Statement { .. }) => self.statements.extend(active.rule.clone()),
        }
    }

    /// What is done to one way.
    pub(super) const fn flow(&self, way: Way) -> &Flow {
        match way {
            Way::Up => &self.up,
            Way::Down => &self.down,
        }
    }

    /// When a connection that was opened then is reset.
    pub(super) fn reset_at(&self, opened: Instant) -> Option<Instant> {
        let refused = self.refuse.then_some(opened);
        self.resets.iter().map(|(since, after)| opened.max(*since) + *after).chain(refused).min()
    }

    /// Whether a connection that was opened then is over.
    pub(super) fn ends(&self, opened: Instant, now: Instant) -> bool {
        self.gone(opened).is_some() || self.reset_at(opened).is_some_and(|at| at <= now)
    }

    /// Which end of a connection that was opened then has gone.
    pub(super) fn gone(&self, opened: Instant) -> Option<Way> {
        self.half_open.iter().find(|(since, _)| opened <= *since).map(|(_, gone)| *gone)
    }
}

impl Flow {
    fn add(&mut self, spec: &ToxicSpec) {
        match spec {
            ToxicSpec::Latency { ms, jitter_ms } => {
                self.late += Duration::from_millis(*ms);
                self.jitter += Duration::from_millis(*jitter_ms);
            }
            ToxicSpec::Bandwidth { bytes_per_s } => {
                self.bytes_per_s = Some(self.bytes_per_s.map_or(*bytes_per_s, |least| least.min(*bytes_per_s)));
            }
            ToxicSpec::Stall => self.stalled = true,
            ToxicSpec::Blackhole => self.hole = true,
            ToxicSpec::SlowClose { ms } => self.slow_close += Duration::from_millis(*ms),
            ToxicSpec::Reset { .. } | ToxicSpec::Refuse | ToxicSpec::HalfOpen => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(direction: Direction, spec: ToxicSpec) -> Active {
        Active::new(Instant::now(), direction, Toxic::Bytes(spec), 0)
    }

    #[test]
    fn latencies_add_up_and_the_least_bandwidth_counts_each_in_its_direction() {
        let orders = Orders::of(
            1,
            &[
                put(Direction::Both, ToxicSpec::Latency { ms: 10, jitter_ms: 1 }),
                put(Direction::Up, ToxicSpec::Latency { ms: 5, jitter_ms: 2 }),
                put(Direction::Down, ToxicSpec::Bandwidth { bytes_per_s: 900 }),
                put(Direction::Down, ToxicSpec::Bandwidth { bytes_per_s: 200 }),
                put(Direction::Down, ToxicSpec::Bandwidth { bytes_per_s: 500 }),
                put(Direction::Up, ToxicSpec::Blackhole),
            ],
        );
        let milliseconds = Duration::from_millis;
        let up = Flow { hole: true, late: milliseconds(15), jitter: milliseconds(3), ..Flow::default() };
        let down = Flow { late: milliseconds(10), jitter: milliseconds(1), bytes_per_s: Some(200), ..Flow::default() };
        assert_eq!((orders.flow(Way::Up), orders.flow(Way::Down)), (&up, &down));
    }

    #[test]
    fn the_earliest_reset_acts_from_whichever_is_later_connection_or_toxic() {
        let orders = Orders::of(
            1,
            &[
                put(Direction::Both, ToxicSpec::Reset { after_ms: 500 }),
                put(Direction::Both, ToxicSpec::Reset { after_ms: 200 }),
            ],
        );
        let since = orders.resets[1].0;
        let before = since.checked_sub(Duration::from_secs(9)).unwrap();
        let after = since + Duration::from_secs(9);
        assert_eq!(orders.reset_at(before), Some(since + Duration::from_millis(200)));
        assert_eq!(orders.reset_at(after), Some(after + Duration::from_millis(200)));
        assert_eq!(Orders::default().reset_at(after), None);
    }

    #[test]
    fn an_end_is_gone_for_the_connections_of_before_only() {
        let orders = Orders::of(1, &[put(Direction::Down, ToxicSpec::HalfOpen)]);
        let since = orders.half_open[0].0;
        assert_eq!(orders.gone(since), Some(Way::Down));
        assert_eq!(orders.gone(since + Duration::from_millis(1)), None);
    }

    #[test]
    fn the_same_seed_hits_the_same_executions_and_about_the_share() {
        let rule = |seed| {
            let toxic = ProtocolToxic::Statement {
                name: "mission_claim".to_owned(),
                answer: StatementAnswer::SerializationFailure,
                share: 0.1,
                seed,
            };
            Active::new(Instant::now(), Direction::Both, Toxic::Protocol(toxic), 0).rule.unwrap()
        };
        let drawn = |rule: &Rule| (0..1_000).map(|_| rule.draw("mission_claim", true).is_some()).collect::<Vec<_>>();
        let first = drawn(&rule(7));
        assert_eq!(first, drawn(&rule(7)));
        assert_ne!(first, drawn(&rule(8)));
        let hits = first.iter().filter(|hit| **hit).count();
        assert!((50..200).contains(&hits), "{hits} of 1,000 at a tenth");
        assert_eq!(rule(7).draw("mission_complete", true), None);
    }
}
