//! Digests of JSON: equal values have equal digests, whatever the order of their fields. Pure.

use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The value as compact JSON with its fields in the order of their names.
pub(crate) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => out.push_str(&value.to_string()),
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            out.push('{');
            for (n, (name, field)) in fields.into_iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write(field, out);
            }
            out.push('}');
        }
    }
}

/// SHA-256 of the parts, each ended by a byte that no UTF-8 text has, as hex.
pub(crate) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0xff]);
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing into a String cannot fail");
        hex
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_order_of_fields_does_not_matter() {
        let one: Value = serde_json::from_str(r#"{"b":1,"a":{"d":[1,2],"c":null}}"#).unwrap();
        let two: Value = serde_json::from_str(r#"{"a":{"c":null,"d":[1,2]},"b":1}"#).unwrap();
        assert_eq!(canonical(&one), r#"{"a":{"c":null,"d":[1,2]},"b":1}"#);
        assert_eq!(canonical(&one), canonical(&two));
        assert_ne!(canonical(&one), canonical(&json!({"a": {"c": null, "d": [2, 1]}, "b": 1})));
    }

    proptest! {
        #[test]
        fn canonical_text_reads_back_as_the_value(names in proptest::collection::vec(".*", 0..5), n in any::<i64>()) {
            let value = json!({"list": names, "n": n, "nested": {"x": names}});
            prop_assert_eq!(serde_json::from_str::<Value>(&canonical(&value)).unwrap(), value);
        }

        #[test]
        fn parts_do_not_run_together(a in ".*", b in ".+") {
            let joined = format!("{a}{b}");
            prop_assert_ne!(digest(&[&a, &b]), digest(&[&joined]));
            prop_assert_ne!(digest(&[&a, &b]), digest(&[&joined, ""]));
        }
    }
}
