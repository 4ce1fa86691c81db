//! A relay between a test and the database, which can be made to fail.

use std::net::SocketAddr;
use std::time::Duration;

/// What the relay does with traffic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// Everything passes.
    Pass,
    /// Connections are accepted, nothing is answered any more.
    Hang,
    /// Connections are refused, open ones are cut.
    Refuse,
    /// The server's answers come late by this time.
    Delay(Duration),
    /// The next statement of this name reaches the server; its answer is swallowed when it is complete and the
    /// connection is cut. After that the relay passes again.
    CutAfter(String),
}

/// A relay on a port of its own.
pub struct Relay {}

impl Relay {
    /// Starts a relay to `target`.
    ///
    /// # Panics
    /// When no port can be bound.
    pub async fn start(target: SocketAddr) -> Self {
        let _ = target;
        todo!()
    }

    /// Starts a relay to the server of a database URL and returns it with the URL that leads through it.
    ///
    /// # Panics
    /// When the URL has no host and port, or no port can be bound.
    pub async fn to_url(url: &str) -> (Self, String) {
        let _ = url;
        todo!()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        todo!()
    }

    /// Changes what it does, at once and for open connections too.
    pub fn set(&self, mode: Mode) {
        let _ = mode;
        todo!()
    }

    /// How often a connection was cut by [`Mode::CutAfter`].
    #[must_use]
    pub fn cuts(&self) -> u64 {
        todo!()
    }
}
