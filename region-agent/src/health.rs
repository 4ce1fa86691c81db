//! `/health`, `/ready` and `/metrics`.

use std::net::SocketAddr;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use tokio::net::TcpListener;

use crate::agent::{Agent, Status};
use crate::figures;

/// Serves until the process ends. The port is bound before this returns.
///
/// # Errors
/// Where the port cannot be bound.
pub async fn serve(agent: Agent, address: SocketAddr) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let metrics = figures::metrics();
    let routes = Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(async move || metrics.render()))
        .with_state(agent);
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, routes).await {
            tracing::error!(%error, "the health port is closed");
        }
    });
    Ok(bound)
}

/// The process lives; how it is.
async fn health(State(agent): State<Agent>) -> Json<Status> {
    Json(agent.status())
}

/// 200 where it takes missions.
async fn ready(State(agent): State<Agent>) -> (StatusCode, Json<Status>) {
    let status = agent.status();
    let ready = status.session.is_some() && !status.fenced && !status.draining;
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(status))
}
