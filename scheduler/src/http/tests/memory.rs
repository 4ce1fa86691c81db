//! What agents learned: found, shown, judged, forgotten, and told to nobody who may not see it.

use std::future::IntoFuture as _;
use std::sync::{Arc, Mutex};

use ::memory::embed::{Choice, Lexical};
use ::memory::model::{Memory, MemoryId, SuccessSource};
use ::memory::recall::Settings;
use ::memory::store::import::memory_import;
use ::memory::store::work::Holder;
use ::memory::work::tick;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::Utc;
use serde_json::{Value, json};
use sql::Lane;
use topology::{DatabaseRegion, Epoch, MissionId, ResidencyName, SchedulerId};
use uuid::Uuid;

use super::bed::{Answer, Bed};
use crate::memory::{Holdout, Memory as MemoryOf};

/// What is left says what was forgotten.
const SAY_THE_SAME: sql::Statement = sql::statement!(
    "test_say_the_same",
    once,
    "UPDATE agent_memories SET content_hash = (SELECT min(content_hash) FROM memory_tombstones)"
);

pub(super) const PROBLEM: &str = "The telnet client opens a connection that nobody encrypts";

pub(super) fn memory(id: u128, home: &str, title: &str, residency: Option<&str>) -> Memory {
    Memory {
        id: MemoryId(Uuid::from_u128(id)),
        mission: None,
        specialization: "engineer-master".parse().unwrap(),
        agent: "us-west/one".to_owned(),
        issue: Some("owner/repository#1".to_owned()),
        title: title.to_owned(),
        description: "A password is readable for everybody on the wire.".to_owned(),
        solution: Some("Use SSH.".to_owned()),
        pr_number: Some(7),
        success: true,
        success_source: SuccessSource::Agent,
        resolution_minutes: Some(12.0),
        residency: residency.map(|rule| rule.parse().unwrap()),
        home: home.parse().unwrap(),
        epoch: Epoch(0),
        content_hash: String::new(),
        evidence: 1,
        evidence_succeeded: 1,
        created_at: Utc::now(),
    }
}

/// Stores memories and does the work that follows.
pub(super) async fn learn(bed: &Bed, memories: &[Memory]) {
    let db = bed.gateways.lane(Lane::Upkeep);
    for memory in memories {
        memory_import(&db, &memory.home, std::slice::from_ref(memory)).await.unwrap();
        let by = Holder { home: &memory.home, scheduler: SchedulerId::random() };
        let done = tick(&db, by, &Lexical::new(), ::memory::text::terms).await.unwrap();
        assert_eq!((done.memories, done.failed), (1, 0));
    }
}

pub(super) async fn search(bed: &Bed, body: Value) -> Answer {
    let answer = bed.post("/v1/memory/search", &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer
}

/// The same problem in other words, as an issue tells it.
pub(super) fn question() -> Value {
    let told =
        "We use a telnet client, and nobody encrypts its connection: everybody on the wire can read the password.";
    json!({ "title": "Telnet connection is not encrypted", "description": told })
}

fn ids(answer: &Answer) -> Vec<&str> {
    let hits = answer.body["hits"].as_array().unwrap();
    hits.iter().map(|hit| hit["id"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_learned_is_found_with_its_reasons_judged_and_forgotten() {
    let bed = Bed::dev().await;
    learn(&bed, &[memory(1, "us-west-2", PROBLEM, None), memory(2, "us-east-1", "Colours of the logo", None)]).await;
    let id = Uuid::from_u128(1).to_string();

    let answer = search(&bed, question()).await;
    assert_eq!(ids(&answer), [&id]);
    let hit = &answer.body["hits"][0];
    assert_eq!((hit["solution"].as_str(), hit["pr_number"].as_i64()), (Some("Use SSH."), Some(7)));
    assert!(hit["why"]["relevance"]["value"].as_f64().unwrap() > 0.3, "{hit}");
    assert_eq!((answer.body["regions_asked"].as_u64(), answer.body["regions_answered"].as_u64()), (Some(3), Some(3)));
    assert_eq!(
        (answer.body["estimate"]["minutes"].as_f64(), answer.body["with_memory"].as_bool()),
        (Some(12.0), Some(true))
    );
    let nothing = search(&bed, json!({ "title": "the weather of next week in Lisbon" })).await;
    assert_eq!(ids(&nothing), Vec::<&str>::new(), "{nothing:?}");

    let stats = bed.get("/v1/agents/us-west%2Fone/stats").await;
    assert_eq!((stats.body["missions"].as_i64(), stats.body["successes"].as_i64()), (Some(2), Some(2)), "{stats:?}");
    let verdict = json!({ "success": false, "source": "merge" });
    let judged = bed.post(&format!("/v1/memory/{id}/success"), &verdict).await;
    assert_eq!(judged.body["stands"], true, "{judged:?}");
    let earlier = bed.post(&format!("/v1/memory/{id}/success"), &json!({ "success": true, "source": "review" })).await;
    assert_eq!(earlier.body["stands"], false, "a merge has the last word");
    assert_eq!(bed.get(&format!("/v1/memory/{id}")).await.body["success"], false);
    let warned = search(&bed, question()).await;
    assert_eq!((ids(&warned).len(), warned.body["warnings"][0]["id"].as_str()), (0, Some(id.as_str())));

    let forget = || Request::delete(format!("/v1/memory/{id}")).body(Body::empty()).unwrap();
    let forgotten = bed.send(forget()).await;
    assert_eq!(forgotten.body["forgotten"], json!([id]), "{forgotten:?}");
    assert!((1..=60).contains(&forgotten.body["horizon_s"].as_u64().unwrap()));
    let after = search(&bed, question()).await;
    assert_eq!(after.body["warnings"], json!([]));
    assert_eq!(bed.send(forget()).await.status, StatusCode::NOT_FOUND);
    learn_again_nothing(&bed).await;
}

/// An import does not bring back what was forgotten.
async fn learn_again_nothing(bed: &Bed) {
    let (db, again) = (bed.gateways.lane(Lane::Upkeep), memory(1, "us-west-2", PROBLEM, None));
    let home: DatabaseRegion = "us-west-2".parse().unwrap();
    assert_eq!(memory_import(&db, &home, &[again]).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_residency_keeps_in_europe_is_told_to_nobody_by_a_scheduler_elsewhere() {
    let bed = Bed::dev().await;
    learn(&bed, &[memory(1, "eu-west-1", PROBLEM, Some("eu"))]).await;
    for region in [None, Some("us-west"), Some("us-east"), Some("europe-west"), Some("atlantis")] {
        let answer = search(&bed, json!({ "title": PROBLEM, "region": region })).await;
        assert_eq!((ids(&answer).len(), &answer.body["warnings"]), (0, &json!([])), "{region:?}");
    }
    let path = format!("/v1/memory/{}", Uuid::from_u128(1));
    let shown = bed.get(&path).await;
    assert_eq!((shown.status, shown.body["code"].as_str()), (StatusCode::NOT_FOUND, Some("memory_not_found")));
    let stats = bed.get("/v1/agents/us-west%2Fone/stats").await;
    assert_eq!(stats.body["missions"], 0);
    // An operator can have it forgotten from anywhere: nothing of it is shown.
    let gone = bed.send(Request::delete(&path).body(Body::empty()).unwrap()).await;
    assert_eq!(gone.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_cannot_be_asked_is_refused_with_its_place() {
    let bed = Bed::dev().await;
    let cases = [
        (json!({ "title": "" }), "/title"),
        (json!({ "title": "t".repeat(501) }), "/title"),
        (json!({ "title": "t", "description": "d".repeat(33 << 10) }), "/description"),
        (json!({ "title": "t", "limit": 0 }), "/limit"),
        (json!({ "title": "t", "scope": { "specialization": "No Name" } }), "/scope/specialization"),
    ];
    for (body, pointer) in cases {
        let answer = bed.post("/v1/memory/search", &body).await;
        assert_eq!((answer.status.as_u16(), answer.body["pointer"].as_str()), (422, Some(pointer)), "{answer:?}");
    }
    assert_eq!(bed.get("/v1/memory/hit-rate?hours=0").await.status.as_u16(), 422);
    let rate = bed.get("/v1/memory/hit-rate").await;
    assert_eq!((rate.status.as_u16(), rate.body["with_memory"]["missions"].as_i64()), (200, Some(0)));
    assert_eq!(bed.get("/v1/lessons").await.body["lessons"], json!([]));
}

/// An embeddings API that notes the texts it is given and makes nothing of them.
async fn api() -> (Choice, Arc<Mutex<Vec<String>>>) {
    let given = Arc::<Mutex<Vec<String>>>::default();
    let noted = Arc::clone(&given);
    let answer = move |axum::Json(body): axum::Json<Value>| {
        noted.lock().unwrap().push(body["input"].to_string());
        async { StatusCode::BAD_REQUEST }
    };
    let router = axum::Router::new().route("/v1/embeddings", axum::routing::post(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let choice = format!("api:test@http://{}/v1", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(axum::serve(listener, router).into_future());
    (choice, given)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_for_a_mission_under_a_rule_is_sent_to_no_api_that_was_not_opened_for_it() {
    let bed = Bed::dev().await;
    let (choice, given) = api().await;
    let serve = |may_see: &[ResidencyName]| {
        let (db, embedder) = (bed.gateways.lane(Lane::Submit), choice.embedders(may_see).unwrap().1);
        let views = Arc::clone(&bed.app.views);
        MemoryOf::new(db, "us-west".parse().unwrap(), views, embedder, Holdout::default(), Settings::default())
    };
    let submit = async |residency: Option<&str>| {
        let body = json!({ "specialization": "secure-specialist", "title": "t", "residency": residency });
        let answer = bed.post("/v1/missions", &body).await;
        serde_json::from_value::<MissionId>(answer.body["id"].clone()).unwrap_or_else(|_| panic!("{answer:?}"))
    };
    let (plain, lawful) = (submit(None).await, submit(Some("eu")).await);
    let nobody = MissionId(Uuid::from_u128(9));
    let (closed, open) = (serve(&[]), serve(&["eu".parse().unwrap()]));
    let cases = [
        ("aaa", &closed, Some(plain), true),
        ("bbb", &closed, Some(lawful), false),
        ("ccc", &closed, Some(nobody), false),
        ("ddd", &closed, None, true),
        ("eee", &open, Some(lawful), true),
    ];
    for (title, served, mission, sent) in cases {
        let asked = json!({ "title": title, "mission": mission });
        let answer = served.search(&"us-west".parse().unwrap(), serde_json::from_value(asked).unwrap()).await.unwrap();
        assert_eq!(answer.space, None, "words alone were searched");
        assert_eq!(given.lock().unwrap().join(";").contains(title), sent, "{title}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_says_the_same_is_forgotten_in_every_home_also_where_it_is_asked_for_again() {
    let bed = Bed::dev().await;
    learn(&bed, &[memory(1, "us-west-2", PROBLEM, None), memory(2, "eu-west-1", PROBLEM, Some("eu"))]).await;
    let path = format!("/v1/memory/{}", Uuid::from_u128(1));
    let forget = async || bed.send(Request::delete(&path).body(Body::empty()).unwrap()).await;
    let gone = forget().await;
    assert_eq!(gone.body["forgotten"], json!([Uuid::from_u128(1), Uuid::from_u128(2)]), "{gone:?}");
    // As a home leaves it that did not answer then.
    let left = Memory { description: "Something else.".to_owned(), ..memory(3, "eu-west-1", PROBLEM, None) };
    learn(&bed, &[left]).await;
    bed.gateways.lane(Lane::Upkeep).execute(&SAY_THE_SAME, &[]).await.unwrap();
    let again = forget().await;
    assert_eq!(again.body["forgotten"], json!([Uuid::from_u128(3)]), "{again:?}");
    assert_eq!(forget().await.status, StatusCode::NOT_FOUND);
}
