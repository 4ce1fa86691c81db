//! `chaos validate`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;
use chaos::drill::file;
use serde_json::json;

use super::output::{Exit, Output, Stop};

/// Check drill files: all mistakes at once, each with its place
///
/// Exit code 0: no file has a mistake. 1: one has.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Drill files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// A value for a variable of the files' configuration
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    vars: Vec<(String, String)>,
}

/// A variable with its value, as `--var` takes it.
pub(super) fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is not of the form NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let vars: BTreeMap<String, String> = args.vars.iter().cloned().collect();
    let mut findings = Vec::new();
    let mut told = String::new();
    for path in &args.files {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"));
        let text = text.map_err(|error| Stop::usage(format!("{error:#}")))?;
        match file::read(&text, &name, &vars) {
            Ok(drill) => told.push_str(&format!("{name}: ok, {}\n", drill.title)),
            Err(found) => {
                told.push_str(&found.render(false));
                told.push_str(&format!("{found}\n"));
                findings.extend(found.list().to_vec());
            }
        }
    }
    let exit = if findings.is_empty() { Exit::Ok } else { Exit::Finding };
    output.result(&json!({ "findings": findings }), || told)?;
    Ok(exit)
}
