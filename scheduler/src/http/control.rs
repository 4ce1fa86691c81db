//! `/control/v1`, `/v1/regions` and `/v1/pools`: for operators.

use axum::extract::State;
use axum::http::StatusCode;
use scheduler_client::wire;
use serde::Deserialize;
use topology::{RegionName, TokenId};

use super::auth::{AnyToken, Operator, Viewer};
use super::json::Json;
use super::params::{Asked, Named};
use super::problem::Reply;
use crate::state::App;

/// Versions of the topology that one answer lists, unless asked otherwise.
const HISTORY: i64 = 50;

/// Show the topology in force, or an earlier version.
#[utoipa::path(get, path = "/control/v1/topology", tag = "control", operation_id = "topology_show",
    params(VersionQuery),
    responses((status = 200, body = wire::TopologyVersion, description = "The text as written, with what it is"),
        (status = 404, body = wire::Problem, content_type = "application/problem+json", description = "`version_not_found`")))]
pub(super) async fn topology(
    _: Viewer,
    State(app): State<App>,
    Asked(query): Asked<VersionQuery>,
) -> Result<Json<wire::TopologyVersion>, Reply> {
    let found = match query.version {
        Some(version) => app.control.version(version).await?,
        None => app.control.topology().await?,
    };
    Ok(Json(found))
}

/// Which version.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct VersionQuery {
    /// A version of the history; none = the one in force.
    version: Option<i64>,
}

/// How many.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LimitQuery {
    /// At most so many.
    limit: Option<i64>,
}

/// List the versions of the topology, newest first.
#[utoipa::path(get, path = "/control/v1/topology/history", tag = "control", operation_id = "topology_history",
    params(LimitQuery),
    responses((status = 200, body = wire::TopologyHistory, description = "The versions, without their texts")))]
pub(super) async fn history(
    _: Viewer,
    State(app): State<App>,
    Asked(query): Asked<LimitQuery>,
) -> Result<Json<wire::TopologyHistory>, Reply> {
    let limit = query.limit.unwrap_or(HISTORY).clamp(1, 500);
    Ok(Json(app.control.history(limit).await?))
}

/// Say what a file would change, and why apply would refuse it.
#[utoipa::path(post, path = "/control/v1/topology/plan", tag = "control", operation_id = "topology_plan",
    request_body = wire::PlanTopology,
    responses((status = 200, body = wire::PlanAnswer, description = "The difference")))]
pub(super) async fn plan(
    _: Operator,
    State(app): State<App>,
    Json(body): Json<wire::PlanTopology>,
) -> Result<Json<wire::PlanAnswer>, Reply> {
    Ok(Json(app.control.plan(body).await?))
}

/// Put a file in force.
#[utoipa::path(put, path = "/control/v1/topology", tag = "control", operation_id = "topology_apply",
    request_body = wire::ApplyTopology,
    responses((status = 200, body = wire::TopologyVersion, description = "It is in force"),
        (status = 409, body = wire::Problem, content_type = "application/problem+json", description = "`plan_stale`, `holds_missions`")))]
pub(super) async fn apply(
    Operator(actor): Operator,
    State(app): State<App>,
    Json(body): Json<wire::ApplyTopology>,
) -> Result<Json<wire::TopologyVersion>, Reply> {
    Ok(Json(app.control.apply(&actor, body).await?))
}

/// Put the text of an earlier version in force again.
#[utoipa::path(post, path = "/control/v1/topology/revert", tag = "control", operation_id = "topology_revert",
    request_body = wire::RevertTopology,
    responses((status = 200, body = wire::TopologyVersion, description = "It is in force, as a new version"),
        (status = 404, body = wire::Problem, content_type = "application/problem+json", description = "`version_not_found`"),
        (status = 409, body = wire::Problem, content_type = "application/problem+json", description = "`plan_stale`, `holds_missions`")))]
pub(super) async fn revert(
    Operator(actor): Operator,
    State(app): State<App>,
    Json(body): Json<wire::RevertTopology>,
) -> Result<Json<wire::TopologyVersion>, Reply> {
    Ok(Json(app.control.revert(&actor, body).await?))
}

/// List the schedulers that are alive.
#[utoipa::path(get, path = "/control/v1/schedulers", tag = "control", operation_id = "scheduler_list",
    responses((status = 200, body = wire::SchedulerList, description = "The schedulers with the topology that each runs")))]
pub(super) async fn schedulers(_: Viewer, State(app): State<App>) -> Result<Json<wire::SchedulerList>, Reply> {
    Ok(Json(app.control.schedulers().await?))
}

/// List the regions, with all that holds them back.
#[utoipa::path(get, path = "/v1/regions", tag = "regions", operation_id = "region_list",
    responses((status = 200, body = wire::RegionList, description = "The regions in the order of the topology")))]
pub(super) async fn regions(_: Viewer, State(app): State<App>) -> Result<Json<wire::RegionList>, Reply> {
    Ok(Json(app.control.regions().await?))
}

/// List the pools with their load.
#[utoipa::path(get, path = "/v1/pools", tag = "regions", operation_id = "pool_list",
    responses((status = 200, body = wire::PoolList, description = "The pools")))]
pub(super) async fn pools(_: AnyToken, State(app): State<App>) -> Result<Json<wire::PoolList>, Reply> {
    Ok(Json(app.control.pools().await?))
}

/// Let a region take nothing new.
#[utoipa::path(post, path = "/control/v1/regions/{region}/cordon", tag = "control", operation_id = "region_cordon",
    params(("region" = String, Path, description = "The region")),
    request_body = wire::RegionControl,
    responses((status = 200, body = wire::RegionView, description = "The region"),
        (status = 404, body = wire::Problem, content_type = "application/problem+json", description = "`region_not_found`")))]
pub(super) async fn cordon(
    operator: Operator,
    app: State<App>,
    region: Named<RegionName>,
    body: Json<wire::RegionControl>,
) -> Result<Json<wire::RegionView>, Reply> {
    set_verb(operator, app, region, wire::RegionVerb::Cordoned, body).await
}

/// Empty a region: finish or hand back.
#[utoipa::path(post, path = "/control/v1/regions/{region}/drain", tag = "control", operation_id = "region_drain",
    params(("region" = String, Path, description = "The region")),
    request_body = wire::RegionControl,
    responses((status = 200, body = wire::RegionView, description = "The region"),
        (status = 404, body = wire::Problem, content_type = "application/problem+json", description = "`region_not_found`")))]
pub(super) async fn drain(
    operator: Operator,
    app: State<App>,
    region: Named<RegionName>,
    body: Json<wire::RegionControl>,
) -> Result<Json<wire::RegionView>, Reply> {
    set_verb(operator, app, region, wire::RegionVerb::Draining, body).await
}

/// Take a cordon or drain back.
#[utoipa::path(post, path = "/control/v1/regions/{region}/uncordon", tag = "control", operation_id = "region_uncordon",
    params(("region" = String, Path, description = "The region")),
    request_body = wire::RegionControl,
    responses((status = 200, body = wire::RegionView, description = "The region"),
        (status = 404, body = wire::Problem, content_type = "application/problem+json", description = "`region_not_found`")))]
pub(super) async fn uncordon(
    operator: Operator,
    app: State<App>,
    region: Named<RegionName>,
    body: Json<wire::RegionControl>,
) -> Result<Json<wire::RegionView>, Reply> {
    set_verb(operator, app, region, wire::RegionVerb::None, body).await
}

async fn set_verb(
    Operator(actor): Operator,
    State(app): State<App>,
    Named(region): Named<RegionName>,
    verb: wire::RegionVerb,
    Json(body): Json<wire::RegionControl>,
) -> Result<Json<wire::RegionView>, Reply> {
    Ok(Json(app.control.set_verb(&actor, &region, verb, body).await?))
}

/// List the tokens, without their secrets.
#[utoipa::path(get, path = "/control/v1/tokens", tag = "control", operation_id = "token_list",
    responses((status = 200, body = wire::TokenList, description = "The tokens, revoked ones too")))]
pub(super) async fn tokens(_: Operator, State(app): State<App>) -> Result<Json<wire::TokenList>, Reply> {
    Ok(Json(app.control.tokens().await?))
}

/// Make a token. Its secret is shown this once.
#[utoipa::path(post, path = "/control/v1/tokens", tag = "control", operation_id = "token_create",
    request_body = wire::CreateToken,
    responses((status = 201, body = wire::CreatedToken, description = "The token with its secret")))]
pub(super) async fn create_token(
    Operator(actor): Operator,
    State(app): State<App>,
    Json(body): Json<wire::CreateToken>,
) -> Result<(StatusCode, Json<wire::CreatedToken>), Reply> {
    Ok((StatusCode::CREATED, Json(app.control.create_token(&actor, body).await?)))
}

/// End a token for good.
#[utoipa::path(delete, path = "/control/v1/tokens/{id}", tag = "control", operation_id = "token_revoke",
    params(("id" = uuid::Uuid, Path, description = "The token's public part")),
    responses((status = 200, body = wire::TokenView, description = "It is over, at other schedulers within seconds"),
        (status = 404, body = wire::Problem, content_type = "application/problem+json", description = "`token_not_found`")))]
pub(super) async fn revoke_token(
    Operator(actor): Operator,
    State(app): State<App>,
    Named(id): Named<TokenId>,
) -> Result<Json<wire::TokenView>, Reply> {
    Ok(Json(app.control.revoke_token(&actor, id).await?))
}
