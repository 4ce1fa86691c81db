//! The modelled links: latency, jitter, and what faults do to them, by direction.
//!
//! A link joins two places: a region with everything in it, the clients, the database. Nothing is kept in order: two
//! messages over one link may arrive the other way round.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::message::{Node, Parcel};
use super::rng::Rng;
use super::setup::{Setup, Site};
use super::time::{MS, Us};
use crate::drill::ToxicSpec;

/// A place, by number: the regions first, then the clients, then the database.
pub(super) type Place = usize;

/// One way between two machines of a region.
const NEAR: Us = 250;

/// One way from a client to the region that it is in.
const LAST_MILE: Us = 4 * MS;

/// Bytes of a message, where bandwidth is short.
const BYTES: u64 = 1_500;

/// How a message fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fare {
    /// It arrives after so long.
    Arrives(Us),
    /// It is never heard of again.
    Vanishes,
    /// It waits until the links change.
    Waits,
    /// Its connection breaks; the asker learns it after so long.
    Breaks(Us),
    /// No connection is made; the asker learns it after so long.
    Refused(Us),
}

/// What is wrong with a link, one way.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wrong {
    Partition,
    Toxic(ToxicSpec),
}

/// What goes wrong by itself, without any fault in the file: the share of messages and statements that it happens to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Weather {
    /// Messages that vanish.
    pub(super) lost: f64,
    /// Messages whose connection breaks.
    pub(super) broken: f64,
    /// Messages that are late by up to [`LATE_MAX`].
    pub(super) late: f64,
    /// Statements that are answered 40001.
    pub(super) conflicts: f64,
    /// Statements whose connection breaks before, and after they are carried out.
    pub(super) cut: [f64; 2],
}

/// How late a message is at most that is late by itself.
const LATE_MAX: Us = 400 * MS;

impl Weather {
    /// Nothing goes wrong by itself.
    pub(super) const CALM: Self = Self { lost: 0.0, broken: 0.0, late: 0.0, conflicts: 0.0, cut: [0.0, 0.0] };

    /// Whether a seed has none: every second one, in which times can be held to what is promised for one fault at a time.
    pub(super) const fn is_calm(seed: u64) -> bool {
        seed.is_multiple_of(2)
    }

    /// Every other seed has its own, from a fair day to a rough one.
    pub(super) fn of(seed: u64, rng: &mut Rng) -> Self {
        if Self::is_calm(seed) {
            return Self::CALM;
        }
        let rough = rng.unit() * rng.unit();
        Self {
            lost: 0.002 * rough,
            broken: 0.004 * rough,
            late: 0.02 * rough,
            conflicts: 0.03 * rough,
            cut: [0.004 * rough, 0.008 * rough],
        }
    }
}

/// All links.
#[derive(Debug)]
pub(super) struct Net {
    setup: Arc<Setup>,
    /// What is wrong from one place to another, with the number of the step that did it.
    wrong: BTreeMap<(Place, Place), Vec<(usize, Wrong)>>,
    /// Gateways that are gone.
    gateways: Vec<Vec<usize>>,
    /// When a narrow link has sent what it was given.
    busy: BTreeMap<(Place, Place), Us>,
    pub(super) weather: Weather,
}

impl Net {
    pub(super) fn new(setup: Arc<Setup>, weather: Weather) -> Self {
        let gateways = vec![Vec::new(); setup.regions.len()];
        Self { setup, wrong: BTreeMap::new(), gateways, busy: BTreeMap::new(), weather }
    }

    pub(super) fn clients(&self) -> Place {
        self.setup.regions.len()
    }

    pub(super) fn database(&self) -> Place {
        self.setup.regions.len() + 1
    }

    pub(super) fn places(&self) -> std::ops::Range<Place> {
        0..self.setup.regions.len() + 2
    }

    fn place(&self, node: Node) -> Place {
        match node {
            Node::Scheduler(site) => site,
            Node::Agent(agent) => Node::agent_site(agent),
            Node::Client(_) => self.clients(),
            Node::Database => self.database(),
        }
    }

    /// Makes something wrong from one place to another.
    pub(super) fn spoil(&mut self, step: usize, from: Place, to: Place, wrong: &Wrong) {
        self.wrong.entry((from, to)).or_default().push((step, wrong.clone()));
    }

    pub(super) fn take_gateway(&mut self, step: usize, site: Site) {
        self.gateways[site].push(step);
    }

    /// Undoes what a step did.
    pub(super) fn mend(&mut self, step: usize) {
        for wrong in self.wrong.values_mut() {
            wrong.retain(|(by, _)| *by != step);
        }
        self.wrong.retain(|_, wrong| !wrong.is_empty());
        for by in &mut self.gateways {
            by.retain(|by| *by != step);
        }
    }

    /// Whether nothing is wrong.
    pub(super) fn is_good(&self) -> bool {
        self.wrong.is_empty() && self.gateways.iter().all(Vec::is_empty)
    }

    /// Whether anything passes from one to another.
    pub(super) fn passes(&self, from: Node, to: Node) -> bool {
        let nothing = |(_, wrong): &(usize, Wrong)| {
            matches!(wrong, Wrong::Partition | Wrong::Toxic(ToxicSpec::Blackhole | ToxicSpec::Stall))
        };
        !self.wrong.get(&(self.place(from), self.place(to))).is_some_and(|wrong| wrong.iter().any(nothing))
    }

    /// How a message fares that is sent now.
    pub(super) fn fare(&mut self, parcel: &Parcel, now: Us, rng: &mut Rng) -> Fare {
        let (from, to) = (self.place(parcel.from), self.place(parcel.to));
        let way = match parcel.via {
            None => vec![(from, to)],
            Some(gateway) => vec![(from, gateway), (gateway, to)],
        };
        let mut took = self.distance(parcel);
        if let Some(gateway) = parcel.via
            && !self.gateways[gateway].is_empty()
        {
            return Fare::Refused(took / 2);
        }
        for hop in way {
            match self.hop(hop, now, rng) {
                Fare::Arrives(more) => took += more,
                Fare::Breaks(after) => return Fare::Breaks(took + after),
                Fare::Refused(after) => return Fare::Refused(took + after),
                Fare::Vanishes => return Fare::Vanishes,
                Fare::Waits => return Fare::Waits,
            }
        }
        self.by_itself(took, rng)
    }

    /// What faults do to one hop of a message; `Arrives` says how much later.
    fn hop(&mut self, hop: (Place, Place), now: Us, rng: &mut Rng) -> Fare {
        let Some(wrong) = self.wrong.get(&hop) else { return Fare::Arrives(0) };
        let mut later = 0;
        for (_, wrong) in wrong {
            match wrong {
                Wrong::Partition | Wrong::Toxic(ToxicSpec::Blackhole) => return Fare::Vanishes,
                Wrong::Toxic(ToxicSpec::Stall) => return Fare::Waits,
                Wrong::Toxic(ToxicSpec::Reset { after_ms }) => return Fare::Breaks(after_ms.cast_signed() * MS),
                Wrong::Toxic(ToxicSpec::Refuse) => return Fare::Refused(0),
                Wrong::Toxic(ToxicSpec::Latency { ms, jitter_ms }) => {
                    let (ms, jitter) = (ms.cast_signed() * MS, jitter_ms.cast_signed() * MS);
                    later += (ms + rng.between(-jitter, jitter)).max(0);
                }
                Wrong::Toxic(ToxicSpec::Bandwidth { bytes_per_s }) => {
                    let sends = (BYTES * 1_000_000 / (*bytes_per_s).max(1)).cast_signed();
                    let free = self.busy.entry(hop).or_insert(now);
                    *free = (*free).max(now) + sends;
                    later += *free - now;
                }
                Wrong::Toxic(ToxicSpec::HalfOpen | ToxicSpec::SlowClose { .. }) => {
                    unreachable!("refused before the start")
                }
            }
        }
        Fare::Arrives(later)
    }

    /// Jitter, and what goes wrong without a fault.
    fn by_itself(&self, took: Us, rng: &mut Rng) -> Fare {
        let weather = self.weather;
        let draw = rng.unit();
        if draw < weather.lost {
            return Fare::Vanishes;
        }
        if draw < weather.lost + weather.broken {
            return Fare::Breaks(took);
        }
        let late = draw < weather.lost + weather.broken + weather.late;
        let jitter = if late { rng.between(0, LATE_MAX) } else { rng.between(0, took / 4 + 100) };
        Fare::Arrives(took + jitter)
    }

    /// One way, where nothing is wrong.
    fn distance(&self, parcel: &Parcel) -> Us {
        let between = |a: Site, b: Site| if a == b { NEAR } else { self.setup.rtt[a][b] / 2 };
        let at = |node: Node| match node {
            Node::Scheduler(site) | Node::Client(site) => Some(site),
            Node::Agent(agent) => Some(Node::agent_site(agent)),
            Node::Database => None,
        };
        let mile = |node: Node| if matches!(node, Node::Client(_)) { LAST_MILE } else { 0 };
        let ends = (at(parcel.from), at(parcel.to));
        let way = match (ends, parcel.via) {
            ((Some(from), Some(to)), _) => between(from, to),
            ((Some(end), None) | (None, Some(end)), Some(gateway)) => {
                between(end, gateway) + self.setup.to_database(gateway)
            }
            ((_, _), _) => NEAR,
        };
        way + mile(parcel.from) + mile(parcel.to)
    }
}
