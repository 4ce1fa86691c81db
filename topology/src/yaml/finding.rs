//! What validation has to say: a stable code, a place, a message and a hint.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::code::Code;
use super::render;
use super::source::{Source, Span};

/// Longest offending text that a finding repeats, in characters.
const TEXT_MAX: usize = 80;

/// Most errors and most warnings that are kept: a file of a megabyte can be wrong in every line.
const MOST: usize = 200;

/// Whether a finding refuses the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Refuses it.
    Error,
    /// Lets it pass.
    Warning,
}

/// One thing that validation found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whether it refuses the file.
    pub severity: Severity,
    /// What kind it is.
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// The file's name as it was given.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// The offending text, shortened.
    pub text: String,
    /// What to do about it.
    pub hint: Option<String>,
    #[serde(skip)]
    pub(super) span: Span,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}: {}", self.file, self.line, self.column, self.code, self.message)
    }
}

/// All findings of one file, in the order of the text.
#[derive(Debug, Clone, Serialize)]
pub struct Findings {
    /// The findings.
    #[serde(rename = "findings")]
    list: Vec<Finding>,
    /// Errors and warnings that were found beyond those that are kept.
    #[serde(rename = "more", skip_serializing_if = "is_zero")]
    dropped: usize,
    #[serde(skip)]
    source: Arc<Source>,
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = self.errors().count();
        let warnings = self.list.len() - errors;
        write!(f, "{}: {errors} {}", self.source.file, plural(errors, "error"))?;
        if warnings > 0 {
            write!(f, ", {warnings} {}", plural(warnings, "warning"))?;
        }
        if self.dropped > 0 {
            write!(f, ", {} more", self.dropped)?;
        }
        Ok(())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}

impl std::error::Error for Findings {}

impl Findings {
    pub(super) fn new(source: Arc<Source>) -> Self {
        Self { list: Vec::new(), dropped: 0, source }
    }

    /// The findings in the order of the text.
    #[must_use]
    pub fn list(&self) -> &[Finding] {
        &self.list
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Those that refuse the file.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.list.iter().filter(|finding| finding.severity == Severity::Error)
    }

    /// The findings as `{"findings":[..]}`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("findings hold texts and numbers only")
    }

    /// The findings for a person: each with the lines around its place.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        render::render(&self.list, &self.source, color)
    }

    pub(super) fn push(&mut self, severity: Severity, code: Code, span: Span, message: String, hint: Option<String>) {
        // Each severity has its own bound, so that warnings never push out an error.
        if self.list.iter().filter(|finding| finding.severity == severity).count() >= MOST {
            self.dropped += 1;
            return;
        }
        let span = self.source.clamp(span);
        let (line, column) = self.source.place(span.start);
        let text = shortened(self.source.slice(span));
        let file = self.source.file.clone();
        self.list.push(Finding { severity, code, message, file, line, column, text, hint, span });
    }

    /// Puts the findings into the order of the text; those of one place stay as they were found.
    pub(super) fn sort(&mut self) {
        self.list.sort_by_key(|finding| (finding.span.start, finding.severity));
    }
}

/// The first line of a text, with control characters made visible.
pub fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim_end();
    let mut shown = String::new();
    for c in line.chars().take(TEXT_MAX) {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    if line.chars().nth(TEXT_MAX).is_some() { shown + "..." } else { shown }
}
