//! A world of `scheduler dev`, and the program `chaos` beside it.

use std::fs::File;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chaos::journal::Journal;
use chaos::registry::Registry;
use chaos::world::{program, stands_still};
use nix::sys::signal::kill;
use nix::unistd::Pid;
use scheduler_client::local::{Process, World};
use scheduler_client::wire::RegionVerb;
use scheduler_client::{Client, Config};
use sql::testdb::TestDb;
use tempfile::TempDir;

/// How long anything may take here.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const TOPOLOGY: &str = "
regions:
  - { name: us-west, provider: AWS, region: us-west-2, agents: [writer (primary: 8)] }
  - { name: europe-west, provider: AWS, region: eu-west-1, agents: [writer (replica: 8)] }
  - { name: asia-east, provider: AWS, region: ap-northeast-1, agents: [writer (replica: 8)] }
";

/// A world that is up until the value is dropped.
pub(crate) struct Bed {
    dir: TempDir,
    base: u16,
    database: TestDb,
}

/// What a program said, and how it ended.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) text: String,
}

impl Bed {
    pub(crate) async fn up() -> Self {
        let bed = Self { dir: tempfile::tempdir().unwrap(), base: free_base(), database: TestDb::new().await };
        bed.write("topology.yaml", TOPOLOGY);
        std::fs::create_dir(bed.path("world")).unwrap();
        let up = bed.dev(&["--detach", "--simulated-min", "500ms", "--simulated-max", "1500ms"]);
        assert_eq!(up.code, Some(0), "{}", up.text);
        bed
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file; answers its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.base)
    }

    pub(crate) fn world(&self) -> World {
        World::read(&self.path("world")).expect("a running world has a note")
    }

    fn processes(&self) -> Vec<Process> {
        let regions = self.world().regions.into_iter();
        regions.flat_map(|region| region.scheduler.into_iter().chain(region.agents)).collect()
    }

    /// Whether a scheduler and an agent of each region run.
    pub(crate) fn all_run(&self) -> bool {
        let all = self.processes();
        all.len() == 6 && all.iter().all(Process::runs)
    }

    /// Processes that stand still.
    pub(crate) fn still(&self) -> Vec<i32> {
        let all = self.processes().into_iter().map(|process| process.pid);
        all.filter(|pid| stands_still(u32::try_from(*pid).unwrap())).collect()
    }

    /// Regions with an operator's word.
    pub(crate) async fn cordoned(&self) -> Vec<String> {
        let urls = self.world().regions.into_iter().map(|region| region.address);
        let list = Client::new(&Config::new(urls)).unwrap().regions().await.unwrap();
        let held = list.regions.into_iter().filter(|region| region.verb != RegionVerb::None);
        held.map(|region| region.name.to_string()).collect()
    }

    pub(crate) fn registry(&self) -> Registry {
        Registry::new(Some(&self.path("state")))
    }

    pub(crate) fn journal(&self, name: &str) -> Journal {
        serde_json::from_slice(&std::fs::read(self.path(name)).unwrap()).unwrap()
    }

    /// Runs `chaos` to its end.
    pub(crate) fn chaos(&self, arguments: &[&str]) -> Ran {
        ran(self.command(arguments))
    }

    /// Starts `chaos`.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let said = File::create(self.path("said")).unwrap();
        self.command(arguments).stdout(said.try_clone().unwrap()).stderr(said).spawn().unwrap()
    }

    /// What the program that was started has said.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.path("said")).unwrap_or_default()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chaos"));
        command.args(arguments).stdin(Stdio::null());
        command.env("MERIDIAN_CHAOS_STATE", self.path("state")).env("MERIDIAN_STATE", self.path("world"));
        command.env_remove("MERIDIAN_TOKEN");
        command
    }

    /// Runs `scheduler dev` to its end.
    fn dev(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(program("scheduler").unwrap());
        command.args(["dev", "--port-base", &self.base.to_string(), "--state"]).arg(self.path("world")).args(arguments);
        command.env("DATABASE_URL", self.database.url()).env("MERIDIAN_TOPOLOGY", self.path("topology.yaml"));
        // Where no world model is, so that no missions are submitted.
        command.current_dir(self.dir.path()).env_remove("DETACH").stdin(Stdio::null());
        ran(command)
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.dev(&["stop"]);
    }
}

fn ran(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Ran { code: output.status.code(), text }
}

/// Sends a signal to a process of this test.
pub(crate) fn signal(pid: i32, signal: nix::sys::signal::Signal) {
    kill(Pid::from_raw(pid), signal).unwrap();
}

/// A base whose ports nobody has now: those of the schedulers and, a hundred above, of the agents.
fn free_base() -> u16 {
    // Below the ports of other tests' worlds.
    let start = 10_000 + u16::try_from(std::process::id() % 60).unwrap() * 150;
    let is_free = |base: &u16| (0..110).all(|n| TcpListener::bind(("127.0.0.1", base + n)).is_ok());
    (start..20_000).step_by(150).find(is_free).expect("some ports are free")
}
