//! `scheduler migrate`: schema, database regions and the first topology.

use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::json;
use sql::{GatewayConfig, Gateways, Lane};
use topology::Topology;

use super::{Output, Stop};
use crate::control;

/// `scheduler migrate`
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Gateway of the database [default: `DATABASE_URL`]
    #[arg(long, env = "MERIDIAN_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Topology of an empty database: names its database regions and is put in force
    #[arg(long, env = "MERIDIAN_TOPOLOGY")]
    topology: Option<PathBuf>,
}

pub(super) async fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    let url = args.database_url.or_else(|| std::env::var("DATABASE_URL").ok());
    let url = url.ok_or_else(|| Stop::usage("--database-url or DATABASE_URL is needed"))?;
    let text = match &args.topology {
        Some(path) => {
            let text = std::fs::read_to_string(path);
            Some(text.map_err(|error| Stop::usage(format!("cannot read {}: {error}", path.display())))?)
        }
        None => None,
    };
    let name = args.topology.map(|path| path.display().to_string()).unwrap_or_default();
    let done = migrate(&url, text.as_deref().map(|text| (text, name.as_str()))).await?;
    let value = json!({ "applied": done.report.applied, "version": done.report.version, "topology": done.is_first });
    output.answer(&value, |_| {
        let applied = done.report.applied.len();
        let first = if done.is_first { "; the topology is in force as version 1" } else { "" };
        format!("schema version {}, {applied} migrations applied{first}", done.report.version)
    })
}

/// What a migration did.
#[derive(Debug)]
pub(crate) struct Done {
    /// The schema.
    pub(crate) report: sql::migrate::Report,
    /// Whether the topology was put in force.
    pub(crate) is_first: bool,
}

/// Brings the database to the schema of this program. Where it has no topology yet, `first` (text and file name) names
/// its database regions and is put in force.
pub(crate) async fn migrate(url: &str, first: Option<(&str, &str)>) -> anyhow::Result<Done> {
    let settings = sql::Config::from_urls([url]).map_err(|error| Stop::usage(error.to_string()))?;
    let gateways = Gateways::connect(settings).await.context("cannot reach the database")?;
    let outcome = migrate_through(&gateways, url, first).await;
    gateways.close().await;
    outcome
}

async fn migrate_through(gateways: &Gateways, url: &str, first: Option<(&str, &str)>) -> anyhow::Result<Done> {
    let engine = match gateways.engine() {
        sql::Engine::Postgres => topology::config::Engine::PostgreSql,
        sql::Engine::Cockroach => topology::config::Engine::CockroachDb,
    };
    let db = gateways.lane(Lane::Upkeep);
    let stored = control::stored_topology(&db).await?;
    let (text, name) = match (&stored, first) {
        (Some(text), _) => (text.as_str(), "the stored topology"),
        (None, Some(first)) => first,
        (None, None) => return Err(Stop::usage("an empty database needs --topology FILE").into()),
    };
    let parsed =
        topology::config::parse_for(text, name, engine).map_err(|findings| Stop::finding(findings.render(false)))?;
    let gateway = GatewayConfig::parse(url).map_err(|error| Stop::usage(error.to_string()))?;
    let report = sql::migrate::up(&gateway, &regions(&parsed.topology)).await?;
    let is_first = stored.is_none() && control::bootstrap(&db, text, "scheduler migrate").await?;
    Ok(Done { report, is_first })
}

/// Database regions with the primary one first.
fn regions(topology: &Topology) -> sql::migrate::Regions {
    let database = &topology.database;
    let others = database.regions.iter().filter(|region| **region != database.primary_region);
    let all = std::iter::once(&database.primary_region).chain(others).cloned().collect();
    sql::migrate::Regions { all, survive: database.survive }
}
