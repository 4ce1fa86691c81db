//! The connection dies after a statement has committed and before its answer leaves (P1, P2).

use std::time::{Duration, Instant};

use chaos::wait::wait_until;
use chaos::world::World;
use scheduler_client::wire::MissionState;
use sql::relay::{Mode, Relay};

use crate::fixture::{Database, ledger, mission, relayed_world, simulated, slack, submits, turn};

const TOPOLOGY: &str = "\
regions:
  - name: us-west
    provider: AWS
    region: us-west-2
    agents: [{ specialization: engineer-master, role: primary, replicas: 1, slots: 4 }]
";
/// Two heartbeats of the default scheduling, and a second.
const LEASED_AGAIN: Duration = Duration::from_secs(2 + 1);

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_after_the_commit_loses_and_doubles_nothing() {
    let _turn = turn().await;
    let database = Database::new().await;
    let (relay, url) = Relay::to_url(&database.url).await;
    let spec = relayed_world(TOPOLOGY, &database.url, vec![url], simulated((300, 600)));
    let world = World::start(spec).await.unwrap();
    let here = world.regions()[0].clone();
    let client = world.client(&here).unwrap();
    let submits = submits(&world);

    for (statement, cuts) in
        [("mission_submit", 1), ("mission_claim_4", 2), ("heartbeat_renew", 3), ("mission_complete", 4)]
    {
        relay.set(Mode::CutAfter(statement.to_owned()));
        let sent = Instant::now();
        let answer = submits.submit(&client, mission("engineer-master", statement)).await.unwrap().unwrap();
        let cut = wait_until(Duration::from_secs(20), async || relay.cuts() == cuts).await;
        assert!(cut, "no connection was cut after {statement}");
        let ended = wait_until(Duration::from_secs(30), async || {
            client.mission(answer.id).await.is_ok_and(|mission| mission.state == MissionState::Succeeded)
        })
        .await;
        assert!(ended, "{statement}: {:?}", client.mission(answer.id).await);
        let same = format!("SELECT count(*) FROM missions WHERE title LIKE '{statement} key=%'");
        assert_eq!(database.count(&same).await, 1, "{statement}: the submit was repeated as another mission");
        if statement == "mission_claim_4" {
            let started = ledger(&world).into_iter().find(|effect| effect.mission == answer.id).unwrap();
            assert!(started.epoch.0 >= 2, "the lost grant was never given again");
            // The mission is leased again by a later heartbeat; its run and completion come on top.
            assert!(sent.elapsed() < (LEASED_AGAIN + Duration::from_secs(2)) * slack(), "{:?}", sent.elapsed());
        }
    }
    let summary = database.check(&world).await;
    assert!(summary.all_proven() && summary.acknowledged == 4, "{summary:?}");
    assert_eq!(database.count("SELECT count(*) FROM missions WHERE attempts > 0 OR crashes > 0").await, 0);
}
