//! How the client commands reach a scheduler.

use scheduler_client::{Client, Config, Limits};

/// Which scheduler to ask, and as whom.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Remote {
    /// Scheduler to ask, repeated in order of distance
    #[arg(long = "server", env = "MERIDIAN_SERVER", value_delimiter = ',', default_value = "http://127.0.0.1:7700")]
    servers: Vec<String>,
    /// Bearer token
    #[arg(long, env = "MERIDIAN_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

impl Remote {
    /// A client with limits for somebody who waits at a terminal.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        let limits = Limits { overall: std::time::Duration::from_secs(10), ..Limits::default() };
        Ok(Client::new(&Config::new(self.servers.iter().cloned()).token(self.token.clone()).limits(limits))?)
    }
}
