//! The straight path, and who wins where two answers are possible.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use topology::SessionId;

use super::bed::{Bed, mission};

async fn grant(bed: &Bed, session: SessionId) -> Value {
    let claim = json!({ "free": { "engineer-master": 1 }, "holding": 0, "wait_ms": 5000 });
    let answer = bed.post(&format!("/agent/v1/sessions/{session}/claim"), &claim).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.body["grants"][0].clone()
}

fn proof(session: SessionId, grant: &Value, outcome: &Value) -> Value {
    json!({ "session": session, "epoch": grant["epoch"], "home": grant["home"], "outcome": outcome })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mission_is_submitted_leased_and_completed_once() {
    let bed = Bed::dev().await;
    let session = bed.session(2).await;
    let submitted = bed.post("/v1/missions", &mission("fix the build")).await;
    assert_eq!(submitted.status, StatusCode::CREATED, "{submitted:?}");
    assert_eq!(submitted.body["state"], "queued", "{submitted:?}");
    let id = submitted.body["id"].as_str().unwrap().to_owned();

    let grant = grant(&bed, session).await;
    assert_eq!(grant["mission"], id.as_str());
    let path = format!("/agent/v1/missions/{id}/complete");
    let done = proof(session, &grant, &json!({ "success": true }));
    let first = bed.post(&path, &done).await;
    assert_eq!((first.status, &first.body["state"]), (StatusCode::OK, &json!("succeeded")), "{first:?}");
    let again = bed.post(&path, &done).await;
    assert_eq!((again.status, &again.body["state"]), (StatusCode::OK, &json!("succeeded")), "{again:?}");
    let other = bed.post(&path, &proof(session, &grant, &json!({ "success": false }))).await;
    assert_eq!(other.status, StatusCode::CONFLICT, "{other:?}");

    let shown = bed.get(&format!("/v1/missions/{id}")).await;
    assert_eq!(shown.body["outcome"], json!({ "success": true }), "{shown:?}");
    let listed = bed.get("/v1/missions?state=succeeded&limit=10").await;
    assert_eq!(listed.body["missions"].as_array().map(Vec::len), Some(1), "{listed:?}");
    let placement = bed.get(&format!("/v1/missions/{id}/placement")).await;
    assert_eq!(placement.status, StatusCode::OK, "{placement:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_gives_the_same_mission_and_refuses_another_one() {
    let bed = Bed::dev().await;
    let send = |title: &str| {
        let body = mission(title).to_string();
        Request::post("/v1/missions")
            .header("content-type", "application/json")
            .header("idempotency-key", "issue-17")
            .body(Body::from(body))
            .unwrap()
    };
    let first = bed.send(send("one")).await;
    assert_eq!(first.status, StatusCode::CREATED, "{first:?}");
    let again = bed.send(send("one")).await;
    assert_eq!((again.status, &again.body["id"]), (StatusCode::OK, &first.body["id"]), "{again:?}");
    let before = bed.stored().await;
    let other = bed.send(send("two")).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY, "{other:?}");
    assert_eq!(other.body["code"], "idempotency_key_reused");
    assert_eq!(bed.stored().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_entry_of_a_batch_leaves_the_others_untouched() {
    let bed = Bed::dev().await;
    let poisons = [
        r#"{"title": "no specialization"}"#,
        r#"{"specialization": "engineer-master", "title": "\ud800"}"#,
        r#"{"specialization": "engineer-master", "title": "\u0000"}"#,
        r#"{"specialization": "engineer-master", "title": "t", "payload": 1e999}"#,
        r#"{"specialization": "engineer-master", "title": "t", "priority": 99999999999}"#,
        r#"{"specialization": "no-such-kind", "title": "t"}"#,
        r#"17"#,
    ];
    let good = mission("good").to_string();
    let entries: Vec<&str> = poisons.iter().flat_map(|poison| [*poison, good.as_str()]).collect();
    let body = format!(r#"{{"missions": [{}]}}"#, entries.join(", "));
    let answer = bed.send(super::bed::raw_request(axum::http::Method::POST, "/v1/missions", body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let results = answer.body["results"].as_array().unwrap();
    assert_eq!(results.len(), 2 * poisons.len());
    for (index, pair) in results.chunks(2).enumerate() {
        let place = format!("/missions/{}", 2 * index);
        let refused = &pair[0]["refused"];
        assert!(refused["pointer"].as_str().is_some_and(|at| at.starts_with(&place)), "{index}: {pair:?}");
        assert_eq!(pair[1]["accepted"]["state"], "queued", "{index}: {pair:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_mission_cannot_be_completed() {
    let bed = Bed::dev().await;
    let session = bed.session(1).await;
    let id = bed.post("/v1/missions", &mission("never mind")).await.body["id"].as_str().unwrap().to_owned();
    let grant = grant(&bed, session).await;
    let cancelled = bed.post(&format!("/v1/missions/{id}/cancel"), &json!({})).await;
    assert_eq!((cancelled.status, &cancelled.body["state"]), (StatusCode::OK, &json!("cancelled")), "{cancelled:?}");
    let beat = json!({ "seq": 1, "holds": [{ "mission": id, "epoch": grant["epoch"] }] });
    let beat = bed.put(&format!("/agent/v1/sessions/{session}/heartbeat"), &beat).await;
    assert_eq!(beat.body["cancelled"][0]["mission"], id.as_str(), "{beat:?}");
    let done = bed.post(&format!("/agent/v1/missions/{id}/complete"), &proof(session, &grant, &json!(1))).await;
    assert_eq!((done.status, &done.body["code"]), (StatusCode::CONFLICT, &json!("mission_cancelled")), "{done:?}");
    let retried = bed.post(&format!("/v1/missions/{id}/retry"), &json!({})).await;
    assert_eq!((retried.status, &retried.body["state"]), (StatusCode::OK, &json!("queued")), "{retried:?}");
}

#[tokio::test]
async fn what_succeeds_fails_or_is_cancelled_is_counted_in_its_pool() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    // The test's runtime has one thread: whatever is counted is counted here.
    let _guard = metrics::set_default_local_recorder(&recorder);
    let bed = Bed::dev().await;
    let session = bed.session(1).await;
    for verb in ["complete", "complete", "fail", "cancel"] {
        let made = bed.post("/v1/missions", &mission(verb)).await;
        let id = made.body["id"].as_str().unwrap().to_owned();
        if verb == "cancel" {
            for _ in 0..2 {
                bed.post(&format!("/v1/missions/{id}/cancel"), &json!({})).await;
            }
            continue;
        }
        let grant = grant(&bed, session).await;
        let mut body = proof(session, &grant, &json!(1));
        if verb == "fail" {
            body = json!({ "session": session, "epoch": grant["epoch"], "home": grant["home"], "reason": "exit",
                "detail": null, "retryable": false });
        }
        for _ in 0..2 {
            let ended = bed.post(&format!("/agent/v1/missions/{id}/{verb}"), &body).await;
            assert_eq!(ended.status, StatusCode::OK, "{ended:?}");
        }
    }
    let shown = recorder.handle().render();
    for (state, missions) in [("succeeded", 2), ("failed", 1), ("cancelled", 1)] {
        let line = format!(
            "scheduler_missions_finished_total{{state=\"{state}\",region=\"us-west\",\
             specialization=\"engineer-master\"}} {missions}\n"
        );
        assert!(shown.contains(&line), "{line} is not in\n{shown}");
    }
}
