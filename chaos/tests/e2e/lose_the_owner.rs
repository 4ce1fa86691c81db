//! A world ends with its owner, also where the owner is killed and can end nothing.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use chaos::wait::wait_until;
use chaos::world::World;

use crate::fixture::{Database, TWO_REGIONS, mission, simulated, small_world, turn};

/// Names the folder that holds the URL of the owner's database, and then the ids of its processes.
const FOLDER: &str = "MERIDIAN_TEST_OWNER";

/// A scheduler's three steps of ten seconds each, and as much again for a slow machine.
const BOUND: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn the_processes_of_a_world_end_when_its_owner_is_killed() {
    let _turn = turn().await;
    let database = Database::new().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("database"), &database.url).unwrap();
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "lose_the_owner::an_owner_that_is_killed", "--ignored"])
        .env(FOLDER, folder.path())
        // What it leaves behind goes with the folder.
        .env("TMPDIR", folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let told = wait_until(BOUND, async || owner.try_wait().unwrap().is_some() || !ids(folder.path()).is_empty()).await;
    let ids = ids(folder.path());
    owner.kill().unwrap();
    owner.wait().unwrap();

    assert!(told && ids.len() == 4, "the owner told of {ids:?}");
    let gone = wait_until(BOUND, async || !ids.iter().any(|id| lives(id))).await;
    assert!(gone, "still there: {:?}", ids.iter().filter(|id| lives(id)).collect::<Vec<_>>());
}

/// Starts a world with an agent at work, tells of its processes, and waits for its end.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by the test above, which kills it"]
async fn an_owner_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let database = std::fs::read_to_string(folder.join("database")).unwrap();
    let runner = simulated((600_000, 600_000));
    let mut world = World::start(small_world(TWO_REGIONS, &["us-west", "us-east"], &database, runner)).await.unwrap();
    world.wait_for_slots(2).await.unwrap();
    let database = Database::at(&database).await;
    let client = world.client(&world.regions()[0]).unwrap();
    client.submit(mission("document-ninja", "longer than the world")).await.unwrap();
    let leased = "SELECT count(*) FROM missions WHERE state = 'leased'";
    assert!(wait_until(BOUND, async || database.count(leased).await == 1).await);

    let ids: Vec<String> = world.process_ids().iter().map(u32::to_string).collect();
    std::fs::write(folder.join("new"), ids.join("\n")).unwrap();
    std::fs::rename(folder.join("new"), folder.join("ids")).unwrap();
    std::future::pending::<()>().await;
}

/// The ids of the owner's processes, as soon as it told them.
fn ids(folder: &Path) -> Vec<String> {
    std::fs::read_to_string(folder.join("ids")).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Whether a process runs. One that only waits to be collected does not.
fn lives(id: &str) -> bool {
    let listed = Command::new("ps").args(["-o", "stat=", "-p", id]).output().expect("every system has ps");
    let state = String::from_utf8_lossy(&listed.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}
