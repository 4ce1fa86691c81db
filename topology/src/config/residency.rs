//! The blocks `residency` and `fallbacks`: which regions may stand in for which.

use std::collections::{BTreeMap, BTreeSet};

use super::keys;
use crate::ids::{RegionName, ResidencyName};
use crate::model::ResidencyStrength;
use crate::yaml::{At, Code, Entry, Node, Reader, Span, Value};

/// Most rules, and most groups of one region.
const MOST: usize = 1000;

/// A residency rule as it is written.
#[derive(Debug)]
pub(super) struct WrittenResidency {
    pub(super) name: Option<At<ResidencyName>>,
    pub(super) regions: Vec<At<RegionName>>,
    pub(super) strength: At<ResidencyStrength>,
}

/// Fallback groups of a home region, in order.
pub(super) type Fallbacks = BTreeMap<RegionName, Vec<Vec<RegionName>>>;

/// Reads the residency rules; `known` are the regions of the file.
pub(super) fn read(reader: &mut Reader, node: &Node, known: &BTreeSet<RegionName>) -> Vec<WrittenResidency> {
    let entries = reader.entries(node, "residency").unwrap_or_default();
    entries.iter().filter_map(|entry| rule(reader, entry, known)).collect()
}

/// Reads `eu: [europe-west]` or `eu: { regions: [europe-west], strength: run }`.
fn rule(reader: &mut Reader, entry: &Entry, known: &BTreeSet<RegionName>) -> Option<WrittenResidency> {
    let name = reader.name_in(&entry.key, entry.key_span, "the residency");
    let run = At { value: ResidencyStrength::Run, span: entry.key_span };
    let (regions, strength) = if matches!(entry.value.value, Value::List(_)) {
        (Some(&entry.value), run)
    } else {
        let fields = reader.fields(&entry.value, "a residency", keys::RESIDENCY)?;
        let strength = fields
            .get("strength")
            .and_then(|node| reader.choice(node, "the strength", ResidencyStrength::ALL, ResidencyStrength::as_str));
        (fields.required(reader, "regions", "a residency"), strength.unwrap_or(run))
    };
    let node = regions?;
    let items = reader.list(node, "the residency's regions", MOST)?;
    if items.is_empty() {
        let message = format!("the residency `{}` allows no region", entry.key);
        reader.error(Code::EMPTY_RESIDENCY, entry.key_span, message, "name at least one region, or remove the rule");
    }
    Some(WrittenResidency { name, regions: regions_of(reader, items, known), strength })
}

/// Reads region names that must be in the file, each once.
fn regions_of(reader: &mut Reader, items: &[Node], known: &BTreeSet<RegionName>) -> Vec<At<RegionName>> {
    let mut regions: Vec<At<RegionName>> = Vec::new();
    for item in items {
        let Some(region) = known_region(reader, item, known) else { continue };
        if regions.iter().any(|other| other.value == region.value) {
            reader.error(Code::DUPLICATE_NAME, region.span, format!("`{}` is named twice", region.value), None);
        } else {
            regions.push(region);
        }
    }
    regions
}

/// Reads the name of a region that must be in the file.
pub(super) fn known_region(reader: &mut Reader, node: &Node, known: &BTreeSet<RegionName>) -> Option<At<RegionName>> {
    let text = reader.text(node, "the region")?;
    named_region(reader, text, node.span, known)
}

/// Reads a text, such as a key, as the name of a region that must be in the file.
pub(super) fn named_region(
    reader: &mut Reader,
    text: &str,
    span: Span,
    known: &BTreeSet<RegionName>,
) -> Option<At<RegionName>> {
    if reader.unfit.contains(text) {
        return None;
    }
    let name = reader.name_in::<RegionName>(text, span, "the region")?;
    is_known(reader, name, known)
}

/// Reports a region that the file does not have.
fn is_known(reader: &mut Reader, name: At<RegionName>, known: &BTreeSet<RegionName>) -> Option<At<RegionName>> {
    if known.contains(&name.value) {
        return Some(name);
    }
    let hint = reader.suggest(name.value.as_str(), known.iter().map(RegionName::as_str));
    reader.error(Code::UNKNOWN_REGION, name.span, format!("the file has no region `{}`", name.value), hint);
    None
}

/// Reads `europe-west: [[us-east], [us-west, asia-east]]` for each home region.
pub(super) fn fallbacks(reader: &mut Reader, node: &Node, known: &BTreeSet<RegionName>) -> Fallbacks {
    let entries = reader.entries(node, "fallbacks").unwrap_or_default();
    entries.iter().filter_map(|entry| home(reader, entry, known)).collect()
}

fn home(
    reader: &mut Reader,
    entry: &Entry,
    known: &BTreeSet<RegionName>,
) -> Option<(RegionName, Vec<Vec<RegionName>>)> {
    let name = named_region(reader, &entry.key, entry.key_span, known);
    let groups = reader.list(&entry.value, "the fallbacks of a region", MOST)?;
    let mut seen: BTreeMap<RegionName, Span> = BTreeMap::new();
    let mut read = Vec::with_capacity(groups.len());
    for node in groups {
        let Some(items) = reader.list(node, "a fallback group", MOST) else { continue };
        if items.is_empty() {
            reader.error(Code::EMPTY, node.span, "a fallback group holds no region", "remove the empty list");
        }
        let mut group = Vec::with_capacity(items.len());
        for item in items {
            let Some(region) = known_region(reader, item, known) else { continue };
            if name.as_ref().is_some_and(|name| name.value == region.value) {
                reader.error(Code::CONFLICT, region.span, "a region cannot be its own fallback", None);
            } else if seen.insert(region.value.clone(), region.span).is_some() {
                let message = format!("`{}` is in two places of the fallbacks", region.value);
                reader.error(Code::DUPLICATE_NAME, region.span, message, "the first place decides: keep one");
            } else {
                group.push(region.value);
            }
        }
        read.push(group);
    }
    name.map(|name| (name.value, read))
}
