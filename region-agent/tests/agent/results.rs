//! A finished result is not lost.

use nix::sys::signal::Signal;
use serde_json::Value;
use topology::MissionId;

use crate::fake::{Fake, Faults, Waiting};
use crate::process::{Home, wait_until};

const AT_ONCE: &[&str] = &["--runner", "simulated", "--simulated-min", "1ms", "--simulated-max", "1ms"];

fn spooled(home: &Home) -> usize {
    let entries = std::fs::read_dir(home.path("spool")).into_iter().flatten().flatten();
    entries.filter(|entry| entry.path().extension().is_some_and(|ending| ending == "json")).count()
}

#[test]
fn a_result_that_nobody_takes_is_repeated_until_it_is_accepted() {
    let fake = Fake::new(&[("a", 1)]);
    fake.tables().faults = Faults { results: true, ..Faults::default() };
    let listener = fake.listen();
    let home = Home::new();
    let _agent = home.start(&[&listener], AT_ONCE);
    let mission = fake.submit(Waiting::new("a"));
    wait_until("it is on disk", || spooled(&home) == 1);
    wait_until("it is still named", || {
        let tables = fake.tables();
        let session = tables.sessions.values().next().unwrap();
        session.seq > 5 && session.holds.iter().any(|name| name.mission == mission)
    });
    assert_eq!(fake.tables().results(mission), []);
    fake.tables().faults = Faults::default();
    wait_until("a result", || !fake.tables().results(mission).is_empty());
    wait_until("it is no longer on disk", || spooled(&home) == 0);
    assert_eq!(fake.tables().results(mission).len(), 1);
}

#[test]
fn a_result_survives_the_agent_and_is_sent_under_its_own_lease() {
    let fake = Fake::new(&[("a", 1)]);
    fake.tables().faults = Faults { results: true, ..Faults::default() };
    let listener = fake.listen();
    let home = Home::new();
    let mut agent = home.start(&[&listener], AT_ONCE);
    let mission = fake.submit(Waiting::new("a"));
    wait_until("it is on disk", || spooled(&home) == 1);
    let first = fake.tables().live()[0];
    agent.signal(Signal::SIGKILL);
    agent.wait();

    fake.tables().faults = Faults::default();
    let _second = home.start(&[&listener], AT_ONCE);
    wait_until("a result", || !fake.tables().results(mission).is_empty());
    let said = fake.tables().results(mission).remove(0);
    assert_eq!((said.verb.as_str(), said.epoch, said.session), ("complete", 1, first));
    wait_until("it is no longer on disk", || spooled(&home) == 0);
}

#[test]
fn a_refused_result_is_forgotten() {
    let fake = Fake::new(&[("a", 1)]);
    fake.tables().faults = Faults { results: true, ..Faults::default() };
    let listener = fake.listen();
    let home = Home::new();
    let mut agent = home.start(&[&listener], AT_ONCE);
    let mission = fake.submit(Waiting::new("a"));
    wait_until("it is on disk", || spooled(&home) == 1);
    agent.signal(Signal::SIGKILL);
    agent.wait();
    fake.move_away(mission);
    fake.tables().faults = Faults::default();
    let _second = home.start(&[&listener], AT_ONCE);
    wait_until("it is no longer on disk", || spooled(&home) == 0);
    assert_eq!(fake.tables().results(mission).len(), 1, "said once, refused, not repeated");
}

/// An agent with one result under way and five more on its disk.
fn gathered(fake: &Fake, home: &Home) -> Vec<MissionId> {
    fake.tables().faults.results_wait = true;
    let first = fake.submit(Waiting::new("a"));
    wait_until("the first is on disk", || spooled(home) == 1);
    let mut missions = vec![first];
    missions.extend((0..5).map(|_| fake.submit(Waiting::new("a"))));
    wait_until("all are on disk", || spooled(home) == 6);
    missions
}

#[test]
fn what_finishes_while_a_request_is_under_way_goes_together_and_one_that_is_refused_is_dropped_alone() {
    let fake = Fake::new(&[("a", 6)]);
    let listener = fake.listen();
    let home = Home::new();
    let _agent = home.start(&[&listener], AT_ONCE);
    let missions = gathered(&fake, &home);
    // Nobody tells the agent before its result does.
    fake.tables().faults.heartbeats = true;
    fake.move_away(missions[3]);
    fake.tables().faults.results_wait = false;
    wait_until("nothing is on disk", || spooled(&home) == 0);
    let tables = fake.tables();
    let requests = &tables.requests;
    // The last one may have been on disk and not yet in line.
    assert!(requests.len() <= 3 && requests.iter().sum::<usize>() == 6, "{requests:?}");
    for mission in &missions {
        let said = tables.results(*mission);
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!((said[0].verb.as_str(), said[0].accepted), ("complete", *mission != missions[3]));
    }
}

#[test]
fn a_scheduler_without_the_route_for_many_gets_them_one_by_one() {
    let fake = Fake::new(&[("a", 6)]);
    fake.tables().faults.one_at_a_time = true;
    let listener = fake.listen();
    let home = Home::new();
    let _agent = home.start(&[&listener], AT_ONCE);
    let missions = gathered(&fake, &home);
    fake.tables().faults.results_wait = false;
    wait_until("nothing is on disk", || spooled(&home) == 0);
    let tables = fake.tables();
    assert_eq!(tables.requests, [1; 6]);
    assert!(missions.iter().all(|mission| tables.results(*mission).iter().all(|said| said.accepted)));
}

/// The lines of an agent's history about a mission.
fn history(home: &Home, mission: MissionId) -> Vec<Value> {
    let text = std::fs::read_to_string(home.path("history.jsonl")).unwrap_or_default();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["mission"] == mission.to_string()).collect()
}

fn types(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["type"].as_str().unwrap()).collect()
}

#[test]
fn the_history_tells_each_result_once_over_all_its_tries_and_again_after_a_restart() {
    let fake = Fake::new(&[("a", 1)]);
    // The client does not repeat what is forbidden: each try is one of the agent's own.
    fake.tables().faults = Faults { forbids: true, ..Faults::default() };
    let listener = fake.listen();
    let home = Home::new();
    let path = home.path("history.jsonl");
    let flags = [AT_ONCE, &["--history", path.to_str().unwrap()]].concat();
    let mut agent = home.start(&[&listener], &flags);
    let mission = fake.submit(Waiting::new("a"));
    wait_until("it was begun", || history(&home, mission).len() == 1);
    let session = fake.tables().live()[0];
    wait_until("it was tried again", || fake.tables().turned_away > 2);
    assert_eq!(types(&history(&home, mission)), ["invoke"], "tries without an answer are one operation");
    agent.signal(Signal::SIGKILL);
    agent.wait();

    fake.tables().faults = Faults::default();
    let _second = home.start(&[&listener], &flags);
    wait_until("it is no longer on disk", || spooled(&home) == 0);
    let lines = history(&home, mission);
    assert_eq!(types(&lines), ["invoke", "invoke", "ok"]);
    assert!(lines[0]["op"] != lines[1]["op"] && lines[1]["op"] == lines[2]["op"], "{lines:?}");
    let body = fake.tables().results(mission).remove(0).body;
    let digest = scheduler_client::outcome_digest(&body["outcome"]);
    for line in &lines {
        assert!(line["at_us"].as_i64().unwrap() > 0 && line["op"].is_u64(), "{line}");
        let told = [&line["call"], &line["epoch"], &line["session"], &line["outcome"], &line["error"]];
        let wanted = ["complete".into(), 1.into(), session.to_string().into(), digest.clone().into(), Value::Null];
        assert_eq!(told.map(Clone::clone), wanted, "{line}");
    }
}

#[test]
fn the_history_tells_why_a_result_was_refused() {
    let fake = Fake::new(&[("a", 1)]);
    fake.tables().faults.results_wait = true;
    let listener = fake.listen();
    let home = Home::new();
    let path = home.path("history.jsonl");
    let failing = ["--simulated-failures", "1", "--history", path.to_str().unwrap()];
    let _agent = home.start(&[&listener], &[AT_ONCE, &failing].concat());
    let mission = fake.submit(Waiting::new("a"));
    wait_until("it is on disk", || spooled(&home) == 1);
    fake.tables().faults.heartbeats = true;
    fake.move_away(mission);
    fake.tables().faults.results_wait = false;
    wait_until("it is no longer on disk", || spooled(&home) == 0);
    let lines = history(&home, mission);
    assert_eq!(types(&lines), ["invoke", "fail"]);
    let told = ["call", "error", "outcome"].map(|field| lines[1][field].clone());
    assert_eq!(told, ["fail".into(), "lease_lost".into(), Value::Null]);
}
