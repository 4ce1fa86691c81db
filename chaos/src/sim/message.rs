//! What is said: who asks whom for what, and how a call can end.

use region_agent::book::Slots;
use scheduler_client::wire::{Grant, HeartbeatAnswer, LeaseName};
use topology::{Epoch, SessionId};

use super::setup::{AGENTS, Mission, Site};
use super::statement::{Rows, Statement};
use super::time::Us;

/// Somebody who can be asked, or asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Node {
    /// The scheduler of a region.
    Scheduler(Site),
    /// An agent, by its number over all regions.
    Agent(usize),
    /// Whoever submits what comes from a region.
    Client(Site),
    /// The database.
    Database,
}

impl Node {
    /// The region of an agent.
    pub(super) const fn agent_site(agent: usize) -> Site {
        agent / AGENTS
    }

    /// The region that somebody stands in; the database is taken to stand in the first.
    pub(super) const fn site_of(self) -> Site {
        match self {
            Self::Scheduler(site) | Self::Client(site) => site,
            Self::Agent(agent) => Self::agent_site(agent),
            Self::Database => 0,
        }
    }

    /// Something that tells it from all others, for the trace.
    pub(super) const fn number(self) -> u64 {
        match self {
            Self::Database => 1,
            Self::Scheduler(site) => 0x100 + site as u64,
            Self::Agent(agent) => 0x200 + agent as u64,
            Self::Client(site) => 0x300 + site as u64,
        }
    }
}

/// A message under way.
#[derive(Debug, Clone)]
pub(super) struct Parcel {
    /// Number of the call that it belongs to.
    pub(super) call: u64,
    pub(super) from: Node,
    pub(super) to: Node,
    /// The gateway that it goes through, where the database is at one end.
    pub(super) via: Option<Site>,
    pub(super) body: Body,
}

#[derive(Debug, Clone)]
pub(super) enum Body {
    Ask(Ask),
    Answer(Result<Answer, Fail>),
}

#[derive(Debug, Clone)]
pub(super) enum Ask {
    Sql(Statement),
    Http(Request),
}

#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// Rows, and when the statement was carried out.
    Sql(Us, Rows),
    Http(Response),
}

/// How a call ends that is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fail {
    /// Nothing was sent: refused.
    Refused,
    /// It was sent, and the connection broke.
    Broke,
    /// It was sent, and nothing came in time.
    Silent,
    /// 40001: known not to be applied.
    Conflict,
}

/// What a scheduler is asked for.
#[derive(Debug, Clone)]
pub(super) enum Request {
    Submit(Submit),
    Register {
        session: SessionId,
        site: Site,
    },
    Heartbeat {
        session: SessionId,
        seq: i64,
        holds: Vec<LeaseName>,
        /// The newest one that was renewed, or refused as unheard, to the agent's knowledge.
        heard: i64,
    },
    Claim {
        session: SessionId,
        site: Site,
        free: Slots,
        wait: Us,
    },
    Word(Word),
    /// The connection of this call was closed: nobody waits for its answer any more.
    GoneAway(u64),
    /// Work was queued in a pool there.
    Hint(usize),
}

/// A mission as it is submitted; its key is the number of the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Submit {
    pub(super) key: u64,
    pub(super) kind: usize,
    pub(super) origin: Site,
    pub(super) rule: Option<usize>,
    pub(super) priority: i32,
}

/// What an agent says of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) lease: Lease,
    pub(super) says: Says,
}

/// A lease as every write by an agent names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lease {
    pub(super) mission: Mission,
    pub(super) epoch: Epoch,
    pub(super) session: SessionId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// Done, with this outcome.
    Complete(Outcome),
    /// Handed back unfinished.
    Release,
}

/// A result: made of the lease that it was worked out under.
pub(super) type Outcome = u64;

#[derive(Debug, Clone)]
pub(super) enum Response {
    Submitted(Mission),
    Registered,
    Beat(HeartbeatAnswer),
    SessionEnded,
    /// Leases, and whether the database did not answer for some of the pools.
    Granted(Vec<Grant>, bool),
    /// The word was accepted, now or before.
    Accepted,
    /// It was refused for good.
    LeaseLost,
    /// A heartbeat of a session that has heard of no renewal for too long: 503, and nothing was written.
    Unheard,
    /// Nobody could decide: 503.
    Unavailable,
}
