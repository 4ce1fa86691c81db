//! From nodes to typed values, with a finding for each that is not what was wanted.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use super::MAX_BYTES;
use super::code::Code;
use super::duration;
use super::finding::{Findings, Severity, shortened};
use super::scalar::{Kind, Scalar};
use super::source::{Source, Span};
use super::tree::{self, Entry, Node, Value};
use super::words::{name_like, one_of, shown};
use crate::catalogue::nearest;
use crate::ids::NameError;

/// Longest free text that is kept, in bytes.
const TEXT_MAX_BYTES: usize = 1000;

/// Errors that get a look for near names.
const HINTED: usize = 50;

/// A value and where it is written.
#[derive(Debug, Clone, Copy)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it is written.
    pub span: Span,
}

/// Collects the findings while the blocks are read.
pub struct Reader {
    source: Arc<Source>,
    /// What was found so far, in the order in which it was.
    pub findings: Findings,
    /// Names that were refused where they were given: what refers to one is no further mistake.
    pub unfit: BTreeSet<String>,
}

/// A hint, a hint that may be missing, or none.
pub trait Hint {
    /// The hint, where there is one.
    fn into_hint(self) -> Option<String>;
}

impl Hint for &str {
    fn into_hint(self) -> Option<String> {
        Some(self.to_owned())
    }
}

impl Hint for String {
    fn into_hint(self) -> Option<String> {
        Some(self)
    }
}

impl Hint for Option<String> {
    fn into_hint(self) -> Option<String> {
        self
    }
}

impl Reader {
    pub(super) fn new(source: Arc<Source>) -> Self {
        Self { findings: Findings::new(Arc::clone(&source)), source, unfit: BTreeSet::new() }
    }

    /// Opens a file: its one document, or none where it is refused whole. `file_name` is only for the findings, `begin`
    /// the hint for an empty file.
    #[must_use]
    pub fn open(text: &str, file_name: &str, begin: &str) -> (Self, Option<Node>) {
        let too_large = text.len() > MAX_BYTES;
        // The findings keep their text: of a file that is not read, only its beginning.
        let kept = if too_large { &text[..text.floor_char_boundary(80)] } else { text };
        let mut reader = Self::new(Arc::new(Source::new(file_name, kept)));
        if too_large {
            let message = format!("the file has {} bytes, at most {MAX_BYTES} are read", text.len());
            reader.error(Code::TOO_LARGE, Span::default(), message, None);
        }
        if too_large || !reader.printable() {
            return (reader, None);
        }
        let root = tree::read(&mut reader);
        if root.is_none() && reader.findings.is_empty() {
            reader.error(Code::EMPTY, Span::default(), "the file is empty", begin);
        }
        (reader, root)
    }

    /// Refuses control characters in the raw text, where the parser would stop at some of them in silence.
    fn printable(&mut self) -> bool {
        let source = self.source();
        let bad = source.text.char_indices().filter(|(_, c)| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
        let mut clean = true;
        for (start, c) in bad.take(10) {
            let message = format!("the character U+{:04X} may not be in the file", u32::from(c));
            self.error(Code::CONTROL_CHARACTER, Span { start, end: start + c.len_utf8() }, message, "remove it");
            clean = false;
        }
        clean
    }

    /// All findings, in the order of the text.
    #[must_use]
    pub fn finish(self) -> Findings {
        let mut findings = self.findings;
        findings.sort();
        findings
    }

    pub(super) fn source(&self) -> Arc<Source> {
        Arc::clone(&self.source)
    }

    /// Adds a finding that refuses the file.
    pub fn error(&mut self, code: Code, span: Span, message: impl Into<String>, hint: impl Hint) {
        self.findings.push(Severity::Error, code, span, message.into(), hint.into_hint());
    }

    /// Adds a finding that lets the file pass.
    pub fn warn(&mut self, code: Code, span: Span, message: impl Into<String>, hint: impl Hint) {
        self.findings.push(Severity::Warning, code, span, message.into(), hint.into_hint());
    }

    /// `did you mean ..?` for a text that looks like one or more of the candidates; none once there are so many errors
    /// that nobody would read it, for looking costs time.
    pub fn suggest<'a>(&self, text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
        if self.findings.errors().count() >= HINTED {
            return None;
        }
        let near: Vec<String> = nearest(text, candidates).into_iter().map(|name| format!("`{name}`")).collect();
        (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")))
    }

    /// What stands there.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.source.slice(span)
    }

    /// The line of a place, from 1.
    pub fn line(&self, span: Span) -> usize {
        self.source.line(span.start)
    }

    /// The key `version`, which may be missing: a program reads one version of a file.
    pub fn version(&mut self, fields: &Fields<'_>, read: u32) {
        let Some(node) = fields.get("version") else { return };
        let Some(version) = self.count(node, "version", 0..=u32::MAX) else { return };
        if version != read {
            let message = format!("this program reads version {read} of the file, not {version}");
            let hint = format!("write version: {read}, or leave it out");
            self.error(Code::UNKNOWN_VERSION, node.span, message, hint);
        }
    }

    /// A block with known keys. Keys that it does not have are findings; one that is a key misspelt is read as that
    /// key, so that one mistake is one finding.
    pub fn fields<'n>(&mut self, node: &'n Node, what: &str, keys: &'static [&'static str]) -> Option<Fields<'n>> {
        let entries = self.entries(node, what)?;
        let mut known: Vec<(&str, &Entry)> = Vec::with_capacity(entries.len());
        known.extend(entries.iter().map(|entry| (&*entry.key, entry)).filter(|(key, _)| keys.contains(key)));
        for entry in entries.iter().filter(|entry| !keys.contains(&&*entry.key)) {
            let message = format!("{what} has no key `{}`", shortened(&entry.key));
            let hint = self
                .suggest(&entry.key, keys.iter().copied())
                .unwrap_or_else(|| format!("its keys are {}", keys.join(", ")));
            self.error(Code::UNKNOWN_KEY, entry.key_span, message, hint);
            let meant = if self.findings.errors().count() >= HINTED {
                None
            } else {
                nearest(&entry.key, keys.iter().copied()).first().copied()
            };
            known.extend(meant.filter(|meant| known.iter().all(|(key, _)| key != meant)).map(|meant| (meant, entry)));
        }
        Some(Fields { span: node.span, entries: known })
    }

    /// A block with free keys.
    pub fn entries<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Entry]> {
        match &node.value {
            Value::Map(entries) => Some(entries),
            Value::Refused => None,
            Value::Scalar(_) | Value::List(_) => self.wrong(node, what, "a block of keys"),
        }
    }

    /// A list of at most so many entries.
    pub fn list<'n>(&mut self, node: &'n Node, what: &str, most: usize) -> Option<&'n [Node]> {
        match &node.value {
            Value::List(items) if items.len() > most => {
                let message = format!("{what} holds {} entries, at most {most} are read", items.len());
                self.error(Code::TOO_MANY, node.span, message, None);
                None
            }
            Value::List(items) => Some(items),
            Value::Refused => None,
            Value::Scalar(_) | Value::Map(_) => self.wrong(node, what, "a list"),
        }
    }

    /// A text. Numbers and the like must be quoted to be one.
    pub fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        let scalar = self.scalar(node, what, "a text")?;
        if scalar.kind() != Kind::Text {
            return self.wrong(node, what, "a text");
        }
        if scalar.text.len() > TEXT_MAX_BYTES {
            let message = format!("{what} has {} bytes, at most {TEXT_MAX_BYTES} are kept", scalar.text.len());
            self.error(Code::TOO_MANY, node.span, message, None);
            return None;
        }
        Some(&scalar.text)
    }

    /// A text that is not empty.
    pub fn words<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        let text = self.text(node, what)?;
        if text.trim().is_empty() {
            self.error(Code::INVALID_VALUE, node.span, format!("{what} is empty"), None);
            return None;
        }
        Some(text)
    }

    /// A name: a region, a specialization.
    pub fn name<T: FromStr<Err = NameError>>(&mut self, node: &Node, what: &str) -> Option<At<T>> {
        let text = self.text(node, what)?;
        self.name_in(text, node.span, what)
    }

    /// A name that is a part of a text, or a key.
    pub fn name_in<T: FromStr<Err = NameError>>(&mut self, text: &str, span: Span, what: &str) -> Option<At<T>> {
        match text.parse() {
            Ok(value) => Some(At { value, span }),
            Err(error) => {
                let hint = name_like(text).map(|name| format!("write `{name}`"));
                self.error(Code::INVALID_NAME, span, format!("{what} is no name: {error}"), hint);
                None
            }
        }
    }

    /// A whole number within bounds.
    pub fn count(&mut self, node: &Node, what: &str, bounds: RangeInclusive<u32>) -> Option<u32> {
        let scalar = self.scalar(node, what, "a whole number")?;
        self.count_in(&scalar.text, node.span, what, bounds, scalar.plain)
    }

    /// A whole number that is a part of a text. `number` says whether the text may be a number at all.
    pub fn count_in(
        &mut self,
        text: &str,
        span: Span,
        what: &str,
        bounds: RangeInclusive<u32>,
        number: bool,
    ) -> Option<u32> {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        if !number || digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let message = format!("{what} must be a whole number, not {}", shown(text, number));
            self.error(Code::WRONG_TYPE, span, message, None);
            return None;
        }
        let value = text.parse().ok().filter(|value| bounds.contains(value));
        if value.is_none() {
            let message = format!("{what} must be {} to {}, not {}", bounds.start(), bounds.end(), shortened(text));
            self.error(Code::OUT_OF_RANGE, span, message, None);
        }
        value
    }

    /// A number within bounds.
    pub fn number(&mut self, node: &Node, what: &str, bounds: RangeInclusive<f64>) -> Option<f64> {
        let scalar = self.scalar(node, what, "a number")?;
        let Some(value) = scalar.number() else { return self.wrong(node, what, "a number") };
        if bounds.contains(&value) {
            return Some(value);
        }
        let message = format!("{what} must be {} to {}, not {}", bounds.start(), bounds.end(), shortened(&scalar.text));
        self.error(Code::OUT_OF_RANGE, node.span, message, None);
        None
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, node: &Node, what: &str) -> Option<bool> {
        let scalar = self.scalar(node, what, "true or false")?;
        match (scalar.plain, &*scalar.text) {
            (true, "true" | "True" | "TRUE") => Some(true),
            (true, "false" | "False" | "FALSE") => Some(false),
            _ => self.wrong(node, what, "true or false"),
        }
    }

    /// A duration within bounds.
    pub fn duration(&mut self, node: &Node, what: &str, bounds: RangeInclusive<Duration>) -> Option<At<Duration>> {
        let scalar = self.scalar(node, what, "a duration")?;
        let Some(value) = duration::parse(&scalar.text) else {
            let message = format!("{what} must be a duration, not {}", shown(&scalar.text, scalar.plain));
            self.error(Code::INVALID_DURATION, node.span, message, "write a number with a unit: 500ms, 5s, 2m, 1h");
            return None;
        };
        if bounds.contains(&value) {
            return Some(At { value, span: node.span });
        }
        let (least, most) = (duration::show(*bounds.start()), duration::show(*bounds.end()));
        let message = format!("{what} must be {least} to {most}, not {}", shortened(&scalar.text));
        self.error(Code::OUT_OF_RANGE, node.span, message, None);
        None
    }

    /// One of a few words; letter case does not matter.
    pub fn choice<T: Copy>(
        &mut self,
        node: &Node,
        what: &str,
        all: &[T],
        word: impl Fn(T) -> &'static str,
    ) -> Option<At<T>> {
        let text = self.text(node, what)?;
        let found = all.iter().copied().find(|value| word(*value).eq_ignore_ascii_case(text));
        if let Some(value) = found {
            return Some(At { value, span: node.span });
        }
        let words: Vec<&str> = all.iter().map(|value| word(*value)).collect();
        let message = format!("{what} is {}, not `{}`", one_of(&words), shortened(text));
        let hint = self.suggest(text, words.iter().copied());
        self.error(Code::INVALID_VALUE, node.span, message, hint);
        None
    }

    fn scalar<'n>(&mut self, node: &'n Node, what: &str, wanted: &str) -> Option<&'n Scalar> {
        match &node.value {
            Value::Scalar(scalar) if scalar.kind() != Kind::Null => Some(scalar),
            Value::Refused => None,
            Value::Scalar(_) | Value::List(_) | Value::Map(_) => self.wrong(node, what, wanted),
        }
    }

    fn wrong<T>(&mut self, node: &Node, what: &str, wanted: &str) -> Option<T> {
        let (found, hint) = match &node.value {
            Value::Scalar(scalar) => match scalar.kind() {
                Kind::Null => ("nothing".to_owned(), None),
                Kind::Bool | Kind::Number if wanted == "a text" => (
                    shown(&scalar.text, true),
                    Some(format!("quotes make a text of it: \"{}\"", shortened(&scalar.text))),
                ),
                Kind::Bool | Kind::Number | Kind::Text => (shown(&scalar.text, scalar.plain), None),
            },
            Value::List(_) => ("a list".to_owned(), None),
            Value::Map(_) => ("a block of keys".to_owned(), None),
            Value::Refused => return None,
        };
        self.error(Code::WRONG_TYPE, node.span, format!("{what} must be {wanted}, not {found}"), hint);
        None
    }
}

/// A block whose keys were checked.
#[derive(Debug)]
pub struct Fields<'n> {
    /// Where the block is.
    pub span: Span,
    entries: Vec<(&'n str, &'n Entry)>,
}

impl<'n> Fields<'n> {
    /// A key with its value.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|(name, _)| *name == key).map(|(_, entry)| *entry)
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value of a key that must be there.
    pub fn required(&self, reader: &mut Reader, key: &str, what: &str) -> Option<&'n Node> {
        let node = self.get(key);
        if node.is_none() {
            reader.error(Code::MISSING_KEY, self.span, format!("{what} needs the key `{key}`"), None);
        }
        node
    }
}
