//! Reading `topology.yaml`: strict, all errors at once, each with its place.
//!
//! The way of a text: [`yaml`](crate::yaml) (nodes with places), one reader for each block (what is written), `resolve`
//! (what it means together). Every step adds to one list of findings; a [`Topology`] is made only where no finding is an
//! error.

mod agent;
pub(crate) mod area;
mod code;
mod database;
pub(crate) mod keys;
mod latency;
mod load_balancer;
mod network;
mod platform;
mod region;
mod residency;
mod resolve;
mod scheduling;

use std::collections::BTreeSet;

use crate::ids::RegionName;
use crate::model::Topology;
use crate::yaml::{Fields, Node, Reader, Span};
use region::WrittenRegion;
use resolve::Written;

pub use crate::yaml::{Code, Finding, Findings, MAX_BYTES, Severity};

/// The version of the file that this program reads.
const VERSION: u32 = 1;

/// The database that the clocks of scheduling must suit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Engine {
    /// One machine or one primary: sessions may end after seconds.
    #[default]
    PostgreSql,
    /// A new leaseholder of a range takes seconds, so sessions live longer.
    CockroachDb,
}

/// What a good file gives.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The validated topology.
    pub topology: Topology,
    /// What is allowed but should be seen; holds no errors.
    pub warnings: Findings,
}

/// Reads and checks a topology file for `PostgreSQL`. `file_name` is only for the findings.
///
/// # Errors
/// All findings of the file, warnings among them, where at least one is an error.
pub fn parse(text: &str, file_name: &str) -> Result<Parsed, Findings> {
    parse_for(text, file_name, Engine::PostgreSql)
}

/// Reads and checks a topology file for one engine: defaults and bounds of its clocks differ.
///
/// # Errors
/// As [`parse`].
pub fn parse_for(text: &str, file_name: &str, engine: Engine) -> Result<Parsed, Findings> {
    let (mut reader, root) = Reader::open(text, file_name, "begin with `regions:`");
    let topology = root.and_then(|root| read(&mut reader, &root, engine));
    let findings = reader.finish();
    match topology {
        Some(topology) if findings.errors().next().is_none() => Ok(Parsed { topology, warnings: findings }),
        // A topology is missing only where something was refused.
        _ => Err(findings),
    }
}

fn read(reader: &mut Reader, root: &Node, engine: Engine) -> Option<Topology> {
    let fields = reader.fields(root, "the file", keys::FILE)?;
    reader.version(&fields, VERSION);
    let written = written(reader, &fields, engine)?;
    resolve::resolve(reader, written)
}

/// Reads every block, so that each adds its findings.
fn written(reader: &mut Reader, fields: &Fields<'_>, engine: Engine) -> Option<Written> {
    let regions = fields.required(reader, "regions", "the file").and_then(|node| region::read_all(reader, node));
    let silent = regions.is_none();
    let regions = regions.unwrap_or_default();
    let known = names(&regions);
    let database = database::read(reader, fields.get("database"), &regions);
    let scheduling = scheduling::read(reader, fields.get("scheduling"), engine, database.max_clock_offset);
    let residency = fields.get("residency").map(|node| residency::read(reader, node, &known)).unwrap_or_default();
    let fallbacks = fields.get("fallbacks").map(|node| residency::fallbacks(reader, node, &known)).unwrap_or_default();
    let latency = fields.get("latency").map(|node| latency::read(reader, node, &known)).unwrap_or_default();
    let load_balancer =
        fields.entry("load_balancer").map(|entry| load_balancer::read(reader, entry, &known)).unwrap_or_default();
    if let Some(range) = fields.entry("platform").and_then(|entry| platform::platform(reader, entry)) {
        inside(reader, range.value, &regions);
    }
    if let Some(entry) = fields.entry("rollout") {
        platform::rollout(reader, entry);
    }
    if let Some(entry) = fields.entry("budgets") {
        platform::budgets(reader, entry);
    }
    (!silent).then_some(Written { regions, residency, fallbacks, database, scheduling, latency, load_balancer })
}

/// Reports regions whose network range is not in the platform's.
fn inside(reader: &mut Reader, all: network::Range, regions: &[WrittenRegion]) {
    for cidr in regions.iter().filter_map(|region| region.cidr).filter(|cidr| !all.contains(cidr.value)) {
        let message = format!("the range {} is not in the platform's {all}", cidr.value);
        reader.error(Code::OUT_OF_RANGE, cidr.span, message, None);
    }
}

/// Names of the regions, as far as they can be guessed.
fn names(regions: &[WrittenRegion]) -> BTreeSet<RegionName> {
    let name = |region: &WrittenRegion| region.name.as_ref().map(|at| &at.value).or(region.meant.as_ref()).cloned();
    regions.iter().filter_map(name).collect()
}

impl Reader {
    /// Says that a key is understood, kept, and does nothing yet.
    fn no_effect(&mut self, span: Span, key: &str) {
        let message = format!("`{key}` is checked and kept, but nothing acts on it yet");
        self.warn(Code::NO_EFFECT_YET, span, message, None);
    }
}
