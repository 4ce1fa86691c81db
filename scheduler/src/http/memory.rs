//! `/v1/memory`, `/v1/lessons`, `/v1/agents`: what agents learned, for agents and for people.

use axum::extract::State;
use scheduler_client::wire;
use serde::Deserialize;
use topology::Specialization;
use utoipa::IntoParams;
use uuid::Uuid;

use super::auth::{Operator, Reader, Submitter, Viewer};
use super::json::Json;
use super::params::{Asked, Named};
use super::problem::Reply;
use crate::state::App;

/// Ask what helped before with such a problem, and what failed.
///
/// Nothing is shown that is under a residency rule which does not list both the caller's region and the scheduler's. Where
/// nothing is near enough the answer is empty; `degraded` names regions of which nothing could be had.
#[utoipa::path(post, path = "/v1/memory/search", tag = "memory", operation_id = "memory_search",
    request_body = wire::MemorySearch,
    responses((status = 200, body = wire::MemoryAnswer, description = "The few that help, and what to avoid")))]
pub(super) async fn search(
    reader: Reader,
    State(app): State<App>,
    Json(body): Json<wire::MemorySearch>,
) -> Result<Json<wire::MemoryAnswer>, Reply> {
    let region = reader.stands_in(&app, body.region.as_ref())?;
    Ok(Json(app.memory.search(&region, body).await?))
}

/// Show a memory.
#[utoipa::path(get, path = "/v1/memory/{id}", tag = "memory", operation_id = "memory_show",
    params(("id" = Uuid, Path, description = "The memory; a mission's has the mission's id")),
    responses((status = 200, body = wire::MemoryView, description = "The memory"),
        (status = 404, body = wire::Problem, content_type = "application/problem+json", description = "`memory_not_found`")))]
pub(super) async fn show(
    reader: Reader,
    State(app): State<App>,
    Named(id): Named<Uuid>,
) -> Result<Json<wire::MemoryView>, Reply> {
    let region = reader.stands_in(&app, None)?;
    Ok(Json(app.memory.show(&region, id).await?))
}

/// Forget a memory for good, what was merged into it, and what else says exactly the same.
///
/// It is gone from this scheduler's answers at once, and from every other's within `horizon_s` seconds. It does not come
/// back by an import, by work that was under way, or as a new mission that says exactly the same. After an error ask again:
/// what was done is done, the rest follows.
#[utoipa::path(delete, path = "/v1/memory/{id}", tag = "memory", operation_id = "memory_forget",
    params(("id" = Uuid, Path, description = "The memory")),
    responses((status = 200, body = wire::Forgotten, description = "What is forgotten now"),
        (status = 404, body = wire::Problem, content_type = "application/problem+json", description = "`memory_not_found`")))]
pub(super) async fn forget(
    Operator(actor): Operator,
    State(app): State<App>,
    Named(id): Named<Uuid>,
) -> Result<Json<wire::Forgotten>, Reply> {
    Ok(Json(app.memory.forget(id, &actor.to_string()).await?))
}

/// Say what a review or a merge made of a mission.
#[utoipa::path(post, path = "/v1/memory/{id}/success", tag = "memory", operation_id = "memory_success",
    params(("id" = Uuid, Path, description = "The memory")),
    request_body = wire::MemoryVerdict,
    responses((status = 200, body = wire::VerdictAnswer, description = "Whether the verdict stands"),
        (status = 404, body = wire::Problem, content_type = "application/problem+json", description = "`memory_not_found`")))]
pub(super) async fn judge(
    _: Submitter,
    State(app): State<App>,
    Named(id): Named<Uuid>,
    Json(body): Json<wire::MemoryVerdict>,
) -> Result<Json<wire::VerdictAnswer>, Reply> {
    Ok(Json(app.memory.judge(id, body).await?))
}

/// Show what an agent did: missions, successes, minutes, the last one.
#[utoipa::path(get, path = "/v1/agents/{id}/stats", tag = "memory", operation_id = "agent_stats",
    params(("id" = String, Path, description = "The agent, as its session names itself")),
    responses((status = 200, body = wire::AgentStats, description = "Counts of the missions that left a memory")))]
pub(super) async fn stats(
    reader: Reader,
    State(app): State<App>,
    Named(agent): Named<String>,
) -> Result<Json<wire::AgentStats>, Reply> {
    let region = reader.stands_in(&app, None)?;
    Ok(Json(app.memory.stats(&region, agent).await?))
}

/// The query of `GET /v1/lessons` and `GET /v1/memory/patterns`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OfKind {
    /// Kind of agent; absent = all.
    #[param(value_type = Option<String>)]
    specialization: Option<Specialization>,
}

/// List lessons with how far they are believed.
#[utoipa::path(get, path = "/v1/lessons", tag = "memory", operation_id = "lesson_list", params(OfKind),
    responses((status = 200, body = wire::LessonList, description = "The most believed first")))]
pub(super) async fn lessons(
    reader: Reader,
    State(app): State<App>,
    Asked(of): Asked<OfKind>,
) -> Result<Json<wire::LessonList>, Reply> {
    let region = reader.stands_in(&app, None)?;
    Ok(Json(app.memory.lessons(&region, of.specialization).await?))
}

/// List issues that came again, with the solution that has proven itself.
///
/// The newest memories of each home are compared by their vectors; `truncated` says whether there are more.
#[utoipa::path(get, path = "/v1/memory/patterns", tag = "memory", operation_id = "memory_patterns", params(OfKind),
    responses((status = 200, body = wire::MemoryPatternList, description = "Those of most missions first")))]
pub(super) async fn patterns(
    reader: Reader,
    State(app): State<App>,
    Asked(of): Asked<OfKind>,
) -> Result<Json<wire::MemoryPatternList>, Reply> {
    let region = reader.stands_in(&app, None)?;
    Ok(Json(app.memory.patterns(&region, of.specialization).await?))
}

/// The query of `GET /v1/memory/hit-rate`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Within {
    /// Hours back from now, 1 to 2160; absent = 168.
    #[param(minimum = 1, maximum = 2160)]
    hours: Option<u32>,
}

/// Show what memory was worth: missions with it beside those that went without.
#[utoipa::path(get, path = "/v1/memory/hit-rate", tag = "memory", operation_id = "memory_hit_rate", params(Within),
    responses((status = 200, body = wire::MemoryHitRate, description = "Counts of the recall log")))]
pub(super) async fn hit_rate(
    _: Viewer,
    State(app): State<App>,
    Asked(within): Asked<Within>,
) -> Result<Json<wire::MemoryHitRate>, Reply> {
    Ok(Json(app.memory.hit_rate(within.hours).await?))
}
