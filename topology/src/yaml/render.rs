//! A finding with the lines around its place.

use std::fmt;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan};

use super::finding::{Finding, Severity};
use super::source::Source;

/// Longest line that is shown, in bytes. A file of one line of a megabyte would be shown once for each finding.
const LINE_MAX: usize = 400;

/// Appends each finding, with the lines around its place, to one text.
pub(super) fn render(findings: &[Finding], source: &Source, color: bool) -> String {
    let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(120).with_links(false);
    let mut out = String::new();
    for finding in findings {
        let shown = Shown { finding, source };
        let drawn = !has_long_line(finding, source) && handler.render_report(&mut out, &shown).is_ok();
        if !drawn {
            let hint = finding.hint.as_deref().map(|hint| format!("\n  help: {hint}")).unwrap_or_default();
            out.push_str(&format!("{finding}{hint}\n"));
        }
        out.push('\n');
    }
    out
}

/// Whether the lines around a finding are too long to be shown.
fn has_long_line(finding: &Finding, source: &Source) -> bool {
    (finding.line.saturating_sub(1)..=finding.line + 1).any(|line| source.line_len(line) > LINE_MAX)
}

/// A finding as miette wants to see it.
#[derive(Debug)]
struct Shown<'a> {
    finding: &'a Finding,
    source: &'a Source,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.finding.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn code<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        Some(Box::new(self.finding.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.finding.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        self.finding.hint.as_ref().map(|hint| Box::new(hint) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(self)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.finding.span;
        Some(Box::new(std::iter::once(LabeledSpan::underline(span.range()))))
    }
}

impl miette::SourceCode for Shown<'_> {
    fn read_span<'b>(
        &'b self,
        span: &miette::SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn miette::SpanContents<'b> + 'b>, miette::MietteError> {
        let inner = self.source.text.as_str().read_span(span, before, after)?;
        Ok(Box::new(miette::MietteSpanContents::new_named(
            self.source.file.clone(),
            inner.data(),
            *inner.span(),
            inner.line(),
            inner.column(),
            inner.line_count(),
        )))
    }
}
