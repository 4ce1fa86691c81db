//! SIGTERM: nothing new, finish or hand back, end.

use nix::sys::signal::Signal;
use serde_json::json;

use crate::fake::{Fake, Waiting};
use crate::process::{Home, is_gone, wait_until};

#[test]
fn a_drain_finishes_what_runs_takes_nothing_new_and_ends_the_session() {
    let fake = Fake::new(&[("a", 2)]);
    let listener = fake.listen();
    let home = Home::new();
    let go = home.path("go").display().to_string();
    let mut agent = home.start_script(&listener, &format!("while [ ! -e {go} ]; do sleep 0.05; done; echo '{{}}'"));
    let mission = fake.submit(Waiting::new("a"));
    wait_until("it is leased", || fake.tables().leases.contains_key(&mission));
    agent.signal(Signal::SIGTERM);
    wait_until("the scheduler knows", || fake.tables().sessions.values().any(|session| session.draining));
    let late = fake.submit(Waiting::new("a"));
    std::fs::write(home.path("go"), "").unwrap();
    assert!(agent.wait().success(), "{}", home.log());
    assert_eq!(fake.tables().results(mission)[0].verb, "complete");
    assert_eq!(fake.tables().results(late), []);
    assert_eq!(fake.tables().live(), []);
}

#[test]
fn what_does_not_finish_within_the_grace_is_handed_back() {
    let fake = Fake::new(&[("a", 1)]);
    let listener = fake.listen();
    let home = Home::new();
    let pid_file = home.path("pid").display().to_string();
    let script = format!("echo $$ > {pid_file}; exec tail -f /dev/null");
    let arguments = ["--grace", "200ms", "--runner", "command", "--", "/bin/sh", "-c", &script];
    let mut agent = home.start(&[&listener], &arguments);
    let mission = fake.submit(Waiting::new("a"));
    let pid = home.number("pid");
    agent.signal(Signal::SIGTERM);
    assert!(agent.wait().success(), "{}", home.log());
    let said = fake.tables().results(mission).remove(0);
    assert_eq!((said.verb.as_str(), &said.body["reason"]), ("release", &json!("drain")));
    assert!(is_gone(pid));
    assert_eq!(fake.tables().live(), []);
}

#[test]
fn a_second_signal_hands_back_at_once() {
    let fake = Fake::new(&[("a", 1)]);
    let listener = fake.listen();
    let home = Home::new();
    let arguments = ["--grace", "1h", "--runner", "simulated", "--simulated-min", "1h", "--simulated-max", "1h"];
    let mut agent = home.start(&[&listener], &arguments);
    let mission = fake.submit(Waiting::new("a"));
    wait_until("it is leased", || fake.tables().leases.contains_key(&mission));
    agent.signal(Signal::SIGTERM);
    wait_until("the scheduler knows", || fake.tables().sessions.values().any(|session| session.draining));
    agent.signal(Signal::SIGINT);
    assert!(agent.wait().success(), "{}", home.log());
    assert_eq!(fake.tables().results(mission)[0].verb, "release");
}

#[test]
fn an_agent_that_never_registered_ends_at_once() {
    let fake = Fake::new(&[]);
    let listener = fake.listen();
    let home = Home::new();
    let mut agent = home.start(&[&listener], &["--runner", "simulated"]);
    wait_until("it tried", || home.log().contains("not registered"));
    agent.signal(Signal::SIGTERM);
    assert!(agent.wait().success());
}

#[test]
fn with_stop_on_eof_the_end_of_standard_input_hands_back_soon() {
    let fake = Fake::new(&[("a", 1)]);
    let listener = fake.listen();
    let home = Home::new();
    let arguments = ["--grace", "1h", "--runner", "simulated", "--simulated-min", "1h"];
    fake.submit(Waiting::new("a"));
    let mut agent = home.start(&[&listener], &arguments);
    wait_until("the mission is granted", || !fake.tables().leases.is_empty());
    agent.end_input();
    assert!(agent.wait().success(), "{}", home.log());
    // A registration that was under way when the agent ended leaves a session that holds nothing, and expires.
    assert!(fake.tables().leases.is_empty());
}
