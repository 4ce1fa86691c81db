//! `chaos list`.

use std::collections::BTreeMap;

use chaos::drill::{Drill, TierName, catalogue};
use serde_json::json;

use super::output::{Exit, Output};

pub(super) fn run(output: &mut Output) -> anyhow::Result<Exit> {
    let drills: Vec<Drill> =
        catalogue::all().iter().map(|drill| drill.read(&BTreeMap::new())).collect::<Result<_, _>>()?;
    let told: Vec<_> = drills
        .iter()
        .map(|drill| json!({ "name": drill.name, "title": drill.title, "tiers": drill.tiers, "tags": drill.tags }))
        .collect();
    output.result(&json!({ "drills": told }), || table(&drills))?;
    Ok(Exit::Ok)
}

/// One line a drill, the columns as wide as what is in them.
fn table(drills: &[Drill]) -> String {
    let header = ["NAME", "TIERS", "TAGS", "TITLE"].map(str::to_owned);
    let row = |drill: &Drill| {
        let tiers: Vec<&str> = drill.tiers.iter().map(|tier| TierName::as_str(*tier)).collect();
        [drill.name.clone(), tiers.join(","), drill.tags.join(","), drill.title.clone()]
    };
    let rows: Vec<[String; 4]> = std::iter::once(header).chain(drills.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (name, tiers, tags) = (width(0), width(1), width(2));
    let line = |row: &[String; 4]| format!("{:name$}  {:tiers$}  {:tags$}  {}\n", row[0], row[1], row[2], row[3]);
    rows.iter().map(line).collect()
}
