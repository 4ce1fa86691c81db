//! `POST /agent/v1/sessions/{id}/results`: many results of a session in one request, each answered as if it came alone.

use std::time::Instant;

use axum::extract::State;
use scheduler_client::wire;
use serde::Deserialize;
use serde_json::value::RawValue;
use topology::SessionId;

use super::auth::AgentOf;
use super::json::{self, Body, Json};
use super::params::Named;
use super::problem::{self, Reply};
use crate::refusal::Refusal;
use crate::state::App;

/// Most results of one request.
const MAX_RESULTS: usize = 500;

/// A result that could be read, or why not.
type Entry = Result<wire::MissionResult, Reply>;

/// Finish many missions of a session, each for itself.
///
/// Each entry is answered in order, with what `complete`, `fail` or `release` of its mission would answer: a refused
/// one leaves the others untouched, and the same request again is answered the same.
#[utoipa::path(post, path = "/agent/v1/sessions/{id}/results", tag = "agents", operation_id = "session_results",
    params(("id" = uuid::Uuid, Path, description = "The session that holds, or held, all of the leases")),
    request_body = wire::Results,
    responses((status = 200, body = wire::ResultsAnswer, description = "One answer a result, in order"),
        (status = 404, body = wire::Problem, content_type = "application/problem+json", description = "`session_not_found`")))]
pub(super) async fn results(
    agent: AgentOf,
    State(app): State<App>,
    Named(id): Named<SessionId>,
    Body(body): Body,
) -> Result<Json<wire::ResultsAnswer>, Reply> {
    agent.holds(&app, id).await?;
    let entries = read(&body)?;
    if entries.is_empty() || entries.len() > MAX_RESULTS {
        return Err(problem::WRONG_COUNT.at("/results", format!("a request has 1 to {MAX_RESULTS} results")));
    }
    let started = Instant::now();
    let answers = say_readable(&app, id, entries).await;
    metrics::histogram!("scheduler_complete_seconds").record(started.elapsed().as_secs_f64());
    answer(answers)
}

fn read(body: &[u8]) -> Result<Vec<Entry>, Reply> {
    #[derive(Deserialize)]
    struct Parts<'a> {
        #[serde(borrow)]
        results: Vec<&'a RawValue>,
    }
    if !json::holds_nul_escape(body)
        && let Ok(whole) = serde_json::from_slice::<wire::Results>(body)
    {
        return Ok(whole.results.into_iter().map(Ok).collect());
    }
    match serde_json::from_slice::<Parts<'_>>(body) {
        Ok(parts) => Ok(json::decode_each("results", &parts.results)),
        Err(_) => json::decode::<wire::Results>(body).map(|whole| whole.results.into_iter().map(Ok).collect()),
    }
}

/// Says what could be read, and puts the answers back in their places.
async fn say_readable(app: &App, session: SessionId, entries: Vec<Entry>) -> Vec<Result<wire::LeaseAnswer, Reply>> {
    let mut readable = Vec::with_capacity(entries.len());
    let places: Vec<Result<String, Reply>> = entries
        .into_iter()
        .enumerate()
        .map(|(index, entry)| {
            let result = entry?;
            let place = format!("/results/{index}/{}", result.word.verb());
            readable.push(result);
            Ok(place)
        })
        .collect();
    let mut said = app.engine.results(session, readable).await.into_iter();
    let answer = |place: Result<String, Reply>| {
        let place = place?;
        said.next().unwrap_or(Err(Refusal::Internal)).map_err(|refusal| Reply::from(refusal).inside(&place))
    };
    places.into_iter().map(answer).collect()
}

/// A request of which nothing was taken for want of capacity is refused as a whole, so that agents come back later.
fn answer(answers: Vec<Result<wire::LeaseAnswer, Reply>>) -> Result<Json<wire::ResultsAnswer>, Reply> {
    if answers.iter().all(|answer| answer.as_ref().is_err_and(Reply::is_transient))
        && let Some(Err(reply)) = answers.first()
    {
        return Err(reply.clone().without_place());
    }
    let each = |answer| match answer {
        Ok(answer) => wire::ResultAnswer::Accepted(answer),
        Err(reply) => wire::ResultAnswer::Refused(Reply::into_problem(reply)),
    };
    Ok(Json(wire::ResultsAnswer { results: answers.into_iter().map(each).collect() }))
}
