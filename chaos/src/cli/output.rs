//! The one writer of the program, and how its commands end.

use std::io::Write;
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Serialize;

/// Exit codes, told at the end of `--help`.
pub(super) const EXIT_CODES: &str = "Exit codes: 0 all held, 1 a finding (a refused file, a drill that deviated or \
proves nothing), 2 wrong usage, 3 unreachable or refused, 4 aborted, 5 the tool itself broke";

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// For programs: one JSON document.
    Json,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Did what was asked, and it held.
    Ok,
    /// Found something.
    Finding,
    /// Was called wrongly.
    Usage,
    /// Could not reach something, or was refused.
    Refused,
    /// Was broken off, and undid what it had done.
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
pub(super) struct Stop {
    exit: Exit,
    message: String,
}

impl Stop {
    /// The command was called wrongly.
    pub(super) fn usage(message: impl Into<String>) -> anyhow::Error {
        Self { exit: Exit::Usage, message: message.into() }.into()
    }

    /// Something is in the way, and nothing was done.
    pub(super) fn refused(message: impl Into<String>) -> anyhow::Error {
        Self { exit: Exit::Refused, message: message.into() }.into()
    }
}

/// Where a command writes.
pub(super) struct Output {
    format: Format,
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
}

impl Output {
    /// The process's own streams.
    pub(super) fn stdio(format: Format) -> Self {
        Self { format, out: Box::new(std::io::stdout()), err: Box::new(std::io::stderr()) }
    }

    /// A result: the value as JSON, or its text.
    pub(super) fn result<T: Serialize>(&mut self, value: &T, text: impl FnOnce() -> String) -> anyhow::Result<()> {
        let text = match self.format {
            Format::Json => serde_json::to_string_pretty(value)?,
            Format::Text => text(),
        };
        Ok(writeln!(self.out, "{}", text.trim_end_matches('\n'))?)
    }

    /// A remark that is no result.
    pub(super) fn note(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(writeln!(self.err, "{}", text.trim_end_matches('\n'))?)
    }
}

/// Says what went wrong and chooses the exit code.
pub(super) fn report(error: &anyhow::Error, output: &mut Output) -> Exit {
    let line = match output.format {
        Format::Json => serde_json::json!({ "error": format!("{error:#}") }).to_string(),
        Format::Text => format!("error: {error:#}"),
    };
    // Nobody is left to hear that standard error is gone.
    let _ = writeln!(output.err, "{line}");
    error.downcast_ref::<Stop>().map_or(Exit::Broken, |stop| stop.exit)
}

/// Prints clap's own message: help and version are no mistakes.
pub(super) fn of_clap(error: &clap::Error) -> ExitCode {
    let exit = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
    if error.print().is_err() {
        return Exit::Broken.into();
    }
    exit.into()
}
