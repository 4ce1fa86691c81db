//! Refusals as `application/problem+json` (RFC 9457). Every answer that is not a success is made here.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use scheduler_client::wire;
use serde_json::json;

use crate::refusal::Refusal;

/// Seconds after which a shed request may come again.
const RETRY_AFTER_S: &str = "1";

/// A refusal of HTTP itself, before any service was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    /// The status.
    pub(crate) status: StatusCode,
    /// The stable code.
    pub(crate) code: &'static str,
    /// The same for every occurrence.
    pub(crate) title: &'static str,
}

/// The registry of refusals that only HTTP knows.
macro_rules! kinds {
    ($($name:ident = $status:ident, $code:literal, $title:literal;)+) => {$(
        pub(crate) const $name: Kind = Kind { status: StatusCode::$status, code: $code, title: $title };
    )+};
}

kinds! {
    MALFORMED_JSON = BAD_REQUEST, "malformed_json", "The body is not JSON";
    MALFORMED_QUERY = BAD_REQUEST, "malformed_query", "The query cannot be read";
    MALFORMED_PATH = BAD_REQUEST, "malformed_path", "The path names something that cannot exist";
    MALFORMED_HEADER = BAD_REQUEST, "malformed_header", "A header cannot be read";
    INCOMPLETE_BODY = BAD_REQUEST, "incomplete_body", "The body ended before its length";
    UNAUTHENTICATED = UNAUTHORIZED, "unauthenticated", "A valid token is needed";
    FORBIDDEN = FORBIDDEN, "forbidden", "The token does not allow this";
    UNKNOWN_PATH = NOT_FOUND, "unknown_path", "Nothing is at this path";
    UNKNOWN_METHOD = METHOD_NOT_ALLOWED, "method_not_allowed", "The path has no such method";
    BODY_TOO_LARGE = PAYLOAD_TOO_LARGE, "body_too_large", "The body is too large";
    UNSUPPORTED_MEDIA_TYPE = UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body must be application/json";
    INVALID_FIELD = UNPROCESSABLE_ENTITY, "invalid_field", "A field is not what it should be";
    OFF_THE_GLOBE = UNPROCESSABLE_ENTITY, "off_the_globe", "The coordinates are no place on Earth";
    NUL_CHARACTER = UNPROCESSABLE_ENTITY, "nul_character", "A text holds U+0000";
    MALFORMED_TEXT = UNPROCESSABLE_ENTITY, "malformed_text", "A text is not Unicode";
    NUMBER_OUT_OF_RANGE = UNPROCESSABLE_ENTITY, "number_out_of_range", "A number is out of range";
    VALUE_TOO_DEEP = UNPROCESSABLE_ENTITY, "value_too_deep", "The JSON is nested too deeply";
    WRONG_COUNT = UNPROCESSABLE_ENTITY, "wrong_count", "A list is too long or empty";
    OVERLOADED = SERVICE_UNAVAILABLE, "overloaded", "The scheduler has more to do than it can";
    NOT_READY = SERVICE_UNAVAILABLE, "not_ready", "The scheduler cannot serve yet";
    TIMED_OUT = GATEWAY_TIMEOUT, "timed_out", "The request took too long";
    INTERNAL = INTERNAL_SERVER_ERROR, "internal", "The scheduler failed";
}

impl Kind {
    /// The problem with what is wrong here.
    pub(crate) fn because(self, detail: impl Into<String>) -> Reply {
        let mut reply = Reply::new(self.status, self.code, self.title, detail.into());
        reply.later = self.status == StatusCode::SERVICE_UNAVAILABLE;
        reply
    }

    /// The problem at a place of the input; empty = all of it.
    pub(crate) fn at(self, pointer: impl Into<String>, detail: impl Into<String>) -> Reply {
        let mut reply = self.because(detail);
        let pointer = pointer.into();
        reply.problem.pointer = (!pointer.is_empty()).then_some(pointer);
        reply
    }
}

/// A problem on its way out.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    problem: Box<wire::Problem>,
    /// Whether the client is told when to come back.
    later: bool,
}

impl Reply {
    fn new(status: StatusCode, code: &str, title: &str, detail: String) -> Self {
        let problem = Box::new(wire::Problem {
            kind: format!("urn:meridian:problem:{code}"),
            code: code.to_owned(),
            status: status.as_u16(),
            title: title.to_owned(),
            detail,
            pointer: None,
            extra: None,
        });
        Self { problem, later: false }
    }

    /// The problem itself, as an entry of a batch.
    pub(crate) fn into_problem(self) -> wire::Problem {
        *self.problem
    }

    /// Whether the same request may succeed a little later.
    pub(crate) const fn is_transient(&self) -> bool {
        self.later
    }

    /// The same problem of one entry of a batch.
    pub(crate) fn inside(mut self, place: &str) -> Self {
        let rest = self.problem.pointer.take().unwrap_or_default();
        self.problem.pointer = Some(format!("{place}{rest}"));
        self
    }

    /// The same problem of all of the input.
    pub(crate) fn without_place(mut self) -> Self {
        self.problem.pointer = None;
        self
    }

    /// More for programs.
    fn with(mut self, extra: serde_json::Value) -> Self {
        self.problem.extra = Some(extra);
        self
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        let (status, title) = meaning(&refusal);
        let mut reply = Self::new(status, refusal.code(), title, refusal.to_string());
        reply.later = status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS;
        match refusal {
            Refusal::Invalid { pointer, nearest, .. } => {
                reply.problem.pointer = (!pointer.is_empty()).then_some(pointer);
                if nearest.is_empty() { reply } else { reply.with(json!({ "nearest": nearest })) }
            }
            Refusal::UnknownSpecialization { nearest, .. } => {
                reply.problem.pointer = Some("/specialization".to_owned());
                reply.with(json!({ "nearest": nearest }))
            }
            Refusal::TooManyOpen { limit } => reply.with(json!({ "limit": limit })),
            Refusal::StaleHeartbeat { seq } => reply.with(json!({ "seq": seq })),
            Refusal::Unheard { heard } => reply.with(json!({ "heard": heard })),
            Refusal::LeaseLost { state, epoch } => reply.with(json!({ "state": state, "epoch": epoch })),
            Refusal::MissionCancelled { epoch } => reply.with(json!({ "epoch": epoch })),
            Refusal::MissionFinished { state, epoch, outcome } => {
                reply.with(json!({ "state": state, "epoch": epoch, "outcome": outcome }))
            }
            Refusal::MissionOpen { state } => reply.with(json!({ "state": state })),
            Refusal::SessionEnded { reason } => reply.with(json!({ "reason": reason })),
            Refusal::TopologyRefused { findings } => reply.with(json!({ "findings": findings })),
            Refusal::PlanStale { current, difference } => {
                reply.with(json!({ "current": current, "difference": difference }))
            }
            Refusal::HoldsMissions { what } => reply.with(json!({ "what": what })),
            Refusal::RegionNotFound { nearest, .. } => reply.with(json!({ "nearest": nearest })),
            Refusal::KeyReused
            | Refusal::VersionNotFound { .. }
            | Refusal::TokenNotFound
            | Refusal::MissionNotFound
            | Refusal::SessionNotFound
            | Refusal::MemoryNotFound
            | Refusal::SessionTaken
            | Refusal::NotYours
            | Refusal::Overloaded
            | Refusal::Unavailable
            | Refusal::Indeterminate
            | Refusal::Internal => reply,
        }
    }
}

/// Status and title of a refusal.
const fn meaning(refusal: &Refusal) -> (StatusCode, &'static str) {
    match refusal {
        Refusal::Invalid { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "The input is wrong"),
        Refusal::UnknownSpecialization { .. } => {
            (StatusCode::UNPROCESSABLE_ENTITY, "No region has agents of this specialization")
        }
        Refusal::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "The idempotency key was used for another mission"),
        Refusal::TooManyOpen { .. } => (StatusCode::TOO_MANY_REQUESTS, "The submitter has too many open missions"),
        Refusal::MissionNotFound => (StatusCode::NOT_FOUND, "No mission has this id"),
        Refusal::SessionNotFound => (StatusCode::NOT_FOUND, "No session has this id"),
        Refusal::MemoryNotFound => (StatusCode::NOT_FOUND, "No memory has this id"),
        Refusal::SessionEnded { .. } => (StatusCode::CONFLICT, "The session has ended"),
        Refusal::SessionTaken => (StatusCode::CONFLICT, "The session id is taken"),
        Refusal::StaleHeartbeat { .. } => (StatusCode::CONFLICT, "A later heartbeat was heard before"),
        Refusal::Unheard { .. } => (StatusCode::SERVICE_UNAVAILABLE, "The session has heard nothing for too long"),
        Refusal::LeaseLost { .. } => (StatusCode::CONFLICT, "The lease is lost"),
        Refusal::MissionCancelled { .. } => (StatusCode::CONFLICT, "The mission was cancelled"),
        Refusal::MissionFinished { .. } => (StatusCode::CONFLICT, "The mission has ended"),
        Refusal::MissionOpen { .. } => (StatusCode::CONFLICT, "The mission has not ended"),
        Refusal::NotYours => (StatusCode::FORBIDDEN, "The mission belongs to another submitter"),
        Refusal::TopologyRefused { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "The file is not a topology"),
        Refusal::PlanStale { .. } => (StatusCode::CONFLICT, "Another topology was applied since the plan"),
        Refusal::HoldsMissions { .. } => (StatusCode::CONFLICT, "What the topology lets go of holds missions"),
        Refusal::VersionNotFound { .. } => (StatusCode::NOT_FOUND, "The topology has no such version"),
        Refusal::RegionNotFound { .. } => (StatusCode::NOT_FOUND, "The topology has no such region"),
        Refusal::TokenNotFound => (StatusCode::NOT_FOUND, "No token has this id"),
        Refusal::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, OVERLOADED.title),
        Refusal::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "The database does not answer"),
        Refusal::Indeterminate => (StatusCode::SERVICE_UNAVAILABLE, "Nobody knows whether it was done"),
        Refusal::Internal => (StatusCode::INTERNAL_SERVER_ERROR, INTERNAL.title),
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).expect("made from a status");
        let body = serde_json::to_vec(&self.problem).expect("a problem has only texts and JSON");
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.later {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(Code(self.problem.code));
        response
    }
}

/// The code of a problem, left in the response for the request's log line.
#[derive(Debug, Clone)]
pub(crate) struct Code(pub(crate) String);
