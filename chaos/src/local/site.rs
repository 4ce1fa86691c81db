//! A drill's world, whole: database, proxy, schedulers, agents, edge, load, and those who look.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use scheduler_client::{Client, Config};
use tokio::sync::Mutex as AsyncMutex;
use topology::RegionName;

use super::database::Database;
use super::edge::{Edge, Order, distances};
use super::links::{self, Link, Node};
use super::load::{Running, Setting, SharedFacts};
use super::proxies::Proxies;
use super::sample::{Places, Sample, Sampler};
use super::shape::Shape;
use super::tail::Tail;
use super::topology as shape;
use crate::drill::{Drill, WorldSpec};
use crate::facts::Facts;
use crate::history::{LEDGER, Record};
use crate::load::Submits;
use crate::wait::wait_until;
use crate::world::{Spec, Wiring, World, free_ports, ports_of};

/// How long what is open may take to end when everything is undone and nothing more is submitted.
const SETTLE: Duration = Duration::from_secs(60);

/// A running world. Faults are its tier's business.
pub(crate) struct Site {
    pub(crate) regions: Vec<RegionName>,
    pub(crate) links: Vec<Link>,
    pub(crate) world: Arc<AsyncMutex<World>>,
    pub(crate) database: Arc<Database>,
    pub(crate) proxies: Proxies,
    pub(crate) facts: SharedFacts,
    pub(crate) sampler: Sampler,
    pub(crate) load: Running,
    /// An operator's client; no fault is on its way.
    pub(crate) operator: Client,
    /// Seed of what is drawn while it runs.
    pub(crate) seed: u64,
    topology: String,
    edge: Edge,
    tail: Tail,
}

/// What is left of a world when it has ended.
pub(crate) struct Remains {
    /// What is known of its missions.
    pub(crate) facts: Facts,
    /// What was seen from outside.
    pub(crate) samples: Vec<Sample>,
}

impl Site {
    /// Starts everything and begins to submit. `folder` gets the history and the logs.
    pub(crate) async fn start(
        drill: &Drill,
        run: &str,
        folder: &Path,
        database: Arc<Database>,
    ) -> anyhow::Result<Self> {
        let regions = drill.world.region_names();
        let links = links::all(&regions);
        let ports = ports_of(&regions)?;
        let upstream = |link: &Link| match &link.server {
            Node::Scheduler(region) => Ok(([127, 0, 0, 1], ports[region].0).into()),
            Node::Gateway(region) => database.gateway(region),
            Node::Clients | Node::Edge | Node::Peers | Node::Agent(_) => anyhow::bail!("nobody listens at {link}"),
        };
        let control = free_ports(1)?[0];
        let proxies = Proxies::start(&links, upstream, control, folder).await?;
        let topology = shape::text(&drill.world);
        let missions =
            Shape::of(&shape::parsed(&topology, database.engine())).context("the drill's world has no pool")?;
        let orders = distances(&missions.places);
        let spec = spec(&drill.world, &regions, ports, (&topology, &orders), &proxies, &database, folder)?;
        let world = World::start(spec).await?;
        database.spread().await?;
        world.wait_for_slots(regions.len() * drill.world.specializations).await?;

        let facts: SharedFacts = Arc::new(Mutex::new(Facts::default()));
        let schedulers: BTreeMap<_, _> =
            regions.iter().map(|region| (region.clone(), world.scheduler_url(region))).collect();
        let places = Places { database: Some(Arc::clone(&database)), schedulers: schedulers.clone(), token: None };
        let samples = Record::open(&folder.join("samples.jsonl"))?;
        let sampler = Sampler::start(places, Arc::clone(&facts), samples);
        let tail = Tail::start(world.history().join(LEDGER), Arc::clone(&facts));
        let health = proxies.urls_for(&Node::Edge).map(|(region, url)| (region, format!("{url}/health"))).collect();
        let edge = Edge::start(missions.places.clone(), health);
        let load = Running::start(Setting {
            run: run.to_owned(),
            load: drill.load.clone(),
            addresses: proxies.urls_for(&Node::Clients).collect(),
            token: None,
            order: edge.order(),
            submits: Submits::open(&world.history(), missions.rules.clone())?,
            shape: missions,
            facts: Arc::clone(&facts),
        });
        let operator = Client::new(&Config::new(schedulers.into_values()))?;
        let world = Arc::new(AsyncMutex::new(world));
        let seed = drill.load.seed;
        Ok(Self {
            seed,
            regions,
            links,
            world,
            database,
            proxies,
            facts,
            sampler,
            load,
            operator,
            topology,
            edge,
            tail,
        })
    }

    /// The text of its topology.
    pub(crate) fn topology(&self) -> &str {
        &self.topology
    }

    /// Stops the load, waits until what is open has ended, and ends the processes. The database stays.
    pub(crate) async fn end(self) -> anyhow::Result<Remains> {
        let Self { world, database, proxies, facts, sampler, load, tail, edge, .. } = self;
        load.stop().await?;
        // What has not ended by then is for the checker to find.
        wait_until(SETTLE, async || count_open(&database).await.is_ok_and(|open| open == 0)).await;
        // The ledger ends with the agents, and what it says last is to be known.
        drop((edge, world));
        tail.finish();
        drop(proxies);
        let samples = sampler.finish();
        let facts = std::mem::take(&mut *super::load::lock(&facts));
        Ok(Remains { facts, samples })
    }
}

async fn count_open(database: &Database) -> anyhow::Result<i64> {
    let (client, connection) = tokio_postgres::connect(&database.url(), tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    let open = "SELECT count(*) FROM missions WHERE state IN ('pending', 'queued', 'leased')";
    Ok(client.query_one(open, &[]).await?.get(0))
}

/// What the world is made of, with the proxy on every way.
fn spec(
    world: &WorldSpec,
    regions: &[RegionName],
    ports: BTreeMap<RegionName, (u16, u16)>,
    (topology, orders): (&str, &Order),
    proxies: &Proxies,
    database: &Database,
    folder: &Path,
) -> anyhow::Result<Spec> {
    let through = |client: &dyn Fn(&RegionName) -> Node, server: &dyn Fn(&RegionName) -> Node| {
        let of = |here: &RegionName| -> anyhow::Result<Vec<SocketAddr>> {
            let way = |there: &RegionName| Link { client: client(here), server: server(there) };
            orders[here].iter().map(|there| proxies.address(&way(there))).collect()
        };
        regions.iter().map(|here| Ok((here.clone(), of(here)?))).collect::<anyhow::Result<BTreeMap<_, _>>>()
    };
    let gateways = through(&|here| Node::Scheduler(here.clone()), &|there| Node::Gateway(there.clone()))?;
    let behind = |addresses: Vec<SocketAddr>| addresses.into_iter().map(|at| database.url_through(at)).collect();
    let databases = gateways.into_iter().map(|(region, addresses)| (region, behind(addresses))).collect();
    let (least, most) = world.run_ms;
    let runner = ["--runner", "simulated", "--simulated-min", &format!("{least}ms"), "--simulated-max"];
    let runner = runner.map(str::to_owned).into_iter().chain([format!("{most}ms")]).collect();
    let schedulers = through(&|here| Node::Agent(here.clone()), &|there| Node::Scheduler(there.clone()))?;
    let http = |addresses: Vec<SocketAddr>| addresses.into_iter().map(|at| format!("http://{at}")).collect();
    Ok(Spec {
        topology: topology.to_owned(),
        regions: regions.to_vec(),
        databases,
        database: database.url(),
        runner,
        scheduler: Vec::new(),
        planted_bug: world.planted_bug,
        wiring: Some(Wiring {
            ports,
            schedulers: schedulers.into_iter().map(|(region, addresses)| (region, http(addresses))).collect(),
            advertised: proxies.urls_for(&Node::Peers).collect(),
        }),
        folder: Some(PathBuf::from(folder)),
    })
}
