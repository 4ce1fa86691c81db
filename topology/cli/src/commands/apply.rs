//! `topology apply` and `topology revert`.

use scheduler_client::Error;
use scheduler_client::wire::{ApplyTopology, RevertTopology, TopologyVersion};
use serde_json::{Value, json};
use topology::plan::Plan;

use super::file;
use super::server::{Server, extra, stop};
use crate::cli::{Apply, Revert};
use crate::exit::Exit;
use crate::output::Output;

pub(super) fn apply(args: &Apply, output: &mut Output) -> anyhow::Result<Exit> {
    let text = file::read(&args.file)?;
    // The server checks again; here the mistakes are shown with the lines around them.
    if let Err(exit) = file::check(&text, &args.file, output)? {
        return Ok(exit);
    }
    let server = Server::new(&args.server)?;
    let body = ApplyTopology { text, base_version: args.check_index, message: args.message.clone(), drain: args.drain };
    let answer = server.ask(server.client.apply_topology(&body))?;
    end(answer, output)
}

pub(super) fn revert(args: &Revert, output: &mut Output) -> anyhow::Result<Exit> {
    let server = Server::new(&args.server)?;
    let base_version = match args.check_index {
        Some(version) => version,
        None => server.get(server.client.topology())?.version,
    };
    let message = args.message.clone().unwrap_or_else(|| format!("revert to version {}", args.version));
    let body = RevertTopology { to: args.version, base_version, message, drain: args.drain };
    let answer = server.ask(server.client.revert_topology(&body))?;
    end(answer, output)
}

/// Tells the new version, or why there is none.
fn end(answer: Result<TopologyVersion, Error>, output: &mut Output) -> anyhow::Result<Exit> {
    let version = match answer {
        Ok(version) => version,
        Err(error) => return refused(&error, output),
    };
    output.result(&version, || {
        let digest: String = version.digest.chars().take(12).collect();
        format!(
            "version {} is in force (digest {digest}, residency version {})",
            version.version, version.residency_version
        )
    })?;
    Ok(Exit::Ok)
}

fn refused(error: &Error, output: &mut Output) -> anyhow::Result<Exit> {
    match error.code() {
        Some("topology_refused") => return bad_file(error, output),
        Some("plan_stale") if !output.is_json() => stale(error, output)?,
        Some("holds_missions") if !output.is_json() => {
            for what in list(error, "what") {
                output.note(&format!("holds missions: {}", what.as_str().unwrap_or_default()))?;
            }
            output.note("--drain lets them finish or move first")?;
        }
        Some(_) | None => {}
    }
    Err(stop(error))
}

/// What was good here is not good there: the server may check for another engine, or be another version.
fn bad_file(error: &Error, output: &mut Output) -> anyhow::Result<Exit> {
    let findings = list(error, "findings");
    if output.is_json() {
        output.json(&json!({ "findings": findings }))?;
    } else {
        for finding in findings {
            output.note(&finding_line(finding))?;
        }
        output.failure(&stop(error), None);
    }
    Ok(Exit::Finding)
}

fn list<'a>(error: &'a Error, key: &str) -> &'a [Value] {
    extra(error, key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Shows what came into force since the plan was made.
fn stale(error: &Error, output: &mut Output) -> anyhow::Result<()> {
    let difference = extra(error, "difference").and_then(|plan| serde_json::from_value::<Plan>(plan.clone()).ok());
    if let Some(current) = extra(error, "current").and_then(Value::as_i64) {
        output.note(&format!("version {current} came into force since the plan was made:"))?;
    }
    if let Some(plan) = difference {
        output.note(&plan.render())?;
    }
    output.note("look at it, plan again with `topology plan FILE --server URL`, and apply with the new check index")
}

fn finding_line(finding: &Value) -> String {
    let text = |key: &str| finding[key].as_str().unwrap_or_default();
    format!("{}:{}:{}: {}: {}", text("file"), finding["line"], finding["column"], text("code"), text("message"))
}
