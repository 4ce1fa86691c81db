//! What missions taught together: lessons in answers, and issues that came again.

use ::memory::evidence::{Place, tick};
use ::memory::model::{Memory, MemoryId};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use sql::{Lane, Statement};
use topology::{DatabaseRegion, RegionName};
use uuid::Uuid;

use super::bed::Bed;
use super::memory::{PROBLEM, learn, memory, question, search};

/// Missions of a home that used a memory. $1 home  $2 missions  $3 memory  $4 success  $5 rule
const USED: Statement = sql::statement!(
    "test_used",
    once,
    "INSERT INTO memory_recalls (crdb_region, mission_id, specialization, agent, with_memory, shown, used, success,
         residency, epoch, at, count_at)
     SELECT $1::TEXT::crdb_internal_region, w.id, 'writer', 'a', true, ARRAY[$3::UUID], ARRAY[$3::UUID], $4::BOOL,
            $5::TEXT, 1, now(), now()
     FROM unnest($2::UUID[]) AS w (id)"
);

/// Missions of a home use a memory, and are counted by a scheduler there.
async fn used(
    bed: &Bed,
    region: &str,
    missions: std::ops::Range<u128>,
    memory: u128,
    success: bool,
    rule: Option<&str>,
) {
    let db = bed.gateways.lane(Lane::Upkeep);
    let view = bed.app.views.current();
    let here: RegionName = region.parse().unwrap();
    let home: DatabaseRegion = view.topology.region(&here).unwrap().database_region.clone();
    let missions: Vec<Uuid> = missions.map(Uuid::from_u128).collect();
    db.execute(&USED, &[&home.as_str(), &missions, &Uuid::from_u128(memory), &success, &rule]).await.unwrap();
    let done = tick(&db, Place { topology: &view.topology, here: &here, home: &home }).await.unwrap();
    assert_eq!((done.missions, done.postponed), (missions.len(), 0));
}

fn told(lessons: &Value) -> Vec<(u128, bool, i64, i64)> {
    let number = |one: &Value, key: &str| one[key].as_i64().unwrap();
    let of = |one: &Value| {
        let memory: Uuid = one["memory"].as_str().unwrap().parse().unwrap();
        (memory.as_u128(), one["avoid"].as_bool().unwrap(), number(one, "missions"), number(one, "succeeded"))
    };
    lessons.as_array().unwrap().iter().map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn lessons_that_apply_are_told_with_the_evidence_of_all_homes_and_not_where_they_are_forgotten() {
    let bed = Bed::dev().await;
    learn(&bed, &[memory(1, "us-west-2", PROBLEM, None)]).await;
    used(&bed, "us-west", 100..103, 1, true, None).await;
    used(&bed, "us-east", 200..202, 1, true, None).await;
    used(&bed, "us-east", 202..203, 1, false, None).await;

    let list = bed.get("/v1/lessons").await;
    assert_eq!(told(&list.body["lessons"]), [(1, false, 6, 5)]);
    let lesson = &list.body["lessons"][0];
    assert_eq!(lesson["lesson"], "Use SSH.");
    assert!((lesson["confidence"].as_f64().unwrap() - 6.0 / 8.0).abs() < 1e-9, "{lesson}");

    let answer = search(&bed, question()).await;
    assert_eq!(told(&answer.body["lessons"]), [(1, false, 6, 5)], "{answer:?}");
    assert!(answer.body["lessons"][0]["words"].as_array().unwrap().contains(&json!("telnet")));
    let mut failures = question();
    failures["success"] = json!(false);
    assert_eq!(told(&search(&bed, failures).await.body["lessons"]), [], "it is no failure");
    let nothing = search(&bed, json!({ "title": "the weather of next week in Lisbon" })).await;
    assert_eq!(told(&nothing.body["lessons"]), []);
    let mut of_other = question();
    of_other["scope"] = json!({ "specialization": "secure-specialist" });
    assert_eq!(told(&search(&bed, of_other).await.body["lessons"]), []);

    let path = format!("/v1/memory/{}", Uuid::from_u128(1));
    let gone = bed.send(Request::delete(&path).body(Body::empty()).unwrap()).await;
    assert_eq!(gone.status, StatusCode::OK);
    assert_eq!(told(&search(&bed, question()).await.body["lessons"]), [], "no cache tells it");
    assert_eq!(bed.get("/v1/lessons").await.body["lessons"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_mostly_failed_is_told_as_what_to_avoid() {
    let bed = Bed::dev().await;
    learn(&bed, &[memory(1, "us-west-2", PROBLEM, None)]).await;
    used(&bed, "us-west", 100..104, 1, false, None).await;
    let answer = search(&bed, question()).await;
    assert_eq!(told(&answer.body["lessons"]), [(1, true, 4, 0)], "{answer:?}");
    assert_eq!(bed.get("/v1/lessons").await.body["lessons"][0]["avoid"], false, "its memory did not fail");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_europe_keeps_is_told_to_nobody_by_a_scheduler_elsewhere() {
    let bed = Bed::dev().await;
    learn(&bed, &[memory(1, "eu-west-1", PROBLEM, Some("eu")), memory(2, "eu-west-1", PROBLEM, Some("eu"))]).await;
    used(&bed, "europe-west", 100..104, 1, true, Some("eu")).await;
    for region in [None, Some("us-west"), Some("europe-west")] {
        let mut body = question();
        body["region"] = json!(region);
        assert_eq!(told(&search(&bed, body).await.body["lessons"]), [], "{region:?}");
    }
    assert_eq!(bed.get("/v1/lessons").await.body["lessons"], json!([]));
    let patterns = bed.get("/v1/memory/patterns").await;
    assert_eq!((&patterns.body["patterns"], patterns.body["compared"].as_u64()), (&json!([]), Some(0)), "{patterns:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn issues_that_came_again_are_a_pattern_with_the_solution_that_is_proven() {
    let bed = Bed::dev().await;
    let failed = Memory {
        success: false,
        evidence_succeeded: 0,
        solution: Some("Wait.".to_owned()),
        ..memory(1, "us-west-2", PROBLEM, None)
    };
    let often = Memory { evidence: 4, evidence_succeeded: 4, ..memory(2, "us-east-1", PROBLEM, None) };
    let other = Memory {
        specialization: "secure-specialist".parse().unwrap(),
        description: "It is green and should be blue.".to_owned(),
        ..memory(3, "us-east-1", "Colours of the logo", None)
    };
    let again = Memory { id: MemoryId(Uuid::from_u128(4)), home: "us-west-2".parse().unwrap(), ..other.clone() };
    learn(&bed, &[failed, often, other, again]).await;

    let list = bed.get("/v1/memory/patterns").await;
    assert_eq!(list.status, StatusCode::OK, "{list:?}");
    let patterns = list.body["patterns"].as_array().unwrap();
    let counts = |one: &Value| (one["missions"].as_i64().unwrap(), one["succeeded"].as_i64().unwrap());
    assert_eq!(patterns.iter().map(counts).collect::<Vec<_>>(), [(5, 4), (2, 2)]);
    let first = &patterns[0];
    assert_eq!((first["title"].as_str(), first["proven"]["solution"].as_str()), (Some(PROBLEM), Some("Use SSH.")));
    assert_eq!(first["memories"], json!([1, 2].map(Uuid::from_u128)));
    assert!((first["confidence"].as_f64().unwrap() - 5.0 / 7.0).abs() < 1e-9);
    assert_eq!((list.body["compared"].as_u64(), list.body["truncated"].as_bool()), (Some(4), Some(false)));
    let of_one = bed.get("/v1/memory/patterns?specialization=secure-specialist").await;
    assert_eq!(of_one.body["patterns"].as_array().unwrap().len(), 1);
    assert_eq!(of_one.body["compared"], 2);
    assert_eq!(bed.get("/v1/memory/patterns?specialization=No%20Name").await.status.as_u16(), 400);
}
