//! What heartbeats and grants do to what the agent holds.

use serde_json::json;

use crate::fake::{Fake, Faults, Waiting};
use crate::process::{Home, is_gone, wait_until};

const FOREVER: &[&str] = &["--runner", "simulated", "--simulated-min", "1h", "--simulated-max", "1h"];
const AT_ONCE: &[&str] = &["--runner", "simulated", "--simulated-min", "1ms", "--simulated-max", "1ms"];

/// A runner that notes its own id in a file named after its mission and never ends.
fn noting(home: &Home) -> String {
    format!("echo $$ > {}/$MISSION_ID; exec tail -f /dev/null", home.path("").display())
}

#[test]
fn a_heartbeat_names_every_mission_that_is_held() {
    let fake = Fake::new(&[("a", 2)]);
    let listener = fake.listen();
    let home = Home::new();
    let _agent = home.start(&[&listener], FOREVER);
    let missions = [fake.submit(Waiting::new("a")), fake.submit(Waiting::new("a"))];
    wait_until("both are named", || {
        let tables = fake.tables();
        tables.sessions.values().next().is_some_and(|session| {
            missions.iter().all(|mission| session.holds.iter().any(|name| name.mission == *mission))
        })
    });
}

#[test]
fn a_grant_that_two_heartbeats_did_not_name_is_handed_back_unstarted() {
    let fake = Fake::new(&[("a", 2)]);
    let listener = fake.listen();
    let home = Home::new();
    let _agent = home.start(&[&listener], AT_ONCE);
    let void = fake.submit(Waiting { stale_by: 2, ..Waiting::new("a") });
    let good = fake.submit(Waiting::new("a"));
    wait_until("both are over", || !fake.tables().results(void).is_empty() && !fake.tables().results(good).is_empty());
    let said = fake.tables().results(void).remove(0);
    assert_eq!((said.verb.as_str(), &said.body["reason"]), ("release", &json!("grant_void")));
    assert_eq!(fake.tables().results(good)[0].verb, "complete");
}

#[test]
fn a_mission_that_is_lost_or_cancelled_is_stopped_and_nothing_is_said_of_it() {
    let fake = Fake::new(&[("a", 2)]);
    let listener = fake.listen();
    let home = Home::new();
    let _agent = home.start_script(&listener, &noting(&home));
    let (lost, cancelled) = (fake.submit(Waiting::new("a")), fake.submit(Waiting::new("a")));
    let pids = [lost, cancelled].map(|mission| home.number(&mission.to_string()));
    fake.move_away(lost);
    fake.tables().cancelled.insert(cancelled);
    wait_until("both are stopped", || pids.iter().all(|pid| is_gone(*pid)));
    // The slots are free again.
    let next = fake.submit(Waiting::new("a"));
    home.number(&next.to_string());
    assert_eq!(fake.tables().results(lost), []);
    assert_eq!(fake.tables().results(cancelled), []);
}

#[test]
fn a_crashed_mission_runs_alone() {
    let fake = Fake::new(&[("a", 3)]);
    let alone = fake.submit(Waiting { alone: true, ..Waiting::new("a") });
    let beside = fake.submit(Waiting::new("a"));
    let listener = fake.listen();
    let home = Home::new();
    let _agent = home.start(&[&listener], FOREVER);
    wait_until("the other is handed back", || !fake.tables().results(beside).is_empty());
    let said = fake.tables().results(beside).remove(0);
    assert_eq!((said.verb.as_str(), &said.body["reason"]), ("release", &json!("alone")));
    let claims = fake.tables().claims;
    fake.submit(Waiting::new("a"));
    let heard = |fake: &Fake| fake.tables().sessions.values().next().unwrap().seq;
    let seq = heard(&fake);
    wait_until("heartbeats go on", || heard(&fake) > seq + 3);
    assert_eq!(fake.tables().claims, claims, "it asks for nothing beside it");
    assert_eq!(fake.tables().results(alone), []);
}

#[test]
fn an_ended_session_kills_its_runners_and_registers_anew() {
    let fake = Fake::new(&[("a", 1)]);
    let listener = fake.listen();
    let home = Home::new();
    let _agent = home.start_script(&listener, &noting(&home));
    let mission = fake.submit(Waiting::new("a"));
    let pid = home.number(&mission.to_string());
    let first = fake.tables().live()[0];
    fake.tables().sessions.get_mut(&first).unwrap().ended = true;
    wait_until("the runner is gone", || is_gone(pid));
    wait_until("a new session", || fake.tables().live().len() == 1);
    let next = fake.submit(Waiting::new("a"));
    home.number(&next.to_string());
    assert_eq!(fake.tables().results(mission), []);
}

#[test]
fn the_offer_follows_the_wished_slots_up_and_down() {
    let fake = Fake::new(&[("a", 1), ("b", 1)]);
    let listener = fake.listen();
    let home = Home::new();
    let _agent = home.start(&[&listener], FOREVER);
    let offers = |fake: &Fake, wanted: &[(&str, i64)]| {
        let wanted = wanted.iter().map(|(name, slots)| ((*name).to_owned(), *slots)).collect();
        fake.tables().sessions.values().next().is_some_and(|session| session.pools == wanted)
    };
    wait_until("registered", || offers(&fake, &[("a", 1), ("b", 1)]));
    fake.tables().wished = [("a".to_owned(), 3), ("c".to_owned(), 2)].into();
    wait_until("more of a, no b, a new c", || offers(&fake, &[("a", 3), ("c", 2)]));
    let missions: Vec<_> = (0..3).map(|_| fake.submit(Waiting::new("a"))).collect();
    let gone = fake.submit(Waiting::new("b"));
    wait_until("three of a are held", || missions.iter().all(|mission| fake.tables().leases.contains_key(mission)));
    assert!(!fake.tables().leases.contains_key(&gone));
    assert_eq!(fake.tables().sessions.len(), 1);
}

#[test]
fn an_agents_own_pools_and_limits_hold() {
    let fake = Fake::new(&[("a", 9), ("b", 9), ("c", 9)]);
    let listener = fake.listen();
    let home = Home::new();
    let _agent = home.start(&[&listener], &[&["--pool", "a=2", "--pool", "b"], FOREVER].concat());
    wait_until("registered", || {
        let tables = fake.tables();
        let wanted = [("a".to_owned(), 2), ("b".to_owned(), 9)].into();
        tables.sessions.values().next().is_some_and(|session| session.pools == wanted)
    });
}

#[test]
fn heartbeats_tell_which_of_them_were_answered_by_one_who_hears_the_database() {
    let fake = Fake::new(&[("a", 1)]);
    let listener = fake.listen();
    let home = Home::new();
    let _agent = home.start(&[&listener], FOREVER);
    let beats = |faults: Faults| {
        fake.tables().faults = faults;
        fake.tables().heard.clear();
        // Two: after a third that is not answered the client's breaker opens.
        wait_until("heartbeats", || fake.tables().heard.len() >= 2);
        fake.tables().heard.clone()
    };
    let good = beats(Faults::default());
    assert!(good.iter().all(|(seq, heard)| *heard == Some(seq - 1)), "{good:?}");
    for faults in [Faults { heartbeats: true, ..Faults::default() }, Faults { deafens: true, ..Faults::default() }] {
        let deaf = beats(faults);
        assert!(deaf.iter().all(|(_, heard)| heard.is_some() && *heard == deaf[0].1), "{faults:?}: {deaf:?}");
    }
    let again = beats(Faults { unheard: true, ..Faults::default() });
    assert_eq!(again[1], (again[0].0 + 1, Some(again[0].0)), "what was refused is followed by one that has heard it");
}

#[test]
fn the_session_goes_on_at_another_scheduler_when_the_nearest_dies() {
    let fake = Fake::new(&[("a", 1)]);
    let (near, far) = (fake.listen(), fake.listen());
    let home = Home::new();
    let _agent = home.start(&[&near, &far], AT_ONCE);
    wait_until("registered", || fake.tables().live().len() == 1);
    drop(near);
    fake.tables().faults = Faults { reaps: true, ..Faults::default() };
    for _ in 0..20 {
        let mission = fake.submit(Waiting::new("a"));
        wait_until("a result", || !fake.tables().results(mission).is_empty());
    }
    assert_eq!(fake.tables().sessions.len(), 1, "{}", home.log());
}

#[test]
fn a_scheduler_that_hangs_costs_neither_the_session_nor_the_claims_that_are_open_there() {
    let fake = Fake::new(&[("a", 1)]);
    let (near, far) = (fake.listen(), fake.listen());
    let home = Home::new();
    let _agent = home.start(&[&near, &far], AT_ONCE);
    wait_until("it claims", || fake.tables().claims > 0);
    fake.tables().faults = Faults { reaps: true, ..Faults::default() };
    near.hang();
    let asked = std::time::Instant::now();
    for _ in 0..5 {
        let mission = fake.submit(Waiting::new("a"));
        wait_until("a result", || !fake.tables().results(mission).is_empty());
    }
    // A claim at the one that hangs would have kept the slot for the ten seconds that it waits.
    assert!(asked.elapsed() < std::time::Duration::from_secs(8), "{:?}", asked.elapsed());
    assert_eq!(fake.tables().sessions.len(), 1, "{}", home.log());
}
