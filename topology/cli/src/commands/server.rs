//! Asking a scheduler: the connection, and what its refusals mean to the caller.

use std::future::Future;
use std::time::Duration;

use anyhow::Context as _;
use scheduler_client::{Client, Config, Error, Limits};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::cli::ServerArgs;
use crate::exit::Stop;

/// Schedulers that can be asked.
pub(super) struct Server {
    runtime: Runtime,
    /// True as soon as Ctrl-C or SIGTERM came.
    aborted: watch::Receiver<bool>,
    pub(super) client: Client,
}

impl Server {
    pub(super) fn new(args: &ServerArgs) -> anyhow::Result<Self> {
        // Somebody waits at a terminal.
        let limits = Limits { overall: Duration::from_secs(10), ..Limits::default() };
        let config = Config::new(args.server.clone()).token(args.token.clone()).limits(limits);
        let client = Client::new(&config).map_err(|error| Stop::usage(error.to_string()))?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let aborted = runtime.block_on(async { signals() }).context("cannot listen to signals")?;
        Ok(Self { runtime, aborted, client })
    }

    /// The answer, or what the scheduler had against it; or the end of the command by a signal.
    pub(super) fn ask<T>(&self, call: impl Future<Output = Result<T, Error>>) -> anyhow::Result<Result<T, Error>> {
        let mut aborted = self.aborted.clone();
        self.runtime.block_on(async {
            tokio::select! {
                // What is done is done, also where a signal came with it.
                biased;
                answer = call => Ok(answer),
                _ = aborted.wait_for(|aborted| *aborted) => {
                    Err(Stop::aborted("aborted: what was asked for may have been done; `topology status` shows what is in force"))
                }
            }
        })
    }

    /// The answer, or the end of the command.
    pub(super) fn get<T>(&self, call: impl Future<Output = Result<T, Error>>) -> anyhow::Result<T> {
        self.ask(call)?.map_err(|error| stop(&error))
    }
}

/// From now on signals are noted, and end the process no longer by themselves.
fn signals() -> std::io::Result<watch::Receiver<bool>> {
    let (sender, receiver) = watch::channel(false);
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        sender.send_replace(true);
    });
    Ok(receiver)
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
