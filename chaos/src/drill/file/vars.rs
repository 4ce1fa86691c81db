//! Variables: `configuration` gives them, `--var` overrides them, `$name` uses them.
//!
//! `$name` alone stands for the value as it is written, so that a number stays one. Within a text (`agent@$region`) it
//! stands for its characters; `${name}` where letters follow, and `$$` for a dollar.

use std::collections::BTreeMap;

use topology::yaml::{Code, Entry, Node, Reader, Scalar, Span, Value, shortened};

use super::codes;

/// The values in force.
struct Variables(BTreeMap<String, Scalar>);

/// Replaces every `$name` of the file, and tells the values that are in force.
pub(super) fn resolve(
    reader: &mut Reader,
    root: Node,
    given: &BTreeMap<String, String>,
) -> (Node, BTreeMap<String, String>) {
    let Value::Map(entries) = root.value else { return (root, BTreeMap::new()) };
    let block = entries.iter().find(|entry| entry.key == "configuration");
    let mut variables = block.map(|block| declared(reader, &block.value)).unwrap_or_default();
    let place = block.map_or(Span::default(), |block| block.key_span);
    for (name, value) in given {
        if variables.contains_key(name) {
            variables.insert(name.clone(), Scalar { text: value.clone(), plain: true });
        } else {
            let message = format!("there is no variable `{}` to give a value to", shortened(name));
            let hint = hint(reader, name, variables.keys());
            reader.error(codes::UNKNOWN_VARIABLE, place, message, hint);
        }
    }
    let told = variables.iter().map(|(name, value)| (name.clone(), value.text.clone())).collect();
    let variables = Variables(variables);
    let replace = |entry: Entry, reader: &mut Reader| {
        // The values themselves are taken as they are written.
        if entry.key == "configuration" { entry } else { variables.entry(reader, entry) }
    };
    let entries = entries.into_iter().map(|entry| replace(entry, reader)).collect();
    (Node { span: root.span, value: Value::Map(entries) }, told)
}

fn hint<'a>(reader: &Reader, name: &str, known: impl Iterator<Item = &'a String> + Clone) -> String {
    let near = reader.suggest(name, known.clone().map(String::as_str));
    near.unwrap_or_else(|| {
        let all: Vec<&str> = known.map(String::as_str).collect();
        if all.is_empty() {
            "the file has no configuration: add one, with this name".to_owned()
        } else {
            format!("configuration has {}", all.join(", "))
        }
    })
}

/// The variables of the block `configuration`.
fn declared(reader: &mut Reader, node: &Node) -> BTreeMap<String, Scalar> {
    let mut variables = BTreeMap::new();
    for entry in reader.entries(node, "configuration").unwrap_or_default() {
        let key = &entry.key;
        let fits = key.starts_with(|c: char| c.is_ascii_lowercase()) && key.chars().all(is_of_name);
        if !fits {
            let message = format!("`{}` is no name for a variable", shortened(key));
            let hint = "lower-case letters, digits and underscores, a letter first";
            reader.error(Code::INVALID_NAME, entry.key_span, message, hint);
        }
        match &entry.value.value {
            Value::Scalar(scalar) => {
                variables.insert(key.clone(), Scalar { text: scalar.text.clone(), plain: scalar.plain });
            }
            Value::List(_) | Value::Map(_) => {
                let message = format!("the variable `{}` must be one text or number", shortened(key));
                reader.error(Code::WRONG_TYPE, entry.value.span, message, None);
            }
            Value::Refused => {}
        }
    }
    variables
}

const fn is_of_name(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'
}

impl Variables {
    fn entry(&self, reader: &mut Reader, entry: Entry) -> Entry {
        let Entry { key, key_span, value } = entry;
        Entry { key, key_span, value: self.node(reader, value) }
    }

    fn node(&self, reader: &mut Reader, node: Node) -> Node {
        let span = node.span;
        let value = match node.value {
            Value::Scalar(scalar) => self.scalar(reader, scalar, span),
            Value::List(items) => Value::List(items.into_iter().map(|item| self.node(reader, item)).collect()),
            Value::Map(entries) => Value::Map(entries.into_iter().map(|entry| self.entry(reader, entry)).collect()),
            Value::Refused => Value::Refused,
        };
        Node { span, value }
    }

    /// A scalar with its variables replaced; refused where one is not known, so that nothing more is said of it.
    fn scalar(&self, reader: &mut Reader, scalar: Scalar, span: Span) -> Value {
        let Some(first) = scalar.text.find('$') else { return Value::Scalar(scalar) };
        let mut text = scalar.text[..first].to_owned();
        let mut rest = &scalar.text[first..];
        while let Some(dollar) = rest.find('$') {
            text.push_str(&rest[..dollar]);
            let (name, behind) = match name(&rest[dollar + 1..]) {
                Use::Dollar(behind) => {
                    text.push('$');
                    rest = behind;
                    continue;
                }
                Use::Variable(name, behind) => (name, behind),
            };
            let Some(value) = self.0.get(name) else {
                let message = format!("there is no variable `${}`", shortened(name));
                let hint = hint(reader, name, self.0.keys());
                reader.error(codes::UNKNOWN_VARIABLE, span, message, hint);
                return Value::Refused;
            };
            if text.is_empty() && behind.is_empty() {
                return Value::Scalar(Scalar { text: value.text.clone(), plain: value.plain });
            }
            text.push_str(&value.text);
            rest = behind;
        }
        Value::Scalar(Scalar { text: text + rest, plain: false })
    }
}

/// What stands behind a dollar, and the text after it.
enum Use<'t> {
    Dollar(&'t str),
    Variable(&'t str, &'t str),
}

fn name(text: &str) -> Use<'_> {
    if let Some(behind) = text.strip_prefix('$') {
        return Use::Dollar(behind);
    }
    if let Some((name, behind)) = text.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
        return Use::Variable(name, behind);
    }
    let end = text.find(|c| !is_of_name(c)).unwrap_or(text.len());
    let (name, behind) = text.split_at(end);
    Use::Variable(name, behind)
}
