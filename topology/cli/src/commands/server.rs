//! Asking a scheduler: the connection, and what its refusals mean to the caller.

use std::future::Future;
use std::time::Duration;

use scheduler_client::{Client, Config, Error, Limits};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::cli::ServerArgs;
use crate::exit::Stop;

/// Schedulers that can be asked.
pub(super) struct Server {
    runtime: Runtime,
    pub(super) client: Client,
}

impl Server {
    pub(super) fn new(args: &ServerArgs) -> anyhow::Result<Self> {
        // Somebody waits at a terminal.
        let limits = Limits { overall: Duration::from_secs(10), ..Limits::default() };
        let config = Config::new(args.server.clone()).token(args.token.clone()).limits(limits);
        let client = Client::new(&config).map_err(|error| Stop::usage(error.to_string()))?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, client })
    }

    /// The answer, or what the scheduler had against it.
    pub(super) fn ask<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.runtime.block_on(call)
    }

    /// The answer, or the end of the command.
    pub(super) fn get<T>(&self, call: impl Future<Output = Result<T, Error>>) -> anyhow::Result<T> {
        self.ask(call).map_err(|error| stop(&error))
    }
}

/// The error as the end of the command: with its causes, and with the problem for programs.
pub(super) fn stop(error: &Error) -> anyhow::Error {
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    let problem = error.problem().and_then(|problem| serde_json::to_value(problem).ok());
    Stop::refused(message, problem)
}

/// What a refusal says beside its text.
pub(super) fn extra<'a>(error: &'a Error, key: &str) -> Option<&'a Value> {
    error.problem()?.extra.as_ref()?.get(key)
}
