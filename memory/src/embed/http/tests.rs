use std::sync::Mutex;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use serde_json::{Value, json};
use sql::config::BreakerConfig;

use super::*;
use crate::boundary::Limits;

/// What the API does with a request; the last one again and again.
#[derive(Debug, Clone, Copy)]
enum Mood {
    Serves,
    Limits(&'static str),
    Status(u16),
    Dimensions(usize),
    /// One vector too few.
    Forgets,
    /// A good answer, cut off in its middle.
    Breaks,
    Hangs,
}

#[derive(Default)]
struct Seen {
    moods: Mutex<Vec<Mood>>,
    requests: Mutex<Vec<(HeaderMap, Value)>>,
}

struct Api {
    seen: Arc<Seen>,
    settings: Settings,
}

/// A vector that tells a text: its length in bytes and 1.
fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let mut vector = vec![0.0; dimensions];
    (vector[0], vector[1]) = (text.len() as f32, 1.0);
    vector
}

fn data(input: &[Value], dimensions: usize) -> Value {
    let item = |(index, text): (usize, &Value)| json!({ "index": index, "embedding": vector(text.as_str().unwrap(), dimensions) });
    // The last first: order is said by the index alone.
    let data: Vec<Value> = input.iter().enumerate().map(item).rev().collect();
    json!({ "data": data, "usage": { "prompt_tokens": 9, "total_tokens": 10 * input.len() } })
}

async fn answer(State(seen): State<Arc<Seen>>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let input = body["input"].as_array().unwrap().clone();
    seen.requests.lock().unwrap().push((headers, body));
    let mood = {
        let mut moods = seen.moods.lock().unwrap();
        if moods.len() > 1 { moods.remove(0) } else { moods[0] }
    };
    match mood {
        Mood::Serves => Json(data(&input, DIMENSIONS)).into_response(),
        Mood::Limits(after) => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", after)]).into_response(),
        Mood::Status(status) => (StatusCode::from_u16(status).unwrap(), "token sesame is wrong").into_response(),
        Mood::Dimensions(dimensions) => Json(data(&input, dimensions)).into_response(),
        Mood::Forgets => Json(data(&input[1..], DIMENSIONS)).into_response(),
        Mood::Breaks => {
            let whole = data(&input, DIMENSIONS).to_string().into_bytes();
            let half = Ok::<_, std::io::Error>(whole[..whole.len() / 2].to_vec());
            let parts = [half, Err(std::io::Error::other("cut"))];
            axum::body::Body::from_stream(futures_util::stream::iter(parts)).into_response()
        }
        Mood::Hangs => std::future::pending().await,
    }
}

impl Api {
    async fn start(moods: &[Mood]) -> Self {
        let seen = Arc::new(Seen { moods: Mutex::new(moods.to_vec()), ..Seen::default() });
        let router = Router::new().route("/v1/embeddings", routing::post(answer)).with_state(Arc::clone(&seen));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/v1", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { seen, settings: settings(&base) }
    }

    fn requests(&self) -> usize {
        self.seen.requests.lock().unwrap().len()
    }

    fn embedder(&self) -> Http {
        embedder(self.settings.clone())
    }
}

/// Short pauses, and a limit of a try that an idle machine never needs.
fn settings(base: &str) -> Settings {
    let breaker = BreakerConfig { failures: 6, open_for: Duration::from_secs(60), open_max: Duration::from_secs(60) };
    Settings {
        limits: Limits { breaker, ..Limits::within(Duration::from_secs(5)) },
        tries: 3,
        pause: Duration::from_millis(1),
        pause_max: Duration::from_millis(4),
        usd_per_million_tokens: 20.0,
        token: Token::new("sesame"),
        ..Settings::at(base.parse().unwrap(), "small")
    }
}

fn embedder(settings: Settings) -> Http {
    let clock = Arc::new(|| DateTime::from_timestamp(1_000, 0).unwrap());
    Http::new(settings, clock).unwrap()
}

fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(|text| (*text).to_owned()).collect()
}

fn assert_tells(vector: &[f32], text: &str) {
    assert_eq!(vector.len(), DIMENSIONS);
    let length: f32 = vector.iter().map(|x| x * x).sum();
    assert!((length - 1.0).abs() < 1e-4 && (vector[0] / vector[1] - text.len() as f32).abs() < 1e-3, "{text}");
}

#[tokio::test]
async fn every_text_gets_its_vector_in_its_place_and_the_cost_is_counted() {
    let api = Api::start(&[Mood::Serves]).await;
    let embedder = api.embedder();
    let asked = texts(&["one", "a", "three", "a"]);
    let vectors = embedder.embed(&asked).await.unwrap();
    assert_eq!(vectors.len(), 4);
    for (vector, text) in vectors.iter().zip(&asked) {
        assert_tells(vector, text);
    }
    let (headers, body) = api.seen.requests.lock().unwrap()[0].clone();
    assert_eq!(headers["authorization"], "Bearer sesame");
    assert_eq!((&body["model"], &body["dimensions"]), (&json!("small"), &json!(1536)));
    assert_eq!(body["input"], json!(["one", "a", "three"]), "a text that comes twice is sent once");
    assert_eq!(embedder.spending(), Spending { texts: 3, tokens: 30, usd: 0.0006, tokens_today: 30 });
    embedder.embed(&asked).await.unwrap();
    assert_eq!(api.requests(), 1, "what is known is not asked again");
}

#[tokio::test]
async fn requests_are_bounded_in_texts_and_bytes_and_texts_in_bytes() {
    let mut api = Api::start(&[Mood::Serves]).await;
    api.settings = Settings { batch_texts: 2, batch_bytes: 10, text_bytes: 12, ..api.settings };
    let asked =
        texts(&["a", "bb", "ccc", "dddddddd", "eeeeeeeeeeeeee\u{e9}", "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}"]);
    assert_eq!(api.embedder().embed(&asked).await.unwrap().len(), 6);
    let inputs: Vec<Value> = api.seen.requests.lock().unwrap().iter().map(|(_, body)| body["input"].clone()).collect();
    let cut = "\u{e9}".repeat(6);
    assert_eq!(
        inputs,
        [json!(["a", "bb"]), json!(["ccc"]), json!(["dddddddd"]), json!(["eeeeeeeeeeee"]), json!([cut])]
    );
}

#[tokio::test]
async fn an_api_that_is_down_is_unavailable_and_after_a_while_not_asked() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let embedder = embedder(settings(&base));
    for _ in 0..2 {
        assert!(matches!(embedder.embed(&texts(&["a"])).await, Err(Error::Unavailable(_))));
    }
    assert_eq!(embedder.breaker(), BreakerState::Open);
    let Err(Error::Unavailable(why)) = embedder.embed(&texts(&["a"])).await else { panic!("it is down") };
    assert!(why.contains("is not asked"), "{why}");
    assert_eq!(embedder.spending().tokens_today, 0, "nothing was sent, nothing is charged");
}

#[tokio::test]
async fn an_api_that_is_slow_is_cut_and_tried_again() {
    let mut api = Api::start(&[Mood::Hangs, Mood::Serves]).await;
    api.settings.limits.timeout = Duration::from_millis(100);
    let embedder = api.embedder();
    assert_tells(&embedder.embed(&texts(&["a"])).await.unwrap()[0], "a");
    assert_eq!((api.requests(), embedder.spending().tokens_today), (2, 11), "a request that was cut may be charged");
}

#[tokio::test]
async fn a_limit_is_waited_out_as_long_as_the_api_says_and_is_no_mark_against_it() {
    let mut api = Api::start(&[Mood::Limits("0.2"), Mood::Serves]).await;
    let before = Instant::now();
    let embedder = api.embedder();
    embedder.embed(&texts(&["a"])).await.unwrap();
    assert!(before.elapsed() >= Duration::from_millis(200), "{:?}", before.elapsed());

    *api.seen.moods.lock().unwrap() = vec![Mood::Limits("3600")];
    api.settings.patience = Duration::from_secs(30);
    for n in 0..8 {
        let before = Instant::now();
        let error = embedder.embed(&texts(&[&format!("text {n}")])).await;
        assert!(matches!(error, Err(Error::Unavailable(_))) && before.elapsed() < Duration::from_secs(10));
    }
    assert_eq!((embedder.breaker(), api.requests()), (BreakerState::Closed, 10), "an hour is not waited for");
}

#[tokio::test]
async fn vectors_of_another_dimension_are_refused_and_not_asked_for_again() {
    let api = Api::start(&[Mood::Dimensions(384)]).await;
    let Err(Error::Dimensions { space, wanted: DIMENSIONS, got: 384 }) = api.embedder().embed(&texts(&["a"])).await
    else {
        panic!("384 dimensions came")
    };
    assert!(space.as_str().starts_with("openai@127.0.0.1:") && space.as_str().ends_with("/v1:small:1536"), "{space}");
    assert_eq!(api.requests(), 1);
}

#[tokio::test]
async fn fewer_vectors_than_texts_and_half_an_answer_are_tried_again_and_never_guessed_at() {
    for mood in [Mood::Forgets, Mood::Breaks, Mood::Status(503)] {
        let api = Api::start(&[mood, Mood::Serves]).await;
        let vectors = api.embedder().embed(&texts(&["a", "bbb"])).await.unwrap();
        assert_tells(&vectors[1], "bbb");
        assert_eq!(api.requests(), 2, "{mood:?}");

        let api = Api::start(&[mood]).await;
        let error = api.embedder().embed(&texts(&["a", "bbb"])).await;
        assert!(matches!(error, Err(Error::Unavailable(_))), "{mood:?}: {error:?}");
        assert_eq!(api.requests(), 3, "{mood:?}: tries end");
    }
}

#[tokio::test]
async fn a_refused_token_is_said_once_and_not_repeated() {
    let api = Api::start(&[Mood::Status(401)]).await;
    let Err(Error::Refused(why)) = api.embedder().embed(&texts(&["a"])).await else { panic!("401 is a refusal") };
    assert!(why.contains("401") && !why.contains("sesame"), "{why}");
    assert_eq!(api.requests(), 1);
}

#[tokio::test]
async fn a_spent_budget_asks_nothing_and_says_until_when() {
    let mut api = Api::start(&[Mood::Serves]).await;
    api.settings.tokens_per_day = Some(15);
    let embedder = api.embedder();
    embedder.embed(&texts(&["a"])).await.unwrap();
    let Err(error @ Error::Spent { .. }) = embedder.embed(&texts(&["eighteen bytes now"])).await else {
        panic!("of 15 tokens a day 5 are left, 6 are wanted")
    };
    assert!(error.to_string().contains("the 15 tokens a day"), "{error}");
    assert_eq!(api.requests(), 1);
    embedder.embed(&texts(&["a"])).await.unwrap();
}

#[tokio::test]
async fn an_empty_text_has_no_vector() {
    let api = Api::start(&[Mood::Serves]).await;
    assert!(matches!(api.embedder().embed(&texts(&["a", " "])).await, Err(Error::Refused(_))));
    assert_eq!((api.requests(), api.embedder().embed(&[]).await.unwrap().len()), (0, 0));
}
