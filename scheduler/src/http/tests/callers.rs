//! Who may do what.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use scheduler_client::wire::{CreateToken, TokenRole};
use serde_json::{Value, json};
use topology::SessionId;

use super::bed::{Bed, json_request, mission};
use crate::config::Limits;
use crate::engine::Actor;

async fn token(bed: &Bed, role: TokenRole, region: Option<&str>) -> String {
    let region = region.map(|name| name.parse().unwrap());
    let body = CreateToken { name: format!("{role:?}"), role, region, expires_in_s: None };
    bed.app.control.create_token(&Actor::Operator("test".to_owned()), body).await.unwrap().secret
}

fn with(secret: &str, mut request: Request<Body>) -> Request<Body> {
    request.headers_mut().insert("authorization", format!("Bearer {secret}").parse().unwrap());
    request
}

/// A request with the status that a submitter, an agent, an operator and a viewer get.
type Row = (&'static str, fn() -> Request<Body>, [u16; 4]);

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

fn register(region: &str, specialization: &str) -> Value {
    json!({ "id": SessionId::random(), "region": region, "agent": "test", "version": "0",
        "pools": [{ "specialization": specialization, "slots": 1 }] })
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_do_its_own_and_no_more() {
    let bed = Bed::new(false, Limits::default()).await;
    let submitter = token(&bed, TokenRole::Submitter, None).await;
    let agent = token(&bed, TokenRole::Agent, Some("us-west")).await;
    let operator = token(&bed, TokenRole::Operator, None).await;
    let viewer = token(&bed, TokenRole::Viewer, None).await;
    let requests: [Row; 9] = [
        ("submit", || json_request(Method::POST, "/v1/missions", &mission("t")), [201, 403, 201, 403]),
        ("list", || get("/v1/missions"), [200, 403, 200, 200]),
        ("recall", || json_request(Method::POST, "/v1/memory/search", &json!({ "title": "t" })), [200, 200, 200, 200]),
        (
            "recall from elsewhere",
            || json_request(Method::POST, "/v1/memory/search", &json!({ "title": "t", "region": "us-east" })),
            [200, 403, 200, 200],
        ),
        (
            "forget",
            || Request::delete(format!("/v1/memory/{}", uuid::Uuid::nil())).body(Body::empty()).unwrap(),
            [403, 403, 404, 403],
        ),
        (
            "register here",
            || json_request(Method::POST, "/agent/v1/sessions", &register("us-west", "engineer-master")),
            [403, 200, 200, 403],
        ),
        (
            "register elsewhere",
            || json_request(Method::POST, "/agent/v1/sessions", &register("us-east", "secure-specialist")),
            [403, 403, 200, 403],
        ),
        (
            "cordon",
            || json_request(Method::POST, "/control/v1/regions/us-east/cordon", &json!({})),
            [403, 403, 200, 403],
        ),
        ("tokens", || get("/control/v1/tokens"), [403, 403, 200, 403]),
    ];
    for (name, request, wanted) in requests {
        for (secret, wanted) in [&submitter, &agent, &operator, &viewer].into_iter().zip(wanted) {
            let answer = bed.send(with(secret, request())).await;
            assert_eq!(answer.status.as_u16(), wanted, "{name}: {answer:?}");
        }
        let answer = bed.send(request()).await;
        assert_eq!((answer.status.as_u16(), &answer.body["code"]), (401, &json!("unauthenticated")), "{name}");
        assert!(answer.headers.contains_key("www-authenticate"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_speaks_for_sessions_of_its_region_only() {
    let bed = Bed::new(false, Limits::default()).await;
    let own = token(&bed, TokenRole::Agent, Some("us-west")).await;
    let foreign = token(&bed, TokenRole::Agent, Some("us-east")).await;
    let body = register("us-west", "engineer-master");
    let registered = bed.send(with(&own, json_request(Method::POST, "/agent/v1/sessions", &body))).await;
    assert_eq!(registered.status, StatusCode::OK, "{registered:?}");
    let path = format!("/agent/v1/sessions/{}/heartbeat", body["id"].as_str().unwrap());
    let beat = json!({ "seq": 1, "holds": [] });
    let refused = bed.send(with(&foreign, json_request(Method::PUT, &path, &beat))).await;
    assert_eq!((refused.status, &refused.body["code"]), (StatusCode::FORBIDDEN, &json!("forbidden")), "{refused:?}");
    let heard = bed.send(with(&own, json_request(Method::PUT, &path, &beat))).await;
    assert_eq!(heard.status, StatusCode::OK, "{heard:?}");
    let session = body["id"].as_str().unwrap();
    let lease = json!({ "session": session, "epoch": 1, "home": "us-west-2", "outcome": 1 });
    let results = json!({ "results": [{ "mission": SessionId::random(), "complete": lease }] });
    let nobody = SessionId::random().to_string();
    for (secret, session, status) in [(&foreign, session, 403), (&own, &nobody, 404), (&own, session, 200)] {
        let path = format!("/agent/v1/sessions/{session}/results");
        let answer = bed.send(with(secret, json_request(Method::POST, &path, &results))).await;
        assert_eq!(answer.status.as_u16(), status, "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_or_foreign_token_opens_nothing() {
    let bed = Bed::new(false, Limits::default()).await;
    let secret = token(&bed, TokenRole::Operator, None).await;
    let mut forged = secret.clone();
    let last = if forged.pop() == Some('0') { '1' } else { '0' };
    forged.push(last);
    for wrong in [forged.as_str(), "x", "mrd", &"y".repeat(5000)] {
        let answer = bed.send(with(wrong, get("/v1/regions"))).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{wrong}: {answer:?}");
    }
    let host = |host: &str| {
        let mut request = get("/v1/regions");
        request.headers_mut().insert("host", host.parse().unwrap());
        request
    };
    let dev = Bed::dev().await;
    assert_eq!(dev.send(host("127.0.0.1:7700")).await.status, StatusCode::OK);
    assert_eq!(dev.send(host("rebound.example:7700")).await.status, StatusCode::UNAUTHORIZED);
}
