//! `topology schema`.

use crate::exit::Exit;
use crate::output::Output;

pub(super) fn run(output: &mut Output) -> anyhow::Result<Exit> {
    output.json(&topology::schema::json_schema())?;
    Ok(Exit::Ok)
}
