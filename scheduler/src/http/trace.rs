//! What is seen of every request: one log event, one span, its counters.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;

use super::{params, problem};

/// Middleware around everything.
pub(crate) async fn observe(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("unknown", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", otel.name = format!("{method} {route}"), otel.kind = "server");
    if let Some(parent) = params::traceparent(request.headers()) {
        telemetry::continue_trace(&span, &parent);
    }
    let path = request.uri().path().to_owned();
    let response = next.run(request).instrument(span).await;
    let status = response.status();
    let taken = started.elapsed();
    let code = response.extensions().get::<problem::Code>().map_or("", |code| code.0.as_str());
    if status.is_server_error() && code != "overloaded" {
        tracing::warn!(%method, path, %status, code, taken_us = taken.as_micros(), "request");
    } else {
        tracing::debug!(%method, path, %status, code, taken_us = taken.as_micros(), "request");
    }
    let labels = [("method", method.to_string()), ("route", route.clone()), ("status", status.as_u16().to_string())];
    metrics::counter!("scheduler_http_requests_total", &labels).increment(1);
    metrics::histogram!("scheduler_http_request_seconds", "route" => route).record(taken.as_secs_f64());
    response
}

/// The traceparent that goes into a mission: of our own span where spans are exported, else the caller's.
pub(crate) fn for_mission(headers: &HeaderMap) -> Option<String> {
    telemetry::traceparent(&tracing::Span::current()).or_else(|| params::traceparent(headers))
}
