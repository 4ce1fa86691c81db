//! `/v1/missions`: for clients.

use std::time::Instant;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use scheduler_client::wire;
use serde::Deserialize;
use serde_json::value::RawValue;
use topology::MissionId;

use super::auth::{Submitter, Viewer};
use super::json::{self, Body, Json};
use super::params::{self, Asked, Named};
use super::problem::{self, Reply};
use super::trace;
use crate::engine::{Actor, SubmitContext, Submitted};
use crate::refusal::Refusal;
use crate::state::App;

/// Most missions of one batch.
const MAX_BATCH: usize = 1000;

/// Submit one mission, or a batch.
///
/// One mission is answered 201, or 200 where its key brought it before. A batch is answered 200 with one result a
/// mission, in order: a refused one leaves the others untouched.
#[utoipa::path(post, path = "/v1/missions", tag = "missions", operation_id = "mission_submit",
    params(("Idempotency-Key" = Option<String>, Header, description = "Key of a single mission, 1 to 255 visible ASCII characters")),
    request_body = wire::SubmitBody,
    responses(
        (status = 201, body = wire::Mission, description = "The mission is durable"),
        (status = 200, body = Accepted, description = "The key brought it before, or a batch with one result a mission"),
        (status = 429, body = wire::Problem, content_type = "application/problem+json", description = "`too_many_open`"),
    ))]
pub(super) async fn submit(
    Submitter(actor): Submitter,
    State(app): State<App>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Reply> {
    let key = params::idempotency_key(&headers)?;
    let context = SubmitContext { traceparent: trace::for_mission(&headers), country: params::country(&headers) };
    let missions = match read(&body)? {
        Read::One(mission) => {
            let mission = with_key(*mission, key)?;
            let mut results = through_gate(&app, &actor, &context, vec![mission]).await;
            let submitted = results.pop().unwrap_or(Err(Refusal::Internal))?;
            let status = if submitted.replayed { StatusCode::OK } else { StatusCode::CREATED };
            return Ok((status, Json(submitted.mission)).into_response());
        }
        Read::Batch(missions) => missions,
    };
    if key.is_some() {
        return Err(problem::MALFORMED_HEADER.because("a batch has its keys in its missions, not in Idempotency-Key"));
    }
    if missions.is_empty() || missions.len() > MAX_BATCH {
        return Err(problem::WRONG_COUNT.at("/missions", format!("a batch has 1 to {MAX_BATCH} missions")));
    }
    let results = submit_readable(&app, &actor, &context, missions).await;
    answer(results)
}

/// Submits what the gate lets in, and lets the gate see how long it took.
async fn through_gate(
    app: &App,
    actor: &Actor,
    context: &SubmitContext,
    missions: Vec<wire::SubmitMission>,
) -> Vec<Result<Submitted, Refusal>> {
    let count = missions.len();
    let Some(mut pass) = app.gate.enter(count) else {
        metrics::counter!("scheduler_shed_total", "lane" => "submit").increment(1);
        return vec![Err(Refusal::Overloaded); count];
    };
    let started = Instant::now();
    let results = app.engine.submit(actor, context, missions).await;
    metrics::histogram!("scheduler_submit_seconds").record(started.elapsed().as_secs_f64());
    if results.iter().all(Result::is_err) {
        pass.discount();
    }
    results
}

/// What a 200 to a submit holds.
#[derive(serde::Serialize, utoipa::ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum Accepted {
    /// The key brought it before.
    One(Box<wire::Mission>),
    /// A batch.
    Batch(wire::SubmitAnswer),
}

/// A body of missions. An entry of a batch that is no mission is refused alone.
enum Read {
    One(Box<wire::SubmitMission>),
    Batch(Vec<Result<wire::SubmitMission, Reply>>),
}

fn read(body: &[u8]) -> Result<Read, Reply> {
    #[derive(Deserialize)]
    struct Whole {
        missions: Vec<wire::SubmitMission>,
    }
    #[derive(Deserialize)]
    struct Parts<'a> {
        #[serde(borrow)]
        missions: Vec<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Shape {
        #[serde(default)]
        missions: Option<serde::de::IgnoredAny>,
    }
    if !json::holds_nul_escape(body)
        && let Ok(batch) = serde_json::from_slice::<Whole>(body)
    {
        return Ok(Read::Batch(batch.missions.into_iter().map(Ok).collect()));
    }
    if let Ok(batch) = serde_json::from_slice::<Parts<'_>>(body) {
        return Ok(Read::Batch(json::decode_each("missions", &batch.missions)));
    }
    if let Ok(Shape { missions: Some(_) }) = serde_json::from_slice(body) {
        return Err(problem::INVALID_FIELD.at("/missions", "missions must be a list"));
    }
    json::decode(body).map(|mission| Read::One(Box::new(mission)))
}

fn with_key(mut mission: wire::SubmitMission, header: Option<String>) -> Result<wire::SubmitMission, Reply> {
    match (&mission.idempotency_key, header) {
        (Some(own), Some(header)) if *own != header => Err(problem::INVALID_FIELD
            .at("/idempotency_key", "the body and the Idempotency-Key header name different keys")),
        (None, header) => {
            mission.idempotency_key = header;
            Ok(mission)
        }
        _ => Ok(mission),
    }
}

/// Submits what could be read, and puts the results back in their places.
async fn submit_readable(
    app: &App,
    actor: &Actor,
    context: &SubmitContext,
    missions: Vec<Result<wire::SubmitMission, Reply>>,
) -> Vec<Result<Submitted, Reply>> {
    let mut results: Vec<Option<Reply>> = Vec::with_capacity(missions.len());
    let mut readable = Vec::with_capacity(missions.len());
    for mission in missions {
        match mission {
            Ok(mission) => {
                readable.push(mission);
                results.push(None);
            }
            Err(reply) => results.push(Some(reply)),
        }
    }
    let mut submitted = if readable.is_empty() {
        Vec::new().into_iter()
    } else {
        through_gate(app, actor, context, readable).await.into_iter()
    };
    let place = |(index, refused): (usize, Option<Reply>)| match refused {
        Some(reply) => Err(reply),
        None => submitted
            .next()
            .unwrap_or(Err(Refusal::Internal))
            .map_err(|refusal| Reply::from(refusal).inside(&format!("/missions/{index}"))),
    };
    results.into_iter().enumerate().map(place).collect()
}

/// A batch of which nothing was taken for want of capacity is shed as a whole, so that clients come back later.
fn answer(results: Vec<Result<Submitted, Reply>>) -> Result<Response, Reply> {
    if results.iter().all(|result| result.as_ref().is_err_and(Reply::is_transient))
        && let Some(Err(reply)) = results.first()
    {
        return Err(reply.clone().without_place());
    }
    let results = results
        .into_iter()
        .map(|result| match result {
            Ok(submitted) => wire::SubmitResult::Accepted(Box::new(submitted.mission)),
            Err(reply) => wire::SubmitResult::Refused(reply.into_problem()),
        })
        .collect();
    Ok(Json(wire::SubmitAnswer { results }).into_response())
}

/// List missions, newest first.
#[utoipa::path(get, path = "/v1/missions", tag = "missions", operation_id = "mission_list",
    params(wire::ListMissions),
    responses((status = 200, body = wire::MissionPage, description = "One page")))]
pub(super) async fn list(
    _: Viewer,
    State(app): State<App>,
    Asked(query): Asked<wire::ListMissions>,
) -> Result<Json<wire::MissionPage>, Reply> {
    Ok(Json(app.engine.list(query).await?))
}

/// Show one mission with payload and history.
#[utoipa::path(get, path = "/v1/missions/{id}", tag = "missions", operation_id = "mission_show",
    params(("id" = uuid::Uuid, Path, description = "The mission")),
    responses((status = 200, body = wire::Mission, description = "The mission"),
        (status = 404, body = wire::Problem, content_type = "application/problem+json", description = "`mission_not_found`")))]
pub(super) async fn show(
    _: Viewer,
    State(app): State<App>,
    Named(id): Named<MissionId>,
) -> Result<Json<wire::Mission>, Reply> {
    Ok(Json(app.engine.show(id).await?))
}

/// Explain where a mission was placed, and why not elsewhere.
#[utoipa::path(get, path = "/v1/missions/{id}/placement", tag = "missions", operation_id = "mission_explain",
    params(("id" = uuid::Uuid, Path, description = "The mission")),
    responses((status = 200, body = wire::PlacementAnswer, description = "The placement as it was decided"),
        (status = 404, body = wire::Problem, content_type = "application/problem+json", description = "`mission_not_found`")))]
pub(super) async fn placement(
    _: Viewer,
    State(app): State<App>,
    Named(id): Named<MissionId>,
) -> Result<Json<wire::PlacementAnswer>, Reply> {
    Ok(Json(app.engine.placement(id).await?))
}

/// Call a mission off.
#[utoipa::path(post, path = "/v1/missions/{id}/cancel", tag = "missions", operation_id = "mission_cancel",
    params(("id" = uuid::Uuid, Path, description = "The mission")),
    request_body = wire::CancelMission,
    responses((status = 200, body = wire::Mission, description = "It is cancelled"),
        (status = 404, body = wire::Problem, content_type = "application/problem+json", description = "`mission_not_found`"),
        (status = 409, body = wire::Problem, content_type = "application/problem+json", description = "`mission_finished`")))]
pub(super) async fn cancel(
    Submitter(actor): Submitter,
    State(app): State<App>,
    Named(id): Named<MissionId>,
    Json(body): Json<wire::CancelMission>,
) -> Result<Json<wire::Mission>, Reply> {
    Ok(Json(app.engine.cancel(&actor, id, &body.reason).await?))
}

/// Submit a failed or cancelled mission again.
#[utoipa::path(post, path = "/v1/missions/{id}/retry", tag = "missions", operation_id = "mission_retry",
    params(("id" = uuid::Uuid, Path, description = "The mission")),
    responses((status = 200, body = wire::Mission, description = "It is open again"),
        (status = 404, body = wire::Problem, content_type = "application/problem+json", description = "`mission_not_found`"),
        (status = 409, body = wire::Problem, content_type = "application/problem+json", description = "`mission_open`, `mission_finished`")))]
pub(super) async fn retry(
    Submitter(actor): Submitter,
    State(app): State<App>,
    Named(id): Named<MissionId>,
) -> Result<Json<wire::Mission>, Reply> {
    Ok(Json(app.engine.retry(&actor, id).await?))
}
