//! What the control API says and hears.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::drill::{StatementAnswer, ToxicSpec};

/// What a link understands of its traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// Nothing.
    Tcp,
    /// Requests of HTTP/1.1.
    Http,
    /// Messages of PostgreSQL.
    Pgwire,
}

/// A link that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkSpec {
    /// Its name.
    pub name: String,
    /// Where it listens, on loopback. Port 0 = any that is free.
    pub listen: SocketAddr,
    /// Where it leads.
    pub upstream: SocketAddr,
    /// What it understands.
    pub kind: LinkKind,
}

/// Which way of a link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Both.
    #[default]
    Both,
    /// From client to server.
    Up,
    /// From server to client.
    Down,
}

/// What is done to a link's traffic: `{"toxic": "latency", "ms": 50, "jitter_ms": 10}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, try_from = "Value")]
pub enum Toxic {
    /// To its bytes and connections; any link.
    Bytes(ToxicSpec),
    /// To its requests; links that understand them.
    Protocol(ProtocolToxic),
}

/// What is done to single requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "toxic", rename_all = "snake_case")]
pub enum ProtocolToxic {
    /// The proxy itself answers the requests for one path; `http` links.
    Answer {
        /// The path, without query.
        path: String,
        /// The status.
        status: u16,
        /// The body.
        body: String,
    },
    /// Statements outside explicit transactions are answered badly; `pgwire` links.
    Statement {
        /// The name in the comment at the statement's beginning, or `*` for all that write.
        name: String,
        /// What is answered.
        answer: StatementAnswer,
        /// Share of the executions, 0 to 1.
        share: f64,
        /// Seed of what is drawn. Each link of the toxic draws a sequence of its own from it.
        seed: u64,
    },
}

impl TryFrom<Value> for Toxic {
    type Error = serde_json::Error;

    fn try_from(value: Value) -> Result<Self, serde_json::Error> {
        match value["toxic"].as_str() {
            Some("answer" | "statement") => serde_json::from_value(value).map(Self::Protocol),
            _ => serde_json::from_value(value).map(Self::Bytes),
        }
    }
}

/// One toxic to be put.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToxicPut {
    /// Its name, unique with its owner.
    pub name: String,
    /// The links.
    pub links: Vec<String>,
    /// Which way; whole connections and requests know only `both`.
    #[serde(default)]
    pub direction: Direction,
    /// What is done.
    pub toxic: Toxic,
}

/// Body of `POST /toxics`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PutToxics {
    /// Whose they are.
    pub owner: String,
    /// Milliseconds until they go by themselves, unless the owner is heard.
    pub ttl_ms: u64,
    /// The toxics.
    pub toxics: Vec<ToxicPut>,
}

/// Body of `POST /owners/{owner}/beat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// Milliseconds until the owner's toxics go, unless it is heard again.
    pub ttl_ms: u64,
}

/// Answer to `DELETE /toxics/..` and `POST /reset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// Toxics that were removed.
    pub removed: usize,
}

/// Answer to `GET /links`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinksTold {
    /// The links, by name.
    pub links: Vec<LinkTold>,
    /// Everybody who ever put a toxic, by name.
    pub owners: Vec<OwnerTold>,
}

/// One link as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkTold {
    /// Its name.
    pub name: String,
    /// What it understands.
    pub kind: LinkKind,
    /// Where it listens.
    pub address: SocketAddr,
    /// Where it leads.
    pub upstream: SocketAddr,
    /// What is done to it, in the order in which it was put.
    pub toxics: Vec<ToxicTold>,
    /// Connections that are open.
    pub open_connections: u64,
    /// Connections that were accepted.
    pub accepted: u64,
    /// Bytes that were passed on to the server.
    pub bytes_up: u64,
    /// Bytes that were passed on to the client.
    pub bytes_down: u64,
    /// Requests that the proxy answered itself, by path.
    pub answered: BTreeMap<String, u64>,
    /// What was done to statements, by name.
    pub statements: BTreeMap<String, StatementTold>,
}

/// One toxic on a link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToxicTold {
    /// Whose it is.
    pub owner: String,
    /// Its name.
    pub name: String,
    /// Which way.
    pub direction: Direction,
    /// What is done.
    pub toxic: Toxic,
}

/// What was done to executions of one statement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementTold {
    /// Answered with 40001.
    pub serialization_failure: u64,
    /// Answered with 57P01.
    pub admin_shutdown: u64,
    /// Carried out, the answer swallowed.
    pub ambiguous: u64,
}

/// One owner; answer to `POST /toxics` and `POST /owners/{owner}/beat`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerTold {
    /// Its name.
    pub owner: String,
    /// Toxics that it has.
    pub toxics: usize,
    /// Toxics that were removed because it was not heard.
    pub expired: u64,
}

/// An answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// For programs.
    pub code: String,
    /// The status.
    pub status: u16,
    /// For people.
    pub detail: String,
}
