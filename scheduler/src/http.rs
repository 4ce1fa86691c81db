//! The HTTP interface. This file lists every route, grouped by caller (DESIGN section 6).
//!
//! A handler extracts, authorises by the types of its arguments, calls one service and returns. Whatever is refused
//! is `application/problem+json` with a stable code, and no input makes a 500.

mod agents;
mod auth;
mod control;
mod events;
mod gate;
mod json;
mod limits;
mod memory;
mod missions;
pub mod openapi;
mod ops;
mod params;
mod problem;
mod results;
mod server;
#[cfg(test)]
mod tests;
mod trace;

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post, put};
use tower_http::catch_panic::CatchPanicLayer;

pub use gate::Gate;
pub use server::{Server, serve};

use crate::state::App;
use limits::Lane;

/// Longest wait of a claim.
const CLAIM_WAIT: Duration = Duration::from_secs(30);

/// Every route with its limits.
pub fn router(app: App) -> Router {
    let limits = app.limits;
    let lane = |name, concurrency, timeout| Lane { name, concurrency, timeout };
    let lease = lane("lease", limits.leases, limits.timeout);
    let claim = lane("claim", limits.claims, CLAIM_WAIT + limits.timeout);
    let submit = lane("submit", limits.submits, limits.timeout);
    let missions = mission_routes().layer(DefaultBodyLimit::max(limits.submit_body));
    let others = read_routes().merge(memory_routes()).merge(control_routes()).layer(DefaultBodyLimit::max(limits.body));
    Router::new()
        .merge(lease.around(lease_routes().layer(DefaultBodyLimit::max(limits.body))))
        .merge(claim.around(claim_routes().layer(DefaultBodyLimit::max(limits.body))))
        .merge(submit.around(missions.merge(others)))
        .merge(probe_routes())
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(axum::middleware::from_fn(trace::observe))
        .with_state(app)
}

/// For agents: what keeps leases alive. Never shed before the others.
fn lease_routes() -> Router<App> {
    Router::new()
        .route("/agent/v1/sessions", post(agents::register))
        .route("/agent/v1/sessions/{id}/end", post(agents::end))
        .route("/agent/v1/sessions/{id}/heartbeat", put(agents::heartbeat))
        .route("/agent/v1/sessions/{id}/results", post(results::results))
        .route("/agent/v1/missions/{id}/complete", post(agents::complete))
        .route("/agent/v1/missions/{id}/fail", post(agents::fail))
        .route("/agent/v1/missions/{id}/release", post(agents::release))
        .route("/agent/v1/missions/{id}/progress", post(agents::progress))
}

/// For agents: the long poll for work; and the hints of other schedulers that end it early.
fn claim_routes() -> Router<App> {
    Router::new().route("/agent/v1/sessions/{id}/claim", post(agents::claim)).route("/peer/v1/wake", post(agents::wake))
}

/// For clients.
fn mission_routes() -> Router<App> {
    Router::new()
        .route("/v1/missions", post(missions::submit).get(missions::list))
        .route("/v1/missions/{id}", get(missions::show))
        .route("/v1/missions/{id}/placement", get(missions::placement))
        .route("/v1/missions/{id}/cancel", post(missions::cancel))
        .route("/v1/missions/{id}/retry", post(missions::retry))
}

/// For everybody who looks.
fn read_routes() -> Router<App> {
    Router::new()
        .route("/v1/regions", get(control::regions))
        .route("/v1/pools", get(control::pools))
        .route("/v1/events", get(events::events))
        .route("/metrics", get(ops::metrics))
        .route("/openapi.json", get(ops::openapi))
}

/// For agents and for people: what was learned.
fn memory_routes() -> Router<App> {
    Router::new()
        .route("/v1/memory/search", post(memory::search))
        .route("/v1/memory/hit-rate", get(memory::hit_rate))
        .route("/v1/memory/patterns", get(memory::patterns))
        .route("/v1/memory/{id}", get(memory::show).delete(memory::forget))
        .route("/v1/memory/{id}/success", post(memory::judge))
        .route("/v1/agents/{id}/stats", get(memory::stats))
        .route("/v1/lessons", get(memory::lessons))
}

/// For operators.
fn control_routes() -> Router<App> {
    Router::new()
        .route("/control/v1/topology", get(control::topology).put(control::apply))
        .route("/control/v1/topology/history", get(control::history))
        .route("/control/v1/topology/plan", post(control::plan))
        .route("/control/v1/topology/revert", post(control::revert))
        .route("/control/v1/schedulers", get(control::schedulers))
        .route("/control/v1/regions/{region}/cordon", post(control::cordon))
        .route("/control/v1/regions/{region}/drain", post(control::drain))
        .route("/control/v1/regions/{region}/uncordon", post(control::uncordon))
        .route("/control/v1/tokens", get(control::tokens).post(control::create_token))
        .route("/control/v1/tokens/{id}", delete(control::revoke_token))
}

/// For whoever runs the scheduler: outside every limit, for they must answer when nothing else does.
fn probe_routes() -> Router<App> {
    Router::new().route("/health", get(ops::health)).route("/ready", get(ops::ready))
}

async fn unknown_path() -> problem::Reply {
    problem::UNKNOWN_PATH.because("see /openapi.json for what there is")
}

async fn unknown_method() -> problem::Reply {
    problem::UNKNOWN_METHOD.because("see /openapi.json for the methods of this path")
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    problem::INTERNAL.because("the scheduler failed; its log tells where").into_response()
}
