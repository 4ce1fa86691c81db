//! `examples/agent-python` on a local bare repository, also when its agent is killed or stopped in the middle.

use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::fake::{Fake, Faults, Listener, Waiting};
use crate::process::{Agent, Home, wait_until};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/agent-python/agent.py");

const UNTIDY: &str = "import os\nimport sys\n\nprint(sys.argv)  \n";

fn git(folder: &Path, arguments: &[&str]) -> String {
    let who = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "safe.directory=*"];
    let done = Command::new("git").current_dir(folder).args(who).args(arguments).output().unwrap();
    assert!(done.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

/// A bare repository with one untidy file.
fn repository(home: &Home) -> PathBuf {
    let (bare, work) = (home.path("repository.git"), home.path("seed"));
    std::fs::create_dir(&work).unwrap();
    git(&work, &["init", "--quiet", "--initial-branch", "main"]);
    std::fs::write(work.join("app.py"), UNTIDY).unwrap();
    git(&work, &["add", "."]);
    git(&work, &["commit", "--quiet", "--message", "seed"]);
    git(&work, &["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
    bare
}

fn mission_branches(bare: &Path) -> Vec<String> {
    let refs = git(bare, &["for-each-ref", "--format=%(refname:short)", "refs/heads/mission"]);
    refs.lines().map(str::to_owned).collect()
}

fn start(home: &Home, listener: &Listener) -> Agent {
    home.start(&[listener], &["--runner", "command", "--", "python3", "-B", EXAMPLE])
}

fn mission(bare: &Path, work_seconds: f64) -> Waiting {
    let payload = json!({ "repository": bare, "work_seconds": work_seconds });
    Waiting { payload, ..Waiting::new("a") }
}

/// Waits for the mission's progress to say that the fix is made.
fn wait_for_lint(fake: &Fake, waiting: &Waiting, epoch: i64) {
    wait_until("it has linted", || {
        let tables = fake.tables();
        tables.said.iter().any(|said| {
            let step: &Value = &said.body["progress"]["step"];
            said.mission == waiting.mission && said.epoch == epoch && step == "lint"
        })
    });
}

#[test]
fn its_linter_passes_its_own_tests() {
    let folder = Path::new(EXAMPLE).parent().unwrap();
    let done = Command::new("python3").args(["-B", "-m", "unittest", "discover", "-s"]).arg(folder).output().unwrap();
    let text = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && text.contains("Ran 9 tests"), "{text}");
}

#[test]
fn it_pushes_its_fix_on_a_branch_of_its_mission_and_epoch() {
    let fake = Fake::new(&[("a", 1)]);
    let listener = fake.listen();
    let home = Home::new();
    let bare = repository(&home);
    let _agent = start(&home, &listener);
    let mission = fake.submit(mission(&bare, 0.0));
    wait_until("a result", || !fake.tables().results(mission).is_empty());
    let said = fake.tables().results(mission).remove(0);
    assert_eq!(said.verb, "complete", "{said:?}");

    let branch = format!("mission/{mission}/1");
    assert_eq!(said.body["outcome"]["branch"], branch);
    let rules: Vec<_> = said.body["outcome"]["fixed"].as_array().unwrap().iter().map(|f| &f["rule"]).collect();
    assert_eq!(rules, ["unused-import", "trailing-space"]);
    assert_eq!(mission_branches(&bare), std::slice::from_ref(&branch));
    assert_eq!(git(&bare, &["show", &format!("{branch}:app.py")]), "import sys\n\nprint(sys.argv)");
    assert_eq!(git(&bare, &["rev-parse", &branch]), said.body["outcome"]["commit"].as_str().unwrap());
}

#[test]
fn a_repository_that_is_none_is_a_failure_with_gits_words() {
    let fake = Fake::new(&[("a", 1)]);
    let listener = fake.listen();
    let home = Home::new();
    let _agent = start(&home, &listener);
    let mission = fake.submit(mission(&home.path("nothing.git"), 0.0));
    wait_until("a result", || !fake.tables().results(mission).is_empty());
    let said = fake.tables().results(mission).remove(0);
    assert_eq!(said.body["reason"], "runner_exit");
    assert!(said.body["detail"]["stderr"].as_str().unwrap().contains("git clone failed"), "{said:?}");
}

#[test]
fn of_a_killed_agents_run_nothing_is_pushed_and_the_next_holder_wins() {
    let fake = Fake::new(&[("a", 1)]);
    let listener = fake.listen();
    let home = Home::new();
    let bare = repository(&home);
    let mut first = start(&home, &listener);
    let slow = mission(&bare, 2.0);
    let id = fake.submit(slow.clone());
    wait_for_lint(&fake, &slow, 1);
    first.signal(Signal::SIGKILL);
    first.wait();
    fake.submit(Waiting { payload: json!({ "repository": bare }), ..slow });
    let _second = start(&home, &listener);
    wait_until("a result", || !fake.tables().results(id).is_empty());
    // Longer than the first one would have taken to push.
    let begun = std::time::Instant::now();
    wait_until("it would have pushed", || begun.elapsed().as_secs_f64() > 2.5);
    assert_eq!(mission_branches(&bare), [format!("mission/{id}/2")]);
}

#[test]
fn of_a_stopped_agents_run_nothing_is_pushed_even_after_it_goes_on() {
    let fake = Fake::new(&[("a", 1)]);
    fake.tables().faults = Faults { reaps: true, ..Faults::default() };
    let listener = fake.listen();
    let home = Home::new();
    let bare = repository(&home);
    let first = start(&home, &listener);
    let slow = mission(&bare, 4.0);
    let id = fake.submit(slow.clone());
    wait_for_lint(&fake, &slow, 1);
    first.signal(Signal::SIGSTOP);
    let begun = std::time::Instant::now();
    wait_until("two ttl", || begun.elapsed() > crate::fake::TTL * 2);
    fake.move_away(id);
    first.signal(Signal::SIGCONT);
    wait_until("a session anew", || fake.tables().sessions.len() == 2);
    wait_until("it would have pushed", || begun.elapsed().as_secs_f64() > 5.0);
    assert_eq!(mission_branches(&bare), Vec::<String>::new());
    assert!(fake.tables().results(id).iter().all(|said| !said.accepted));
}
