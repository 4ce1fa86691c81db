//! Event streams, probes and what is shed.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures_util::StreamExt as _;
use serde_json::json;

use super::bed::{Bed, mission};
use crate::config::Limits;

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_of_a_submit_and_ends_with_the_scheduler() {
    let bed = Bed::dev().await;
    bed.session(1).await;
    let response = bed.open(get("/v1/events")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut events = response.into_body().into_data_stream();
    let submitted = bed.post("/v1/missions", &mission("t")).await;
    let id = submitted.body["id"].as_str().unwrap().to_owned();
    let mut text = String::new();
    while !text.contains(&id) {
        text.push_str(std::str::from_utf8(&events.next().await.unwrap().unwrap()).unwrap());
    }
    assert!(text.contains("event: mission"), "{text}");
    bed.app.stopping.cancel();
    while events.next().await.is_some() {}
    let answer = bed.get("/ready").await;
    assert_eq!((answer.status, &answer.body["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("not_ready")));
    assert_eq!(bed.get("/health").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_streams_than_allowed_are_shed() {
    let bed = Bed::new(true, Limits { streams: 1, ..Limits::default() }).await;
    let first = bed.open(get("/v1/events")).await;
    let second = bed.get("/v1/events").await;
    assert_eq!((second.status, &second.body["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("overloaded")));
    assert!(second.headers.contains_key("retry-after"));
    drop(first);
    assert_eq!(bed.open(get("/v1/events")).await.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_path_is_routed_and_every_route_is_documented() {
    let bed = Bed::dev().await;
    for (path, item) in crate::http::openapi::document().paths.paths {
        let path = path.replace("{id}", "018f0000-0000-7000-8000-000000000001").replace("{region}", "us-west");
        let methods = [
            ("GET", item.get.is_some()),
            ("PUT", item.put.is_some()),
            ("POST", item.post.is_some()),
            ("DELETE", item.delete.is_some()),
        ];
        for (method, documented) in methods {
            if path == "/v1/events" && documented {
                continue;
            }
            let request = Request::builder().method(method).uri(&path).body(Body::empty()).unwrap();
            let code = bed.send(request).await.body["code"].clone();
            assert_ne!(code, "unknown_path", "{method} {path}");
            assert_eq!(code == "method_not_allowed", !documented, "{method} {path}: {code}");
        }
    }
}
