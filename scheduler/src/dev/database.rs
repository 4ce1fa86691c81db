//! The database of a local world: the one that `DATABASE_URL` names, else a server of its own.

use anyhow::Context as _;
use sql::local::LocalServer;
use tokio::task::spawn_blocking;

use super::ports::Ports;
use crate::cli::Stop;

/// Connections that the server offers: those of a scheduler for each of many regions, and a few for people.
const CONNECTIONS: u16 = 500;

/// A database that answers.
#[derive(Debug)]
pub(super) struct Database {
    url: String,
    server: Option<LocalServer>,
}

impl Database {
    /// Starts it, or takes what `DATABASE_URL` names.
    pub(super) async fn start(ports: Ports) -> anyhow::Result<Self> {
        if let Some(url) = std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty()) {
            return Ok(Self { url, server: None });
        }
        let server = LocalServer::for_world(ports.database()).connections(CONNECTIONS);
        let starting = server.clone();
        let start = move || (starting.is_running(), starting.start());
        let (ran, started) = spawn_blocking(start).await.context("the start of the database was cut short")?;
        let url = started.map_err(|error| Stop::refused(format!("no database: {}", sql::local::chain(&error))))?;
        // What `make db` started is its to end.
        Ok(Self { url, server: (!ran).then_some(server) })
    }

    /// Where it is.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Ends a server that nobody looks after any more. False where none runs.
    pub(super) async fn stop_left_over(ports: Ports) -> anyhow::Result<bool> {
        let server = LocalServer::for_world(ports.database());
        let stopped = spawn_blocking(move || server.is_running() && server.stop().is_ok()).await;
        stopped.context("the end of the database was cut short")
    }

    /// The server's process, where it was started here.
    pub(super) fn server(&self) -> Option<i32> {
        self.server.as_ref().and_then(LocalServer::pid)
    }

    /// Deletes the local database.
    pub(super) async fn remove(ports: Ports) -> anyhow::Result<()> {
        let server = LocalServer::for_world(ports.database());
        let removed = spawn_blocking(move || server.remove()).await.context("the removal was cut short")?;
        removed.map_err(|error| Stop::refused(sql::local::chain(&error)).into())
    }

    /// Ends it, where it was started here.
    pub(super) async fn stop(self) {
        let Some(server) = self.server else { return };
        match spawn_blocking(move || server.stop()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(error = sql::local::chain(&error), "the database did not end in order"),
            Err(error) => tracing::warn!(%error, "the end of the database was cut short"),
        }
    }
}
