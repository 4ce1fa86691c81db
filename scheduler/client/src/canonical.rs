//! JSON as one text a value: equal values have equal texts, whatever the order of their fields.

use std::fmt::Write as _;

use serde_json::{Number, Value};
use sha2::{Digest as _, Sha256};

/// The value as compact JSON with its fields in the order of their names.
#[must_use]
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &as_written, &mut text);
    text
}

/// SHA-256, hexadecimal, of the canonical JSON of an outcome, its numbers without exponents and needless zeros: the same
/// before a database has stored it and after.
#[must_use]
pub fn outcome_digest(outcome: &Value) -> String {
    let mut text = String::new();
    write(outcome, &plain, &mut text);
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing into a String cannot fail");
        hex
    })
}

fn as_written(number: &Number) -> String {
    number.to_string()
}

/// A number as databases keep it: they know no exponents and no negative zero.
fn plain(number: &Number) -> String {
    match number.as_f64().filter(|_| number.is_f64()) {
        Some(fraction) => (fraction + 0.0).to_string(),
        None => number.to_string(),
    }
}

fn write(value: &Value, number: &impl Fn(&Number) -> String, out: &mut String) {
    match value {
        Value::Number(found) => out.push_str(&number(found)),
        Value::Null | Value::Bool(_) | Value::String(_) => out.push_str(&value.to_string()),
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write(item, number, out);
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
                write(field, number, out);
            }
            out.push('}');
        }
    }
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

    #[test]
    fn an_outcome_has_one_digest_however_its_numbers_are_written() {
        let cases = [
            ("-0.0", "0"),
            ("1e2", "100.0"),
            ("1.2345678901234568e18", "1234567890123456800"),
            ("1e-7", "0.0000001"),
            ("[1.5]", "[1.50]"),
        ];
        for (sent, stored) in cases {
            let digest = |text| outcome_digest(&serde_json::from_str(text).unwrap());
            assert_eq!(digest(sent), digest(stored), "{sent} {stored}");
        }
        assert_ne!(
            outcome_digest(&json!(9_007_199_254_740_993_u64)),
            outcome_digest(&json!(9_007_199_254_740_992_u64))
        );
        assert_ne!(outcome_digest(&json!({"ms": 1})), outcome_digest(&json!({"ms": 2})));
        let empty = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        assert_eq!(outcome_digest(&json!({})), empty, "SHA-256 of the text {{}}");
    }

    proptest! {
        #[test]
        fn canonical_text_reads_back_as_the_value(names in proptest::collection::vec(".*", 0..5), n in any::<i64>()) {
            let value = json!({"list": names, "n": n, "nested": {"x": names}});
            prop_assert_eq!(serde_json::from_str::<Value>(&canonical(&value)).unwrap(), value);
        }
    }
}
