//! `topology validate`.

use serde_json::json;
use topology::config::{self, Findings, Parsed};

use super::file;
use crate::cli::Validate;
use crate::exit::Exit;
use crate::output::Output;

pub(super) fn run(args: &Validate, output: &mut Output) -> anyhow::Result<Exit> {
    let mut all = Vec::new();
    let mut good = true;
    for path in &args.files {
        let name = path.display().to_string();
        let text = file::read(path)?;
        let findings = match config::parse_for(&text, &name, args.engine.into()) {
            Ok(parsed) => {
                good &= !args.strict || parsed.warnings.is_empty();
                say_good(&name, &parsed, output)?;
                parsed.warnings
            }
            Err(findings) => {
                good = false;
                show(&findings, output)?;
                findings
            }
        };
        all.extend(findings.list().to_vec());
    }
    if output.is_json() {
        output.json(&json!({ "findings": all }))?;
    }
    Ok(if good { Exit::Ok } else { Exit::Finding })
}

fn show(findings: &Findings, output: &mut Output) -> anyhow::Result<()> {
    if !output.is_json() {
        output.findings(findings)?;
        output.note(&findings.to_string())?;
    }
    Ok(())
}

fn say_good(name: &str, parsed: &Parsed, output: &mut Output) -> anyhow::Result<()> {
    if output.is_json() {
        return Ok(());
    }
    output.findings(&parsed.warnings)?;
    let topology = &parsed.topology;
    let slots: u64 = topology.pools.iter().map(topology::Pool::wished_slots).sum();
    output.text(&format!(
        "{name}: ok, {} regions, {} pools, {} specializations, {slots} slots; the database {}",
        topology.regions.len(),
        topology.pools.len(),
        topology.specializations().len(),
        survives(topology),
    ))
}

/// What the survival goal means, in words.
fn survives(topology: &topology::Topology) -> String {
    let regions = topology.database.regions.len();
    match topology.database.survive {
        topology::Survive::Region => format!("survives the loss of one of its {regions} regions"),
        topology::Survive::Zone => {
            format!(
                "survives the loss of a zone, not of a region ({regions} database regions): a lost region's missions wait"
            )
        }
    }
}
