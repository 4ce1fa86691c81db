//! Values that several blocks have: durations, regions, commands.

use std::ops::RangeInclusive;
use std::time::Duration;

use topology::yaml::{Code, Node, Reader, Value, name_like, shortened};

use super::Known;
use crate::drill::RegionSelector;

/// Most words of a command.
const ARGV_MAX: usize = 100;

/// A duration within bounds, which are in seconds: `4s`, `500ms`, or a number of seconds.
pub(super) fn duration(reader: &mut Reader, node: &Node, what: &str, bounds: RangeInclusive<f64>) -> Option<Duration> {
    let is_number = matches!(&node.value, Value::Scalar(scalar) if scalar.number().is_some());
    if is_number {
        return reader.number(node, what, bounds).map(Duration::from_secs_f64);
    }
    let (least, most) = (Duration::from_secs_f64(*bounds.start()), Duration::from_secs_f64(*bounds.end()));
    reader.duration(node, what, least..=most).map(|at| at.value)
}

/// A region, by name or by what it holds.
pub(super) fn region(reader: &mut Reader, node: &Node, known: &Known) -> Option<RegionSelector> {
    let text = reader.text(node, "a region")?;
    region_in(reader, node, text, known)
}

/// A region that is a part of a text.
pub(super) fn region_in(reader: &mut Reader, node: &Node, text: &str, known: &Known) -> Option<RegionSelector> {
    match text {
        "most-leases" => return Some(RegionSelector::MostLeases),
        "second-most-leases" => return Some(RegionSelector::SecondMostLeases),
        _ => {}
    }
    let name = reader.name_in(text, node.span, "a region")?.value;
    if known.open || known.regions.contains(&name) {
        return Some(RegionSelector::Named(name));
    }
    let words =
        || ["most-leases", "second-most-leases"].into_iter().chain(known.regions.iter().map(|name| name.as_str()));
    let hint = reader.suggest(text, words());
    let hint = hint.unwrap_or_else(|| format!("it is one of {}", words().collect::<Vec<_>>().join(", ")));
    reader.error(Code::UNKNOWN_REGION, node.span, format!("the world has no region `{}`", shortened(text)), hint);
    None
}

/// Program and arguments.
pub(super) fn argv(reader: &mut Reader, node: &Node, what: &str) -> Option<Vec<String>> {
    let items = reader.list(node, what, ARGV_MAX)?;
    if items.is_empty() {
        reader.error(
            Code::INVALID_VALUE,
            node.span,
            format!("{what} names no program"),
            "write [program, argument, ..]",
        );
        return None;
    }
    items.iter().map(|item| word(reader, item, what)).collect()
}

/// A word of a command, which may look like a number.
fn word(reader: &mut Reader, node: &Node, what: &str) -> Option<String> {
    match &node.value {
        Value::Scalar(scalar) if scalar.number().is_some() => Some(scalar.text.clone()),
        Value::Scalar(_) | Value::List(_) | Value::Map(_) | Value::Refused => {
            reader.text(node, &format!("a word of {what}")).map(str::to_owned)
        }
    }
}

/// The name of a step or probe.
pub(super) fn name(reader: &mut Reader, node: &Node, what: &str) -> Option<String> {
    let text = reader.text(node, what)?;
    let fits = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.len() <= 63
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
    if fits {
        return Some(text.to_owned());
    }
    reader.unfit.insert(text.to_owned());
    let hint = name_like(text).map_or_else(
        || "lower-case letters, digits, `-` and `_`, a letter first, at most 63".to_owned(),
        |name| format!("write `{name}`"),
    );
    reader.error(Code::INVALID_NAME, node.span, format!("{what} cannot be `{}`", shortened(text)), hint);
    None
}
