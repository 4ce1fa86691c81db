//! What the database and the topology tell of a world when a drill is over.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio_postgres::{Client, NoTls};
use topology::Topology;

use super::database::{Database, Engine};
use super::hits;
use super::topology as shape;
use crate::drill::{Drill, Fault, StepKind};
use crate::journal::WorldTold;
use crate::measure::{Control, ControlKind, DatabaseFate};

/// What was read.
pub(crate) struct Seen {
    /// Which database it was.
    pub(crate) engine: Engine,
    /// What it says that it is, and how many there were.
    pub(crate) told: String,
    /// What became of it.
    pub(crate) fate: DatabaseFate,
    /// The database region of each region, where its rows were looked at.
    pub(crate) homes: BTreeMap<String, String>,
    /// What became of the regions, in the order of time.
    pub(crate) control: Vec<Control>,
    /// Leases that were moved.
    pub(crate) moved_leases: u64,
}

const HEALTH: &str = "SELECT subject, after ->> 'health', (extract(epoch FROM at) * 1000000)::INT8 FROM control_events
    WHERE action = 'region_health' ORDER BY at";
const ENDED: &str = "SELECT region, (extract(epoch FROM ended_at) * 1000000)::INT8 FROM sessions
    WHERE ended_at IS NOT NULL ORDER BY ended_at";
const MOVED: &str =
    "SELECT count(*) FROM mission_events WHERE from_state = 'leased' AND to_state IN ('queued', 'pending')";

/// Reads it, and writes the rows and their events into the history's folder.
pub(crate) async fn read(database: &Database, history: &Path, drill: &Drill) -> anyhow::Result<Seen> {
    let (client, connection) = tokio_postgres::connect(&database.url(), NoTls).await?;
    tokio::spawn(connection);
    crate::history::dump(&client, history, &|rule| shape::allowed(&drill.world, rule)).await?;
    let told = database.told().await?;
    let moved: i64 = client.query_one(MOVED, &[]).await?.get(0);
    Ok(Seen {
        engine: database.engine(),
        fate: database.fate(hits::takes_nodes(drill)),
        homes: database.homes(),
        told,
        control: control(&client).await?,
        moved_leases: moved.unsigned_abs(),
    })
}

async fn control(client: &Client) -> anyhow::Result<Vec<Control>> {
    let mut all = Vec::new();
    for row in client.query(HEALTH, &[]).await? {
        let what = match row.get::<_, Option<&str>>(1) {
            Some("suspect") => ControlKind::Suspect,
            Some("down") => ControlKind::Down,
            Some("up") => ControlKind::Up,
            _ => continue,
        };
        all.push(Control { at_us: row.get(2), region: row.get(0), what });
    }
    for row in client.query(ENDED, &[]).await? {
        all.push(Control { at_us: row.get(1), region: row.get(0), what: ControlKind::SessionEnded });
    }
    all.sort_by_key(|entry| entry.at_us);
    Ok(all)
}

/// What the world was made of.
pub(crate) fn world(topology: &str, seen: &Seen, drill: &Drill) -> WorldTold {
    let read = shape::parsed(topology, seen.engine);
    made_of(&read, topology, seen.told.clone(), could_not_fail(seen.engine, drill))
}

/// What a world of a topology was made of.
pub(crate) fn made_of(topology: &Topology, text: &str, engine: String, could_not_fail: Vec<String>) -> WorldTold {
    let clocks = &topology.scheduling;
    let seconds = |time: Duration| time.as_secs_f64();
    WorldTold {
        engine,
        could_not_fail,
        survive: topology.database.survive.to_string(),
        regions: topology.regions.iter().map(|region| region.name.to_string()).collect(),
        topology_digest: Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect(),
        clocks: BTreeMap::from([
            ("heartbeat".to_owned(), seconds(clocks.heartbeat)),
            ("session_ttl".to_owned(), seconds(clocks.session_ttl)),
            ("down_after".to_owned(), seconds(clocks.down_after)),
            ("up_after".to_owned(), seconds(clocks.up_after)),
        ]),
    }
}

/// What no fault of this drill could take away.
fn could_not_fail(engine: Engine, drill: &Drill) -> Vec<String> {
    let restarts = drill.method.iter().any(|step| matches!(step.kind, StepKind::Fault(Fault::RestartDatabase { .. })));
    let phrases: &[&str] = match engine {
        Engine::Postgres if restarts => &[ONE_DATABASE],
        Engine::Postgres => &["the database itself", ONE_DATABASE],
        Engine::Cockroach if hits::takes_nodes(drill) => &[NODE_LINKS],
        Engine::Cockroach => &["the database's nodes", NODE_LINKS],
    };
    phrases.iter().map(|phrase| (*phrase).to_owned()).collect()
}

const ONE_DATABASE: &str = "a region's share of the database: there is one database, in no region";
const NODE_LINKS: &str =
    "the links between the database's nodes: a region that is cut off both ways has its node stopped instead";
