//! The database of a local world: PostgreSQL, one server for all regions, or CockroachDB, a node in every region.

mod cockroach;
mod postgres;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use tokio_postgres::NoTls;
use topology::{DatabaseRegion, RegionName};

use super::topology as shape;
use crate::command;
use crate::drill::WorldSpec;
use crate::measure::DatabaseFate;
use crate::undo::{Undo, nodes};
use crate::world::free_ports;

use cockroach::Cockroach;
use postgres::Postgres;

/// How long one try to reach it may take.
const TRY: Duration = Duration::from_secs(5);
/// Between two tries.
const LOOK: Duration = Duration::from_millis(50);

/// Which database a local world has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// One server, in no region.
    Postgres,
    /// A node in every region.
    Cockroach,
}

/// The program of the second one.
const COCKROACH: &str = "cockroach";

impl Engine {
    /// The one that was asked for, else CockroachDB where it is on PATH, else PostgreSQL.
    ///
    /// # Errors
    /// Where CockroachDB was asked for and is not on PATH.
    pub fn choose(asked: Option<Self>) -> anyhow::Result<Self> {
        let found = command::find(COCKROACH).is_some();
        match asked {
            Some(Self::Cockroach) if !found => anyhow::bail!("there is no program cockroach on PATH"),
            Some(engine) => Ok(engine),
            None => Ok(if found { Self::Cockroach } else { Self::Postgres }),
        }
    }

    /// As the topology knows it, for the clocks.
    pub(crate) const fn clocks(self) -> topology::config::Engine {
        match self {
            Self::Postgres => topology::config::Engine::PostgreSql,
            Self::Cockroach => topology::config::Engine::CockroachDb,
        }
    }
}

/// What a fault does to the node of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeFault {
    /// It ends as if the machine had.
    Kill,
    /// It stands still: from outside as good as cut off.
    Pause,
}

/// Where a database is going to be: known before anything is started, so that its undo can be written down first.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// A port.
    Postgres(u16),
    /// A folder for the stores, and a place for every node.
    Cockroach {
        program: PathBuf,
        folder: PathBuf,
        nodes: Vec<NodePlace>,
        /// Which node is the gateway of each region.
        homes: BTreeMap<RegionName, DatabaseRegion>,
    },
}

/// Where one node is going to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodePlace {
    /// Its database region.
    pub(crate) region: DatabaseRegion,
    /// Where it listens for statements and other nodes.
    pub(crate) port: u16,
    /// Where it listens for browsers.
    pub(crate) http: u16,
}

impl Place {
    /// Free ports; stores below the run's folder.
    pub(crate) fn find(engine: Engine, world: &WorldSpec, folder: &Path) -> anyhow::Result<Self> {
        match engine {
            Engine::Postgres => Ok(Self::Postgres(free_ports(1)?[0])),
            Engine::Cockroach => {
                let program = command::find(COCKROACH).context("there is no program cockroach on PATH")?;
                Self::cockroach(program, world, folder)
            }
        }
    }

    fn cockroach(program: PathBuf, world: &WorldSpec, folder: &Path) -> anyhow::Result<Self> {
        let topology = shape::parsed(&shape::text(world), Engine::Cockroach);
        let homes: BTreeMap<_, _> =
            topology.regions.into_iter().map(|region| (region.name, region.database_region)).collect();
        let mut regions: Vec<DatabaseRegion> = homes.values().cloned().collect();
        regions.sort();
        regions.dedup();
        let ports = free_ports(regions.len() * 2)?;
        let node = |(region, ports): (DatabaseRegion, &[u16])| NodePlace { region, port: ports[0], http: ports[1] };
        let nodes = regions.into_iter().zip(ports.chunks_exact(2)).map(node).collect();
        Ok(Self::Cockroach { program, folder: folder.join("database"), nodes, homes })
    }

    /// What ends the database and removes its data, whoever does it.
    pub(crate) fn undo(&self) -> Undo {
        match self {
            Self::Postgres(port) => Undo::Database { port: *port },
            Self::Cockroach { folder, .. } => Undo::Nodes { folder: folder.clone() },
        }
    }

    /// Ends the database and removes its data.
    pub(crate) async fn remove(self) -> anyhow::Result<()> {
        match self {
            Self::Postgres(port) => postgres::remove(port).await,
            Self::Cockroach { folder, .. } => Ok(nodes::end(&folder).await?),
        }
    }
}

/// A running database.
#[derive(Debug)]
pub(crate) enum Database {
    Postgres(Postgres),
    Cockroach(Cockroach),
}

impl Database {
    /// Starts an empty one, and waits until it answers.
    pub(crate) async fn start(place: &Place) -> anyhow::Result<Self> {
        match place {
            Place::Postgres(port) => Ok(Self::Postgres(Postgres::start(*port).await?)),
            Place::Cockroach { program, folder, nodes, homes } => {
                let cockroach = Cockroach::launch(program, folder, nodes, homes).await?;
                cockroach.open().await?;
                Ok(Self::Cockroach(cockroach))
            }
        }
    }

    /// Which it is.
    pub(crate) const fn engine(&self) -> Engine {
        match self {
            Self::Postgres(_) => Engine::Postgres,
            Self::Cockroach(_) => Engine::Cockroach,
        }
    }

    /// Where it is; on CockroachDB any node that can be reached.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Postgres(server) => server.url().to_owned(),
            Self::Cockroach(cluster) => cluster.url(),
        }
    }

    /// Where the gateway of a region listens.
    pub(crate) fn gateway(&self, region: &RegionName) -> anyhow::Result<SocketAddr> {
        let port = match self {
            Self::Postgres(server) => server.port(),
            Self::Cockroach(cluster) => cluster.gateway(region)?,
        };
        Ok(([127, 0, 0, 1], port).into())
    }

    /// Its URL by another way that leads to a gateway.
    pub(crate) fn url_through(&self, at: SocketAddr) -> String {
        match self {
            Self::Postgres(server) => server.url_through(at),
            Self::Cockroach(_) => cockroach::url(&at.to_string()),
        }
    }

    /// What it is, in words: as it says itself, and how many there are.
    pub(crate) async fn told(&self) -> anyhow::Result<String> {
        let (client, connection) = tokio_postgres::connect(&self.url(), NoTls).await?;
        tokio::spawn(connection);
        match self {
            Self::Postgres(_) => {
                let version: String = client.query_one("SHOW server_version", &[]).await?.get(0);
                Ok(format!("PostgreSQL {version}, one database"))
            }
            Self::Cockroach(cluster) => {
                let version: String = client.query_one("SELECT version()", &[]).await?.get(0);
                Ok(format!("{}, {} nodes in as many regions", cockroach::version(&version), cluster.count()))
            }
        }
    }

    /// Waits until it could lose a region's node without losing data.
    pub(crate) async fn spread(&self) -> anyhow::Result<()> {
        match self {
            Self::Postgres(_) => Ok(()),
            Self::Cockroach(cluster) => cluster.spread().await,
        }
    }

    /// What became of it, with what the drill did to its nodes.
    pub(crate) const fn fate(&self, nodes_hit: bool) -> DatabaseFate {
        match self {
            Self::Postgres(_) => DatabaseFate::One,
            Self::Cockroach(_) => DatabaseFate::Nodes { hit: nodes_hit },
        }
    }

    /// The database region of each region, where there are several.
    pub(crate) fn homes(&self) -> BTreeMap<String, String> {
        match self {
            Self::Postgres(_) => BTreeMap::new(),
            Self::Cockroach(cluster) => cluster.homes(),
        }
    }

    /// Which rows answer now, by database region; empty where there is one database.
    pub(crate) fn watched(&self) -> Vec<DatabaseRegion> {
        match self {
            Self::Postgres(_) => Vec::new(),
            Self::Cockroach(cluster) => cluster.regions(),
        }
    }

    /// Does something to the node of a region, where regions have nodes.
    pub(crate) fn hit(&self, region: &RegionName, fault: NodeFault) -> anyhow::Result<()> {
        match self {
            Self::Postgres(_) => Ok(()),
            Self::Cockroach(cluster) => cluster.hit(region, fault),
        }
    }

    /// Undoes that, and waits until the node answers. One that was killed comes back with its store; to one that stands
    /// still and was killed besides, nothing happens until that is undone too.
    pub(crate) async fn heal(&self, region: &RegionName, fault: NodeFault) -> anyhow::Result<()> {
        match self {
            Self::Postgres(_) => Ok(()),
            Self::Cockroach(cluster) => cluster.heal(region, fault).await,
        }
    }

    /// Nodes that do not run, or stand still.
    pub(crate) fn residue(&self) -> Vec<String> {
        match self {
            Self::Postgres(_) => Vec::new(),
            Self::Cockroach(cluster) => cluster.residue(),
        }
    }

    /// Ends it as a crash would, all of it.
    pub(crate) async fn crash(&self) -> anyhow::Result<()> {
        match self {
            Self::Postgres(server) => server.crash().await,
            Self::Cockroach(cluster) => {
                cluster.crash();
                Ok(())
            }
        }
    }

    /// Starts it again unless it runs, and waits until it answers.
    pub(crate) async fn revive(&self) -> anyhow::Result<()> {
        match self {
            Self::Postgres(server) => server.revive().await,
            Self::Cockroach(cluster) => cluster.revive().await,
        }
    }
}

/// Waits until somebody answers a statement; false where nobody does in time.
async fn wait_for_answer(url: &str, patience: Duration) -> bool {
    let answered = async {
        while !matches!(tokio::time::timeout(TRY, answer(url)).await, Ok(Ok(()))) {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(patience, answered).await.is_ok()
}

async fn answer(url: &str) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    client.simple_query("SELECT 1").await.map(drop)
}
