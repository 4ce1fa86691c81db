//! Many results in one request: each as the route of its own would answer it.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use topology::SessionId;

use super::bed::{Bed, mission, raw_request};

/// Missions leased to a session, as their grants.
async fn leased(bed: &Bed, session: SessionId, n: i64) -> Vec<Value> {
    for _ in 0..n {
        let submitted = bed.post("/v1/missions", &mission("m")).await;
        assert_eq!(submitted.status, StatusCode::CREATED, "{submitted:?}");
    }
    let claim = json!({ "free": { "engineer-master": n }, "holding": 0, "wait_ms": 5000 });
    let answer = bed.post(&format!("/agent/v1/sessions/{session}/claim"), &claim).await;
    answer.body["grants"].as_array().unwrap().clone()
}

fn proof(session: SessionId, grant: &Value) -> Value {
    json!({ "session": session, "epoch": grant["epoch"], "home": grant["home"] })
}

/// A completion with an outcome as it stands.
fn completed(session: SessionId, grant: &Value, outcome: &str) -> String {
    let proof = proof(session, grant).to_string();
    format!(r#"{}, "outcome": {outcome}}}"#, proof.trim_end_matches('}'))
}

fn results(session: SessionId, entries: &[String]) -> Request<Body> {
    let body = format!(r#"{{"results": [{}]}}"#, entries.join(", "));
    raw_request(Method::POST, &format!("/agent/v1/sessions/{session}/results"), body)
}

fn entry(grant: &Value, verb: &str, body: &str) -> String {
    format!(r#"{{"mission": {}, "{verb}": {body}}}"#, grant["mission"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_result_is_refused_as_alone_and_leaves_the_others_untouched() {
    let bed = Bed::dev().await;
    let session = bed.session(20).await;
    let grants = leased(&bed, session, 12).await;
    let (poisoned, others) = grants.split_first().unwrap();
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    let stale = json!({ "epoch": 0, "home": poisoned["home"] });
    let poisons = [
        ("complete", completed(session, poisoned, r#""\u0000""#)),
        ("complete", completed(session, poisoned, r#""\ud800""#)),
        ("complete", completed(session, poisoned, "1e999")),
        ("complete", completed(session, poisoned, &deep)),
        ("complete", completed(session, &stale, "1")),
        ("complete", r#"{"outcome": 1}"#.to_owned()),
        ("complete", "17".to_owned()),
        ("fail", completed(session, poisoned, "1")),
        ("fail", completed(session, poisoned, r#"1, "reason": "No Code""#)),
        ("release", completed(session, poisoned, r#"1, "reason": "a\u0000b""#)),
    ];
    let mut entries = Vec::new();
    for ((verb, body), grant) in poisons.iter().zip(others) {
        entries.push(entry(poisoned, verb, body));
        entries.push(entry(grant, "complete", &completed(session, grant, r#"{"ok": true}"#)));
    }
    let together = bed.send(results(session, &entries)).await;
    assert_eq!(together.status, StatusCode::OK, "{together:?}");
    let answers = together.body["results"].as_array().unwrap();
    assert_eq!(answers.len(), entries.len());
    for (index, (pair, (verb, body))) in answers.chunks(2).zip(&poisons).enumerate() {
        let path = format!("/agent/v1/missions/{}/{verb}", poisoned["mission"].as_str().unwrap());
        let alone = bed.send(raw_request(Method::POST, &path, body.clone())).await;
        let refused = &pair[0]["refused"];
        assert_eq!((&refused["code"], &refused["status"]), (&alone.body["code"], &alone.body["status"]), "{index}");
        let at = format!("/results/{}", 2 * index);
        assert!(refused["pointer"].as_str().is_some_and(|pointer| pointer.starts_with(&at)), "{refused}");
        assert_eq!(pair[1]["accepted"]["state"], "succeeded", "{index}: {pair:?}");
        assert_eq!(pair[1]["accepted"]["outcome"], json!({ "ok": true }));
    }
    let shown = bed.get(&format!("/v1/missions/{}", poisoned["mission"].as_str().unwrap())).await;
    assert_eq!(shown.body["state"], "leased", "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_list_of_results_is_refused_as_a_whole_and_changes_nothing() {
    let bed = Bed::dev().await;
    let session = bed.session(1).await;
    let grant = leased(&bed, session, 1).await.remove(0);
    let before = bed.stored().await;
    let good = entry(&grant, "complete", &completed(session, &grant, "1"));
    let path = format!("/agent/v1/sessions/{session}/results");
    let raw = |body: &str| raw_request(Method::POST, &path, body.to_owned());
    let cases = [
        (results(session, &vec![good; 501]), 422, "wrong_count", Some("/results")),
        (results(session, &[]), 422, "wrong_count", Some("/results")),
        (raw("{"), 400, "malformed_json", None),
        (raw("{}"), 422, "invalid_field", None),
        (raw(r#"{"results": "all"}"#), 422, "invalid_field", Some("/results")),
        (raw(&" ".repeat(3 << 20)), 413, "body_too_large", None),
    ];
    for (request, status, code, pointer) in cases {
        let answer = bed.send(request).await;
        let told = (answer.status.as_u16(), answer.body["code"].as_str(), answer.body["pointer"].as_str());
        assert_eq!(told, (status, Some(code), pointer), "{:?}", answer.body);
    }
    let two = json!({ "results": [{ "mission": grant["mission"], "complete": completed(session, &grant, "1"),
        "release": {} }, { "mission": "no id", "complete": {} }, 7] });
    let answer = bed.post(&path, &two).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    for refused in answer.body["results"].as_array().unwrap() {
        assert_eq!(refused["refused"]["status"], 422, "{refused}");
    }
    assert_eq!(bed.stored().await, before);
}
