//! The one writer of everything that commands print.

use std::io::{IsTerminal as _, Write as _};

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use scheduler_client::wire::Problem;
use serde::Serialize;
use serde_json::json;

use super::Failure;

/// How answers look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// Tables for people.
    #[default]
    Table,
    /// JSON for programs.
    Json,
}

/// Where answers go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    format: Format,
}

impl Output {
    pub(crate) const fn new(format: Format) -> Self {
        Self { format }
    }

    /// Prints an answer: as JSON, or as what `people` makes of it.
    pub(crate) fn answer<T: Serialize>(&self, value: &T, people: impl FnOnce(&T) -> String) -> anyhow::Result<()> {
        match self.format {
            Format::Json => self.raw(&format!("{}\n", serde_json::to_string_pretty(value)?)),
            Format::Table => {
                let text = people(value);
                self.raw(if text.ends_with('\n') { text } else { format!("{text}\n") }.as_str())
            }
        }
    }

    /// One line of a stream: the JSON object, or the text.
    pub(crate) fn line(&self, value: &serde_json::Value, people: &str) -> anyhow::Result<()> {
        match self.format {
            Format::Json => self.raw(&format!("{value}\n")),
            Format::Table => self.raw(&format!("{people}\n")),
        }
    }

    /// A note for people; nothing where a program reads.
    pub(crate) fn note(&self, text: &str) -> anyhow::Result<()> {
        match self.format {
            Format::Json => Ok(()),
            Format::Table => self.raw(&format!("{text}\n")),
        }
    }

    /// Text as it is. A reader that went away (`| head`) is no failure.
    pub(crate) fn raw(&self, text: &str) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Whether progress bars make sense.
    pub(crate) fn is_terminal(&self) -> bool {
        self.format == Format::Table && std::io::stderr().is_terminal()
    }

    /// Says why a command failed, with all causes.
    pub(crate) fn failed(&self, error: &anyhow::Error, failure: Failure) {
        let problem = error.chain().find_map(|cause| cause.downcast_ref::<scheduler_client::Error>()?.problem());
        let text = match self.format {
            Format::Table => format!("scheduler: {error:#}{}\n", hint(problem)),
            Format::Json => {
                let code = problem.map(|problem| &problem.code);
                let told = format!("{error:#}");
                format!("{}\n", json!({ "error": told, "code": code, "exit": failure as u8, "problem": problem }))
            }
        };
        // Nobody is left to tell.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }
}

/// The nearest names that exist, and where the input is wrong.
fn hint(problem: Option<&Problem>) -> String {
    let Some(problem) = problem else { return String::new() };
    let mut text = problem.pointer.as_ref().map(|at| format!(" (at {at})")).unwrap_or_default();
    let nearest = problem.extra.as_ref().and_then(|extra| extra.get("nearest")?.as_array());
    let names: Vec<&str> = nearest.into_iter().flatten().filter_map(serde_json::Value::as_str).collect();
    if !names.is_empty() {
        text.push_str(&format!("; did you mean {}?", names.join(", ")));
    }
    text
}

/// A table with a head, without lines. Never folded: a terminal does that better than letters one below the other.
pub(crate) fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled).set_header(head);
    for row in rows {
        table.add_row(row);
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_head_and_rows() {
        let text = table(&["REGION", "SLOTS"], [vec!["us-west".to_owned(), "5".to_owned()]]);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines, [["REGION", "SLOTS"], ["us-west", "5"]]);
    }
}
