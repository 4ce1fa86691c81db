//! YAML to nodes with places. Anchors, aliases, tags and further documents are refused: files that people write need none of
//! them, and they are how small files become large trees.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::code::Code;
use super::finding::shortened;
use super::reader::Reader;
use super::scalar::Scalar;
use super::source::Span;

/// Deepest nesting that is read; a topology needs six, a drill as many.
const DEPTH_MAX: usize = 16;

/// A piece of the file.
#[derive(Debug)]
pub struct Node {
    /// Where it is: the whole scalar, or the beginning of a list or block.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// What a piece of the file is.
#[derive(Debug)]
pub enum Value {
    /// A text or number.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A block of keys, in the order of the text, each once.
    Map(Vec<Entry>),
    /// Was refused already; readers pass over it in silence.
    Refused,
}

/// One key of a block with its value.
#[derive(Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key is.
    pub key_span: Span,
    /// Its value.
    pub value: Node,
}

/// What a block under construction holds.
enum Frame {
    List { span: Span, items: Vec<Node> },
    Map { span: Span, entries: Vec<Entry>, seen: HashMap<String, Span>, key: Option<Option<(String, Span)>> },
}

/// Reads the one document of the text; none where the text is refused.
pub(super) fn read(reader: &mut Reader) -> Option<Node> {
    let source = reader.source();
    let places = Places::of(&source.text);
    let mut builder = Builder { reader, stack: Vec::new(), root: None };
    let mut documents = 0;
    for event in Parser::new_from_str(&source.text) {
        let (event, span) = match event {
            Ok((event, span)) => (event, places.span(span)),
            Err(error) => {
                let at = places.byte(error.marker().index());
                let hint = "indentation is spaces only; a text with `: ` or ` #` in it needs quotes";
                let message = format!("this is no YAML: {}", error.info());
                builder.reader.error(Code::SYNTAX, Span { start: at, end: at + 1 }, message, hint);
                return None;
            }
        };
        if matches!(event, Event::DocumentStart(_)) {
            documents += 1;
            if documents > 1 {
                let hint = "remove the line `---` and what follows";
                builder.reader.error(Code::YAML_FEATURE, span, "a second document in one file", hint);
                return None;
            }
        }
        if !builder.take(event, span) {
            return None;
        }
    }
    builder.root
}

struct Builder<'r> {
    reader: &'r mut Reader,
    stack: Vec<Frame>,
    root: Option<Node>,
}

impl Builder<'_> {
    /// Takes the next event; false where reading must end.
    fn take(&mut self, event: Event<'_>, span: Span) -> bool {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let good = self.features(anchor, tag.is_some(), span) & self.printable(&text, span);
                let scalar = Scalar { text: text.into_owned(), plain };
                let value = if good { Value::Scalar(scalar) } else { Value::Refused };
                self.put(Node { span, value });
            }
            Event::Alias(_) => {
                let hint = "write the value out";
                self.reader.error(Code::YAML_FEATURE, span, "aliases are not read", hint);
                self.put(Node { span, value: Value::Refused });
            }
            Event::SequenceStart(anchor, tag) => {
                self.features(anchor, tag.is_some(), span);
                return self.push(Frame::List { span, items: Vec::new() }, span);
            }
            Event::MappingStart(anchor, tag) => {
                self.features(anchor, tag.is_some(), span);
                return self.push(Frame::Map { span, entries: Vec::new(), seen: HashMap::new(), key: None }, span);
            }
            Event::SequenceEnd | Event::MappingEnd => self.pop(),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {}
        }
        true
    }

    /// Refuses anchors and tags; true where there are none.
    fn features(&mut self, anchor: usize, tag: bool, span: Span) -> bool {
        if anchor > 0 {
            let hint = "write the value out where it is needed";
            self.reader.error(Code::YAML_FEATURE, span, "anchors are not read", hint);
        }
        if tag {
            let hint = "remove the tag; quotes make a text of a number";
            self.reader.error(Code::YAML_FEATURE, span, "tags are not read", hint);
        }
        anchor == 0 && !tag
    }

    /// An escape in quotes can still write what the raw text may not hold; true where none does.
    fn printable(&mut self, text: &str, span: Span) -> bool {
        let Some(bad) = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) else { return true };
        let message = format!("the character U+{:04X} may not be in a text", u32::from(bad));
        self.reader.error(Code::CONTROL_CHARACTER, span, message, "remove the escape");
        false
    }

    fn push(&mut self, frame: Frame, span: Span) -> bool {
        self.stack.push(frame);
        if self.stack.len() > DEPTH_MAX {
            let message = format!("more than {DEPTH_MAX} levels of blocks in blocks");
            self.reader.error(Code::TOO_DEEP, span, message, "six are enough for any file");
            return false;
        }
        true
    }

    fn pop(&mut self) {
        let node = match self.stack.pop() {
            Some(Frame::List { span, items }) => {
                let span = items.first().filter(|_| span.start == span.end).map_or(span, |first| first.span);
                Node { span, value: Value::List(items) }
            }
            Some(Frame::Map { span, entries, .. }) => {
                let span = entries.first().filter(|_| span.start == span.end).map_or(span, |first| first.key_span);
                Node { span, value: Value::Map(entries) }
            }
            None => return,
        };
        self.put(node);
    }

    /// Hands a finished node to the block around it.
    fn put(&mut self, node: Node) {
        let Self { reader, stack, root } = self;
        match stack.last_mut() {
            None => *root = Some(node),
            Some(Frame::List { items, .. }) => items.push(node),
            Some(Frame::Map { entries, seen, key, .. }) => match key.take() {
                None => *key = Some(as_key(reader, node, seen)),
                Some(None) => {}
                Some(Some((key, key_span))) => entries.push(Entry { key, key_span, value: node }),
            },
        }
    }
}

/// The node as a new key of a block; none where it cannot be one, and its value is passed over.
fn as_key(reader: &mut Reader, node: Node, seen: &mut HashMap<String, Span>) -> Option<(String, Span)> {
    let text = match node.value {
        Value::Scalar(scalar) => scalar.text,
        Value::Refused => return None,
        Value::List(_) | Value::Map(_) => {
            reader.error(Code::WRONG_TYPE, node.span, "a key must be a text, not a list or block", None);
            return None;
        }
    };
    if let Some(first) = seen.get(&text) {
        let line = reader.line(*first);
        let message = format!("the key `{}` is written twice in one block", shortened(&text));
        reader.error(Code::DUPLICATE_KEY, node.span, message, format!("it is first on line {line}"));
        return None;
    }
    seen.insert(text.clone(), node.span);
    Some((text, node.span))
}

/// The parser counts characters, the findings bytes.
struct Places {
    /// Byte of each character, where they differ.
    bytes: Option<Vec<usize>>,
    len: usize,
}

impl Places {
    fn of(text: &str) -> Self {
        let bytes = (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).collect());
        Self { bytes, len: text.len() }
    }

    fn byte(&self, index: usize) -> usize {
        self.bytes.as_ref().map_or(index, |bytes| bytes.get(index).copied().unwrap_or(self.len)).min(self.len)
    }

    fn span(&self, span: saphyr_parser::Span) -> Span {
        let start = self.byte(span.start.index());
        Span { start, end: self.byte(span.end.index()).max(start) }
    }
}
