//! Exit codes, the same for every program of Meridian, and how an error becomes one.

use std::process::ExitCode;

use crate::output::Output;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Did what was asked.
    Ok,
    /// Found something: a refused file, a difference that was asked for.
    Finding,
    /// Was called wrongly.
    Usage,
    /// Could not reach the server, or was refused by it.
    Refused,
    /// Ctrl-C or SIGTERM came first.
    Aborted,
    /// The tool itself broke.
    Broken,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Ok => 0,
            Exit::Finding => 1,
            Exit::Usage => 2,
            Exit::Refused => 3,
            Exit::Aborted => 4,
            Exit::Broken => 5,
        })
    }
}

/// An error that knows its exit code.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Stop {
    exit: Exit,
    message: String,
    problem: Option<serde_json::Value>,
}

impl Stop {
    /// The command was called wrongly.
    pub(crate) fn usage(message: impl Into<String>) -> anyhow::Error {
        Self { exit: Exit::Usage, message: message.into(), problem: None }.into()
    }

    /// What was looked at is not good.
    pub(crate) fn finding(message: impl Into<String>) -> anyhow::Error {
        Self { exit: Exit::Finding, message: message.into(), problem: None }.into()
    }

    /// A signal ended the command while it waited.
    pub(crate) fn aborted(message: impl Into<String>) -> anyhow::Error {
        Self { exit: Exit::Aborted, message: message.into(), problem: None }.into()
    }

    /// The server could not be reached, or refused; `problem` is what it answered.
    pub(crate) fn refused(message: impl Into<String>, problem: Option<serde_json::Value>) -> anyhow::Error {
        Self { exit: Exit::Refused, message: message.into(), problem }.into()
    }
}

/// Says what went wrong and chooses the exit code.
pub(crate) fn report(error: &anyhow::Error, output: &mut Output) -> Exit {
    // A closed pipe (`topology schema | head`) is the reader's wish, not a fault.
    let closed = error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    });
    if closed {
        return Exit::Ok;
    }
    let stop = error.downcast_ref::<Stop>();
    output.failure(error, stop.and_then(|stop| stop.problem.as_ref()));
    stop.map_or(Exit::Broken, |stop| stop.exit)
}

/// Prints clap's own message: help and version are no mistakes.
pub(crate) fn of_clap(error: &clap::Error) -> ExitCode {
    let exit = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
    if error.print().is_err() {
        return Exit::Broken.into();
    }
    exit.into()
}
