//! `/agent/v1`: for region agents; and `/peer/v1`, for other schedulers.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use scheduler_client::wire;
use topology::{MissionId, SessionId};

use super::auth::{AgentOf, Peer};
use super::json::Json;
use super::params::Named;
use super::problem::{self, Reply};
use crate::engine::Actor;
use crate::state::App;

/// Start a session. The same registration again is the same session.
#[utoipa::path(post, path = "/agent/v1/sessions", tag = "agents", operation_id = "session_register",
    request_body = wire::RegisterSession,
    responses((status = 200, body = wire::SessionAnswer, description = "The clocks to live by"),
        (status = 409, body = wire::Problem, content_type = "application/problem+json", description = "`session_taken`, `session_ended`")))]
pub(super) async fn register(
    agent: AgentOf,
    State(app): State<App>,
    Json(body): Json<wire::RegisterSession>,
) -> Result<Json<wire::SessionAnswer>, Reply> {
    agent.speaks_for(&body.region)?;
    Ok(Json(app.engine.register(&agent.actor, body).await?))
}

/// Renew a session; the answer names the leases that are lost or cancelled.
#[utoipa::path(put, path = "/agent/v1/sessions/{id}/heartbeat", tag = "agents", operation_id = "session_heartbeat",
    params(("id" = uuid::Uuid, Path, description = "The session")),
    request_body = wire::Heartbeat,
    responses((status = 200, body = wire::HeartbeatAnswer, description = "The session lives"),
        (status = 404, body = wire::Problem, content_type = "application/problem+json", description = "`session_not_found`"),
        (status = 409, body = wire::Problem, content_type = "application/problem+json", description = "`session_ended`, `stale_heartbeat`"),
        (status = 503, body = wire::Problem, content_type = "application/problem+json", description = "`overloaded`, `database_unavailable`, `indeterminate`, `not_ready`: come back after Retry-After; `unheard`: send the next one at once")))]
pub(super) async fn heartbeat(
    agent: AgentOf,
    State(app): State<App>,
    Named(id): Named<SessionId>,
    Json(body): Json<wire::Heartbeat>,
) -> Result<Json<wire::HeartbeatAnswer>, Reply> {
    agent.holds(&app, id).await?;
    Ok(Json(app.engine.heartbeat(id, body).await?))
}

/// Wait for missions, at most `wait_ms`.
#[utoipa::path(post, path = "/agent/v1/sessions/{id}/claim", tag = "agents", operation_id = "session_claim",
    params(("id" = uuid::Uuid, Path, description = "The session")),
    request_body = wire::Claim,
    responses((status = 200, body = wire::ClaimAnswer, description = "New leases; none when the wait was over"),
        (status = 404, body = wire::Problem, content_type = "application/problem+json", description = "`session_not_found`"),
        (status = 409, body = wire::Problem, content_type = "application/problem+json", description = "`session_ended`")))]
pub(super) async fn claim(
    agent: AgentOf,
    State(app): State<App>,
    Named(id): Named<SessionId>,
    Json(body): Json<wire::Claim>,
) -> Result<Json<wire::ClaimAnswer>, Reply> {
    agent.holds(&app, id).await?;
    let claimed = app.engine.claim(id, body);
    tokio::select! {
        answer = claimed => Ok(Json(answer?)),
        // Nothing was granted yet: the agent asks the next scheduler.
        () = stopped(&app) => Err(problem::NOT_READY.because("this scheduler is stopping")),
    }
}

/// Waits until the scheduler stops, and then a little: a grant that is being written is still answered.
async fn stopped(app: &App) {
    app.stopping.cancelled().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
}

/// End a session; what it holds goes back.
#[utoipa::path(post, path = "/agent/v1/sessions/{id}/end", tag = "agents", operation_id = "session_end",
    params(("id" = uuid::Uuid, Path, description = "The session")),
    request_body = wire::EndSession,
    responses((status = 204, description = "It is over"),
        (status = 404, body = wire::Problem, content_type = "application/problem+json", description = "`session_not_found`")))]
pub(super) async fn end(
    agent: AgentOf,
    State(app): State<App>,
    Named(id): Named<SessionId>,
    Json(body): Json<wire::EndSession>,
) -> Result<StatusCode, Reply> {
    agent.holds(&app, id).await?;
    app.engine.end_session(&Actor::Session(id), id, &body.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Finish a mission with its outcome. The same call again is answered the same.
#[utoipa::path(post, path = "/agent/v1/missions/{id}/complete", tag = "agents", operation_id = "lease_complete",
    params(("id" = uuid::Uuid, Path, description = "The mission")),
    request_body = wire::Complete,
    responses((status = 200, body = wire::LeaseAnswer, description = "The outcome is stored"),
        (status = 404, body = wire::Problem, content_type = "application/problem+json", description = "`mission_not_found`, `session_not_found`"),
        (status = 409, body = wire::Problem, content_type = "application/problem+json", description = "`lease_lost`, `mission_cancelled`, `mission_finished`")))]
pub(super) async fn complete(
    agent: AgentOf,
    State(app): State<App>,
    Named(id): Named<MissionId>,
    Json(body): Json<wire::Complete>,
) -> Result<Json<wire::LeaseAnswer>, Reply> {
    agent.holds(&app, body.lease.session).await?;
    let started = Instant::now();
    let answer = app.engine.complete(id, body).await?;
    metrics::histogram!("scheduler_complete_seconds").record(started.elapsed().as_secs_f64());
    Ok(Json(answer))
}

/// Say that an attempt failed.
#[utoipa::path(post, path = "/agent/v1/missions/{id}/fail", tag = "agents", operation_id = "lease_fail",
    params(("id" = uuid::Uuid, Path, description = "The mission")),
    request_body = wire::Fail,
    responses((status = 200, body = wire::LeaseAnswer, description = "It waits for another attempt, or has failed for good"),
        (status = 404, body = wire::Problem, content_type = "application/problem+json", description = "`mission_not_found`, `session_not_found`"),
        (status = 409, body = wire::Problem, content_type = "application/problem+json", description = "`lease_lost`, `mission_cancelled`, `mission_finished`")))]
pub(super) async fn fail(
    agent: AgentOf,
    State(app): State<App>,
    Named(id): Named<MissionId>,
    Json(body): Json<wire::Fail>,
) -> Result<Json<wire::LeaseAnswer>, Reply> {
    agent.holds(&app, body.lease.session).await?;
    Ok(Json(app.engine.fail(id, body).await?))
}

/// Hand a lease back; nothing is charged.
#[utoipa::path(post, path = "/agent/v1/missions/{id}/release", tag = "agents", operation_id = "lease_release",
    params(("id" = uuid::Uuid, Path, description = "The mission")),
    request_body = wire::Release,
    responses((status = 200, body = wire::LeaseAnswer, description = "It waits again"),
        (status = 404, body = wire::Problem, content_type = "application/problem+json", description = "`mission_not_found`, `session_not_found`"),
        (status = 409, body = wire::Problem, content_type = "application/problem+json", description = "`lease_lost`, `mission_cancelled`, `mission_finished`")))]
pub(super) async fn release(
    agent: AgentOf,
    State(app): State<App>,
    Named(id): Named<MissionId>,
    Json(body): Json<wire::Release>,
) -> Result<Json<wire::LeaseAnswer>, Reply> {
    agent.holds(&app, body.lease.session).await?;
    Ok(Json(app.engine.release(id, body).await?))
}

/// Store what the agent says of a mission.
#[utoipa::path(post, path = "/agent/v1/missions/{id}/progress", tag = "agents", operation_id = "lease_progress",
    params(("id" = uuid::Uuid, Path, description = "The mission")),
    request_body = wire::Progress,
    responses((status = 200, body = wire::LeaseAnswer, description = "It is stored"),
        (status = 404, body = wire::Problem, content_type = "application/problem+json", description = "`mission_not_found`, `session_not_found`"),
        (status = 409, body = wire::Problem, content_type = "application/problem+json", description = "`lease_lost`, `mission_cancelled`, `mission_finished`")))]
pub(super) async fn progress(
    agent: AgentOf,
    State(app): State<App>,
    Named(id): Named<MissionId>,
    Json(body): Json<wire::Progress>,
) -> Result<Json<wire::LeaseAnswer>, Reply> {
    agent.holds(&app, body.lease.session).await?;
    Ok(Json(app.engine.progress(id, body).await?))
}

/// A hint of another scheduler: these pools have work.
#[utoipa::path(post, path = "/peer/v1/wake", tag = "peers", operation_id = "peer_wake",
    request_body = wire::Wake,
    responses((status = 204, description = "The waiting claims look at once")))]
pub(super) async fn wake(_: Peer, State(app): State<App>, Json(body): Json<wire::Wake>) -> StatusCode {
    app.engine.hear(&body);
    StatusCode::NO_CONTENT
}
