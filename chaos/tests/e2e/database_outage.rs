//! The database is away for three session TTLs under 500 leases: nobody could write a heartbeat, so none is missed.

use std::time::Duration;

use chaos::load::{Pace, submit};
use chaos::wait::wait_until;
use chaos::world::{World, free_ports};
use sql::local::LocalServer;

use crate::fixture::{Database, mission, simulated, small_world, submits, turn};

const TOPOLOGY: &str = "\
regions:
  - name: us-west
    provider: AWS
    region: us-west-2
    agents: [{ specialization: engineer-master, role: primary, replicas: 1, slots: 250 }]
  - name: us-east
    provider: AWS
    region: us-east-1
    agents: [{ specialization: secure-specialist, role: primary, replicas: 1, slots: 250 }]
";
const LEASES: usize = 500;
/// Three times the default session TTL on PostgreSQL.
const OUTAGE: Duration = Duration::from_secs(3 * 5);

/// A server of the test's own, which it may stop; gone with the value.
struct Server(LocalServer);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.remove();
    }
}

async fn blocking<T: Send + 'static>(server: &Server, call: impl FnOnce(LocalServer) -> T + Send + 'static) -> T {
    let server = server.0.clone();
    tokio::task::spawn_blocking(move || call(server)).await.expect("the call does not panic")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_database_ends_no_session_and_moves_no_mission() {
    let _turn = turn().await;
    let port = free_ports(1).unwrap()[0];
    let server = Server(LocalServer::for_world(port).connections(100));
    let url = blocking(&server, |server| server.start()).await.unwrap();
    // Runs are longer than the outage: every runner lives through it.
    let runner = simulated((25_000, 30_000));
    let world = World::start(small_world(TOPOLOGY, &["us-west", "us-east"], &url, runner)).await.unwrap();
    let regions = world.regions().to_vec();
    let clients: Vec<_> = regions.iter().map(|region| world.client(region).unwrap()).collect();
    let kinds = ["engineer-master", "secure-specialist"];
    let missions = (0..LEASES).map(|n| mission(kinds[n % 2], &format!("mission {n}"))).collect();
    assert_eq!(submit(&clients, missions, Pace::AtOnce(32), submits(&world)).await.unwrap().failed, 0);
    let leased = "SELECT count(*) FROM missions WHERE state = 'leased'";
    {
        let database = Database::at(&url).await;
        let all = wait_until(Duration::from_secs(20), async || database.count(leased).await == 500).await;
        assert!(all, "{} of {LEASES} are leased", database.count(leased).await);
    }

    assert!(blocking(&server, |server| server.stop()).await.unwrap());
    tokio::time::sleep(OUTAGE).await;
    blocking(&server, |server| server.start()).await.unwrap();

    let database = Database::at(&url).await;
    let done = wait_until(Duration::from_secs(60), async || {
        database.count("SELECT count(*) FROM missions WHERE finished_at IS NULL").await == 0
    })
    .await;
    assert!(done, "{:?}", database.counts("SELECT state, count(*) FROM missions GROUP BY state").await);
    assert_eq!(database.count("SELECT count(*) FROM sessions WHERE ended_at IS NOT NULL").await, 0, "sessions ended");
    assert_eq!(database.count("SELECT count(*) FROM missions WHERE moves > 0 OR epoch > 1").await, 0, "missions moved");
    let summary = database.check(&world).await;
    assert!(summary.all_proven() && summary.fenced == 0 && summary.lost_attempts == 0, "{summary:?}");
    assert_eq!(summary.proven, LEASES as u64);
}
