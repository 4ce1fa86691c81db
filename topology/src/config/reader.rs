//! From nodes to typed values, with a finding for each that is not what was wanted.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use super::duration;
use super::finding::{Code, Findings, Severity, shortened};
use super::scalar::{Kind, Scalar};
use super::source::{Source, Span};
use super::tree::{Entry, Node, Value};
use super::words::{name_like, one_of, shown};
use crate::catalogue::nearest;
use crate::ids::NameError;

/// Longest free text that is kept, in bytes.
const TEXT_MAX_BYTES: usize = 1000;

/// Errors that get a look for near names.
const HINTED: usize = 50;

/// A value and where it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Span,
}

/// Collects the findings while the blocks are read.
pub(super) struct Reader {
    source: Arc<Source>,
    pub(super) findings: Findings,
    /// Names of regions that were refused where they were given: what refers to one is no further mistake.
    pub(super) unfit: BTreeSet<String>,
}

/// A hint, a hint that may be missing, or none.
pub(super) trait Hint {
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

    pub(super) fn source(&self) -> Arc<Source> {
        Arc::clone(&self.source)
    }

    pub(super) fn error(&mut self, code: Code, span: Span, message: impl Into<String>, hint: impl Hint) {
        self.findings.push(Severity::Error, code, span, message.into(), hint.into_hint());
    }

    pub(super) fn warn(&mut self, code: Code, span: Span, message: impl Into<String>, hint: impl Hint) {
        self.findings.push(Severity::Warning, code, span, message.into(), hint.into_hint());
    }

    /// `did you mean ..?` for a text that looks like one or more of the candidates; none once there are so many errors
    /// that nobody would read it, for looking costs time.
    pub(super) fn suggest<'a>(&self, text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
        if self.findings.errors().count() >= HINTED {
            return None;
        }
        let near: Vec<String> = nearest(text, candidates).into_iter().map(|name| format!("`{name}`")).collect();
        (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")))
    }

    /// The line of a place, from 1.
    pub(super) fn line(&self, span: Span) -> usize {
        self.source.line(span.start)
    }

    /// Says that a key is understood, kept, and does nothing yet.
    pub(super) fn no_effect(&mut self, span: Span, key: &str) {
        let message = format!("`{key}` is checked and kept, but nothing acts on it yet");
        self.warn(Code::NoEffectYet, span, message, None);
    }

    /// A block with known keys. Keys that it does not have are findings; one that is a key misspelt is read as that
    /// key, so that one mistake is one finding.
    pub(super) fn fields<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        keys: &'static [&'static str],
    ) -> Option<Fields<'n>> {
        let entries = self.entries(node, what)?;
        let mut known: Vec<(&str, &Entry)> = Vec::with_capacity(entries.len());
        known.extend(entries.iter().map(|entry| (&*entry.key, entry)).filter(|(key, _)| keys.contains(key)));
        for entry in entries.iter().filter(|entry| !keys.contains(&&*entry.key)) {
            let message = format!("{what} has no key `{}`", shortened(&entry.key));
            let hint = self
                .suggest(&entry.key, keys.iter().copied())
                .unwrap_or_else(|| format!("its keys are {}", keys.join(", ")));
            self.error(Code::UnknownKey, entry.key_span, message, hint);
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
    pub(super) fn entries<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Entry]> {
        match &node.value {
            Value::Map(entries) => Some(entries),
            Value::Refused => None,
            Value::Scalar(_) | Value::List(_) => self.wrong(node, what, "a block of keys"),
        }
    }

    /// A list of at most so many entries.
    pub(super) fn list<'n>(&mut self, node: &'n Node, what: &str, most: usize) -> Option<&'n [Node]> {
        match &node.value {
            Value::List(items) if items.len() > most => {
                let message = format!("{what} holds {} entries, at most {most} are read", items.len());
                self.error(Code::TooMany, node.span, message, None);
                None
            }
            Value::List(items) => Some(items),
            Value::Refused => None,
            Value::Scalar(_) | Value::Map(_) => self.wrong(node, what, "a list"),
        }
    }

    /// A text. Numbers and the like must be quoted to be one.
    pub(super) fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        let scalar = self.scalar(node, what, "a text")?;
        if scalar.kind() != Kind::Text {
            return self.wrong(node, what, "a text");
        }
        if scalar.text.len() > TEXT_MAX_BYTES {
            let message = format!("{what} has {} bytes, at most {TEXT_MAX_BYTES} are kept", scalar.text.len());
            self.error(Code::TooMany, node.span, message, None);
            return None;
        }
        Some(&scalar.text)
    }

    /// A text that is not empty.
    pub(super) fn words<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        let text = self.text(node, what)?;
        if text.trim().is_empty() {
            self.error(Code::InvalidValue, node.span, format!("{what} is empty"), None);
            return None;
        }
        Some(text)
    }

    /// A name: a region, a specialization.
    pub(super) fn name<T: FromStr<Err = NameError>>(&mut self, node: &Node, what: &str) -> Option<At<T>> {
        let text = self.text(node, what)?;
        self.name_in(text, node.span, what)
    }

    /// A name that is a part of a text, or a key.
    pub(super) fn name_in<T: FromStr<Err = NameError>>(&mut self, text: &str, span: Span, what: &str) -> Option<At<T>> {
        match text.parse() {
            Ok(value) => Some(At { value, span }),
            Err(error) => {
                let hint = name_like(text).map(|name| format!("write `{name}`"));
                self.error(Code::InvalidName, span, format!("{what} is no name: {error}"), hint);
                None
            }
        }
    }

    /// A whole number within bounds.
    pub(super) fn count(&mut self, node: &Node, what: &str, bounds: RangeInclusive<u32>) -> Option<u32> {
        let scalar = self.scalar(node, what, "a whole number")?;
        self.count_in(&scalar.text, node.span, what, bounds, scalar.plain)
    }

    /// A whole number that is a part of a text. `number` says whether the text may be a number at all.
    pub(super) fn count_in(
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
            self.error(Code::WrongType, span, message, None);
            return None;
        }
        let value = text.parse().ok().filter(|value| bounds.contains(value));
        if value.is_none() {
            let message = format!("{what} must be {} to {}, not {}", bounds.start(), bounds.end(), shortened(text));
            self.error(Code::OutOfRange, span, message, None);
        }
        value
    }

    /// A number within bounds.
    pub(super) fn number(&mut self, node: &Node, what: &str, bounds: RangeInclusive<f64>) -> Option<f64> {
        let scalar = self.scalar(node, what, "a number")?;
        let Some(value) = scalar.number() else { return self.wrong(node, what, "a number") };
        if bounds.contains(&value) {
            return Some(value);
        }
        let message = format!("{what} must be {} to {}, not {}", bounds.start(), bounds.end(), shortened(&scalar.text));
        self.error(Code::OutOfRange, node.span, message, None);
        None
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, node: &Node, what: &str) -> Option<bool> {
        let scalar = self.scalar(node, what, "true or false")?;
        match (scalar.plain, &*scalar.text) {
            (true, "true" | "True" | "TRUE") => Some(true),
            (true, "false" | "False" | "FALSE") => Some(false),
            _ => self.wrong(node, what, "true or false"),
        }
    }

    /// A duration within bounds.
    pub(super) fn duration(
        &mut self,
        node: &Node,
        what: &str,
        bounds: RangeInclusive<Duration>,
    ) -> Option<At<Duration>> {
        let scalar = self.scalar(node, what, "a duration")?;
        let Some(value) = duration::parse(&scalar.text) else {
            let message = format!("{what} must be a duration, not {}", shown(&scalar.text, scalar.plain));
            self.error(Code::InvalidDuration, node.span, message, "write a number with a unit: 500ms, 5s, 2m, 1h");
            return None;
        };
        if bounds.contains(&value) {
            return Some(At { value, span: node.span });
        }
        let (least, most) = (duration::show(*bounds.start()), duration::show(*bounds.end()));
        let message = format!("{what} must be {least} to {most}, not {}", shortened(&scalar.text));
        self.error(Code::OutOfRange, node.span, message, None);
        None
    }

    /// One of a few words; letter case does not matter.
    pub(super) fn choice<T: Copy>(
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
        self.error(Code::InvalidValue, node.span, message, hint);
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
        self.error(Code::WrongType, node.span, format!("{what} must be {wanted}, not {found}"), hint);
        None
    }
}

/// A block whose keys were checked.
#[derive(Debug)]
pub(super) struct Fields<'n> {
    pub(super) span: Span,
    entries: Vec<(&'n str, &'n Entry)>,
}

impl<'n> Fields<'n> {
    pub(super) fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|(name, _)| *name == key).map(|(_, entry)| *entry)
    }

    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value of a key that must be there.
    pub(super) fn required(&self, reader: &mut Reader, key: &str, what: &str) -> Option<&'n Node> {
        let node = self.get(key);
        if node.is_none() {
            reader.error(Code::MissingKey, self.span, format!("{what} needs the key `{key}`"), None);
        }
        node
    }
}
