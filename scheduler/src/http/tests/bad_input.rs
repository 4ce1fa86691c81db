//! Bad input: each kind has its code and status, and changes nothing.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::json;

use super::bed::{Bed, raw_request};

const MISSION: &str = "018f0000-0000-7000-8000-000000000001";

struct Case {
    request: Request<Body>,
    status: u16,
    code: &'static str,
    pointer: Option<&'static str>,
}

fn post(path: &str, body: impl Into<Body>, status: u16, code: &'static str, pointer: &'static str) -> Case {
    let pointer = (!pointer.is_empty()).then_some(pointer);
    Case { request: raw_request(Method::POST, path, body), status, code, pointer }
}

fn plain(method: Method, path: &str, status: u16, code: &'static str) -> Case {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    Case { request, status, code, pointer: None }
}

fn submit(body: &str, status: u16, code: &'static str, pointer: &'static str) -> Case {
    post("/v1/missions", body.to_owned(), status, code, pointer)
}

/// Bodies of a submit.
fn submits() -> Vec<Case> {
    let with = |field: &str| format!(r#"{{"specialization": "engineer-master", "title": "t", {field}}}"#);
    let title = |title: &str| format!(r#"{{"specialization": "engineer-master", "title": "{title}"}}"#);
    let deep = with(&format!(r#""payload": {}{}"#, "[".repeat(5000), "]".repeat(5000)));
    let many = format!(r#"{{"missions": [{}]}}"#, vec![title("t"); 1001].join(","));
    vec![
        submit("{", 400, "malformed_json", ""),
        submit("", 400, "malformed_json", ""),
        submit("nonsense", 400, "malformed_json", ""),
        submit("[]", 422, "invalid_field", ""),
        submit(r#"{"missions": 7}"#, 422, "invalid_field", "/missions"),
        submit(r#"{"missions": []}"#, 422, "wrong_count", "/missions"),
        submit(&many, 422, "wrong_count", "/missions"),
        submit(&title(""), 422, "text_length", "/title"),
        submit(&title(&"x".repeat(1 << 20)), 422, "text_length", "/title"),
        submit(&title(r"\u0000"), 422, "nul_character", "/title"),
        submit(&title(r"\ud800"), 422, "malformed_text", "/title"),
        submit(&with(r#""payload": {"a": "\u0000"}"#), 422, "nul_character", "/payload/a"),
        submit(&with(r#""payload": 1e999"#), 422, "number_out_of_range", "/payload"),
        submit(&deep, 422, "value_too_deep", ""),
        submit(&with(&format!(r#""payload": "{}""#, "x".repeat(300 << 10))), 422, "value_too_large", "/payload"),
        submit(&with(r#""priority": 10"#), 422, "number_out_of_range", "/priority"),
        submit(&with(r#""priority": 99999999999999999999"#), 422, "number_out_of_range", "/priority"),
        submit(&with(r#""run_limit_ms": -1"#), 422, "number_out_of_range", "/run_limit_ms"),
        submit(&with(r#""max_attempts": 1000000000"#), 422, "number_out_of_range", "/max_attempts"),
        submit(&with(r#""origin": {"at": {"lat": 91, "lng": 0}}"#), 422, "off_the_globe", "/origin/at"),
        submit(&with(r#""origin": {"moon": 1}"#), 422, "invalid_field", ""),
        submit(&with(r#""origin": {"country": "ZZ"}"#), 422, "unknown_place", ""),
        submit(&with(r#""origin": {"world": "US:Nowhere"}"#), 422, "unknown_place", ""),
        submit(&with(r#""origin": {"weighted": []}"#), 422, "number_out_of_range", "/origin"),
        submit(&with(r#""residency": "mars""#), 422, "unknown_residency", "/residency"),
        submit(&with(r#""start_by": "tomorrow""#), 422, "invalid_field", "/start_by"),
        submit(
            r#"{"specialization": "enginer-master", "title": "t"}"#,
            422,
            "unknown_specialization",
            "/specialization",
        ),
    ]
}

/// Requests that no handler sees, or whose path, query or headers are wrong.
fn envelopes() -> Vec<Case> {
    let mut wrong_type = plain(Method::POST, "/v1/missions", 415, "unsupported_media_type");
    *wrong_type.request.body_mut() = Body::from("title=t");
    let mut key = submit("{}", 400, "malformed_header", "");
    key.request.headers_mut().insert("idempotency-key", "two words".parse().unwrap());
    let mut batch_key = submit(r#"{"missions": [{"specialization": "a", "title": "t"}]}"#, 400, "malformed_header", "");
    batch_key.request.headers_mut().insert("idempotency-key", "k".parse().unwrap());
    vec![
        wrong_type,
        key,
        batch_key,
        post("/v1/missions", vec![b' '; 17 << 20], 413, "body_too_large", ""),
        post(&format!("/agent/v1/missions/{MISSION}/complete"), vec![b' '; 3 << 20], 413, "body_too_large", ""),
        plain(Method::GET, "/v1/nothing", 404, "unknown_path"),
        plain(Method::PUT, "/v1/missions", 405, "method_not_allowed"),
        plain(Method::GET, "/v1/missions/not-an-id", 400, "malformed_path"),
        plain(Method::GET, &format!("/v1/missions/{MISSION}"), 404, "mission_not_found"),
        plain(Method::GET, "/v1/missions?state=odd", 400, "malformed_query"),
        plain(Method::GET, "/v1/missions?limit=99999999999999999999", 400, "malformed_query"),
        plain(Method::GET, "/v1/missions?limit=0", 422, "number_out_of_range"),
        plain(Method::GET, "/v1/missions?after=%00", 422, "bad_cursor"),
        plain(Method::GET, "/control/v1/topology?version=9", 404, "version_not_found"),
        plain(Method::DELETE, &format!("/control/v1/tokens/{MISSION}"), 404, "token_not_found"),
    ]
}

/// What agents and operators send.
fn others() -> Vec<Case> {
    let register = |pools: &str, region: &str| {
        format!(r#"{{"id": "{MISSION}", "region": "{region}", "agent": "a", "version": "1", "pools": {pools}}}"#)
    };
    let pool = |slots: &str| format!(r#"[{{"specialization": "engineer-master", "slots": {slots}}}]"#);
    let session = format!("/agent/v1/sessions/{MISSION}");
    let complete = format!("/agent/v1/missions/{MISSION}/complete");
    let proof = json!({ "session": MISSION, "epoch": 1, "home": "us-west-2", "outcome": 1 }).to_string();
    vec![
        post(
            "/agent/v1/sessions",
            register(&pool("1000000000"), "us-west"),
            422,
            "number_out_of_range",
            "/pools/0/slots",
        ),
        post("/agent/v1/sessions", register(&pool("1"), "mars"), 422, "unknown_region", "/region"),
        post("/agent/v1/sessions", register(&pool("1"), "europe-west"), 422, "unknown_pool", "/pools/0/specialization"),
        post("/agent/v1/sessions", register("[]", "us-west"), 422, "wrong_count", "/pools"),
        post(&format!("{session}/claim"), r#"{"free": {}, "holding": 0, "wait_ms": 1}"#, 422, "wrong_count", "/free"),
        post(
            &format!("{session}/claim"),
            r#"{"free": {"engineer-master": 1}, "holding": 0, "wait_ms": 10}"#,
            409,
            "session_ended",
            "",
        ),
        post(&complete, proof, 404, "mission_not_found", ""),
        post("/control/v1/topology/plan", r#"{"text": "regions: ["}"#, 422, "topology_refused", ""),
        post("/control/v1/regions/mars/cordon", r#"{}"#, 404, "region_not_found", ""),
        post("/control/v1/regions/MARS/cordon", r#"{}"#, 400, "malformed_path", ""),
        post("/control/v1/tokens", r#"{"name": "", "role": "viewer"}"#, 422, "text_length", "/name"),
        post("/control/v1/tokens", r#"{"name": "a", "role": "king"}"#, 422, "invalid_field", "/role"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bad_input_has_its_code_and_changes_nothing() {
    let bed = Bed::dev().await;
    let before = bed.stored().await;
    let mut wrong = Vec::new();
    for case in submits().into_iter().chain(envelopes()).chain(others()) {
        let name = format!("{} {} -> {} {}", case.request.method(), case.request.uri(), case.status, case.code);
        let answer = bed.send(case.request).await;
        let pointer = answer.body["pointer"].as_str();
        let is_problem = answer.headers.get("content-type").is_some_and(|kind| kind == "application/problem+json");
        let fits = answer.status.as_u16() == case.status
            && answer.body["code"] == case.code
            && (case.pointer.is_none() || case.pointer == pointer);
        if !fits || !is_problem || answer.body["status"] != case.status {
            wrong.push(format!("{name} {:?}: got {} {}", case.pointer, answer.status, answer.body));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(bed.stored().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_looks_like_this() {
    let bed = Bed::dev().await;
    let body = json!({ "specialization": "secure-specialst", "title": "t" });
    insta::assert_json_snapshot!(bed.post("/v1/missions", &body).await.body);
    insta::assert_json_snapshot!(bed.get("/v1/nothing").await.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_names_the_methods_that_it_has() {
    let bed = Bed::dev().await;
    let answer = bed.send(Request::delete("/v1/missions").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    let allowed = answer.headers.get("allow").and_then(|value| value.to_str().ok()).unwrap_or_default();
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed:?}");
}
