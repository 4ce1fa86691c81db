//! JSON bodies, in and out: strict about what the database cannot store, lenient about fields that nobody knows.

use std::ops::Range;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;
use serde_json::value::RawValue;
use serde_path_to_error::Segment;

use super::problem::{self, Reply};

/// Deepest nesting that is read.
const MAX_DEPTH: usize = 120;

/// A JSON body that was read whole, or an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Reply;

    async fn from_request(request: Request, state: &S) -> Result<Self, Reply> {
        let Body(bytes) = Body::from_request(request, state).await?;
        decode(&bytes).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => problem::INTERNAL.because(error.to_string()).into_response(),
        }
    }
}

/// The bytes of a body that says that it is JSON.
#[derive(Debug, Clone)]
pub(crate) struct Body(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Reply;

    async fn from_request(request: Request, state: &S) -> Result<Self, Reply> {
        if !says_json(request.headers()) {
            return Err(problem::UNSUPPORTED_MEDIA_TYPE.because("send Content-Type: application/json"));
        }
        Bytes::from_request(request, state).await.map(Self).map_err(|rejection| unread(&rejection))
    }
}

fn unread(rejection: &BytesRejection) -> Reply {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        problem::BODY_TOO_LARGE.because("the body is larger than this path takes")
    } else {
        problem::INCOMPLETE_BODY.because("the connection ended within the body")
    }
}

fn says_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Reads a document. What is wrong is told by code and place.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Reply> {
    if holds_nul_escape(bytes) {
        refuse_nul(bytes)?;
    }
    serde_json::from_slice(bytes).map_err(|_| diagnose::<T>(bytes))
}

/// Reads the entries of a list, each for itself: what is wrong with one is told under its place in the document.
pub(crate) fn decode_each<T: DeserializeOwned>(list: &str, entries: &[&RawValue]) -> Vec<Result<T, Reply>> {
    let each = |(index, raw): (usize, &&RawValue)| {
        decode(raw.get().as_bytes()).map_err(|reply: Reply| reply.inside(&format!("/{list}/{index}")))
    };
    entries.iter().enumerate().map(each).collect()
}

/// Whether an escaped U+0000 may be in it: the only text that JSON can carry and SQL cannot.
pub(crate) fn holds_nul_escape(bytes: &[u8]) -> bool {
    bytes.windows(6).any(|window| window == br"\u0000")
}

fn refuse_nul(bytes: &[u8]) -> Result<(), Reply> {
    // What is no JSON at all is diagnosed later.
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return Ok(()) };
    match nul_at(&value) {
        Some(pointer) => Err(problem::NUL_CHARACTER.at(pointer, "texts and names may not hold U+0000")),
        None => Ok(()),
    }
}

/// Place of the first text or name with U+0000.
fn nul_at(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| nul_at(item).map(|rest| format!("/{index}{rest}")))
        }
        Value::Object(fields) => fields.iter().find_map(|(name, item)| {
            if name.contains('\0') {
                return Some(format!("/{}", escaped(name)));
            }
            nul_at(item).map(|rest| format!("/{}{rest}", escaped(name)))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Why a document cannot be read as `T`: reads it again, this time with its place.
fn diagnose<T: DeserializeOwned>(bytes: &[u8]) -> Reply {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let (pointer, error) = match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Err(failed) => (pointer_of(failed.path()), failed.into_inner()),
        Ok(_) => match reader.end() {
            Err(error) => (String::new(), error),
            Ok(()) => return problem::MALFORMED_JSON.because("the body cannot be read"),
        },
    };
    match error.classify() {
        Category::Data => mismatch(bytes, pointer, &error),
        Category::Syntax | Category::Eof | Category::Io => unreadable(bytes, pointer, &error),
    }
}

/// JSON with the wrong shape or value in it.
fn mismatch(bytes: &[u8], pointer: String, error: &serde_json::Error) -> Reply {
    let value: Option<Value> = serde_json::from_slice(bytes).ok();
    let there = value.as_ref().and_then(|value| value.pointer(&pointer));
    let kind = match there {
        Some(Value::Number(number)) if number.as_f64().is_none_or(|n| n.fract() == 0.0) => problem::NUMBER_OUT_OF_RANGE,
        Some(Value::Object(fields)) if is_off_the_globe(fields) => problem::OFF_THE_GLOBE,
        _ => problem::INVALID_FIELD,
    };
    kind.at(pointer, error.to_string())
}

fn is_off_the_globe(fields: &serde_json::Map<String, Value>) -> bool {
    let number = |name: &str| fields.get(name).and_then(Value::as_f64);
    match (number("lat"), number("lng")) {
        (Some(lat), Some(lng)) => topology::Position::new(lat, lng).is_err(),
        _ => false,
    }
}

/// No JSON; or JSON by its grammar, with a text or number in it that cannot be kept.
fn unreadable(bytes: &[u8], pointer: String, error: &serde_json::Error) -> Reply {
    if serde_json::from_slice::<&RawValue>(bytes).is_err() {
        return problem::MALFORMED_JSON.because(error.to_string());
    }
    if depth(bytes) > MAX_DEPTH {
        return problem::VALUE_TOO_DEEP.because(format!("at most {MAX_DEPTH} levels are read"));
    }
    if has_lone_surrogate(bytes) {
        return problem::MALFORMED_TEXT.at(pointer, "half of a surrogate pair is no character");
    }
    problem::NUMBER_OUT_OF_RANGE.at(pointer, error.to_string())
}

/// Deepest nesting of a document that is JSON by its grammar.
fn depth(bytes: &[u8]) -> usize {
    let (mut deepest, mut level) = (0_usize, 0_usize);
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = string_end(bytes, at),
            b'{' | b'[' => {
                level += 1;
                deepest = deepest.max(level);
            }
            b'}' | b']' => level = level.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    deepest
}

/// Index of the quote that ends the string that starts at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Whether any string has an escaped surrogate without its other half.
fn has_lone_surrogate(bytes: &[u8]) -> bool {
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        match unit(bytes, at) {
            Some(0xD800..=0xDBFF) => match unit(bytes, at + 6) {
                Some(0xDC00..=0xDFFF) => at += 12,
                _ => return true,
            },
            Some(0xDC00..=0xDFFF) => return true,
            Some(_) => at += 6,
            None => at += 2,
        }
    }
    false
}

/// The UTF-16 unit of the escape at `at`, where there is one.
fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    let range = Range { start: at, end: at + 6 };
    let escape = std::str::from_utf8(bytes.get(range)?).ok()?;
    u16::from_str_radix(escape.strip_prefix("\\u")?, 16).ok()
}

fn pointer_of(path: &serde_path_to_error::Path) -> String {
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", escaped(key)),
            Segment::Enum { variant } => format!("/{}", escaped(variant)),
            Segment::Unknown => String::new(),
        })
        .collect()
}

/// A name as a JSON pointer writes it (RFC 6901).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use scheduler_client::wire::{Heartbeat, SubmitMission};

    use super::*;

    fn refused<T: DeserializeOwned + std::fmt::Debug>(body: &str) -> (String, Option<String>) {
        let problem = decode::<T>(body.as_bytes()).unwrap_err().into_problem();
        (problem.code, problem.pointer)
    }

    #[test]
    fn each_mistake_has_its_code_and_place() {
        let deep = format!(r#"{{"specialization":"a","title":"t","payload":{}1{}}}"#, "[".repeat(200), "]".repeat(200));
        let cases = [
            ("", "malformed_json", None),
            ("{", "malformed_json", None),
            ("{} {}", "invalid_field", None),
            (r#"{"specialization":"a","title":"t"} x"#, "malformed_json", None),
            (r#"{"title":"t"}"#, "invalid_field", None),
            (r#"{"specialization":"a","title":7}"#, "number_out_of_range", Some("/title")),
            (r#"{"specialization":"a","title":"t\u0000"}"#, "nul_character", Some("/title")),
            (
                r#"{"specialization":"a","title":"t","payload":{"a":[0,"\u0000"]}}"#,
                "nul_character",
                Some("/payload/a/1"),
            ),
            (r#"{"specialization":"a","title":"t","payload":{"\u0000/":1}}"#, "nul_character", Some("/payload/\0~1")),
            (r#"{"specialization":"a","title":"\ud800"}"#, "malformed_text", Some("/title")),
            (r#"{"specialization":"a","title":"t","payload":{"b":"\udc00 "}}"#, "malformed_text", Some("/payload/b")),
            (r#"{"specialization":"a","title":"t","payload":{"b":1e999}}"#, "number_out_of_range", Some("/payload/b")),
            (r#"{"specialization":"a","title":"t","priority":99999999999}"#, "number_out_of_range", Some("/priority")),
            (r#"{"specialization":"a","title":"t","priority":"9"}"#, "invalid_field", Some("/priority")),
            (
                r#"{"specialization":"a","title":"t","origin":{"at":{"lat":91,"lng":0}}}"#,
                "off_the_globe",
                Some("/origin/at"),
            ),
            (r#"{"specialization":"a","title":"t","start_by":"soon"}"#, "invalid_field", Some("/start_by")),
            (deep.as_str(), "value_too_deep", None),
        ];
        for (body, code, pointer) in cases {
            let got = refused::<SubmitMission>(body);
            assert_eq!((got.0.as_str(), got.1.as_deref()), (code, pointer), "{body}");
        }
    }

    #[test]
    fn an_escaped_backslash_before_u0000_is_no_nul() {
        let mission: SubmitMission = decode(br#"{"specialization":"a","title":"\\u0000"}"#).unwrap();
        assert_eq!(mission.title, r"\u0000");
    }

    #[test]
    fn fields_of_a_newer_peer_are_accepted() {
        assert!(decode::<Heartbeat>(br#"{"seq":1,"holds":[],"mood":"good"}"#).is_ok());
    }

    #[test]
    fn surrogate_pairs_are_one_character() {
        let mission: SubmitMission = decode(br#"{"specialization":"a","title":"\ud83d\ude00"}"#).unwrap();
        assert_eq!(mission.title, "\u{1F600}");
    }
}
