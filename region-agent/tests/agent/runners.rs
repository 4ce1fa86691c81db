//! What runners get, and what their ends mean.

use serde_json::{Value, json};

use crate::fake::{Fake, Said, Waiting};
use crate::process::{Home, wait_until};

/// Runs one mission with a shell script as runner and returns what the agent said of it.
fn said_of(script: &str, waiting: Waiting) -> Said {
    let fake = Fake::new(&[("a", 1)]);
    let listener = fake.listen();
    let home = Home::new();
    let _agent = home.start_script(&listener, script);
    let mission = fake.submit(waiting);
    wait_until("a result", || !fake.tables().results(mission).is_empty());
    fake.tables().results(mission).remove(0)
}

#[test]
fn each_end_of_a_command_has_its_own_reason() {
    let cases = [
        ("echo '{\"pr\": 1}'", 60_000, "complete", Value::Null),
        ("echo why >&2; exit 3", 60_000, "fail", json!({"reason": "runner_exit", "code": 3, "stderr": "why\n"})),
        ("kill -TERM $$", 60_000, "fail", json!({"reason": "runner_exit", "signal": 15})),
        ("echo done", 60_000, "fail", json!({"reason": "runner_no_json", "stdout": "done\n"})),
        ("head -c 3000000 /dev/zero | tr '\\0' x", 60_000, "fail", json!({"reason": "runner_output_too_large"})),
        ("echo slow >&2; exec tail -f /dev/null", 300, "fail", json!({"reason": "run_limit", "stderr": "slow\n"})),
        ("exec /no/such/program", 60_000, "fail", json!({"reason": "runner_exit", "code": 127})),
    ];
    for (script, run_limit_ms, verb, wanted) in cases {
        let said = said_of(script, Waiting { run_limit_ms, ..Waiting::new("a") });
        assert_eq!(said.verb, verb, "{script}: {said:?}");
        for (key, value) in wanted.as_object().into_iter().flatten() {
            let found = said.body.get(key).unwrap_or(&said.body["detail"][key]);
            assert_eq!(found, value, "{script}: {key} of {said:?}");
        }
    }
}

#[test]
fn only_the_last_four_kilobytes_of_stderr_are_kept() {
    let said = said_of("head -c 100000 /dev/zero | tr '\\0' x >&2; echo end >&2; exit 1", Waiting::new("a"));
    let stderr = said.body["detail"]["stderr"].as_str().unwrap();
    assert_eq!(stderr.len(), 4096);
    assert!(stderr.ends_with("xend\n"));
}

#[test]
fn a_runner_reads_its_mission_and_gets_only_what_it_is_given() {
    let fake = Fake::new(&[("a", 1)]);
    let listener = fake.listen();
    let home = Home::new();
    let script = "python3 -c 'import json, os, sys; \
                  print(json.dumps({\"env\": dict(os.environ), \"mission\": json.load(sys.stdin)}))'";
    let arguments = ["--runner", "command", "--env", "PATH", "--secret", "GIT_KEY", "--", "/bin/sh", "-c", script];
    let env = [("MERIDIAN_TOKEN", "agents-own"), ("GIT_KEY", "k3y"), ("OTHER", "x")];
    let _agent = home.start_with(&[&listener], &arguments, &env);
    let mission = fake.submit(Waiting { payload: json!({"repository": "r"}), ..Waiting::of_drill("run-1") });
    wait_until("a result", || !fake.tables().results(mission).is_empty());
    let said = fake.tables().results(mission).remove(0);
    assert_eq!(said.verb, "complete", "{said:?}");

    let outcome = &said.body["outcome"];
    assert_eq!(outcome["mission"]["payload"], json!({"repository": "r"}));
    assert_eq!(outcome["mission"]["epoch"], 1);
    let env = outcome["env"].as_object().unwrap();
    assert_eq!(env["MISSION_ID"], mission.to_string());
    assert_eq!(env["MISSION_EPOCH"], "1");
    assert_eq!(env["MERIDIAN_DRILL"], "run-1");
    assert_eq!(env["GIT_KEY"], "k3y");
    assert!(env["TRACEPARENT"].as_str().unwrap().starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
    for name in ["MERIDIAN_TOKEN", "OTHER", "HOME"] {
        assert!(!env.contains_key(name), "{name} is in {env:?}");
    }
    assert_eq!(fake.tables().authorization.as_deref(), Some("Bearer agents-own"));
}

#[test]
fn every_run_has_a_folder_of_its_own_that_is_gone_after_it() {
    let fake = Fake::new(&[("a", 2)]);
    let listener = fake.listen();
    let home = Home::new();
    let _agent =
        home.start_script(&listener, "touch made; echo \"{\\\"dir\\\": \\\"$(pwd)\\\", \\\"n\\\": $(ls | wc -l)}\"");
    let missions = [fake.submit(Waiting::new("a")), fake.submit(Waiting::new("a"))];
    let mut folders = Vec::new();
    for mission in missions {
        wait_until("a result", || !fake.tables().results(mission).is_empty());
        let outcome = fake.tables().results(mission)[0].body["outcome"].clone();
        assert_eq!(outcome["n"], 1);
        folders.push(outcome["dir"].as_str().unwrap().to_owned());
    }
    assert_ne!(folders[0], folders[1]);
    wait_until("the folders are gone", || folders.iter().all(|folder| !std::path::Path::new(folder).exists()));
}

#[test]
fn progress_of_a_command_reaches_the_scheduler() {
    let fake = Fake::new(&[("a", 1)]);
    let listener = fake.listen();
    let home = Home::new();
    let _agent = home.start_script(&listener, "echo '::progress {\"done\": 7}' >&2; exec tail -f /dev/null");
    let mission = fake.submit(Waiting::new("a"));
    wait_until("progress", || {
        let tables = fake.tables();
        let mut said = tables.said.iter().filter(|said| said.mission == mission && said.verb == "progress");
        said.any(|said| said.body["progress"] == json!({"done": 7}))
    });
}

#[test]
fn a_worker_behind_http_gets_the_mission_with_its_epoch_and_answers_the_result() {
    use axum::{Json, Router, http::HeaderMap, routing::post};

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let worker = Router::new().route(
        "/run",
        post(async |headers: HeaderMap, Json(mission): Json<Value>| {
            let header = |name: &str| headers[name].to_str().unwrap().to_owned();
            let [key, epoch, drill] = ["idempotency-key", "meridian-epoch", "meridian-drill"].map(header);
            Json(json!({ "key": key, "epoch": epoch, "drill": drill, "title": mission["title"] }))
        }),
    );
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}/run", listener.local_addr().unwrap());
    runtime.spawn(async move { axum::serve(listener, worker).await });

    let fake = Fake::new(&[("a", 1)]);
    let scheduler = fake.listen();
    let home = Home::new();
    let _agent = home.start(&[&scheduler], &["--runner", "http", "--worker-url", &url]);
    let mission = fake.submit(Waiting::of_drill("run-1"));
    wait_until("a result", || !fake.tables().results(mission).is_empty());
    let said = fake.tables().results(mission).remove(0);
    assert_eq!(
        said.body["outcome"],
        json!({"drill": "run-1", "key": format!("{mission}/1"), "epoch": "1", "title": "t"})
    );
    runtime.shutdown_background();
}
