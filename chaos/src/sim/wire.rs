//! Time, the messages under way, and who is up: everything that all nodes share.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use super::alarm::Alarm;
use super::message::{Answer, Ask, Body, Fail, Node, Parcel};
use super::net::{Fare, Net, Weather};
use super::rng::Rng;
use super::setup::{Setup, Site};
use super::time::Us;
use super::trace::Trace;
use super::witness::Witness;

/// What happens next.
#[derive(Debug, Clone)]
pub(super) enum Event {
    /// Boxed: the queue moves its events about.
    Parcel(Box<Parcel>),
    /// A node's own timer, of the process that set it.
    Alarm(Node, u32, Alarm),
    /// The drill's.
    Cue(usize),
}

impl Event {
    /// Who takes it; none = the drill.
    const fn node(&self) -> Option<Node> {
        match self {
            Self::Parcel(parcel) => Some(parcel.to),
            Self::Alarm(node, ..) => Some(*node),
            Self::Cue(_) => None,
        }
    }
}

/// Ordered by time, then by the order of asking.
struct Entry {
    at: Us,
    seq: u64,
    event: Event,
}

/// Whether a process runs.
#[derive(Debug, Clone, Copy, Default)]
struct Process {
    dead: bool,
    paused: bool,
    life: u32,
}

/// What all nodes share.
pub(super) struct Wire {
    pub(super) now: Us,
    pub(super) rng: Rng,
    pub(super) net: Net,
    pub(super) trace: Trace,
    pub(super) witness: Witness,
    queue: BinaryHeap<Entry>,
    seq: u64,
    ids: u64,
    processes: BTreeMap<Node, Process>,
    /// What came for a process that stands still.
    kept: BTreeMap<Node, Vec<Event>>,
    /// What waits for a link to change.
    stalled: Vec<Parcel>,
    /// Questions that came to a scheduler and are not answered: their connections break when it dies.
    pending: BTreeMap<(Node, u64), Parcel>,
}

impl Wire {
    pub(super) fn new(setup: &Arc<Setup>, seed: u64, load_seed: u64, keep_trace: bool) -> Self {
        let mut rng = Rng::new(seed ^ load_seed.rotate_left(32));
        let weather = Weather::of(seed, &mut rng);
        Self {
            now: 0,
            rng,
            net: Net::new(Arc::clone(setup), weather),
            trace: Trace::new(keep_trace),
            witness: Witness::new(Arc::clone(setup)),
            queue: BinaryHeap::new(),
            seq: 0,
            ids: 0,
            processes: BTreeMap::new(),
            kept: BTreeMap::new(),
            stalled: Vec::new(),
            pending: BTreeMap::new(),
        }
    }

    /// A number that nobody had before.
    pub(super) const fn fresh(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    pub(super) fn push(&mut self, at: Us, event: Event) {
        self.seq += 1;
        self.queue.push(Entry { at, seq: self.seq, event });
    }

    /// The next event that somebody can take, with the time set to it.
    pub(super) fn pop(&mut self) -> Option<Event> {
        loop {
            let Entry { at, seq, event } = self.queue.pop()?;
            self.now = at;
            self.trace.fold(at.cast_unsigned() ^ seq.rotate_left(40));
            self.trace.fold(event.node().map_or(0, Node::number));
            match &event {
                Event::Cue(_) => return Some(event),
                Event::Alarm(node, life, _) if self.life(*node) != *life => {}
                Event::Alarm(node, ..) if self.is_paused(*node) => self.keep(*node, event),
                Event::Alarm(..) => return Some(event),
                Event::Parcel(parcel) if self.is_paused(parcel.to) => self.keep(parcel.to, event),
                Event::Parcel(parcel) if self.is_dead(parcel.to) => {
                    if matches!(parcel.body, Body::Ask(_)) {
                        self.reply(&parcel.clone(), Err(Fail::Refused));
                    }
                }
                Event::Parcel(parcel) => {
                    self.note_question(parcel);
                    return Some(event);
                }
            }
        }
    }

    fn note_question(&mut self, parcel: &Parcel) {
        if let (Node::Scheduler(_), Body::Ask(_)) = (parcel.to, &parcel.body) {
            let Parcel { call, from, to, via, .. } = *parcel;
            let body = Body::Answer(Err(Fail::Broke));
            self.pending.insert((to, call), Parcel { call, from: to, to: from, via, body });
        }
    }

    fn keep(&mut self, node: Node, event: Event) {
        self.kept.entry(node).or_default().push(event);
    }

    /// Wakes a node after a while, if the same process still runs then.
    pub(super) fn alarm(&mut self, node: Node, after: Us, alarm: Alarm) {
        let life = self.life(node);
        self.push(self.now + after.max(0), Event::Alarm(node, life, alarm));
    }

    /// Asks somebody; the answer, or a failure after at most `timeout`, comes back under the number that is returned.
    pub(super) fn ask(&mut self, from: Node, to: Node, via: Option<Site>, ask: Ask, timeout: Us) -> u64 {
        let call = self.fresh();
        let silent = Parcel { call, from: to, to: from, via: None, body: Body::Answer(Err(Fail::Silent)) };
        self.push(self.now + timeout, Event::Parcel(Box::new(silent)));
        self.send(Parcel { call, from, to, via, body: Body::Ask(ask) });
        call
    }

    /// Whether a connection can be made now. Where only what comes back is lost it can: something on the way may accept it.
    pub(super) fn connects(&self, from: Node, to: Node) -> bool {
        self.net.passes(from, to)
    }

    /// A question for which no connection is made: whoever asks learns it after a while.
    pub(super) fn refuse(&mut self, from: Node, to: Node, after: Us) -> u64 {
        let call = self.fresh();
        let refused = Parcel { call, from: to, to: from, via: None, body: Body::Answer(Err(Fail::Refused)) };
        self.push(self.now + after, Event::Parcel(Box::new(refused)));
        call
    }

    /// Answers what was asked.
    pub(super) fn reply(&mut self, asked: &Parcel, answer: Result<Answer, Fail>) {
        let Parcel { call, from, to, via, .. } = *asked;
        self.pending.remove(&(to, call));
        self.send(Parcel { call, from: to, to: from, via, body: Body::Answer(answer) });
    }

    fn send(&mut self, parcel: Parcel) {
        let fare = self.net.fare(&parcel, self.now, &mut self.rng);
        let asker = if matches!(parcel.body, Body::Ask(_)) { parcel.from } else { parcel.to };
        let (after, parcel) = match fare {
            Fare::Arrives(after) => (after, parcel),
            Fare::Vanishes => return,
            Fare::Waits => return self.stalled.push(parcel),
            Fare::Breaks(after) => (after, told(&parcel, asker, Fail::Broke)),
            // Where the answer cannot pass, the question has: its connection broke.
            Fare::Refused(after) if asker == parcel.to => (after, told(&parcel, asker, Fail::Broke)),
            Fare::Refused(after) => (after, told(&parcel, asker, Fail::Refused)),
        };
        self.push(self.now + after, Event::Parcel(Box::new(parcel)));
    }

    /// The links have changed: what waited is sent again.
    pub(super) fn links_changed(&mut self) {
        for parcel in std::mem::take(&mut self.stalled) {
            self.send(parcel);
        }
    }

    pub(super) fn life(&self, node: Node) -> u32 {
        self.processes.get(&node).map_or(0, |process| process.life)
    }

    pub(super) fn is_dead(&self, node: Node) -> bool {
        self.processes.get(&node).is_some_and(|process| process.dead)
    }

    pub(super) fn is_paused(&self, node: Node) -> bool {
        self.processes.get(&node).is_some_and(|process| process.paused)
    }

    /// A process dies: its timers and what came for it die with it, and whoever waits for its answer hears that.
    pub(super) fn kill(&mut self, node: Node) {
        let process = self.processes.entry(node).or_default();
        *process = Process { dead: true, paused: false, life: process.life + 1 };
        self.kept.remove(&node);
        let broken: Vec<Parcel> = self.pending.extract_if(.., |(of, _), _| *of == node).map(|(_, told)| told).collect();
        for told in broken {
            self.send(told);
        }
    }

    /// A new process starts.
    pub(super) fn start(&mut self, node: Node) {
        self.processes.entry(node).or_default().dead = false;
    }

    pub(super) fn pause(&mut self, node: Node) {
        let process = self.processes.entry(node).or_default();
        process.paused = !process.dead;
    }

    /// A process that stood still goes on with what came for it, in that order.
    pub(super) fn resume(&mut self, node: Node) {
        self.processes.entry(node).or_default().paused = false;
        for event in self.kept.remove(&node).unwrap_or_default() {
            self.push(self.now, event);
        }
    }
}

/// What the asker is told in place of what it asked for.
fn told(parcel: &Parcel, asker: Node, fail: Fail) -> Parcel {
    let other = if asker == parcel.from { parcel.to } else { parcel.from };
    Parcel { call: parcel.call, from: other, to: asker, via: None, body: Body::Answer(Err(fail)) }
}

impl Ord for Entry {
    /// The heap gives the greatest first: that is the earliest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.seq).cmp(&(self.at, self.seq))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}
