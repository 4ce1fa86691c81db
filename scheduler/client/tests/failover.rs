//! The client against small servers that hang, refuse, shed and answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use scheduler_client::wire::{Claim, Heartbeat, Problem, SubmitMission};
use scheduler_client::{BreakerState, Cause, Client, Config, Error, Limits};
use serde_json::{Value, json};
use topology::SessionId;

/// What a fake scheduler does with every request.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mood {
    Answer,
    Hang,
    Shed,
    Fail500,
    Gateway502,
    NoProblem404,
    /// Its database does not answer claims,
    CutOff,
    /// or not those of every pool.
    Degraded,
}

struct Fake {
    url: String,
    state: Arc<FakeState>,
}

struct FakeState {
    mood: AtomicU32,
    requests: AtomicU64,
    keys: std::sync::Mutex<Vec<String>>,
    auth: std::sync::Mutex<Option<String>>,
}

impl Fake {
    async fn start(mood: Mood) -> Self {
        let state = Arc::new(FakeState {
            mood: AtomicU32::new(mood as u32),
            requests: AtomicU64::new(0),
            keys: std::sync::Mutex::default(),
            auth: std::sync::Mutex::default(),
        });
        let app = Router::new().fallback(answer).with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, state }
    }

    fn set(&self, mood: Mood) {
        self.state.mood.store(mood as u32, Ordering::SeqCst);
    }

    fn requests(&self) -> u64 {
        self.state.requests.load(Ordering::SeqCst)
    }
}

fn problem(status: u16, code: &str) -> Problem {
    Problem {
        kind: format!("urn:meridian:problem:{code}"),
        code: code.to_owned(),
        status,
        title: code.to_owned(),
        detail: code.to_owned(),
        pointer: None,
        extra: None,
    }
}

async fn answer(State(state): State<Arc<FakeState>>, headers: HeaderMap, uri: Uri) -> Response {
    state.requests.fetch_add(1, Ordering::SeqCst);
    if let Some(key) = headers.get("idempotency-key") {
        state.keys.lock().unwrap().push(key.to_str().unwrap().to_owned());
    }
    *state.auth.lock().unwrap() = headers.get("authorization").map(|v| v.to_str().unwrap().to_owned());
    let moods = [
        Mood::Answer,
        Mood::Hang,
        Mood::Shed,
        Mood::Fail500,
        Mood::Gateway502,
        Mood::NoProblem404,
        Mood::CutOff,
        Mood::Degraded,
    ];
    match moods[state.mood.load(Ordering::SeqCst) as usize] {
        Mood::CutOff if uri.path().ends_with("/claim") => {
            let problem = Json(problem(503, "database_unavailable"));
            (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "1")], problem).into_response()
        }
        Mood::Degraded if uri.path().ends_with("/claim") => {
            Json(json!({"grants": [], "degraded": true})).into_response()
        }
        Mood::Answer if uri.path().ends_with("/claim") => Json(json!({"grants": []})).into_response(),
        Mood::Answer if uri.path() == "/v1/missions" => Json(mission()).into_response(),
        Mood::Answer if uri.path().ends_with("/results") => Json(json!({"results": []})).into_response(),
        Mood::Answer | Mood::CutOff | Mood::Degraded => {
            Json(json!({"seq": 1, "lost": [], "cancelled": [], "wished": {}})).into_response()
        }
        Mood::Hang => std::future::pending().await,
        Mood::Shed => {
            (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "1")], Json(problem(503, "overloaded"))).into_response()
        }
        Mood::Fail500 => (StatusCode::INTERNAL_SERVER_ERROR, Json(problem(500, "internal"))).into_response(),
        Mood::Gateway502 => (StatusCode::BAD_GATEWAY, "bad gateway").into_response(),
        Mood::NoProblem404 => (StatusCode::NOT_FOUND, "who?").into_response(),
    }
}

fn mission() -> Value {
    json!({
        "id": "6f1c1f0e-0000-4000-8000-000000000001", "state": "queued", "specialization": "engineer-master",
        "title": "t", "submitter": "s", "origin": {"country": "JP"}, "priority": 5, "home": "us-west-2", "epoch": 0,
        "attempts": 0, "crashes": 0, "moves": 0, "submitted_at": "2026-01-01T00:00:00Z"
    })
}

fn submit() -> SubmitMission {
    serde_json::from_value(json!({"specialization": "engineer-master", "title": "t"})).unwrap()
}

fn client(fakes: &[&Fake]) -> Client {
    let limits = Limits {
        attempt: Duration::from_millis(100),
        overall: Duration::from_secs(10),
        tries: 6,
        pause: Duration::from_millis(1),
        pause_max: Duration::from_millis(2),
    };
    Client::new(&Config::new(fakes.iter().map(|fake| fake.url.clone())).limits(limits)).unwrap()
}

fn states(client: &Client) -> Vec<BreakerState> {
    client.breakers().map(|(_, state)| state).collect()
}

/// An address on which nobody listens.
async fn closed_port() -> Fake {
    let fake = Fake::start(Mood::Answer).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    Fake { url: format!("http://{}", listener.local_addr().unwrap()), state: fake.state }
}

#[tokio::test]
async fn the_nearest_scheduler_is_asked_first_and_alone() {
    let (near, far) = (Fake::start(Mood::Answer).await, Fake::start(Mood::Answer).await);
    client(&[&near, &far]).submit(submit()).await.unwrap();
    assert_eq!((near.requests(), far.requests()), (1, 0));
}

#[tokio::test]
async fn a_hanging_scheduler_costs_one_call_its_time_and_is_asked_after_the_others_then() {
    let (near, far) = (Fake::start(Mood::Hang).await, Fake::start(Mood::Answer).await);
    let client = client(&[&near, &far]);
    for _ in 0..5 {
        client.submit(submit()).await.unwrap();
    }
    assert_eq!((near.requests(), far.requests()), (1, 5));
}

#[tokio::test]
async fn the_breaker_of_a_hanging_scheduler_opens_and_nothing_more_is_sent() {
    let near = Fake::start(Mood::Hang).await;
    let client = client(&[&near]);
    let error = client.submit(submit()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { cause: Cause::Timeout(_), .. }), "{error:?}");
    assert_eq!(states(&client), [BreakerState::Open]);
    let sent = near.requests();
    let limits = Limits { overall: Duration::from_millis(20), ..client.limits() };
    let error = client.with_limits(limits).submit(submit()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { tries: 0, cause: Cause::BreakersOpen }), "{error:?}");
    assert_eq!(near.requests(), sent);
}

#[tokio::test]
async fn one_probe_goes_through_after_a_while_and_closes_the_breaker() {
    let near = Fake::start(Mood::Gateway502).await;
    let client = client(&[&near]);
    while states(&client)[0] != BreakerState::Open {
        client.submit(submit()).await.unwrap_err();
    }
    near.set(Mood::Answer);
    let failures = near.requests();
    client.submit(submit()).await.unwrap();
    assert_eq!(near.requests(), failures + 1);
    assert_eq!(states(&client), [BreakerState::Closed]);
}

#[tokio::test]
async fn a_refused_connection_fails_over_even_for_what_is_not_repeatable() {
    let (near, far) = (closed_port().await, Fake::start(Mood::Answer).await);
    let heartbeat = Heartbeat { seq: 1, holds: Vec::new(), draining: false, heard: None };
    client(&[&near, &far]).heartbeat(SessionId::random(), &heartbeat).await.unwrap();
    assert_eq!(far.requests(), 1);
}

#[tokio::test]
async fn a_lost_answer_to_what_is_not_repeatable_is_not_sent_again() {
    let (near, far) = (Fake::start(Mood::Hang).await, Fake::start(Mood::Answer).await);
    let heartbeat = Heartbeat { seq: 1, holds: Vec::new(), draining: false, heard: None };
    let error = client(&[&near, &far]).heartbeat(SessionId::random(), &heartbeat).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { tries: 1, cause: Cause::Timeout(_) }), "{error:?}");
    assert_eq!(far.requests(), 0);
}

#[tokio::test]
async fn claims_leave_a_scheduler_whose_database_does_not_answer_and_come_back_later() {
    let (near, far) = (Fake::start(Mood::CutOff).await, Fake::start(Mood::Answer).await);
    let client = client(&[&near, &far]);
    let session = SessionId::random();
    let claim = Claim { free: [("a".parse().unwrap(), 1)].into(), holding: 0, wait_ms: 0 };
    for _ in 0..3 {
        client.claim(session, &claim).await.unwrap();
    }
    assert_eq!((near.requests(), far.requests()), (1, 3), "one claim finds out for all");
    let heartbeat = Heartbeat { seq: 1, holds: Vec::new(), draining: false, heard: None };
    client.heartbeat(session, &heartbeat).await.unwrap();
    assert_eq!((near.requests(), far.requests()), (2, 3), "heartbeats go on where they went");
    near.set(Mood::Answer);
    let begin = tokio::time::Instant::now();
    while near.requests() == 2 {
        client.claim(session, &claim).await.unwrap();
        assert!(begin.elapsed() < Duration::from_secs(5), "it is never asked again");
    }
    assert!(begin.elapsed() > Duration::from_millis(500), "{:?}", begin.elapsed());
    let asked = far.requests();
    client.claim(session, &claim).await.unwrap();
    assert_eq!(far.requests(), asked, "the nearest is the first again");
}

#[tokio::test]
async fn the_claim_after_a_degraded_one_goes_to_the_next_scheduler() {
    let (near, far) = (Fake::start(Mood::Degraded).await, Fake::start(Mood::Answer).await);
    let client = client(&[&near, &far]);
    let claim = Claim { free: [("a".parse().unwrap(), 1)].into(), holding: 0, wait_ms: 0 };
    assert!(client.claim(SessionId::random(), &claim).await.unwrap().degraded);
    assert!(!client.claim(SessionId::random(), &claim).await.unwrap().degraded);
    assert_eq!((near.requests(), far.requests()), (1, 1));
}

#[tokio::test]
async fn results_whose_answer_is_lost_are_told_to_the_next_scheduler() {
    let (near, far) = (Fake::start(Mood::Hang).await, Fake::start(Mood::Answer).await);
    client(&[&near, &far]).results(SessionId::random(), Vec::new()).await.unwrap();
    assert_eq!((near.requests(), far.requests()), (1, 1));
}

#[tokio::test]
async fn every_try_of_a_submit_carries_the_same_key() {
    let (near, far) = (Fake::start(Mood::Hang).await, Fake::start(Mood::Answer).await);
    client(&[&near, &far]).submit(submit()).await.unwrap();
    let keys = [near.state.keys.lock().unwrap().clone(), far.state.keys.lock().unwrap().clone()].concat();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0], keys[1]);
    assert!(keys[0].len() >= 32, "{keys:?}");
}

#[tokio::test]
async fn the_callers_own_key_is_kept() {
    let near = Fake::start(Mood::Answer).await;
    let mission = SubmitMission { idempotency_key: Some("mine".to_owned()), ..submit() };
    client(&[&near]).submit(mission).await.unwrap();
    assert_eq!(*near.state.keys.lock().unwrap(), ["mine"]);
}

#[tokio::test]
async fn a_shed_call_waits_as_long_as_it_is_told() {
    let near = Fake::start(Mood::Shed).await;
    let client = client(&[&near]);
    let begin = tokio::time::Instant::now();
    let waiting = tokio::spawn(async move { client.submit(submit()).await });
    while near.requests() == 0 {
        tokio::task::yield_now().await;
    }
    near.set(Mood::Answer);
    waiting.await.unwrap().unwrap();
    assert_eq!(near.requests(), 2);
    assert!(begin.elapsed() >= Duration::from_secs(1), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_refusal_is_final_and_keeps_its_code_and_status() {
    let (near, far) = (Fake::start(Mood::Fail500).await, Fake::start(Mood::Answer).await);
    let client = client(&[&near, &far]);
    let error = client.submit(submit()).await.unwrap_err();
    assert_eq!((error.code(), error.status()), (Some("internal"), Some(500)));
    assert_eq!((near.requests(), far.requests()), (1, 0));
    assert_eq!(states(&client)[0], BreakerState::Closed);
}

#[tokio::test]
async fn an_answer_outside_the_contract_is_said_to_be_one() {
    let near = Fake::start(Mood::NoProblem404).await;
    let error = client(&[&near]).submit(submit()).await.unwrap_err();
    assert!(matches!(&error, Error::Contract { status: 404, detail } if detail.contains("who?")), "{error:?}");
}

#[tokio::test]
async fn nobody_there_ends_within_the_limits() {
    let (near, far) = (closed_port().await, closed_port().await);
    let error = client(&[&near, &far]).submit(submit()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { tries: 6, cause: Cause::Connect(_) }), "{error:?}");
}

#[tokio::test]
async fn the_token_travels_as_bearer() {
    let near = Fake::start(Mood::Answer).await;
    let client = Client::new(&Config::new([near.url.clone()]).token(Some("abc".to_owned()))).unwrap();
    client.submit(submit()).await.unwrap();
    assert_eq!(near.state.auth.lock().unwrap().as_deref(), Some("Bearer abc"));
}
