//! The block `regions`.

use std::collections::BTreeMap;

use super::agent::{self, Agent};
use super::keys;
use super::network::{self, Range};
use crate::catalogue::{Access, Catalogue, CatalogueRegion};
use crate::ids::RegionName;
use crate::model::{Provider, RegionState};
use crate::yaml::{At, Code, Node, Reader, Span, Value, name_like, shortened};

/// Most regions of one topology, and most agents of one region.
const MOST: usize = 1000;

/// A region as it is written. What could not be read is absent, and was reported.
#[derive(Debug)]
pub(super) struct WrittenRegion {
    pub(super) name: Option<At<RegionName>>,
    /// The name that an unfit one was meant to be, so that what refers to it is no further mistake.
    pub(super) meant: Option<RegionName>,
    pub(super) provider: Option<Provider>,
    pub(super) cloud: Option<&'static CatalogueRegion>,
    pub(super) state: RegionState,
    pub(super) cidr: Option<At<Range>>,
    pub(super) spot: bool,
    pub(super) agents: Vec<Agent>,
    /// Whether agents are written at all, readable or not.
    has_agents: bool,
}

/// Reads all regions; none where there is nothing that further rules could be about.
pub(super) fn read_all(reader: &mut Reader, node: &Node) -> Option<Vec<WrittenRegion>> {
    let items = reader.list(node, "regions", MOST)?;
    if items.is_empty() {
        reader.error(Code::EMPTY, node.span, "regions holds no region", None);
        return None;
    }
    let regions: Vec<WrittenRegion> = items.iter().filter_map(|item| read(reader, item)).collect();
    if regions.len() == items.len() && regions.iter().all(|region| !region.has_agents) {
        let message = "no region has agents: nothing could run a mission";
        reader.error(Code::NO_POOLS, node.span, message, "give a region `agents: [engineer-master (primary: 1)]`");
    }
    unique_names(reader, &regions);
    unique_ranges(reader, &regions);
    Some(regions)
}

fn read(reader: &mut Reader, node: &Node) -> Option<WrittenRegion> {
    let fields = reader.fields(node, "a region", keys::REGION)?;
    let name = fields.required(reader, "name", "a region").and_then(|node| reader.name(node, "the region's name"));
    let meant = if name.is_none() { fields.get("name").and_then(|node| meant(reader, node)) } else { None };
    let provider =
        fields.required(reader, "provider", "a region").and_then(|node| provider(reader, node, "the provider"));
    let cloud = fields
        .required(reader, "region", "a region")
        .and_then(|node| reader.text(node, "the cloud region").map(|text| (text, node.span)))
        .zip(provider)
        .and_then(|((text, span), provider)| cloud_region(reader, text, span, provider));
    let items = fields.get("agents").map(|node| reader.list(node, "agents", MOST));
    let has_agents = items.is_some_and(|items| items.is_none_or(|items| !items.is_empty()));
    let items = items.flatten().unwrap_or_default();
    let agents: Vec<Agent> = items.iter().filter_map(|item| agent::read(reader, item)).collect();
    unique_pools(reader, &agents);
    let state =
        fields.get("state").and_then(|node| reader.choice(node, "the state", RegionState::ALL, RegionState::as_str));
    let cidr = fields.entry("cidr").and_then(|entry| {
        reader.no_effect(entry.key_span, "cidr");
        network::read(reader, &entry.value, "cidr")
    });
    let spot = fields.entry("spot").and_then(|entry| {
        reader.no_effect(entry.key_span, "spot");
        reader.boolean(&entry.value, "spot")
    });
    Some(WrittenRegion {
        name,
        meant,
        provider,
        cloud,
        state: state.map_or(RegionState::Active, |state| state.value),
        cidr,
        spot: spot.unwrap_or(false),
        agents,
        has_agents,
    })
}

/// The name that a refused one was meant to be. Both are noted, since the file may refer to the region by either.
fn meant(reader: &mut Reader, node: &Node) -> Option<RegionName> {
    let Value::Scalar(scalar) = &node.value else { return None };
    reader.unfit.insert(scalar.text.clone());
    name_like(&scalar.text)?.parse().ok()
}

/// A provider of the catalogue, in any letter case.
pub(super) fn provider(reader: &mut Reader, node: &Node, what: &str) -> Option<Provider> {
    let text = reader.text(node, what)?;
    if let Ok(provider) = text.parse() {
        return Some(provider);
    }
    let names = Provider::ALL.map(Provider::as_str);
    let message = format!("the catalogue has no provider `{}`", shortened(text));
    let hint = reader.suggest(text, names).unwrap_or_else(|| format!("it has {}", names.join(", ")));
    reader.error(Code::UNKNOWN_PROVIDER, node.span, message, hint);
    None
}

fn cloud_region(reader: &mut Reader, text: &str, span: Span, provider: Provider) -> Option<&'static CatalogueRegion> {
    let catalogue = Catalogue::built_in();
    let found = catalogue.find(provider, text);
    match found {
        None => {
            let message = format!("{provider} has no region `{}`", shortened(text));
            let hint = cloud_region_hint(reader, text, provider);
            reader.error(Code::UNKNOWN_CLOUD_REGION, span, message, hint);
        }
        Some(CatalogueRegion { access: Access::Announced, .. }) => {
            let message = format!("{provider} lists `{}`, but it is not known to be open", shortened(text));
            reader.warn(Code::WEAK, span, message, None);
        }
        Some(_) => {}
    }
    found
}

/// Near names of the provider, else the provider that has this very name.
pub(super) fn cloud_region_hint(reader: &Reader, text: &str, provider: Provider) -> Option<String> {
    let catalogue = Catalogue::built_in();
    let elsewhere =
        Provider::ALL.into_iter().find(|other| *other != provider && catalogue.find(*other, text).is_some());
    match elsewhere {
        Some(other) => Some(format!("{other} has a region of this name")),
        None => reader.suggest(text, catalogue.nearest_names(provider, text)),
    }
}

fn unique_names(reader: &mut Reader, regions: &[WrittenRegion]) {
    let mut seen: BTreeMap<&RegionName, Span> = BTreeMap::new();
    for name in regions.iter().filter_map(|region| region.name.as_ref()) {
        match seen.get(&name.value) {
            Some(first) => {
                let line = reader.line(*first);
                let message = format!("two regions are named `{}`", name.value);
                reader.error(Code::DUPLICATE_NAME, name.span, message, format!("the first is on line {line}"));
            }
            None => drop(seen.insert(&name.value, name.span)),
        }
    }
}

fn unique_pools(reader: &mut Reader, agents: &[Agent]) {
    let mut seen = BTreeMap::new();
    for name in agents.iter().filter_map(|agent| agent.specialization.as_ref()) {
        match seen.get(&name.value) {
            Some(first) => {
                let line = reader.line(*first);
                let message = format!("`{}` is twice in one region", name.value);
                let hint =
                    format!("the first is on line {line}; a pool is all agents of one specialization in one region");
                reader.error(Code::DUPLICATE_POOL, name.span, message, hint);
            }
            None => drop(seen.insert(&name.value, name.span)),
        }
    }
}

fn unique_ranges(reader: &mut Reader, regions: &[WrittenRegion]) {
    let ranges: Vec<At<Range>> = regions.iter().filter_map(|region| region.cidr).collect();
    for (at, range) in ranges.iter().enumerate() {
        if let Some(first) = ranges[..at].iter().find(|first| first.value.overlaps(range.value)) {
            let line = reader.line(first.span);
            let message = format!("the range {} overlaps {} of line {line}", range.value, first.value);
            reader.error(Code::OVERLAPPING_RANGES, range.span, message, None);
        }
    }
}
