//! The topology of a running world is edited: pools grow, shrink, go and come (P9).

use std::time::Duration;

use chaos::wait::wait_until;
use chaos::world::World;
use scheduler_client::Client;
use scheduler_client::wire::ApplyTopology;

use crate::fixture::{Database, mission, simulated, slack, small_world, turn};

fn file(west: &str, east: &str) -> String {
    format!(
        "regions:\n  - name: us-west\n    provider: AWS\n    region: us-west-2\n    agents: [{west}]\n  - name: us-east\n    \
         provider: AWS\n    region: us-east-1\n    agents: [{east}]\n"
    )
}

async fn apply(client: &Client, text: &str, base: i64) -> Result<i64, scheduler_client::Error> {
    let body = ApplyTopology { text: text.to_owned(), base_version: base, message: "edit".to_owned(), drain: false };
    client.apply_topology(&body).await.map(|version| version.version)
}

#[tokio::test(flavor = "multi_thread")]
async fn pools_grow_shrink_go_and_come_and_no_mission_fails() {
    let _turn = turn().await;
    let first =
        file("engineer-master (primary: 4 replicas), writer (primary: 8 replicas)", "engineer-master (replica: 4)");
    let second = file(
        "engineer-master (primary: 8 replicas), writer (primary: 2 replicas)",
        "writer (replica: 4), tester (primary: 2 replicas)",
    );
    let database = Database::new().await;
    let runner = simulated((1_000, 2_000));
    let world = World::start(small_world(&first, &["us-west", "us-east"], &database.url, runner)).await.unwrap();
    // A pool that nobody has seen yet gets nothing of what comes at once.
    world.wait_for_slots(3).await.unwrap();
    let regions = world.regions().to_vec();
    let west = world.client(&regions[0]).unwrap();
    let east = world.client(&regions[1]).unwrap();
    let load = |count: usize, kinds: &'static [&'static str]| {
        let west = west.clone();
        async move {
            // At once: a primary that gets them one by one on a slow machine has nothing to spill.
            let submits = (0..count).map(|n| west.submit(mission(kinds[n % kinds.len()], &format!("{n}"))));
            for submitted in futures_util::future::join_all(submits).await {
                submitted.unwrap();
            }
        }
    };
    load(60, &["engineer-master", "writer"]).await;
    let busy = "SELECT count(*) FROM missions WHERE state = 'leased' AND region = 'us-east'";
    assert!(wait_until(Duration::from_secs(30), async || database.count(busy).await > 0).await);

    let base = west.topology().await.unwrap().version;
    let plan = west.plan_topology(&second).await.unwrap();
    assert_eq!(plan.base_version, base);
    let version = apply(&west, &second, base).await.unwrap();

    // The second of two editors is told what changed in between.
    let stale = apply(&east, &first, base).await.unwrap_err();
    assert_eq!(stale.code(), Some("plan_stale"), "{stale:?}");

    // Two seconds later the removed pool takes nothing any more, and the new one works.
    let known = wait_until(Duration::from_secs(2) * slack(), async || {
        let at = |client: &Client| {
            let client = client.clone();
            async move { client.regions().await.is_ok_and(|list| list.topology_version == version) }
        };
        at(&west).await && at(&east).await
    })
    .await;
    assert!(known, "a scheduler did not follow within two seconds");
    let since: i64 = database.count("SELECT (extract(epoch FROM now()) * 1000)::int8").await;
    load(40, &["engineer-master", "writer", "tester"]).await;
    let done = wait_until(Duration::from_secs(60), async || {
        database.count("SELECT count(*) FROM missions WHERE finished_at IS NULL").await == 0
    })
    .await;
    assert!(
        done,
        "{:?}",
        database
            .counts("SELECT concat_ws(' ', state, specialization, region, reason), count(*) FROM missions GROUP BY 1")
            .await
    );
    let late = format!(
        "SELECT count(*) FROM missions WHERE specialization = 'engineer-master' AND region = 'us-east' \
         AND leased_at > to_timestamp({since} * 0.001)"
    );
    assert_eq!(database.count(&late).await, 0, "the removed pool took a mission");
    assert_eq!(database.count("SELECT count(*) FROM missions WHERE state <> 'succeeded'").await, 0);
    assert!(database.count("SELECT count(*) FROM missions WHERE specialization = 'tester'").await > 0);

    let reverted = apply(&east, &first, version).await.unwrap();
    assert_eq!(west.topology().await.unwrap().text.as_deref(), Some(first.as_str()));
    assert_eq!(reverted, version + 1);
}
