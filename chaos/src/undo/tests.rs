//! Undoing with nothing but what is written down.

use std::process::{Child, Command};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use scheduler_client::local::Process;

use super::*;
use crate::fake_http::Server;
use crate::wait::wait_until;

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// A process of ours that stands still.
struct Stopped(Child);

impl Stopped {
    async fn start() -> Self {
        let stopped = Self(Command::new("sleep").arg("600").spawn().unwrap());
        kill(Pid::from_raw(stopped.pid()), Signal::SIGSTOP).unwrap();
        assert!(wait_until(PATIENCE, async || stopped.state() == 'T').await);
        stopped
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap()
    }

    /// As `ps` tells it: T = stopped, S = waits.
    fn state(&self) -> char {
        let told = Command::new("ps").args(["-o", "state=", "-p", &self.pid().to_string()]).output().unwrap();
        String::from_utf8(told.stdout).unwrap().trim().chars().next().unwrap_or('?')
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(script: &str) -> Undo {
    let argv = ["sh", "-c", script].map(str::to_owned).into();
    Undo::Command { target: "a file".to_owned(), argv, timeout_ms: 10_000 }
}

fn planned(step: &str, undo: Undo) -> UndoLine {
    UndoLine::Planned { step: step.to_owned(), undo: vec![undo] }
}

#[tokio::test]
async fn a_stopped_process_goes_on_and_one_that_has_its_number_is_left_alone() {
    let stopped = Stopped::start().await;
    let pid = stopped.pid();
    carry_out(&Undo::Continue { pid, began: Some("1".to_owned()) }, None).await.unwrap();
    assert_eq!(stopped.state(), 'T', "it began at another time");
    carry_out(&Undo::Continue { pid, began: Process::of(pid).began }, None).await.unwrap();
    assert!(wait_until(PATIENCE, async || stopped.state() != 'T').await);
}

#[tokio::test]
async fn a_region_is_uncordoned_by_any_scheduler_as_an_operator() {
    let server = Server::start(|what, token| match (what, token) {
        ("POST /control/v1/regions/us-west/uncordon", Some("operator")) => {
            let view = serde_json::json!({
                "name": "us-west", "cloud": "AWS us-west-2", "database_region": "us-west-2", "state": "active",
                "verb": "none", "health": "up", "serves": true, "sessions": 1, "slots": 1, "queued": 0, "leased": 0,
                "age_ms": 0,
            });
            (200, view.to_string())
        }
        _ => (403, r#"{"type":"about:blank","title":"no","status":403,"code":"forbidden","detail":"no"}"#.to_owned()),
    })
    .await;
    // The first scheduler is dead.
    let schedulers = vec!["http://127.0.0.1:1".to_owned(), server.url.clone()];
    let undo = Undo::Uncordon { schedulers, region: "us-west".to_owned() };
    carry_out(&undo, Some("operator")).await.unwrap();
    assert!(carry_out(&undo, None).await.is_err());
}

#[tokio::test]
async fn a_proxy_drops_what_its_owner_put_into_it_and_a_dead_proxy_has_nothing() {
    let server = Server::start(|what, _| match what {
        "DELETE /toxics/run-7" => (204, String::new()),
        _ => (500, String::new()),
    })
    .await;
    let toxics = |control: &str, owner: &str| Undo::Toxics { control: control.to_owned(), owner: owner.to_owned() };
    carry_out(&toxics(&server.url, "run-7"), None).await.unwrap();
    assert!(matches!(carry_out(&toxics(&server.url, "run-8"), None).await, Err(CarryError::ProxyRefused { .. })));
    let dead = server.url.clone();
    drop(server);
    assert!(wait_until(PATIENCE, async || carry_out(&toxics(&dead, "run-7"), None).await.is_ok()).await);
}

#[tokio::test]
async fn what_a_dead_run_left_is_undone_last_first_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let done = dir.path().join("done");
    let note = |step: &str| planned(step, command(&format!("echo {step} >> {}", done.display())));
    let mut log = Log::create(dir.path()).unwrap();
    for line in [note("a"), note("b"), note("c"), UndoLine::Undone { step: "b".to_owned() }] {
        log.append(&line).unwrap();
    }
    drop(log);
    let path = dir.path().join(log::FILE);
    let rescued = rescue(&path, None).await.unwrap();
    assert_eq!(rescued, Rescued { undone: vec!["c".to_owned(), "a".to_owned()], left: Vec::new() });
    assert_eq!(rescue(&path, None).await.unwrap(), Rescued::default(), "nothing is left to do");
    assert_eq!(std::fs::read_to_string(&done).unwrap(), "c\na\n");
    let lines = log::lines(&path).unwrap();
    assert_eq!(lines.iter().filter(|line| **line == UndoLine::Over).count(), 1);
}

#[tokio::test]
async fn an_undo_is_tried_again_and_one_that_fails_keeps_none_of_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let tries = dir.path().join("tries");
    let third = format!("echo x >> {0}; [ $(wc -l < {0}) -ge 3 ]", tries.display());
    let mut log = Log::create(dir.path()).unwrap();
    let never = Undo::Uncordon { schedulers: Vec::new(), region: "no region!".to_owned() };
    for line in [planned("third", command(&third)), planned("never", never)] {
        log.append(&line).unwrap();
    }
    drop(log);
    let path = dir.path().join(log::FILE);
    let rescued = rescue::rescue_within(&path, None, 3, PATIENCE).await.unwrap();
    assert_eq!(rescued.undone, ["third"]);
    assert_eq!(rescued.left, [("never".to_owned(), "\"no region!\" is no region".to_owned())]);
    assert!(!log::lines(&path).unwrap().contains(&UndoLine::Over), "somebody may try again");
}
