//! `topology status` and `topology history`.

use scheduler_client::wire::{SchedulerList, TopologyVersion};
use serde_json::json;

use super::server::Server;
use crate::cli::{History, ServerArgs};
use crate::exit::Exit;
use crate::output::{Output, table};

pub(super) fn status(args: &ServerArgs, output: &mut Output) -> anyhow::Result<Exit> {
    let server = Server::new(args)?;
    let version = server.get(server.client.topology())?;
    let schedulers = server.get(server.client.schedulers())?;
    let regions = server.get(server.client.regions())?;
    if output.is_json() {
        let version = TopologyVersion { text: None, ..version };
        output
            .json(&json!({ "topology": version, "schedulers": schedulers.schedulers, "survive": regions.survive }))?;
        return Ok(Exit::Ok);
    }
    output.text(&format!("{}\nthe database: {}\n", line(&version), regions.survive))?;
    output.text(&running(&schedulers, version.version))?;
    Ok(Exit::Ok)
}

fn line(version: &TopologyVersion) -> String {
    let message = if version.message.is_empty() { String::new() } else { format!(": {}", version.message) };
    format!(
        "version {} is in force since {} by {}{message}",
        version.version,
        version.applied_at.format("%Y-%m-%d %H:%M:%S UTC"),
        version.author,
    )
}

/// Who runs which version.
fn running(schedulers: &SchedulerList, current: i64) -> String {
    let rows = schedulers.schedulers.iter().map(|scheduler| {
        let behind = if scheduler.topology_version == current { "" } else { " (behind)" };
        vec![
            scheduler.region.to_string(),
            scheduler.address.clone(),
            format!("{}{behind}", scheduler.topology_version),
            scheduler.version.clone(),
            format!("{} ms", scheduler.age_ms),
        ]
    });
    let mut text = table(&["REGION", "SCHEDULER", "TOPOLOGY", "PROGRAM", "HEARD"], rows);
    if !schedulers.degraded.is_empty() {
        text.push_str(&format!("\nnot answered by the database in {}", schedulers.degraded.join(", ")));
    }
    text
}

pub(super) fn history(args: &History, output: &mut Output) -> anyhow::Result<Exit> {
    let server = Server::new(&args.server)?;
    let history = server.get(server.client.topology_history(args.limit))?;
    output.result(&history, || {
        let rows = history.versions.iter().map(|version| {
            vec![
                version.version.to_string(),
                version.applied_at.format("%Y-%m-%d %H:%M:%S").to_string(),
                version.author.clone(),
                version.digest.chars().take(12).collect(),
                version.residency_version.to_string(),
                version.message.clone(),
            ]
        });
        table(&["VERSION", "APPLIED (UTC)", "BY", "DIGEST", "RESIDENCY", "MESSAGE"], rows)
    })?;
    Ok(Exit::Ok)
}
