//! The words for faults, the same in every tier. A tier that cannot do one says so before the drill starts.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use topology::RegionName;

/// Which region a fault is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegionSelector {
    /// The one that holds the most leases when the first action begins; `most-leases` in the file.
    MostLeases,
    /// The one that holds the second most then; `second-most-leases` in the file.
    SecondMostLeases,
    /// This one.
    Named(RegionName),
}

/// One end of a link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Endpoint {
    /// Everything of a region: its scheduler, its agents, its gateway.
    Region(RegionSelector),
    /// Everybody else; `*` in the file.
    Everyone,
    /// Whoever submits missions; `clients` in the file.
    Clients,
    /// The edge's health monitor; `edge` in the file.
    Edge,
    /// The database, behind the gateways; `database` in the file.
    Database,
}

/// Which way of a link is meant, seen from its first end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Both.
    Both,
    /// What the first end sends.
    Out,
    /// What the first end would hear.
    In,
}

/// The links between two ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkSelector {
    /// First end.
    pub from: Endpoint,
    /// Second end.
    pub to: Endpoint,
    /// Which way.
    pub direction: Direction,
}

/// Which process of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessKind {
    /// Its scheduler.
    Scheduler,
    /// Its agents.
    Agent,
    /// Both.
    Region,
}

/// What is done to the bytes of a link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "toxic", rename_all = "snake_case")]
pub enum ToxicSpec {
    /// They come late.
    Latency {
        /// By so much.
        ms: u64,
        /// And up to so much more or less.
        jitter_ms: u64,
    },
    /// So many a second.
    Bandwidth {
        /// Bytes.
        bytes_per_s: u64,
    },
    /// None passes; they are kept and come when the toxic goes. Connections stay open.
    Stall,
    /// None passes, and none ever comes. Connections stay open, new ones open and hear nothing.
    Blackhole,
    /// Connections are reset, new ones too, each after so long.
    Reset {
        /// Milliseconds.
        after_ms: u64,
    },
    /// Connections are refused, open ones are reset.
    Refuse,
    /// One end has gone without a word: its side is closed, the other end is not told.
    HalfOpen,
    /// A close is passed on so late.
    SlowClose {
        /// Milliseconds.
        ms: u64,
    },
}

/// What a statement is answered with in place of what the database says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatementAnswer {
    /// 40001; the statement does not reach the database.
    SerializationFailure,
    /// 57P01, then the connection closes; the statement does not reach the database.
    AdminShutdown,
    /// The statement is carried out; its answer is swallowed up to its `ReadyForQuery`, and the connection closes.
    Ambiguous,
}

/// What an operator tells a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperatorVerb {
    /// Starts nothing new.
    Cordon,
    /// Finishes or hands back.
    Drain,
}

/// What the edge's monitor is told by a region's health endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeHealth {
    /// 503 although the service is alive.
    Red,
    /// 200 although clients cannot reach the service.
    Green,
}

/// One fault. Each has an undo of its own, which is paired with it by the tier that carries it out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// Nothing passes between two ends. Undo: it passes again.
    Partition {
        /// The links.
        links: LinkSelector,
    },
    /// The links between two ends are bad. Undo: they are good.
    Toxic {
        /// The links.
        links: LinkSelector,
        /// What is done to them.
        toxic: ToxicSpec,
    },
    /// A region's gateway to the database is gone for everybody who uses it. Undo: it is back.
    GatewayDown {
        /// The region.
        region: RegionSelector,
    },
    /// Processes of a region die (`SIGKILL`). Undo: they are started again.
    Kill {
        /// Which.
        process: ProcessKind,
        /// Where.
        region: RegionSelector,
    },
    /// A region's scheduler dies and is started again, again and again. Undo: it is left alone, and runs.
    CrashLoop {
        /// Where.
        region: RegionSelector,
        /// Time between two deaths.
        every: Duration,
    },
    /// Processes of a region stand still (`SIGSTOP`). Undo: they go on.
    Pause {
        /// Which.
        process: ProcessKind,
        /// Where.
        region: RegionSelector,
    },
    /// The database server stops at once, as in a crash, and is started again after a while. Undo: it runs.
    RestartDatabase {
        /// How long it is away.
        down: Duration,
    },
    /// Some statements are answered badly. Undo: none are.
    Statements {
        /// Name of the statement, or `*` for all that write.
        name: String,
        /// What is answered.
        answer: StatementAnswer,
        /// Share of them, 0 to 1.
        share: f64,
    },
    /// An operator's word for a region. Undo: uncordon.
    Verb {
        /// Where.
        region: RegionSelector,
        /// The word.
        verb: OperatorVerb,
    },
    /// The edge's monitor is told something that is not so. Undo: it is told the truth.
    Edge {
        /// Where.
        region: RegionSelector,
        /// What it is told.
        health: EdgeHealth,
    },
    /// Missions are submitted at another rate. Undo: at the rate of the file.
    Load {
        /// Missions a second.
        per_second: f64,
    },
    /// Whoever injects the faults falls silent, as in a partition that hits it too: its dead man's switch must undo
    /// them. Undo: it is heard again.
    SilenceInjector,
}

/// A command that the file declares, with the one that undoes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandSpec {
    /// What it is done to, for people and for the blast radius.
    pub target: String,
    /// The region that it takes away, where it takes one.
    pub region: Option<RegionSelector>,
    /// Program and arguments; no shell.
    pub argv: Vec<String>,
    /// Program and arguments that undo it.
    pub undo: Vec<String>,
    /// Longest run of either.
    pub timeout: Duration,
}
