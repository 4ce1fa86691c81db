//! What is read from the rows: the export, the audit.

use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};

use anyhow::Context as _;
use chrono::DateTime;
use memory::embed::Space;
use memory::model::MemoryId;
use memory::store::Shown;
use memory::store::audit::{Audit, audit as look};
use memory::store::row::memory_page;
use memory::store::topology::topology_in_force;
use serde_json::json;
use sql::{Config, Db, Gateways, Lane};
use topology::{DatabaseRegion, ResidencyName, Topology, config};
use uuid::Uuid;

use crate::cli::Database;
use crate::output::{Exit, Format, Stop, result};

/// Memories of one page.
const PAGE: i64 = 1_000;

impl Database {
    pub(crate) async fn connect(&self) -> anyhow::Result<Gateways> {
        let config = Config::from_urls(std::slice::from_ref(&self.database_url));
        let config = config.map_err(|error| Stop::usage(error.to_string()))?;
        let unreachable = |error| Stop::refused(format!("{:#}", anyhow::Error::from(error)));
        let gateways = Gateways::connect(config).await.map_err(unreachable)?;
        let checked = sql::migrate::check(&gateways.lane(Lane::Upkeep)).await;
        checked.map_err(|error| Stop::refused(format!("{error}: run `scheduler migrate` first")))?;
        Ok(gateways)
    }
}

/// The topology in force: it says which homes and residency rules there are.
pub(crate) async fn in_force(db: &Db) -> anyhow::Result<Topology> {
    let text = topology_in_force(db).await?.context("no topology is in force")?;
    let name = "the topology in force";
    let parsed = config::parse(&text, name).or_else(|_| config::parse_for(&text, name, config::Engine::CockroachDb));
    Ok(parsed.map_err(|findings| anyhow::anyhow!(findings.render(false)))?.topology)
}

/// Writes what stands for itself, oldest first: what was merged is in its elder's evidence.
pub(crate) async fn export(database: &Database, home: &DatabaseRegion, rules: &[ResidencyName]) -> anyhow::Result<()> {
    let gateways = database.connect().await?;
    let db = gateways.lane(Lane::Upkeep);
    let shown = Shown::under(rules);
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut after = (DateTime::UNIX_EPOCH, MemoryId(Uuid::nil()));
    loop {
        let page = memory_page(&db, home, &shown, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = (last.memory.created_at, last.memory.id);
        for stored in page.iter().filter(|stored| stored.merged_into.is_none()) {
            serde_json::to_writer(&mut out, &stored.memory)?;
            writeln!(out)?;
        }
    }
    out.flush()?;
    gateways.close().await;
    Ok(())
}

/// Counts what is in some homes.
pub(crate) async fn audit(
    database: &Database,
    homes: &[DatabaseRegion],
    space: &str,
    format: Format,
) -> anyhow::Result<Exit> {
    let gateways = database.connect().await?;
    let db = gateways.lane(Lane::Upkeep);
    let space = Space::new(space);
    let mut all = Vec::new();
    let mut found = false;
    for home in homes {
        let audit = look(&db, home).await?;
        found |= is_wrong(&audit);
        all.push((home, audit));
    }
    gateways.close().await;
    let told: Vec<_> = all.iter().map(|(home, audit)| as_json(home, audit, &space)).collect();
    result(format, &told, || all.iter().map(|(home, audit)| as_text(home, audit, &space)).collect())?;
    Ok(if found { Exit::Finding } else { Exit::Ok })
}

/// Stale spaces cost and give nothing, but are no fault: an online move to another space has both for a time.
const fn is_wrong(audit: &Audit) -> bool {
    audit.duplicates > 0 || audit.orphaned_merges > 0 || audit.orphaned_vectors > 0 || audit.orphaned_work > 0
}

fn as_json(home: &DatabaseRegion, audit: &Audit, space: &Space) -> serde_json::Value {
    let stale: Vec<_> =
        audit.stale(space).map(|(space, vectors)| json!({ "space": space, "vectors": vectors })).collect();
    json!({
        "home": home, "memories": audit.memories, "merged": audit.merged, "unindexed": audit.unindexed,
        "waiting": audit.waiting, "duplicates": audit.duplicates, "orphaned_merges": audit.orphaned_merges,
        "orphaned_vectors": audit.orphaned_vectors, "orphaned_work": audit.orphaned_work,
        "vectors": audit.spaces.get(space).copied().unwrap_or(0), "stale": stale,
    })
}

fn as_text(home: &DatabaseRegion, audit: &Audit, space: &Space) -> String {
    let mut text = format!("{home}\n");
    let orphans = audit.orphaned_merges + audit.orphaned_vectors + audit.orphaned_work;
    let vectors = audit.spaces.get(space).copied().unwrap_or(0);
    for (name, value) in [
        ("memories", audit.memories),
        ("merged", audit.merged),
        ("without words", audit.unindexed),
        ("waiting work", audit.waiting),
        ("duplicates", audit.duplicates),
        ("orphans", orphans),
        ("vectors", vectors),
    ] {
        let _ = writeln!(text, "  {name:<14} {value:>10}");
    }
    for (space, vectors) in audit.stale(space) {
        let _ = writeln!(text, "  {:<14} {vectors:>10}  {space}", "stale space");
    }
    text
}
