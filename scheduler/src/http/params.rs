//! Path, query and header values, refused as problems.

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::{self, Reply};

/// The name or id in a path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Reply;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Reply> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(rejection) => Err(problem::MALFORMED_PATH.because(rejection.body_text())),
        }
    }
}

/// The query of a read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Reply;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Reply> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(problem::MALFORMED_QUERY.because(rejection.body_text())),
        }
    }
}

/// A header's text, where it is there.
pub(crate) fn header_text<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, Reply> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    match value.to_str() {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(problem::MALFORMED_HEADER.because(format!("{name} may hold visible ASCII only"))),
    }
}

/// `Idempotency-Key`: 1..=255 visible ASCII characters.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Reply> {
    let Some(key) = header_text(headers, "idempotency-key")? else { return Ok(None) };
    if key.is_empty() || key.len() > 255 || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(problem::MALFORMED_HEADER.because("Idempotency-Key takes 1 to 255 visible ASCII characters"));
    }
    Ok(Some(key.to_owned()))
}

/// `CF-IPCountry`, where Cloudflare knows the client's country.
pub(crate) fn country(headers: &HeaderMap) -> Option<String> {
    let code = headers.get("cf-ipcountry")?.to_str().ok()?;
    let is_code = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    // XX and T1 are Cloudflare's for "unknown" and "Tor".
    (is_code && code != "XX").then(|| code.to_owned())
}

/// A `traceparent` that follows W3C Trace Context, version 00; anything else is dropped, as that standard asks.
pub(crate) fn traceparent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let parts: Vec<&str> = text.split('-').collect();
    let &[version, trace, span, flags] = parts.as_slice() else { return None };
    let hex = |part: &str, len: usize| {
        part.len() == len && part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let set = |part: &str| part.bytes().any(|byte| byte != b'0');
    (version == "00" && hex(trace, 32) && set(trace) && hex(span, 16) && set(span) && hex(flags, 2))
        .then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn only_a_whole_traceparent_is_taken() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(traceparent(&headers("traceparent", good)).as_deref(), Some(good));
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(traceparent(&headers("traceparent", bad)), None, "{bad:?}");
        }
    }

    #[test]
    fn a_key_is_visible_ascii_of_at_most_255_characters() {
        let long = "k".repeat(256);
        for bad in ["", "a b", long.as_str()] {
            assert!(idempotency_key(&headers("idempotency-key", bad)).is_err(), "{bad:?}");
        }
        let key = idempotency_key(&headers("idempotency-key", "issue-17")).unwrap();
        assert_eq!(key.as_deref(), Some("issue-17"));
    }

    #[test]
    fn a_country_is_taken_where_cloudflare_knows_one() {
        for (value, known) in [("JP", true), ("XX", false), ("T1", false), ("jp", false), ("JPN", false)] {
            assert_eq!(country(&headers("cf-ipcountry", value)).is_some(), known, "{value}");
        }
    }
}
