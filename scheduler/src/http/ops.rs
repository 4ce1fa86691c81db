//! `/health`, `/ready`, `/metrics`, `/openapi.json`: for whoever runs the scheduler.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use scheduler_client::wire;
use sql::BreakerState;

use super::auth::Viewer;
use super::json::Json;
use super::problem::{self, Reply};
use crate::figures;
use crate::state::App;

/// Say that the process runs.
#[utoipa::path(get, path = "/health", tag = "operations", operation_id = "health", security(()),
    responses((status = 200, body = wire::Health, description = "The process runs")))]
pub(super) async fn health(State(app): State<App>) -> Json<wire::Health> {
    Json(state_of(&app))
}

/// Say whether missions can be taken.
#[utoipa::path(get, path = "/ready", tag = "operations", operation_id = "ready", security(()),
    responses((status = 200, body = wire::Health, description = "Missions can be taken"),
        (status = 503, body = wire::Problem, content_type = "application/problem+json", description = "`not_ready`")))]
pub(super) async fn ready(State(app): State<App>) -> Result<Json<wire::Health>, Reply> {
    if app.stopping.is_cancelled() {
        return Err(problem::NOT_READY.because("this scheduler is stopping"));
    }
    if app.gateways.health().iter().all(|gateway| gateway.breaker == BreakerState::Open) {
        return Err(problem::NOT_READY.because("no gateway of the database answers"));
    }
    Ok(Json(state_of(&app)))
}

fn state_of(app: &App) -> wire::Health {
    wire::Health {
        version: crate::planted::version().to_owned(),
        region: app.region.clone(),
        topology_version: app.views.current().topology_version,
    }
}

/// Everything that is measured, in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "operations", operation_id = "metrics",
    responses((status = 200, body = String, content_type = "text/plain", description = "Prometheus text format")))]
pub(super) async fn metrics(_: Viewer, State(app): State<App>) -> Response {
    figures::observe_gauges(&app);
    let text = app.metrics.render();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// This document.
pub(super) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], super::openapi::text()).into_response()
}
