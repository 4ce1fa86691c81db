//! Checks of what comes in, before it can share a batch with others. Pure.

use serde_json::Value;

use crate::refusal::{Fault, Refusal};

/// Deepest nesting of a JSON value.
const DEPTH: usize = 64;

/// A text of `1..=most` characters without U+0000.
pub(crate) fn text(pointer: &str, text: &str, most: usize) -> Result<(), Refusal> {
    nul_free(pointer, text)?;
    let length = text.chars().count();
    if length == 0 || length > most {
        return Err(Refusal::invalid(
            Fault::Length,
            pointer,
            format!("it must have 1 to {most} characters, not {length}"),
        ));
    }
    Ok(())
}

/// A text without U+0000.
pub(crate) fn nul_free(pointer: &str, text: &str) -> Result<(), Refusal> {
    if text.contains('\0') {
        return Err(Refusal::invalid(Fault::Nul, pointer, "it must not contain U+0000"));
    }
    Ok(())
}

/// A stable code: 1 to 100 of `a-z 0-9 _`.
pub(crate) fn code(pointer: &str, code: &str) -> Result<(), Refusal> {
    text(pointer, code, 100)?;
    if !code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
        return Err(Refusal::invalid(Fault::Malformed, pointer, "a code is made of a-z, 0-9 and '_'"));
    }
    Ok(())
}

/// An idempotency key: 1 to 255 visible ASCII characters.
pub(crate) fn key(pointer: &str, key: &str) -> Result<(), Refusal> {
    text(pointer, key, 255)?;
    if !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Refusal::invalid(Fault::Malformed, pointer, "a key is made of visible ASCII characters"));
    }
    Ok(())
}

/// The id of a drill's run: 1 to 64 of `a-z 0-9 -`.
pub(crate) fn drill(pointer: &str, run: &str) -> Result<(), Refusal> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if run.is_empty() || run.len() > 64 || !run.bytes().all(fits) {
        let detail = "a drill's run is named by 1 to 64 characters of a-z, 0-9 and '-'";
        return Err(Refusal::invalid(Fault::DrillRun, pointer, detail));
    }
    Ok(())
}

/// A number within `least..=most`.
pub(crate) fn range(pointer: &str, number: i64, least: i64, most: i64) -> Result<(), Refusal> {
    if number < least || number > most {
        let detail = format!("it must be within {least}..={most}, not {number}");
        return Err(Refusal::invalid(Fault::Range, pointer, detail));
    }
    Ok(())
}

/// A JSON value that SQL can store, as its canonical text of at most `most` bytes.
pub(crate) fn json(pointer: &str, value: &Value, most: usize) -> Result<String, Refusal> {
    storable(pointer, value, DEPTH)?;
    let text = scheduler_client::canonical(value);
    if text.len() > most {
        let detail = format!("it must have at most {most} bytes of JSON, not {}", text.len());
        return Err(Refusal::invalid(Fault::TooLarge, pointer, detail));
    }
    Ok(text)
}

fn storable(pointer: &str, value: &Value, depth: usize) -> Result<(), Refusal> {
    let Some(depth) = depth.checked_sub(1) else {
        let detail = format!("it must not be nested deeper than {DEPTH}");
        return Err(Refusal::invalid(Fault::TooDeep, pointer, detail));
    };
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        Value::String(text) => nul_free(pointer, text),
        Value::Array(items) => items.iter().try_for_each(|item| storable(pointer, item, depth)),
        Value::Object(fields) => fields.iter().try_for_each(|(name, field)| {
            nul_free(pointer, name)?;
            storable(pointer, field, depth)
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fault(result: Result<impl std::fmt::Debug, Refusal>) -> &'static str {
        result.unwrap_err().code()
    }

    #[test]
    fn each_kind_of_bad_input_has_a_code_of_its_own() {
        assert_eq!(fault(text("/title", "", 5)), "text_length");
        assert_eq!(fault(text("/title", "abcdef", 5)), "text_length");
        assert_eq!(fault(text("/title", "a\0b", 5)), "nul_character");
        assert_eq!(fault(range("/priority", 10, 0, 9)), "number_out_of_range");
        assert_eq!(fault(key("/idempotency_key", "a b")), "malformed_text");
        assert_eq!(fault(code("/reason", "Bad Code")), "malformed_text");
        assert_eq!(fault(json("/payload", &json!("x".repeat(100)), 50)), "value_too_large");
        assert_eq!(fault(json("/payload", &json!({"a": ["b\0"]}), 50)), "nul_character");
        assert_eq!(fault(json("/payload", &json!({"a\0": 1}), 50)), "nul_character");
        for run in ["", "Run-1", "a_b", &"a".repeat(65)] {
            assert_eq!(fault(drill("/drill", run)), "malformed_drill_run", "{run:?}");
        }
        assert!(drill("/drill", &"a-9".repeat(21)).is_ok());
        let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
        assert_eq!(fault(json("/payload", &deep, 1000)), "value_too_deep");
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        assert!(text("/title", &"\u{1F680}".repeat(500), 500).is_ok());
    }
}
