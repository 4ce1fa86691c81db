//! YAML as JSON, so that other tools' rules can be held against the same text.

use serde_json::Value as Json;

use super::tree::{Node, Value};

/// A piece of the file as JSON, its unquoted scalars read by YAML's core schema. What was refused is null.
#[must_use]
pub fn to_json(node: &Node) -> Json {
    match &node.value {
        Value::Scalar(scalar) if scalar.plain => match &*scalar.text {
            "" | "~" | "null" => Json::Null,
            "true" => true.into(),
            "false" => false.into(),
            text => serde_json::from_str::<serde_json::Number>(text).map_or_else(|_| text.into(), Json::Number),
        },
        Value::Scalar(scalar) => scalar.text.as_str().into(),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Map(entries) => Json::Object(entries.iter().map(|e| (e.key.clone(), to_json(&e.value))).collect()),
        Value::Refused => Json::Null,
    }
}
