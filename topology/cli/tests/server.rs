//! The commands that ask a scheduler, against one of the test's own that speaks the wire types.

use std::net::SocketAddr;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

/// The versions in force so far, oldest first.
type Versions = Arc<Mutex<Vec<String>>>;

/// A scheduler that keeps topologies in memory and asks for the token `secret`.
struct Scheduler {
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Scheduler {
    fn start(first: &str) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("the port is bound");
        let versions: Versions = Arc::new(Mutex::new(vec![first.to_owned()]));
        let router = Router::new()
            .route("/control/v1/topology", get(current).put(apply))
            .route("/control/v1/topology/plan", post(plan))
            .route("/control/v1/topology/revert", post(revert))
            .route("/control/v1/topology/history", get(history))
            .route("/control/v1/schedulers", get(schedulers))
            .route("/v1/regions", get(regions))
            .with_state(versions);
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { address, _runtime: runtime }
    }

    fn topology(&self, args: &[&str]) -> Output {
        topology(&format!("http://{}", self.address), args)
    }
}

fn topology(server: &str, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_topology"))
        .args(args)
        .env("MERIDIAN_SERVER", server)
        .env("MERIDIAN_TOKEN", "secret")
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("the program starts")
}

fn version(texts: &[String], number: usize, with_text: bool) -> Value {
    let mut version = json!({
        "version": number, "digest": format!("{number:064}"), "residency_version": 1, "author": "test",
        "message": format!("number {number}"), "applied_at": "2026-01-02T03:04:05Z",
    });
    if with_text {
        version["text"] = texts[number - 1].clone().into();
    }
    version
}

fn problem(status: StatusCode, code: &str, extra: Value) -> Response {
    let body = json!({
        "type": format!("urn:meridian:problem:{code}"), "code": code, "status": status.as_u16(),
        "title": code, "detail": "said by the test", "extra": extra,
    });
    (status, [("content-type", "application/problem+json")], body.to_string()).into_response()
}

fn read(text: &str) -> topology::Topology {
    topology::config::parse(text, "f").unwrap_or_else(|findings| panic!("{}", findings.render(false))).topology
}

fn difference(from: &str, to: &str) -> Value {
    serde_json::to_value(topology::plan::plan(&read(from), &read(to))).expect("a plan is JSON")
}

async fn current(State(versions): State<Versions>, headers: HeaderMap) -> Response {
    if headers.get("authorization").is_none_or(|token| token != "Bearer secret") {
        return problem(StatusCode::UNAUTHORIZED, "unauthorized", Value::Null);
    }
    let texts = versions.lock().expect("no test panics here");
    Json(version(&texts, texts.len(), true)).into_response()
}

async fn plan(State(versions): State<Versions>, Json(body): Json<Value>) -> Response {
    let texts = versions.lock().expect("no test panics here");
    let text = body["text"].as_str().expect("the text is sent");
    let plan = difference(&texts[texts.len() - 1], text);
    let missions =
        json!([{ "pool": { "region": "us-west", "specialization": "engineer-master" }, "queued": 3, "leased": 2 }]);
    Json(json!({ "base_version": texts.len(), "plan": plan, "missions": missions, "refused": [] })).into_response()
}

async fn apply(State(versions): State<Versions>, Json(body): Json<Value>) -> Response {
    let mut texts = versions.lock().expect("no test panics here");
    let text = body["text"].as_str().expect("the text is sent");
    let base = body["base_version"].as_u64().expect("the base is sent") as usize;
    if base != texts.len() {
        let difference = difference(&texts[base - 1], &texts[texts.len() - 1]);
        return problem(
            StatusCode::CONFLICT,
            "plan_stale",
            json!({ "current": texts.len(), "difference": difference }),
        );
    }
    if text.contains("refuse me") {
        let finding =
            json!({ "code": "clock_tight", "message": "too tight", "file": "f", "line": 1, "column": 2, "hint": null });
        return problem(StatusCode::UNPROCESSABLE_ENTITY, "topology_refused", json!({ "findings": [finding] }));
    }
    if read(text).regions.len() < read(&texts[base - 1]).regions.len() && body["drain"] != true {
        return problem(StatusCode::CONFLICT, "holds_missions", json!({ "what": ["region asia-east"] }));
    }
    texts.push(text.to_owned());
    Json(version(&texts, texts.len(), false)).into_response()
}

async fn revert(State(versions): State<Versions>, Json(body): Json<Value>) -> Response {
    let mut texts = versions.lock().expect("no test panics here");
    let to = body["to"].as_u64().expect("the version is sent") as usize;
    let Some(text) = texts.get(to.wrapping_sub(1)).cloned() else {
        return problem(StatusCode::NOT_FOUND, "version_not_found", Value::Null);
    };
    assert_eq!(body["base_version"].as_u64(), Some(texts.len() as u64), "the current version is the base");
    texts.push(text);
    Json(version(&texts, texts.len(), false)).into_response()
}

async fn history(State(versions): State<Versions>, Query(query): Query<Vec<(String, i64)>>) -> Response {
    let texts = versions.lock().expect("no test panics here");
    let limit = query.iter().find(|(key, _)| key == "limit").map_or(usize::MAX, |(_, limit)| *limit as usize);
    let versions: Vec<Value> =
        (1..=texts.len()).rev().take(limit).map(|number| version(&texts, number, false)).collect();
    Json(json!({ "versions": versions })).into_response()
}

async fn schedulers() -> Response {
    let scheduler = |region: &str, version: i64| {
        json!({ "id": "7b1a4a0e-5a63-4f0e-9a55-5d5bb8a1c0de", "region": region, "address": "http://127.0.0.1:7700",
                "version": "0.1.0", "topology_version": version, "age_ms": 12 })
    };
    Json(json!({ "schedulers": [scheduler("us-west", 1), scheduler("us-east", 0)] })).into_response()
}

async fn regions() -> Response {
    Json(json!({ "topology_version": 1, "survive": "region: one region may be lost", "regions": [] })).into_response()
}

const SHIPPED: &str = include_str!("../../topology.yaml");

/// The shipped file with one pool of another size.
fn grown(replicas: u32) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let text =
        SHIPPED.replace("engineer-master (primary: 5 replicas)", &format!("engineer-master (primary: {replicas})"));
    assert_ne!(text, SHIPPED);
    std::fs::write(file.path(), text).expect("the file is written");
    file
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("output is UTF-8")
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("output is UTF-8")
}

#[track_caller]
fn ends(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}{}", out(output), err(output));
}

fn path(file: &tempfile::NamedTempFile) -> &str {
    file.path().to_str().expect("the path is UTF-8")
}

#[test]
fn a_plan_tells_the_check_index_that_apply_wants() {
    let scheduler = Scheduler::start(SHIPPED);
    let file = grown(8);
    let output = scheduler.topology(&["plan", path(&file)]);
    ends(&output, 0);
    for wanted in ["us-west/engineer-master grows", "Check index: 1", "--check-index 1", "us-west/engineer-master  3"] {
        assert!(out(&output).contains(wanted), "{wanted}: {}", out(&output));
    }
    ends(&scheduler.topology(&["plan", path(&file), "--detailed-exitcode"]), 1);
    let output = scheduler.topology(&["apply", path(&file), "--check-index", "1", "-m", "more"]);
    ends(&output, 0);
    assert!(out(&output).contains("version 2 is in force"), "{}", out(&output));
    ends(&scheduler.topology(&["plan", path(&file), "--detailed-exitcode"]), 0);
}

#[test]
fn of_two_editors_with_one_base_the_second_is_refused_with_the_difference() {
    let scheduler = Scheduler::start(SHIPPED);
    let (first, second) = (grown(8), grown(9));
    ends(&scheduler.topology(&["apply", path(&first), "--check-index", "1"]), 0);
    let output = scheduler.topology(&["apply", path(&second), "--check-index", "1"]);
    ends(&output, 3);
    for wanted in ["version 2 came into force", "5 x 1 slots -> primary, 8 x 1 slots", "plan_stale"] {
        assert!(err(&output).contains(wanted), "{wanted}: {}", err(&output));
    }
    let output = scheduler.topology(&["--format", "json", "apply", path(&second), "--check-index", "1"]);
    ends(&output, 3);
    let json: Value = serde_json::from_str(&err(&output)).expect("the failure is JSON");
    assert_eq!(json["problem"]["code"], "plan_stale");
}

#[test]
fn a_bad_file_is_refused_before_it_is_sent() {
    let output = topology("http://127.0.0.1:1", &["apply", "tests/data/ten-mistakes.yaml", "--check-index", "1"]);
    ends(&output, 1);
    assert!(err(&output).contains("10 errors"), "{}", err(&output));
}

#[test]
fn what_only_the_server_has_against_a_file_is_a_finding_too() {
    let scheduler = Scheduler::start(SHIPPED);
    let file = grown(8);
    std::fs::write(file.path(), format!("{SHIPPED}# refuse me\n")).expect("the file is written");
    let output = scheduler.topology(&["apply", path(&file), "--check-index", "1"]);
    ends(&output, 1);
    assert!(err(&output).contains("f:1:2: clock_tight: too tight"), "{}", err(&output));
    let output = scheduler.topology(&["apply", path(&file), "--check-index", "1", "--format", "json"]);
    ends(&output, 1);
    let json: Value = serde_json::from_str(&out(&output)).expect("output is JSON");
    assert_eq!(json["findings"][0]["code"], "clock_tight");
}

#[test]
fn what_holds_missions_is_named() {
    let scheduler = Scheduler::start(include_str!("../../tests/data/four-regions.yaml"));
    let output = scheduler.topology(&["apply", "tests/data/shorthand.yaml", "--check-index", "1"]);
    ends(&output, 3);
    assert!(err(&output).contains("holds missions: region asia-east\n--drain"), "{}", err(&output));
    ends(&scheduler.topology(&["apply", "tests/data/shorthand.yaml", "--check-index", "1", "--drain"]), 0);
}

#[test]
fn a_revert_brings_the_earlier_text_back_as_a_new_version() {
    let scheduler = Scheduler::start(SHIPPED);
    let file = grown(8);
    ends(&scheduler.topology(&["apply", path(&file), "--check-index", "1"]), 0);
    let output = scheduler.topology(&["revert", "1"]);
    ends(&output, 0);
    assert!(out(&output).contains("version 3 is in force"), "{}", out(&output));
    ends(&scheduler.topology(&["plan", "topology.yaml", "--detailed-exitcode"]), 0);
    ends(&scheduler.topology(&["revert", "99"]), 3);
    let output = scheduler.topology(&["history", "--limit", "2"]);
    ends(&output, 0);
    assert_eq!(out(&output).lines().count(), 3, "{}", out(&output));
}

#[test]
fn status_shows_who_runs_which_version() {
    let output = Scheduler::start(SHIPPED).topology(&["status"]);
    ends(&output, 0);
    insta::assert_snapshot!(out(&output));
}

#[test]
fn who_is_not_let_in_or_finds_nobody_exits_with_three() {
    let scheduler = Scheduler::start(SHIPPED);
    ends(&scheduler.topology(&["status", "--token", "wrong"]), 3);
    ends(&topology("http://127.0.0.1:1", &["status"]), 3);
    ends(&topology("no address", &["status"]), 2);
}

#[test]
fn ctrl_c_while_the_scheduler_does_not_answer_exits_with_four() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let server = format!("http://{}", silent.local_addr().expect("the port is bound"));
    let child = Command::new(env!("CARGO_BIN_EXE_topology"))
        .args(["status", "--server", &server])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    let _asked = silent.accept().expect("it asks");
    let told = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(told.expect("every system has kill").success());
    let output = child.wait_with_output().expect("it ends");
    ends(&output, 4);
    assert!(err(&output).contains("may have been done"), "{}", err(&output));
}
