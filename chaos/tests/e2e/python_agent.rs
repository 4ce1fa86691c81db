//! The example agent works on a repository while its region-agent is killed, or stopped for two session TTLs (P2).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use chaos::wait::wait_until;
use chaos::world::World;
use nix::sys::signal::Signal;
use scheduler_client::wire::{Mission, MissionState};
use serde_json::json;
use topology::{Epoch, MissionId, RegionName};

use crate::fixture::{Database, TWO_REGIONS, mission, small_world, turn};

/// The session TTL of the default scheduling on PostgreSQL.
const SESSION_TTL: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_agents_runner_pushes_nothing_and_one_branch_wins() {
    let _turn = turn().await;
    let mut at_work = AtWork::new().await;
    at_work.world.signal_agent(&at_work.first, Signal::SIGKILL);
    // The runner is a grandchild of the agent: it goes with it, long before the lease ends.
    at_work.first_run_ends_within(SESSION_TTL).await;
    at_work.world.start_agent(&at_work.first).unwrap();
    at_work.one_branch_wins().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_agents_runner_pushes_nothing_and_one_branch_wins() {
    let _turn = turn().await;
    let mut at_work = AtWork::new().await;
    at_work.world.signal_agent(&at_work.first, Signal::SIGSTOP);
    at_work.first_run_ends_within(SESSION_TTL + Duration::from_secs(1)).await;
    tokio::time::sleep(2 * SESSION_TTL).await;
    at_work.world.signal_agent(&at_work.first, Signal::SIGCONT);
    at_work.one_branch_wins().await;
}

/// A world whose first region works on the one mission.
struct AtWork {
    world: World,
    first: RegionName,
    mission: MissionId,
    repository: Repository,
    /// It goes when this goes.
    _database: Database,
}

impl AtWork {
    async fn new() -> Self {
        let repository = Repository::new();
        let (world, database) = world().await;
        let first = world.regions()[0].clone();
        let mission = submit(&world, &repository).await;
        started(&database, mission, &first).await;
        Self { world, first, mission, repository, _database: database }
    }

    async fn first_run_ends_within(&self, bound: Duration) {
        let processes = || runners(self.mission, Epoch(1));
        let gone = wait_until(bound, async || processes().is_empty()).await;
        assert!(gone, "processes of the first run live past the lease: {:?}", processes());
    }

    async fn one_branch_wins(&self) {
        one_branch_won(&self.world, &self.repository, self.mission).await;
    }
}

/// A bare repository with one file that the linter can mend.
struct Repository(tempfile::TempDir);

impl Repository {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bare = folder.path().join("repository.git");
        let clone = folder.path().join("clone");
        git(folder.path(), &["init", "--quiet", "--bare", "-b", "main", bare.to_str().unwrap()]);
        git(folder.path(), &["clone", "--quiet", bare.to_str().unwrap(), clone.to_str().unwrap()]);
        std::fs::write(clone.join("module.py"), "import os\nimport sys\n\nprint(sys.argv)   \n").unwrap();
        git(&clone, &["add", "."]);
        git(&clone, &["-c", "user.name=test", "-c", "user.email=test@example.invalid", "commit", "-qm", "a module"]);
        git(&clone, &["push", "--quiet", "origin", "HEAD:main"]);
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("repository.git")
    }

    /// Branches of missions with the commits they name.
    fn branches(&self) -> BTreeMap<String, String> {
        let text =
            git(&self.path(), &["for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads/mission"]);
        text.lines().filter_map(|line| line.split_once(' ')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
    }
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

async fn world() -> (World, Database) {
    let database = Database::new().await;
    let agent = Path::new(env!("CARGO_MANIFEST_DIR")).join("../region-agent/examples/agent-python/agent.py");
    let runner = ["--runner", "command", "--", "python3", agent.to_str().expect("the path is text")];
    let runner = runner.map(str::to_owned).into();
    let world = World::start(small_world(TWO_REGIONS, &["us-west", "us-east"], &database.url, runner)).await.unwrap();
    world.wait_for_slots(2).await.unwrap();
    (world, database)
}

async fn submit(world: &World, repository: &Repository) -> MissionId {
    let mut mission = mission("document-ninja", "mend the module");
    // Between the fix and the push lies more than a lease: a run that loses its agent never gets to push.
    mission.payload = json!({ "repository": repository.path(), "work_seconds": 8 });
    world.client(&world.regions()[0]).unwrap().submit(mission).await.unwrap().id
}

async fn started(database: &Database, id: MissionId, region: &RegionName) {
    let leased = format!("SELECT count(*) FROM missions WHERE state = 'leased' AND region = '{region}'");
    assert!(wait_until(Duration::from_secs(20), async || database.count(&leased).await == 1).await);
    assert!(wait_until(Duration::from_secs(10), async || !runners(id, Epoch(1)).is_empty()).await);
}

/// Processes that carry the fencing token of a run in their environment.
fn runners(id: MissionId, epoch: Epoch) -> Vec<String> {
    let marks = [format!("MERIDIAN_MISSION_ID={id}"), format!("MERIDIAN_MISSION_EPOCH={epoch}")];
    let folders = std::fs::read_dir("/proc").expect("Linux shows processes").flatten();
    folders
        .filter(|folder| {
            let environment = std::fs::read(folder.path().join("environ")).unwrap_or_default();
            let variables: Vec<&[u8]> = environment.split(|byte| *byte == 0).collect();
            marks.iter().all(|mark| variables.contains(&mark.as_bytes()))
        })
        .map(|folder| folder.file_name().to_string_lossy().into_owned())
        .collect()
}

async fn one_branch_won(world: &World, repository: &Repository, id: MissionId) {
    let client = world.client(&world.regions()[1]).unwrap();
    let mut last: Option<Mission> = None;
    let done = wait_until(Duration::from_secs(60), async || {
        last = client.mission(id).await.ok();
        last.as_ref().is_some_and(|mission| mission.state == MissionState::Succeeded)
    })
    .await;
    assert!(done, "{last:?}");
    let winner = last.expect("it was read");
    assert!(winner.epoch > Epoch(1), "the first run was the one that was interrupted");
    let outcome = winner.outcome.expect("a finished mission has an outcome");
    let branch = format!("mission/{id}/{}", winner.epoch);
    assert_eq!(outcome["branch"], json!(branch), "{outcome}");
    let branches = repository.branches();
    assert_eq!(branches.keys().collect::<Vec<_>>(), [&branch], "only the winner pushed");
    assert_eq!(outcome["commit"], json!(branches[&branch]));
}
