//! A mission whose runner kills its agent is stopped after four crashes, and takes nobody with it.

use std::time::Duration;

use chaos::wait::wait_until;
use chaos::world::World;
use scheduler_client::wire::MissionState;

use crate::fixture::{Database, mission, small_world, turn};

const TOPOLOGY: &str = "\
regions:
  - name: us-west
    provider: AWS
    region: us-west-2
    agents: [bomb-squad (primary: 4 replicas)]
  - name: us-east
    provider: AWS
    region: us-east-1
    agents: [bomb-squad (replica: 4)]
";

/// Kills the agent, which is the parent of its supervisor, where the mission says so; else works for a second.
const RUNNER: &str = r#"
if grep -q '"bomb"'; then kill -9 "$(ps -o ppid= -p "$PPID" | tr -d ' ')"; fi
sleep 1; echo '{}'
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_mission_that_kills_its_agents_ends_as_poison_and_no_other_fails() {
    let _turn = turn().await;
    let database = Database::new().await;
    let runner = ["--runner", "command", "--", "/bin/sh", "-c", RUNNER].map(str::to_owned).into();
    let mut world = World::start(small_world(TOPOLOGY, &["us-west", "us-east"], &database.url, runner)).await.unwrap();
    let regions = world.regions().to_vec();
    let client = world.client(&regions[0]).unwrap();

    let mut others = Vec::new();
    for n in 0..12 {
        others.push(client.submit(mission("bomb-squad", &format!("harmless {n}"))).await.unwrap().id);
    }
    let bomb = client.submit(mission("bomb-squad", "bomb")).await.unwrap().id;

    // An agent that dies is started again, as an orchestrator would.
    let ended = wait_until(Duration::from_secs(150), async || {
        for region in &regions {
            if !world.agent_runs(region) {
                world.start_agent(region).unwrap();
            }
        }
        database.count("SELECT count(*) FROM missions WHERE finished_at IS NULL").await == 0
    })
    .await;
    assert!(ended, "{:?}", database.counts("SELECT title || ' ' || state, count(*) FROM missions GROUP BY 1").await);

    let poison = client.mission(bomb).await.unwrap();
    assert_eq!((poison.state, poison.reason.as_deref(), poison.crashes), (MissionState::Failed, Some("poison"), 4));
    for other in others {
        assert_eq!(client.mission(other).await.unwrap().state, MissionState::Succeeded);
    }
}
