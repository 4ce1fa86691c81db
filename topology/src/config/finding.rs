//! What validation has to say: a stable code, a place, a message and a hint.

use std::fmt;
use std::sync::Arc;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan};
use serde::{Serialize, Serializer};

use super::source::{Source, Span};

/// Longest offending text that a finding repeats, in characters.
const TEXT_MAX: usize = 80;

/// Most errors and most warnings that are kept: a file of a megabyte can be wrong in every line.
const MOST: usize = 200;

/// The registry of codes.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)+) => {
        /// What kind of finding it is; its text is stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)+
        }

        impl Code {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The stable text.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

codes! {
    /// The text is no YAML.
    Syntax = "syntax";
    /// The file is larger than is read.
    TooLarge = "too_large";
    /// More lists in lists than is read.
    TooDeep = "too_deep";
    /// More entries or characters than one block may have.
    TooMany = "too_many";
    /// NUL or another control character.
    ControlCharacter = "control_character";
    /// An anchor, alias, tag or second document.
    YamlFeature = "yaml_feature";
    /// Nothing is written.
    Empty = "empty";
    /// A key that a block does not have.
    UnknownKey = "unknown_key";
    /// A key that is written twice in one block.
    DuplicateKey = "duplicate_key";
    /// A key that a block must have.
    MissingKey = "missing_key";
    /// A list where a text was wanted, or the like.
    WrongType = "wrong_type";
    /// A text of the right type that means nothing.
    InvalidValue = "invalid_value";
    /// A text that is not fit as a name.
    InvalidName = "invalid_name";
    /// A text that is no duration.
    InvalidDuration = "invalid_duration";
    /// A shorthand agent that cannot be read.
    InvalidAgent = "invalid_agent";
    /// A number outside its bounds.
    OutOfRange = "out_of_range";
    /// A version of the file that this program does not know.
    UnknownVersion = "unknown_version";
    /// A cloud that the catalogue does not know.
    UnknownProvider = "unknown_provider";
    /// A cloud region that the catalogue does not know.
    UnknownCloudRegion = "unknown_cloud_region";
    /// A region that the file does not have.
    UnknownRegion = "unknown_region";
    /// A database region that the cluster's cloud does not have.
    UnknownDatabaseRegion = "unknown_database_region";
    /// A name that is used twice.
    DuplicateName = "duplicate_name";
    /// A specialization twice in one region.
    DuplicatePool = "duplicate_pool";
    /// Replicas of a specialization that has no primary.
    ReplicaWithoutPrimary = "replica_without_primary";
    /// No pool at all.
    NoPools = "no_pools";
    /// A steering pool that is neither listed nor `<region>-pool` of a region.
    UnknownSteeringPool = "unknown_steering_pool";
    /// A load balancer's pool that belongs to no region.
    PoolWithoutRegion = "pool_without_region";
    /// An area of the world that steering does not know.
    UnknownArea = "unknown_area";
    /// A residency rule that allows no region.
    EmptyResidency = "empty_residency";
    /// A residency rule with a region whose rows would be homed outside its jurisdiction.
    ResidencyOutside = "residency_outside";
    /// A residency strength that the database block cannot give.
    ResidencyTooStrong = "residency_too_strong";
    /// Too few database regions for `survive: region`.
    TooFewDatabaseRegions = "too_few_database_regions";
    /// Two keys that exclude each other.
    Conflict = "conflict";
    /// Network ranges that overlap.
    OverlappingRanges = "overlapping_ranges";
    /// A session that ends before its third heartbeat, or a like pair of clocks.
    ClockOrder = "clock_order";
    /// A clock that the engine is too slow for.
    ClockTight = "clock_tight";
    /// A key whose effect is not built yet.
    NoEffectYet = "no_effect_yet";
    /// Something that works but is weaker than it may look.
    Weak = "weak";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

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
    span: Span,
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
    pub(crate) fn new(source: Arc<Source>) -> Self {
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
        let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_width(120).with_links(false);
        let mut out = String::new();
        for finding in &self.list {
            let shown = Shown { finding, source: &self.source };
            if handler.render_report(&mut out, &shown).is_err() {
                out.push_str(&finding.to_string());
            }
            out.push('\n');
        }
        out
    }

    pub(crate) fn push(&mut self, severity: Severity, code: Code, span: Span, message: String, hint: Option<String>) {
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

    /// Puts the findings into the order of the text.
    pub(crate) fn sort(&mut self) {
        self.list.sort_by_key(|finding| (finding.span.start, finding.severity, finding.code));
    }
}

/// The first line of a text, with control characters made visible.
pub(crate) fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim_end();
    let mut shown = String::new();
    for c in line.chars().take(TEXT_MAX) {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    if line.chars().nth(TEXT_MAX).is_some() { shown + "..." } else { shown }
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
