//! Each planted bug of the routes does what its name says, where the whole program does not.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sql::Lane;
use topology::SessionId;

use super::bed::{Answer, Bed, mission};
use crate::planted::{Bug, plant_here};

const MOVED_AWAY: sql::Statement = sql::statement!(
    "test_moved_away",
    once,
    "UPDATE missions SET crdb_region = 'us-east-1'::TEXT::crdb_internal_region, region = 'us-east' WHERE id = $1::UUID"
);

impl Bed {
    async fn submit(&self) -> Value {
        let answer = self.post("/v1/missions", &mission("a mission")).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answer.body["id"].clone()
    }

    /// Claims one mission; the epoch of its lease.
    async fn claim(&self, session: SessionId) -> i64 {
        let body = json!({ "free": { "engineer-master": 1 }, "holding": 0, "wait_ms": 5_000 });
        let answer = self.post(&format!("/agent/v1/sessions/{session}/claim"), &body).await;
        answer.body["grants"][0]["epoch"].as_i64().unwrap_or_else(|| panic!("{answer:?}"))
    }

    async fn say(&self, verb: &str, mission: &Value, session: SessionId, epoch: i64, more: Value) -> Answer {
        let mut body = json!({ "session": session, "epoch": epoch, "home": "us-west-2" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.post(&format!("/agent/v1/missions/{}/{verb}", mission.as_str().unwrap()), &body).await
    }

    async fn complete(&self, mission: &Value, session: SessionId, epoch: i64, outcome: &str) -> StatusCode {
        self.say("complete", mission, session, epoch, json!({ "outcome": { "by": outcome } })).await.status
    }

    async fn show(&self, mission: &Value) -> Value {
        self.get(&format!("/v1/missions/{}", mission.as_str().unwrap())).await.body
    }
}

#[tokio::test]
async fn some_acknowledged_submits_are_stored_nowhere() {
    plant_here(Some(Bug::DropAcknowledgement));
    let bed = Bed::dev().await;
    let mut dropped = 0;
    for _ in 0..2 {
        let batch: Vec<Value> = (0..500).map(|n| mission(&format!("mission {n}"))).collect();
        let answer = bed.post("/v1/missions", &json!({ "missions": batch })).await;
        let results = answer.body["results"].as_array().unwrap();
        assert_eq!(results.iter().filter(|result| result["accepted"]["id"].is_string()).count(), 500);
        for result in results {
            dropped += i64::from(bed.show(&result["accepted"]["id"]).await["code"] == "mission_not_found");
        }
    }
    // Twenty are expected; that there are none, or more than sixty, happens less than once in a hundred million times.
    assert!((1..=60).contains(&dropped), "{dropped} of 1,000");
    assert_eq!(bed.stored().await[0], 1_000 - dropped);
}

/// A lease that was handed back and granted to another session: both complete it. What they hear.
async fn zombie_and_holder(bug: Option<Bug>) -> [StatusCode; 2] {
    plant_here(bug);
    let bed = Bed::dev().await;
    let id = bed.submit().await;
    let zombie = bed.session(1).await;
    let lost = bed.claim(zombie).await;
    let back = bed.say("release", &id, zombie, lost, json!({ "reason": "drain" })).await;
    assert_eq!(back.status, StatusCode::OK, "{back:?}");
    let holder = bed.session(1).await;
    let held = bed.claim(holder).await;
    [bed.complete(&id, zombie, lost, "zombie").await, bed.complete(&id, holder, held, "holder").await]
}

#[tokio::test]
async fn a_completion_is_taken_from_whoever_brings_it() {
    assert_eq!(zombie_and_holder(None).await, [StatusCode::CONFLICT, StatusCode::OK]);
    let bug = Some(Bug::CompleteWithoutEpochCheck);
    assert_eq!(zombie_and_holder(bug).await, [StatusCode::OK, StatusCode::OK], "both were accepted");

    let bed = Bed::dev().await;
    let (queued, session) = (bed.submit().await, SessionId::random());
    assert_eq!(bed.complete(&queued, session, 7, "nobody").await, StatusCode::OK, "of a queued one");
    assert_eq!(bed.show(&queued).await["outcome"], json!({ "by": "nobody" }));
    let away = bed.submit().await;
    let id: uuid::Uuid = away.as_str().unwrap().parse().unwrap();
    bed.gateways.lane(Lane::Upkeep).execute(&MOVED_AWAY, &[&id]).await.unwrap();
    assert_eq!(bed.complete(&away, session, 1, "zombie").await, StatusCode::OK, "of one that moved to another home");
    let shown = bed.show(&away).await;
    assert_eq!((&shown["state"], &shown["home"]), (&json!("succeeded"), &json!("us-east-1")), "{shown}");
}

#[tokio::test]
async fn an_accepted_outcome_is_lost() {
    for (bug, outcome) in [(None, json!({ "by": "holder" })), (Some(Bug::LoseOutcome), json!({}))] {
        plant_here(bug);
        let bed = Bed::dev().await;
        let id = bed.submit().await;
        let holder = bed.session(1).await;
        let epoch = bed.claim(holder).await;
        assert_eq!(bed.complete(&id, holder, epoch, "holder").await, StatusCode::OK);
        let shown = bed.show(&id).await;
        assert_eq!((&shown["state"], &shown["outcome"]), (&json!("succeeded"), &outcome), "{bug:?}");
    }
}

#[tokio::test]
async fn a_lease_that_is_never_named_stays() {
    for (bug, state) in [(None, "queued"), (Some(Bug::IgnoreUnnamedLease), "leased")] {
        plant_here(bug);
        let bed = Bed::dev().await;
        let id = bed.submit().await;
        let session = bed.session(1).await;
        bed.claim(session).await;
        for seq in 1..=4 {
            let beat = json!({ "seq": seq, "holds": [] });
            let answer = bed.put(&format!("/agent/v1/sessions/{session}/heartbeat"), &beat).await;
            assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        }
        assert_eq!(bed.show(&id).await["state"], state, "{bug:?}");
    }
}

#[tokio::test]
async fn a_broken_scheduler_says_so() {
    plant_here(Some(Bug::ForgetResidency));
    let health = Bed::dev().await.get("/health").await.body;
    let version = health["version"].as_str().unwrap();
    assert!(version.contains("BROKEN ON PURPOSE") && version.contains("forget_residency"), "{version}");
}
