//! The one writer of the program: results to standard output, everything else to standard error.

use std::io::{IsTerminal as _, Write};

use clap::ValueEnum;
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;
use topology::config::Findings;

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[value(alias = "table")]
    Text,
    /// For programs: one JSON document.
    Json,
}

/// Where a command writes.
pub(crate) struct Output {
    format: Format,
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    color: bool,
}

impl Output {
    /// The process's own streams.
    pub(crate) fn stdio(format: Format) -> Self {
        let color = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { format, out: Box::new(std::io::stdout()), err: Box::new(std::io::stderr()), color }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// A result: the value as JSON, or its text.
    pub(crate) fn result<T: Serialize>(&mut self, value: &T, text: impl FnOnce() -> String) -> anyhow::Result<()> {
        if self.is_json() { self.json(value) } else { self.text(&text()) }
    }

    /// A JSON document, whatever the format.
    pub(crate) fn json<T: Serialize>(&mut self, value: &T) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(value)?;
        Ok(writeln!(self.out, "{text}")?)
    }

    /// Lines for a person, ended by a line break.
    pub(crate) fn text(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(writeln!(self.out, "{}", text.trim_end_matches('\n'))?)
    }

    /// A remark that is no result.
    pub(crate) fn note(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(writeln!(self.err, "{}", text.trim_end_matches('\n'))?)
    }

    /// Findings for a person, on standard error.
    pub(crate) fn findings(&mut self, findings: &Findings) -> anyhow::Result<()> {
        if findings.is_empty() {
            return Ok(());
        }
        let text = findings.render(self.color);
        Ok(write!(self.err, "{text}")?)
    }

    /// The last word of a command that failed, with what a server answered.
    pub(crate) fn failure(&mut self, error: &anyhow::Error, problem: Option<&serde_json::Value>) {
        let line = match (self.is_json(), problem) {
            (true, Some(problem)) => {
                serde_json::json!({ "error": format!("{error:#}"), "problem": problem }).to_string()
            }
            (true, None) => serde_json::json!({ "error": format!("{error:#}") }).to_string(),
            (false, _) => format!("error: {error:#}"),
        };
        // Nobody is left to hear that standard error is gone.
        let _ = writeln!(self.err, "{line}");
    }
}

/// Columns for a person: no lines, two spaces between, numbers as they are.
pub(crate) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled).set_header(header.to_vec());
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}
