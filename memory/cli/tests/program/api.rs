//! An embeddings API of our own that notes the texts it is given, and makes lexical vectors of them, slowly.

use std::collections::BTreeSet;
use std::future::IntoFuture as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router, routing};
use memory::embed::Lexical;
use serde_json::{Value, json};

/// Texts with this word are refused.
pub(crate) const POISON: &str = "poison";
/// So that there is time to kill who asks.
const SLOW: Duration = Duration::from_millis(30);

pub(crate) struct Api {
    /// `host:port/v1`, as it stands in the space's name.
    pub(crate) place: String,
    given: Arc<Mutex<BTreeSet<String>>>,
}

impl Api {
    pub(crate) async fn start() -> Self {
        let given = Arc::<Mutex<BTreeSet<String>>>::default();
        let router = Router::new().route("/v1/embeddings", routing::post(answer)).with_state(Arc::clone(&given));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = format!("{}/v1", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { place, given }
    }

    /// As `--to` takes it.
    pub(crate) fn choice(&self) -> String {
        format!("api:test@http://{}", self.place)
    }

    /// The space of its vectors.
    pub(crate) fn space(&self) -> String {
        format!("openai@{}:test:1536", self.place)
    }

    /// Whether it was given a text with this word.
    pub(crate) fn saw(&self, word: &str) -> bool {
        self.given.lock().unwrap().iter().any(|text| text.contains(word))
    }
}

async fn answer(State(given): State<Arc<Mutex<BTreeSet<String>>>>, Json(body): Json<Value>) -> Response {
    let texts: Vec<&str> = body["input"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    given.lock().unwrap().extend(texts.iter().map(|text| (*text).to_owned()));
    tokio::time::sleep(SLOW).await;
    if texts.iter().any(|text| text.contains(POISON)) {
        return (StatusCode::BAD_REQUEST, "this text is refused").into_response();
    }
    let lexical = Lexical::new();
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| json!({ "index": index, "embedding": lexical.vector(text) }))
        .collect();
    Json(json!({ "data": data, "usage": { "prompt_tokens": 1, "total_tokens": texts.len() } })).into_response()
}
