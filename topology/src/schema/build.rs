//! Pieces that schemas are made of.

use serde_json::{Map, Value, json};

pub(super) fn words<T: ToString>(all: &[T]) -> Vec<String> {
    all.iter().map(T::to_string).collect()
}

/// A block with these keys and no others; some of them it must have.
#[must_use]
pub fn block(description: &str, required: &[&str], properties: Value) -> Value {
    let mut block = json!({
        "description": description,
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        block.as_object_mut().expect("a block is an object").insert("required".into(), required.into());
    }
    block
}

/// A reference stands alone in draft 7, so its description goes around it.
#[must_use]
pub fn described(schema: Value, description: &str) -> Value {
    let mut around = match schema {
        Value::Object(inner) if !inner.contains_key("$ref") => inner,
        inner => Map::from_iter([("allOf".to_owned(), json!([inner]))]),
    };
    around.insert("description".into(), description.into());
    Value::Object(around)
}

/// A reference to one of the schema's definitions.
#[must_use]
pub fn refer(definition: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{definition}") })
}

pub(super) fn names(description: &str) -> Value {
    json!({ "description": description, "type": "array", "items": refer("name"), "uniqueItems": true })
}

/// The words as an editor should offer them, and in any letter case.
pub(super) fn either_case(words: &[&str]) -> Value {
    let patterns: Vec<String> = words.iter().map(|word| any_case(word)).collect();
    json!([{ "enum": words }, { "pattern": patterns.join("|") }])
}

/// The pattern of a word in any letter case.
pub(super) fn any_case(word: &str) -> String {
    let letters: String = word
        .chars()
        .map(|c| {
            if c.is_ascii_alphabetic() {
                format!("[{}{}]", c.to_ascii_uppercase(), c.to_ascii_lowercase())
            } else {
                c.to_string()
            }
        })
        .collect();
    format!("^{letters}$")
}
