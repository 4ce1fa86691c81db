//! No runner outlives its agent, its supervisor or its lease.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::fake::{Fake, Faults, Waiting};
use crate::process::{Agent, Home, is_gone, state, wait_until};

/// A runner that notes its own id, that of a child, and that of one that has left its process group.
fn stubborn(home: &Home) -> String {
    let folder = home.path("").display().to_string();
    format!(
        "trap '' TERM INT HUP; cd {folder}; \
         setsid sh -c 'trap \"\" TERM HUP; echo $$ > escaped.new; mv escaped.new escaped; while :; do sleep 1; done' & \
         sh -c 'echo $$ > child.new; mv child.new child; while :; do sleep 1; done' & \
         echo $$ > runner.new; mv runner.new runner; wait; sleep 1000"
    )
}

struct Running {
    fake: Fake,
    home: Home,
    agent: Agent,
    _listener: crate::fake::Listener,
    mission: topology::MissionId,
    pids: [i32; 3],
}

fn running() -> Running {
    let fake = Fake::new(&[("a", 1)]);
    let listener = fake.listen();
    let home = Home::new();
    let agent = home.start_script(&listener, &stubborn(&home));
    let mission = fake.submit(Waiting::new("a"));
    let pids = ["runner", "child", "escaped"].map(|name| home.number(name));
    assert!(pids.iter().all(|pid| !is_gone(*pid)));
    Running { fake, home, agent, _listener: listener, mission, pids }
}

fn all_gone(pids: &[i32]) -> bool {
    pids.iter().all(|pid| is_gone(*pid))
}

#[test]
fn a_killed_agent_leaves_no_runner() {
    let mut running = running();
    running.agent.signal(Signal::SIGKILL);
    running.agent.wait();
    wait_until("the runner is gone", || all_gone(&running.pids));
}

#[test]
fn a_stopped_agent_leaves_no_runner_past_its_lease_and_changes_nothing_when_it_goes_on() {
    let running = running();
    running.fake.tables().faults = Faults { reaps: true, ..Faults::default() };
    running.agent.signal(Signal::SIGSTOP);
    wait_until("the runner is gone", || all_gone(&running.pids));
    let silent = running.fake.tables().sessions.values().next().unwrap().heard.elapsed();
    assert!(silent >= crate::fake::TTL * 3 / 4, "killed long before the lease was over: {silent:?}");

    running.fake.move_away(running.mission);
    running.agent.signal(Signal::SIGCONT);
    wait_until("a session anew", || {
        running.fake.tables().live().len() == 1 && running.fake.tables().sessions.len() == 2
    });
    let said = running.fake.tables().results(running.mission);
    assert!(said.iter().all(|said| !said.accepted && said.verb == "release"), "{said:?}");
}

#[test]
fn without_answers_the_runner_stands_still_and_lives_until_they_come_back() {
    let running = running();
    running.fake.tables().faults = Faults { heartbeats: true, ..Faults::default() };
    wait_until("the runner stands still", || running.pids.iter().all(|pid| state(*pid) == Some('T')));
    // Three times the session's ttl.
    let begun = std::time::Instant::now();
    wait_until("three ttl", || begun.elapsed() > crate::fake::TTL * 3);
    assert!(running.pids.iter().all(|pid| state(*pid) == Some('T')), "{}", running.home.log());

    running.fake.tables().faults = Faults::default();
    wait_until("the runner goes on", || running.pids.iter().all(|pid| matches!(state(*pid), Some('S' | 'R'))));
    assert_eq!(running.fake.tables().sessions.len(), 1);
}

#[test]
fn a_killed_supervisor_leaves_no_runner_of_its_group_and_the_mission_fails() {
    let running = running();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", running.pids[0])).unwrap();
    let supervisor: i32 = stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().nth(1).unwrap().parse().unwrap();
    kill(Pid::from_raw(supervisor), Signal::SIGKILL).unwrap();
    wait_until("a result", || !running.fake.tables().results(running.mission).is_empty());
    let said = running.fake.tables().results(running.mission).remove(0);
    assert_eq!((said.verb.as_str(), &said.body["reason"]), ("fail", &"runner_start".into()));
    wait_until("the runner's group is gone", || all_gone(&running.pids[..2]));
    // What had left the group is out of reach without its supervisor.
    let _ = kill(Pid::from_raw(running.pids[2]), Signal::SIGKILL);
}

#[test]
fn what_a_runner_leaves_behind_is_killed_at_its_end() {
    let fake = Fake::new(&[("a", 1)]);
    let listener = fake.listen();
    let home = Home::new();
    let script = format!("setsid sleep 1000 >&- 2>&- & echo $! > {}; echo '{{}}'", home.path("left").display());
    let _agent = home.start_script(&listener, &script);
    let mission = fake.submit(Waiting::new("a"));
    wait_until("a result", || !fake.tables().results(mission).is_empty());
    assert_eq!(fake.tables().results(mission)[0].verb, "complete");
    let left = home.number("left");
    wait_until("the left-over is gone", || is_gone(left));
}
