//! Carries out one undo, knowing nothing of the run but what is written down.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use scheduler_client::local::Process;
use scheduler_client::wire::RegionControl;
use scheduler_client::{Client, Config, Limits};
use sql::local::LocalServer;
use topology::RegionName;

use super::Undo;
use crate::{command, http};

/// Bounds of a call to a scheduler; whoever undoes tries again.
const LIMITS: Limits = Limits {
    attempt: Duration::from_secs(5),
    overall: Duration::from_secs(10),
    tries: 6,
    pause: Duration::from_millis(50),
    pause_max: Duration::from_secs(2),
};

/// Why an undo could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The process could not be told to go on.
    #[error("could not continue process {pid}")]
    Continue {
        /// Its id.
        pid: i32,
        /// Why.
        #[source]
        source: nix::errno::Errno,
    },
    /// What is written down names no region.
    #[error("{0:?} is no region")]
    Region(String),
    /// No scheduler uncordoned the region.
    #[error("could not uncordon {region}")]
    Uncordon {
        /// The region.
        region: String,
        /// Why.
        #[source]
        source: scheduler_client::Error,
    },
    /// The fault proxy could not be asked.
    #[error("could not ask the fault proxy at {control}")]
    Proxy {
        /// Its control address.
        control: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The fault proxy refused.
    #[error("the fault proxy at {control} answered {status}")]
    ProxyRefused {
        /// Its control address.
        control: String,
        /// Its answer.
        status: u16,
    },
    /// The database server did not end, or its data could not be deleted.
    #[error("could not end the drill's database on port {port}")]
    Database {
        /// Its port.
        port: u16,
        /// Why.
        #[source]
        source: sql::local::Error,
    },
    /// The nodes of the database cluster did not end, or their stores could not be removed.
    #[error("could not end the drill's database nodes")]
    Nodes(#[from] super::nodes::Error),
    /// The command failed.
    #[error("could not undo what was done to {target}")]
    Command {
        /// What it was done to.
        target: String,
        /// Why.
        #[source]
        source: command::Error,
    },
}

/// Carries out one undo. Doing it twice is as good as once. `token` is an operator's, where schedulers want one.
///
/// # Errors
/// See [`Error`].
pub async fn carry_out(undo: &Undo, token: Option<&str>) -> Result<(), Error> {
    match undo {
        Undo::Continue { pid, began } => go_on(*pid, began.as_deref()),
        Undo::Uncordon { schedulers, region } => uncordon(schedulers, region, token).await,
        Undo::Toxics { control, owner } => drop_toxics(control, owner).await,
        Undo::Database { port } => {
            let server = LocalServer::for_world(*port);
            let removed = tokio::task::spawn_blocking(move || server.remove()).await;
            removed.expect("the removal does not panic").map_err(|source| Error::Database { port: *port, source })
        }
        Undo::Nodes { folder } => Ok(super::nodes::end(folder).await?),
        Undo::Command { target, argv, timeout_ms } => {
            let ran = command::run_well(argv, Duration::from_millis(*timeout_ms)).await;
            ran.map(drop).map_err(|source| Error::Command { target: target.clone(), source })
        }
    }
}

fn go_on(pid: i32, began: Option<&str>) -> Result<(), Error> {
    if !(Process { pid, began: began.map(str::to_owned) }).runs() {
        return Ok(());
    }
    kill(Pid::from_raw(pid), Signal::SIGCONT).map_err(|source| Error::Continue { pid, source })
}

async fn uncordon(schedulers: &[String], region: &str, token: Option<&str>) -> Result<(), Error> {
    let name: RegionName = region.parse().map_err(|_| Error::Region(region.to_owned()))?;
    let config = Config::new(schedulers.iter().cloned()).token(token.map(str::to_owned)).limits(LIMITS);
    let body = RegionControl { reason: "a drill is undone".to_owned(), deadline_ms: None };
    let uncordoned = async { Client::new(&config)?.uncordon(&name, &body).await };
    uncordoned.await.map(drop).map_err(|source| Error::Uncordon { region: region.to_owned(), source })
}

async fn drop_toxics(control: &str, owner: &str) -> Result<(), Error> {
    match http::delete(&format!("{}/toxics/{owner}", control.trim_end_matches('/'))).await {
        Ok(status) if (200..300).contains(&status) => Ok(()),
        Ok(status) => Err(Error::ProxyRefused { control: control.to_owned(), status }),
        // A proxy that is not there any more has nothing in it.
        Err(error) if error.is_connect() && !error.is_timeout() => Ok(()),
        Err(source) => Err(Error::Proxy { control: control.to_owned(), source }),
    }
}
