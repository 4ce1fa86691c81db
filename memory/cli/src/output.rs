//! What is printed, and how a command ends.

use std::io::Write as _;
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Serialize;

/// Exit codes, told at the end of `--help`.
pub(crate) const EXIT_CODES: &str = "Exit codes: 0 ok, 1 a finding (a line that was refused, an audit that found \
something), 2 wrong usage, 3 unreachable or refused, 4 aborted by Ctrl-C or SIGTERM, 5 the tool itself broke";

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs: one JSON document.
    Json,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Did what was asked.
    Ok,
    /// Found something.
    Finding,
    /// Was called wrongly.
    Usage,
    /// Could not reach something, or was refused.
    Refused,
    /// Ctrl-C or SIGTERM ended it.
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
}

impl Stop {
    /// The command was called wrongly.
    pub(crate) fn usage(message: impl Into<String>) -> anyhow::Error {
        Self { exit: Exit::Usage, message: message.into() }.into()
    }

    /// Something could not be reached, or refused.
    pub(crate) fn refused(message: impl Into<String>) -> anyhow::Error {
        Self { exit: Exit::Refused, message: message.into() }.into()
    }
}

/// A result: the value as JSON, or its text.
pub(crate) fn result<T: Serialize>(format: Format, value: &T, text: impl FnOnce() -> String) -> anyhow::Result<()> {
    let text = match format {
        Format::Json => serde_json::to_string_pretty(value)?,
        Format::Text => text(),
    };
    Ok(writeln!(std::io::stdout().lock(), "{}", text.trim_end_matches('\n'))?)
}

/// A remark that is no result.
pub(crate) fn note(text: &str) {
    // Nobody is left to hear that standard error is gone.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Says what went wrong and chooses the exit code.
pub(crate) fn report(error: &anyhow::Error, format: Format) -> Exit {
    // A closed pipe (`memory export | head`) is the reader's wish, not a fault.
    let closed = error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    });
    if closed {
        return Exit::Ok;
    }
    match format {
        Format::Json => note(&serde_json::json!({ "error": format!("{error:#}") }).to_string()),
        Format::Text => note(&format!("error: {error:#}")),
    }
    error.downcast_ref::<Stop>().map_or(Exit::Broken, |stop| stop.exit)
}
