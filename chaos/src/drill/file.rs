//! Reading a drill file: strict, all mistakes at once, each with its place.
//!
//! The way of a text: [`topology::yaml`] (nodes with places), `vars` (`$name` is replaced), one reader for each block,
//! `check` (what the blocks mean together). Every step adds to one list of findings; a [`Drill`] is made only where there
//! is none. The grammar is told in `chaos/drills/README.md`.

mod check;
mod code;
pub(crate) mod fault;
mod hypothesis;
pub(super) mod keys;
mod links;
mod method;
mod objectives;
pub(super) mod provider;
#[cfg(test)]
mod tests;
mod values;
mod vars;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use topology::RegionName;
use topology::yaml::{At, Code, Findings, Node, Reader};

use super::{Abort, After, BlastRadius, Context, Drill, Hypothesis, Load, Objectives, TierName, WorldSpec};

pub use code::codes;

/// The version of the file that this program reads.
const VERSION: u32 = 1;

/// Longest title, in characters: it is typed back.
const TITLE_MAX: usize = 100;

/// Reads and checks a drill file. `vars` are the values that `--var` gives in place of those of `configuration`. The
/// drill is named after the file.
///
/// # Errors
/// Every mistake of the file and of the variables.
pub fn read(text: &str, file_name: &str, vars: &BTreeMap<String, String>) -> Result<Drill, Findings> {
    let (mut reader, root) = Reader::open(text, file_name, "begin with `title:`");
    let written = root.and_then(|root| written(&mut reader, root, vars));
    let drill = written.and_then(|written| {
        check::check(&mut reader, &written);
        written.finish(name_of(file_name), hex_digest(text))
    });
    let findings = reader.finish();
    match drill {
        Some(drill) if findings.is_empty() => Ok(drill),
        // A drill is missing only where something was refused.
        _ => Err(findings),
    }
}

/// The name of a drill in a file of this name: its stem.
fn name_of(file_name: &str) -> String {
    Path::new(file_name).file_stem().map_or_else(|| file_name.to_owned(), |stem| stem.to_string_lossy().into_owned())
}

fn hex_digest(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file as it is written. What could not be read is absent, and was reported.
struct Written {
    title: Option<String>,
    description: Option<String>,
    tags: Vec<String>,
    configuration: BTreeMap<String, String>,
    tiers: BTreeSet<TierName>,
    context: Option<Context>,
    world: At<WorldSpec>,
    load: At<Load>,
    /// Whether world and load could be read whole, so that what refers to them can be judged.
    is_world_whole: bool,
    objectives: Objectives,
    /// Where each objective is written.
    objectives_at: BTreeMap<&'static str, At<()>>,
    blast_radius: Option<At<BlastRadius>>,
    hypothesis: Option<Hypothesis>,
    abort: Vec<Abort>,
    method: method::Method,
    rollbacks: Vec<String>,
    after: After,
}

impl Written {
    fn finish(self, name: String, digest: String) -> Option<Drill> {
        Some(Drill {
            name,
            digest,
            title: self.title?,
            description: self.description?,
            tags: self.tags,
            configuration: self.configuration,
            blast_radius: self.blast_radius?.value,
            tiers: self.tiers,
            world: self.world.value,
            load: self.load.value,
            objectives: self.objectives,
            hypothesis: self.hypothesis?,
            abort: self.abort,
            method: self.method.steps.into_iter().map(|step| step.value).collect(),
            rollbacks: self.rollbacks,
            context: self.context,
            after: self.after,
        })
    }
}

/// The regions that a file may name.
struct Known {
    regions: Vec<RegionName>,
    /// Whether others exist: a deployment has the regions that it has.
    open: bool,
}

/// Reads every block, so that each adds its findings.
fn written(reader: &mut Reader, root: Node, vars: &BTreeMap<String, String>) -> Option<Written> {
    let (root, configuration) = vars::resolve(reader, root, vars);
    let fields = reader.fields(&root, "the file", keys::FILE)?;
    reader.version(&fields, VERSION);
    let title = fields.required(reader, "title", "the file").and_then(|node| title(reader, node));
    let description =
        fields.required(reader, "description", "the file").and_then(|node| reader.words(node, "description"));
    let tags = fields.get("tags").and_then(|node| tags(reader, node)).unwrap_or_default();
    let tiers = world::tiers(reader, fields.get("tiers"));
    let context = world::context(reader, &fields, &tiers);
    let before = reader.findings.list().len();
    let world = world::world(reader, &fields);
    let load = world::load(reader, &fields, &tiers);
    let is_world_whole = reader.findings.list().len() == before;
    let known = Known { regions: world.value.region_names(), open: tiers.iter().eq([&TierName::Cluster]) };
    let (objectives, objectives_at) = objectives::objectives(reader, fields.get("objectives"));
    let blast_radius = objectives::blast_radius(reader, &fields, &tiers);
    let hypothesis = hypothesis::read(reader, &fields);
    let probes = hypothesis.as_ref().map(|found| &found.probes[..]);
    let abort = fields.get("abort").map(|node| hypothesis::aborts(reader, node, probes)).unwrap_or_default();
    let method = method::read(reader, &fields, &known);
    let rollbacks = fields.get("rollbacks").map(|node| method::rollbacks(reader, node, &method)).unwrap_or_default();
    let after = world::after(reader, fields.get("after"));
    Some(Written {
        title,
        description: description.map(str::to_owned),
        tags,
        configuration,
        tiers,
        context,
        world,
        load,
        is_world_whole,
        objectives,
        objectives_at,
        blast_radius,
        hypothesis,
        abort,
        method,
        rollbacks,
        after,
    })
}

/// One line that a person can type back.
fn title(reader: &mut Reader, node: &Node) -> Option<String> {
    let text = reader.words(node, "title")?;
    if text.contains('\n') || text.chars().count() > TITLE_MAX {
        let message = format!("title is more than one line of {TITLE_MAX} characters");
        reader.error(Code::INVALID_VALUE, node.span, message, "say more in description");
        return None;
    }
    Some(text.to_owned())
}

fn tags(reader: &mut Reader, node: &Node) -> Option<Vec<String>> {
    let items = reader.list(node, "tags", 20)?;
    Some(items.iter().filter_map(|item| reader.words(item, "a tag").map(str::to_owned)).collect())
}
