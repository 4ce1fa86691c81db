//! YAML as JSON, for tests that hold other tools' rules against the same text.

use std::sync::Arc;

use serde_json::Value as Json;

use super::reader::Reader;
use super::source::Source;
use super::tree::{self, Node, Value};

/// The document as JSON, its unquoted scalars read by YAML's core schema.
pub(crate) fn to_json(text: &str) -> Json {
    let mut reader = Reader::new(Arc::new(Source::new("test", text)));
    let root = tree::read(&mut reader).expect("the test's text is YAML");
    json(&root)
}

fn json(node: &Node) -> Json {
    match &node.value {
        Value::Scalar(scalar) if scalar.plain => match &*scalar.text {
            "" | "~" | "null" => Json::Null,
            "true" => true.into(),
            "false" => false.into(),
            text => serde_json::from_str::<serde_json::Number>(text).map_or_else(|_| text.into(), Json::Number),
        },
        Value::Scalar(scalar) => scalar.text.as_str().into(),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(entries) => Json::Object(entries.iter().map(|e| (e.key.clone(), json(&e.value))).collect()),
        Value::Refused => Json::Null,
    }
}
