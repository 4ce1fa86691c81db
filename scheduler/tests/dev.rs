//! `scheduler dev` with real processes: what it notes of them, and how it brings them back. The region agent must have
//! been built, as `cargo build --workspace` does.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use scheduler_client::local::{Process, World};
use sql::testdb::TestDb;

const TOPOLOGY: &str = "
regions:
  - { name: us-west, provider: AWS, region: us-west-2, agents: [engineer-master (primary: 1)] }
  - { name: us-east, provider: AWS, region: us-east-1, agents: [engineer-master (replica: 1)] }
";

/// A world in the background, ended with the value.
struct Dev {
    state: tempfile::TempDir,
    base: u16,
    database: String,
}

impl Dev {
    fn command(&self, verb: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scheduler"));
        command
            .args(["dev", "--state"])
            .arg(self.state.path())
            .args(["--port-base", &self.base.to_string()])
            .args(verb);
        command.env("DATABASE_URL", &self.database).env("MERIDIAN_TOPOLOGY", self.state.path().join("topology.yaml"));
        // Where no world model is, so that no missions are submitted.
        command.current_dir(self.state.path()).env_remove("DETACH").stdin(Stdio::null()).output().unwrap()
    }

    fn world(&self) -> World {
        World::read(self.state.path()).expect("a running world has a note")
    }

    /// The note, as soon as it is so.
    fn noted(&self, what: &str, holds: impl Fn(&World) -> bool) -> World {
        let patience = Instant::now() + Duration::from_secs(20);
        loop {
            let world = self.world();
            if holds(&world) {
                return world;
            }
            assert!(Instant::now() < patience, "waited in vain until {what}: {world:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        self.command(&["stop"]);
    }
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A base whose ports nobody has now: those of the schedulers and, a hundred above, of the agents.
fn free_base() -> u16 {
    let start = 20_000 + u16::try_from(std::process::id() % 30).unwrap() * 300;
    let is_free = |base: &u16| (0..200).all(|n| std::net::TcpListener::bind(("127.0.0.1", base + n)).is_ok());
    (start..50_000).step_by(300).find(is_free).expect("some ports are free")
}

fn shot(process: &Process) {
    kill(Pid::from_raw(process.pid), Signal::SIGKILL).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_world_notes_its_processes_and_brings_those_back_that_were_killed() {
    let database = TestDb::new().await;
    let state = tempfile::tempdir().unwrap();
    std::fs::write(state.path().join("topology.yaml"), TOPOLOGY).unwrap();
    let dev = Dev { state, base: free_base(), database: database.url().to_owned() };
    let none = dev.command(&["revive"]);
    assert_eq!((none.status.code(), told(&none).contains("no world is running")), (Some(3), true), "{}", told(&none));

    let up = dev.command(&["--detach"]);
    assert!(up.status.success(), "{}", told(&up));
    let before = dev.world();
    assert!(before.keeper.runs() && before.database.is_none(), "its database is somebody else's: {before:?}");
    assert_eq!(before.regions.iter().map(|one| one.region.as_str()).collect::<Vec<_>>(), ["us-west", "us-east"]);
    assert_eq!(before.regions[1].address, format!("http://127.0.0.1:{}", dev.base + 1));
    assert!(before.regions.iter().all(|one| one.scheduler.as_ref().is_some_and(Process::runs)), "{before:?}");
    assert!(before.regions.iter().all(|one| one.agents.len() == 1 && one.agents[0].runs()), "{before:?}");
    assert_eq!(told(&dev.command(&["revive"])), "nothing had fallen\n");
    assert_eq!(dev.world().regions, before.regions, "what runs is left alone");

    shot(before.regions[0].scheduler.as_ref().unwrap());
    let fallen = dev.noted("the fallen scheduler is out of the note", |world| world.regions[0].scheduler.is_none());
    assert_eq!(fallen.regions[0].agents, before.regions[0].agents);
    shot(&before.regions[1].agents[0]);
    let revived = dev.command(&["revive"]);
    assert_eq!(told(&revived), "started again: scheduler-us-west, agent-us-east\n");
    assert!(revived.status.success());
    let after = dev.world();
    assert!(after.regions.iter().all(|one| one.scheduler.as_ref().is_some_and(Process::runs)), "{after:?}");
    assert!(after.regions[1].agents[0].runs(), "{after:?}");
    assert_eq!(after.regions[1].scheduler, before.regions[1].scheduler, "what ran is left alone");
    assert_eq!(after.regions[0].agents, before.regions[0].agents);

    assert!(dev.command(&["stop"]).status.success());
    assert_eq!(World::read(dev.state.path()), None);
    let processes = after.regions.iter().flat_map(|one| one.scheduler.iter().chain(&one.agents));
    assert!(processes.into_iter().all(|process| !process.runs()), "all have ended");
}
