//! Drill files, good and bad: what reads, what each mistake says and where.

mod catalogue;
mod mistakes;
mod mutations;
mod vars;

use std::collections::BTreeMap;

use topology::yaml::Findings;

use super::read;
use crate::drill::Drill;

/// A small drill without a mistake.
const GOOD: &str = include_str!("tests/good.yaml");

fn bad(text: &str) -> Findings {
    match read(text, "drill.yaml", &BTreeMap::new()) {
        Ok(drill) => panic!("was accepted: {drill:?}"),
        Err(findings) => findings,
    }
}

fn good(text: &str) -> Drill {
    read(text, "drill.yaml", &BTreeMap::new()).unwrap_or_else(|findings| panic!("{}", findings.render(false)))
}
