//! PostgreSQL: one server for all regions, durable, which can crash.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use sql::local::LocalServer;
use tokio::task::spawn_blocking;

/// Connections that the server offers: a world's schedulers, and those who look at it.
const CONNECTIONS: u16 = 300;
/// How long a recovered server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running server.
#[derive(Debug)]
pub(crate) struct Postgres {
    server: LocalServer,
    port: u16,
    url: String,
}

impl Postgres {
    /// Starts an empty server on a port.
    pub(super) async fn start(port: u16) -> anyhow::Result<Self> {
        let server = LocalServer::for_world(port).connections(CONNECTIONS);
        let url = blocking(&server, |server| {
            // What an earlier run left under this port is nobody's any more.
            server.remove()?;
            server.start()
        })
        .await
        .context("no database for the drill's world")?;
        Ok(Self { server, port, url })
    }

    /// Where it is.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Its URL by another way that leads to it.
    pub(super) fn url_through(&self, at: SocketAddr) -> String {
        self.url.replacen(&format!("127.0.0.1:{}", self.port), &at.to_string(), 1)
    }

    /// Its port.
    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Ends it as a crash would.
    pub(super) async fn crash(&self) -> anyhow::Result<()> {
        blocking(&self.server, |server| server.crash().map(drop)).await.context("the database did not crash")
    }

    /// Starts it again unless it runs, and waits until it answers.
    pub(super) async fn revive(&self) -> anyhow::Result<()> {
        blocking(&self.server, |server| server.start().map(drop)).await.context("the database did not come back")?;
        let answers = super::wait_for_answer(&self.url, PATIENCE).await;
        answers.then_some(()).context("the database came back and does not answer")
    }
}

/// Ends the server of a port and deletes its data.
pub(super) async fn remove(port: u16) -> anyhow::Result<()> {
    let server = LocalServer::for_world(port);
    blocking(&server, LocalServer::remove).await.context("the drill's database was not removed")
}

async fn blocking<T: Send + 'static>(
    server: &LocalServer,
    call: impl FnOnce(&LocalServer) -> Result<T, sql::local::Error> + Send + 'static,
) -> anyhow::Result<T> {
    let server = server.clone();
    Ok(spawn_blocking(move || call(&server)).await??)
}
