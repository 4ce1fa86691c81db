//! Why the control API refuses something.

use std::net::SocketAddr;

use super::wire::{Direction, LinkKind, ProtocolToxic, Toxic};
use crate::drill::ToxicSpec;

/// The longest time that anything may take: a day.
pub(super) const LONGEST_MS: u64 = 24 * 60 * 60 * 1000;

/// A refusal; nothing was done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("no link is named {0}")]
    UnknownLink(String),
    #[error("toxic {toxic} cannot be put on link {link}: {why}")]
    Impossible { toxic: String, link: String, why: String },
    #[error("two toxics are named {0}")]
    NamedTwice(String),
    #[error("{0} is not a loopback address: the proxy serves this machine only")]
    NotLoopback(SocketAddr),
    #[error("link {0} exists and is another one")]
    LinkTaken(String),
    #[error("link {link} cannot listen on {address}")]
    NoPort {
        link: String,
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error("ttl_ms must be from 1 to {LONGEST_MS}, a day")]
    NoTtl,
    #[error("{0}")]
    Malformed(String),
    #[error("nothing is at this path")]
    UnknownPath,
    #[error("the path has no such method")]
    UnknownMethod,
}

impl Refusal {
    /// The stable code.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::UnknownLink(_) => "unknown_link",
            Self::Impossible { .. } => "impossible_toxic",
            Self::NamedTwice(_) => "toxic_named_twice",
            Self::NotLoopback(_) => "not_loopback",
            Self::LinkTaken(_) => "link_taken",
            Self::NoPort { .. } => "no_port",
            Self::NoTtl => "invalid_ttl",
            Self::Malformed(_) => "malformed_json",
            Self::UnknownPath => "unknown_path",
            Self::UnknownMethod => "method_not_allowed",
        }
    }

    /// The HTTP status.
    pub(super) const fn status(&self) -> u16 {
        match self {
            Self::UnknownLink(_)
            | Self::Impossible { .. }
            | Self::NamedTwice(_)
            | Self::NotLoopback(_)
            | Self::NoTtl => 422,
            Self::LinkTaken(_) | Self::NoPort { .. } => 409,
            Self::Malformed(_) => 400,
            Self::UnknownPath => 404,
            Self::UnknownMethod => 405,
        }
    }
}

/// Why a link of this kind cannot do this toxic in this direction; none where it can.
#[must_use]
pub fn impossible(kind: LinkKind, direction: Direction, toxic: &Toxic) -> Option<String> {
    let why = match toxic {
        Toxic::Bytes(spec) => bytes_impossible(direction, spec)?,
        Toxic::Protocol(_) if direction != Direction::Both => "a request has no direction, leave it out",
        Toxic::Protocol(ProtocolToxic::Answer { .. }) if kind != LinkKind::Http => "only http links know requests",
        Toxic::Protocol(ProtocolToxic::Answer { path, .. }) if !path.starts_with('/') => "a path begins with /",
        Toxic::Protocol(ProtocolToxic::Answer { status, .. }) if !(200..=599).contains(status) => {
            "a status is from 200 to 599"
        }
        Toxic::Protocol(ProtocolToxic::Statement { .. }) if kind != LinkKind::Pgwire => {
            "only pgwire links know statements"
        }
        Toxic::Protocol(ProtocolToxic::Statement { share, .. }) if !(0.0..=1.0).contains(share) => {
            "a share is from 0 to 1"
        }
        Toxic::Protocol(_) => return None,
    };
    Some(why.to_owned())
}

fn bytes_impossible(direction: Direction, spec: &ToxicSpec) -> Option<&'static str> {
    match spec {
        ToxicSpec::Bandwidth { bytes_per_s: 0 } => Some("no bytes a second is a stall"),
        ToxicSpec::Latency { ms, jitter_ms } if (*ms).max(*jitter_ms) > LONGEST_MS => Some("a day is the longest"),
        ToxicSpec::SlowClose { ms } | ToxicSpec::Reset { after_ms: ms } if *ms > LONGEST_MS => {
            Some("a day is the longest")
        }
        ToxicSpec::Reset { .. } | ToxicSpec::Refuse if direction != Direction::Both => {
            Some("a connection is reset or refused as a whole, leave the direction out")
        }
        ToxicSpec::HalfOpen if direction == Direction::Both => {
            Some("one end goes: direction up takes the client away, down the server")
        }
        ToxicSpec::Latency { .. }
        | ToxicSpec::Bandwidth { .. }
        | ToxicSpec::Stall
        | ToxicSpec::Blackhole
        | ToxicSpec::Reset { .. }
        | ToxicSpec::Refuse
        | ToxicSpec::HalfOpen
        | ToxicSpec::SlowClose { .. } => None,
    }
}
