//! The worlds that the tests break.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use chaos::checker::{Summary, check};
use chaos::history::{self, Call, Effect, LEDGER, Lines, Op, OpKind, ROWS, Row, SUBMITS};
use chaos::load::{Rules, Submits, rules};
use chaos::world::{Spec, World};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use scheduler_client::wire::{Origin, SubmitMission};
use serde_json::json;
use tokio::sync::{Mutex, MutexGuard};
use tokio_postgres::NoTls;
use topology::{MissionId, Position, RegionName};

/// Regions of the large world: name, provider's region, and the share of the world's demand near it.
pub(crate) const REGIONS: [(&str, &str, f64, f64); 5] = [
    ("us-west", "us-west-2", 37.7749, -122.4194),
    ("us-east", "us-east-1", 40.7128, -74.0060),
    ("europe-west", "eu-west-1", 51.5074, -0.1278),
    ("asia-east", "ap-northeast-1", 35.6762, 139.6503),
    ("south-america", "sa-east-1", -23.5505, -46.6333),
];

/// Specializations of the large world.
pub(crate) const SPECIALIZATIONS: usize = 32;

pub(crate) fn specialization(n: usize) -> String {
    format!("specialist-{n:02}")
}

pub(crate) fn region(n: usize) -> RegionName {
    REGIONS[n % REGIONS.len()].0.parse().expect("the names of this file are names")
}

/// Five regions; each specialization has a primary of 7 slots in one and a replica of 8 in another: capacity 480.
pub(crate) fn large_topology() -> String {
    let mut text = String::from("version: 1\nregions:\n");
    for (n, (name, cloud, ..)) in REGIONS.iter().enumerate() {
        let _ = write!(text, "  - name: {name}\n    provider: AWS\n    region: {cloud}\n    agents:\n");
        for s in 0..SPECIALIZATIONS {
            if s % REGIONS.len() == n {
                let _ = writeln!(text, "      - {} (primary: 7 replicas)", specialization(s));
            } else if (s + 2) % REGIONS.len() == n {
                let _ = writeln!(text, "      - {} (replica: 8)", specialization(s));
            }
        }
    }
    text.push_str("residency:\n");
    for (name, ..) in REGIONS {
        let _ = writeln!(text, "  only-{name}: [{name}]");
    }
    text.push_str("database:\n  cloud: AWS\n  primary_region: us-west-2\n  survive: region\n");
    text
}

/// A world of the large topology whose simulated runs take between the two times.
pub(crate) fn large_world(database: &str, run_ms: (u64, u64)) -> Spec {
    Spec {
        topology: large_topology(),
        regions: (0..REGIONS.len()).map(region).collect(),
        database: database.to_owned(),
        runner: simulated(run_ms),
        ..Spec::default()
    }
}

/// Two regions: one slot for `document-ninja` in each.
pub(crate) const TWO_REGIONS: &str = "\
regions:
  - name: us-west
    provider: AWS
    region: us-west-2
    agents: [document-ninja (primary: 1 replicas)]
  - name: us-east
    provider: AWS
    region: us-east-1
    agents: [document-ninja (replica: 1)]
";

/// A world of a topology of the test's own, one database URL for all its regions.
pub(crate) fn small_world(topology: &str, regions: &[&str], database: &str, runner: Vec<String>) -> Spec {
    Spec {
        topology: topology.to_owned(),
        regions: regions.iter().map(|name| name.parse().expect("the tests name regions")).collect(),
        database: database.to_owned(),
        runner,
        ..Spec::default()
    }
}

/// A small world of one region whose scheduler reaches the database through other URLs, nearest first.
pub(crate) fn relayed_world(topology: &str, database: &str, through: Vec<String>, runner: Vec<String>) -> Spec {
    let mut spec = small_world(topology, &["us-west"], database, runner);
    spec.databases.insert(spec.regions[0].clone(), through);
    spec
}

/// Arguments of an agent whose runs only take time, between the two bounds.
pub(crate) fn simulated((least, most): (u64, u64)) -> Vec<String> {
    ["--runner", "simulated", "--simulated-min", &format!("{least}ms"), "--simulated-max", &format!("{most}ms")]
        .map(str::to_owned)
        .into()
}

/// `count` missions: a third from the cities of the world by their weight, the rest even over the globe; every
/// twentieth may only run in the region of its specialization's primary.
pub(crate) fn missions(count: usize, seed: u64) -> Vec<SubmitMission> {
    let mut random = StdRng::seed_from_u64(seed);
    (0..count)
        .map(|n| {
            let s = n % SPECIALIZATIONS;
            let at = if n % 3 == 0 {
                // Two of three of the world's inspirations come from the west coast; see the example world.
                let city = if random.random_bool(0.66) { 0 } else { random.random_range(0..REGIONS.len()) };
                Position::new(REGIONS[city].2, REGIONS[city].3)
            } else {
                Position::new(random.random_range(-60.0..70.0), random.random_range(-180.0..180.0))
            };
            let mut mission = mission(&specialization(s), &format!("mission {n}"));
            mission.origin = Some(Origin::At(at.expect("both ranges lie on the globe")));
            mission.residency = (n % 20 == 0).then(|| format!("only-{}", region(s)));
            mission
        })
        .collect()
}

/// A mission with nothing but what it must have.
pub(crate) fn mission(specialization: &str, title: &str) -> SubmitMission {
    let body = json!({ "specialization": specialization, "title": title, "payload": {} });
    serde_json::from_value(body).expect("a mission needs no more than this")
}

/// How much longer than promised something may take before a test fails. Tests judge what happens, on machines that
/// are busy with other things; with `MERIDIAN_STRICT=1` they judge the promised times too.
pub(crate) fn slack() -> u32 {
    if std::env::var_os("MERIDIAN_STRICT").is_some_and(|strict| strict == "1") { 1 } else { 5 }
}

/// One world at a time: two would measure each other. Held for the whole test.
pub(crate) async fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}

/// A database of the test's own, asked directly: the checker does not ask the system under test.
pub(crate) struct Database {
    _own: Option<sql::testdb::TestDb>,
    pub(crate) url: String,
    client: tokio_postgres::Client,
}

impl Database {
    pub(crate) async fn new() -> Self {
        let own = sql::testdb::TestDb::new().await;
        let database = Self::at(own.url()).await;
        Self { _own: Some(own), ..database }
    }

    /// A database that is somebody else's.
    pub(crate) async fn at(url: &str) -> Self {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the test database answers");
        tokio::spawn(connection);
        Self { _own: None, url: url.to_owned(), client }
    }

    /// Every mission's row, in the order of their ids.
    pub(crate) async fn rows(&self) -> Vec<Row> {
        let folder = tempfile::tempdir().expect("a folder for a while");
        history::dump(&self.client, folder.path(), &|_| Vec::new()).await.expect("a plain read");
        let mut rows: Vec<Row> = read(&folder.path().join(ROWS));
        rows.sort_by_key(|row| row.mission);
        rows
    }

    /// Ends a world's history with what the database holds, and decides from it what happened.
    pub(crate) async fn check(&self, world: &World) -> Summary {
        let (folder, rules) = (world.history(), world_rules(world));
        let residency = |rule: &str| rules.get(rule).cloned().unwrap_or_default();
        history::dump(&self.client, &folder, &residency).await.expect("a plain read");
        tokio::task::spawn_blocking(move || check(&folder)).await.expect("no panic").expect("the history is readable")
    }

    /// The first column of the first row, as a count.
    pub(crate) async fn count(&self, query: &str) -> i64 {
        self.client.query_one(query, &[]).await.expect("a plain read").get(0)
    }

    /// Carries statements out, as somebody else's programs would.
    pub(crate) async fn run(&self, statements: &str) {
        self.client.batch_execute(statements).await.expect("the database takes them");
    }

    /// Pairs of the first two columns, as text and count.
    pub(crate) async fn counts(&self, query: &str) -> BTreeMap<String, i64> {
        let rows = self.client.query(query, &[]).await.expect("a plain read");
        rows.iter().map(|row| (row.get::<_, Option<String>>(0).unwrap_or_default(), row.get(1))).collect()
    }
}

/// The residency rules of a world's topology.
fn world_rules(world: &World) -> Rules {
    let text = std::fs::read_to_string(world.folder().join("topology.yaml")).expect("the world wrote it");
    rules(&topology::config::parse(&text, "topology.yaml").expect("the world accepted it").topology)
}

/// Where a world's submits are written down.
pub(crate) fn submits(world: &World) -> Arc<Submits> {
    Arc::new(Submits::open(&world.history(), world_rules(world)).expect("the world's folder can be written"))
}

/// Missions that the submitter was promised.
pub(crate) fn acknowledged(world: &World) -> BTreeSet<MissionId> {
    let submits: Vec<Op> = read(&world.history().join(SUBMITS));
    let answered = submits.into_iter().filter(|op| op.kind == OpKind::Ok);
    answered
        .filter_map(|op| match op.call {
            Call::Submit { mission, .. } => mission,
            Call::Complete { .. } | Call::Fail { .. } => None,
        })
        .collect()
}

/// What the runners did.
pub(crate) fn ledger(world: &World) -> Vec<Effect> {
    read(&world.history().join(LEDGER))
}

fn read<T: history::Line>(path: &Path) -> Vec<T> {
    Lines::open(path).and_then(Iterator::collect).expect("the history is readable")
}
