//! The control API.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::table::Table;
use super::wire::{Beat, LinkSpec, LinksTold, OwnerTold, Problem, PutToxics, Removed};

type Shared = State<Arc<Table>>;
type Answer<T> = Result<Json<T>, Refusal>;

/// All routes.
pub(super) fn router(table: Arc<Table>) -> Router {
    Router::new()
        .route("/links", put(links_put).get(links_told))
        .route("/toxics", post(toxics_put))
        .route("/toxics/{owner}", delete(owner_remove))
        .route("/toxics/{owner}/{name}", delete(toxic_remove))
        .route("/owners/{owner}/beat", post(owner_beat))
        .route("/reset", post(reset))
        .route("/health", get(health))
        .route("/ready", get(health))
        .route("/metrics", get(metrics))
        .fallback(async || Refusal::UnknownPath)
        .method_not_allowed_fallback(async || Refusal::UnknownMethod)
        .with_state(table)
}

async fn links_put(State(table): Shared, body: Bytes) -> Answer<BTreeMap<String, SocketAddr>> {
    Ok(Json(table.put_links(read::<Vec<LinkSpec>>(&body)?)?))
}

async fn links_told(State(table): Shared) -> Json<LinksTold> {
    Json(table.told())
}

async fn toxics_put(State(table): Shared, body: Bytes) -> Answer<OwnerTold> {
    let (changed, told) = table.put(read::<PutToxics>(&body)?)?;
    changed.everywhere().await;
    Ok(Json(told))
}

async fn owner_remove(State(table): Shared, Path(owner): Path<String>) -> Json<Removed> {
    let changed = table.remove(Some(&owner), None);
    Json(Removed { removed: changed.everywhere().await })
}

async fn toxic_remove(State(table): Shared, Path((owner, name)): Path<(String, String)>) -> Json<Removed> {
    let changed = table.remove(Some(&owner), Some(&name));
    Json(Removed { removed: changed.everywhere().await })
}

async fn owner_beat(State(table): Shared, Path(owner): Path<String>, body: Bytes) -> Answer<OwnerTold> {
    Ok(Json(table.beat(&owner, read::<Beat>(&body)?.ttl_ms)?))
}

async fn reset(State(table): Shared) -> Json<Removed> {
    let changed = table.remove(None, None);
    Json(Removed { removed: changed.everywhere().await })
}

async fn health(State(table): Shared) -> Json<Value> {
    let told = table.told();
    Json(json!({ "links": told.links.len(), "toxics": told.owners.iter().map(|owner| owner.toxics).sum::<usize>() }))
}

async fn metrics(State(table): Shared) -> String {
    super::metrics::render(&table.told())
}

/// Reads a body without asking what it calls itself, so that `curl -d` needs no header.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::Malformed(error.to_string()))
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let detail = match std::error::Error::source(&self) {
            Some(source) => format!("{self}: {source}"),
            None => self.to_string(),
        };
        let problem = Problem { code: self.code().to_owned(), status: self.status(), detail };
        let status = StatusCode::from_u16(self.status()).expect("a status of the table above");
        let kind = [("content-type", "application/problem+json")];
        (status, kind, serde_json::to_string(&problem).expect("plain data")).into_response()
    }
}
