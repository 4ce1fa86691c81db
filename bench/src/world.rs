//! The world that is measured: a durable database server, one scheduler a region, and topologies made for the figure.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chaos::world::{Spec, World};
use tokio_postgres::{Client, NoTls};
use topology::{DatabaseRegion, RegionName, Specialization};
use uuid::Uuid;

/// Regions of the measured worlds, with AWS's names.
const CLOUD: [(&str, &str); 3] =
    [("us-west", "us-west-2"), ("europe-west", "eu-west-1"), ("asia-east", "ap-northeast-1")];

/// The n-th region.
pub(crate) fn region(n: usize) -> RegionName {
    CLOUD[n].0.parse().expect("the names of this file are names")
}

/// The home of the n-th region's rows.
pub(crate) fn home(n: usize) -> DatabaseRegion {
    CLOUD[n].1.parse().expect("AWS names its regions so")
}

/// The n-th specialization.
pub(crate) fn specialization(n: usize) -> Specialization {
    format!("specialist-{n}").parse().expect("a letter, letters, a digit")
}

/// A topology of `regions` regions: every one has a pool of each of `specializations` kinds with so many slots.
fn topology(regions: usize, specializations: usize, slots: usize) -> String {
    let mut text = String::from("regions:\n");
    for (n, (name, cloud)) in CLOUD.iter().take(regions).enumerate() {
        let _ = write!(text, "  - name: {name}\n    provider: AWS\n    region: {cloud}\n    agents:\n");
        let role = if n == 0 { "primary" } else { "replica" };
        for s in 0..specializations {
            let kind = specialization(s);
            // An agent has a thousand slots at most.
            let (replicas, slots) = (slots.div_ceil(1_000), slots.min(1_000));
            let pool = format!("specialization: {kind}, role: {role}, replicas: {replicas}, slots: {slots}");
            let _ = writeln!(text, "      - {{ {pool} }}");
        }
    }
    text
}

/// A server that keeps its promises: fsync, `synchronous_commit` and `full_page_writes` are on.
pub(crate) struct Server {
    url: String,
    client: Client,
}

impl Server {
    /// Connects to the server of a URL whose role may create databases.
    ///
    /// # Errors
    /// Where it does not answer.
    pub(crate) async fn connect(url: &str) -> anyhow::Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        Ok(Self { url: url.to_owned(), client })
    }

    /// Settings that decide what a figure is worth, as the server gives them back.
    ///
    /// # Errors
    /// Where the server does not answer.
    pub(crate) async fn settings(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let names =
            ["server_version", "fsync", "synchronous_commit", "full_page_writes", "wal_level", "shared_buffers"];
        let mut all = BTreeMap::new();
        for name in names {
            let row = self.client.query_one(&format!("SHOW {name}"), &[]).await?;
            all.insert(name.to_owned(), row.get(0));
        }
        Ok(all)
    }

    /// Makes an empty database, in place of one of the same name.
    ///
    /// # Errors
    /// Where the server refuses.
    pub(crate) async fn fresh(&self, name: &str) -> anyhow::Result<String> {
        self.client.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
        self.client.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        let (head, _) = self.url.rsplit_once('/').ok_or_else(|| anyhow::anyhow!("the URL names no database"))?;
        Ok(format!("{head}/{name}"))
    }
}

/// Starts schedulers only: the agents are the benchmark's own.
///
/// # Errors
/// Where a scheduler does not become ready.
pub(crate) async fn start(
    database: &str,
    regions: usize,
    specializations: usize,
    slots: usize,
) -> anyhow::Result<World> {
    World::start_schedulers(spec(database, regions, specializations, slots)).await
}

/// Starts the scheduler of the first region alone, which reaches the database by these gateways.
///
/// # Errors
/// Where it does not become ready.
pub(crate) async fn start_first(
    database: &str,
    gateways: Vec<String>,
    regions: usize,
    specializations: usize,
) -> anyhow::Result<World> {
    let mut spec = spec(database, regions, specializations, 1);
    spec.regions.truncate(1);
    spec.databases.insert(region(0), gateways);
    World::start_schedulers(spec).await
}

fn spec(database: &str, regions: usize, specializations: usize, slots: usize) -> Spec {
    Spec {
        topology: topology(regions, specializations, slots),
        regions: (0..regions).map(region).collect(),
        database: database.to_owned(),
        runner: Vec::new(),
        ..Spec::default()
    }
}

/// One connection that looks at the measured database from outside.
pub(crate) struct Probe(Client);

impl Probe {
    /// Connects.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub(crate) async fn connect(database: &str) -> anyhow::Result<Self> {
        let (client, connection) = tokio_postgres::connect(database, NoTls).await?;
        tokio::spawn(connection);
        Ok(Self(client))
    }

    /// The number that a query answers.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub(crate) async fn count(&self, query: &str) -> anyhow::Result<i64> {
        Ok(self.0.query_one(query, &[]).await?.get(0))
    }

    /// Carries out statements.
    ///
    /// # Errors
    /// Where the database refuses or does not answer.
    pub(crate) async fn run(&self, statements: &str) -> anyhow::Result<()> {
        Ok(self.0.batch_execute(statements).await?)
    }

    /// The ids that a query answers.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub(crate) async fn ids(&self, query: &str) -> anyhow::Result<Vec<Uuid>> {
        Ok(self.0.query(query, &[]).await?.iter().map(|row| row.get(0)).collect())
    }
}
