//! `chaos schema`.

use chaos::drill::schema::json_schema;

use super::output::{Exit, Output};

pub(super) fn run(output: &mut Output) -> anyhow::Result<Exit> {
    let schema = json_schema();
    output.result(&schema, || serde_json::to_string_pretty(&schema).expect("plain data"))?;
    Ok(Exit::Ok)
}
