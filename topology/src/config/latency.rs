//! The block `latency`: round-trip times that were measured between regions and go before the estimate.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::NaiveDate;

use super::keys;
use super::residency::known_region;
use crate::ids::RegionName;
use crate::latency::LatencyTable;
use crate::yaml::{Code, Fields, Node, Reader};

/// All pairs of a hundred regions.
const MOST: usize = 5000;
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(5);

/// Reads `- { between: [us-west, us-east], rtt: 61ms, source: .., date: 2026-10-01 }`; `known` are the regions of the
/// file. A pair that does not say where it is from and of which day is not used.
pub(super) fn read(reader: &mut Reader, node: &Node, known: &BTreeSet<RegionName>) -> LatencyTable {
    let mut table = LatencyTable::default();
    for item in reader.list(node, "latency", MOST).unwrap_or_default() {
        let Some(fields) = reader.fields(item, "a measured pair", keys::LATENCY) else { continue };
        let ends = ends(reader, &fields, known);
        let rtt = fields.required(reader, "rtt", "a measured pair");
        let rtt = rtt.and_then(|node| reader.duration(node, "rtt", SHORTEST..=LONGEST));
        let proven = proven(reader, &fields);
        let (Some((a, b)), Some(rtt), true) = (ends, rtt, proven) else { continue };
        if table.measured(&a, &b).is_some() {
            let message = format!("`{a}` and `{b}` are measured twice");
            reader.error(Code::DUPLICATE_NAME, item.span, message, "keep the newer one");
            continue;
        }
        table.insert(a, b, u64::try_from(rtt.value.as_micros()).expect("it is at most five seconds"));
    }
    table
}

fn ends(reader: &mut Reader, fields: &Fields<'_>, known: &BTreeSet<RegionName>) -> Option<(RegionName, RegionName)> {
    let node = fields.required(reader, "between", "a measured pair")?;
    let [a, b] = reader.list(node, "between", MOST)? else {
        reader.error(Code::INVALID_VALUE, node.span, "between names two regions", "write between: [us-west, us-east]");
        return None;
    };
    let (a, b) = (known_region(reader, a, known), known_region(reader, b, known));
    let (a, b) = (a?, b?);
    if a.value == b.value {
        reader.error(Code::CONFLICT, b.span, "a region is no pair with itself", None);
        return None;
    }
    Some((a.value, b.value))
}

/// Whether the pair has a source and a date.
fn proven(reader: &mut Reader, fields: &Fields<'_>) -> bool {
    let source = fields.get("source").map(|node| reader.words(node, "source").is_some());
    let date = fields.get("date").map(|node| is_date(reader, node));
    let missing: Vec<&str> = [("source", source), ("date", date)]
        .into_iter()
        .filter(|(_, read)| read.is_none())
        .map(|(key, _)| key)
        .collect();
    if !missing.is_empty() {
        let message = format!("this measured pair has no {} and is not used", missing.join(" and no "));
        reader.warn(Code::WEAK, fields.span, message, "the estimate is used instead");
    }
    source == Some(true) && date == Some(true)
}

fn is_date(reader: &mut Reader, node: &Node) -> bool {
    let Some(text) = reader.words(node, "date") else { return false };
    let good = NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok();
    if !good {
        reader.error(Code::INVALID_VALUE, node.span, "date is no day of the calendar", "write it as 2026-10-01");
    }
    good
}
