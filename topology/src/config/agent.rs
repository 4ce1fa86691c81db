//! One entry of a region's `agents`: the shorthand `engineer-master (primary: 5 replicas)` or a block.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::keys;
use crate::ids::Specialization;
use crate::model::Role;
use crate::yaml::{At, Code, Entry, Node, Reader, Span, Value, shortened};

/// Agents of one pool. More belong into pools of other regions.
const REPLICAS: RangeInclusive<u32> = 0..=10_000;

/// Missions that one agent works on at a time.
const SLOTS: RangeInclusive<u32> = 1..=1000;

/// Longest run of one mission.
pub(super) const RUN_LIMIT: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(7 * 24 * 3600);

const FORM: &str =
    "write `engineer-master (primary: 5 replicas)` or { specialization: engineer-master, role: primary, replicas: 5 }";

/// A pool as it is written. What could not be read is absent, and was reported.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) specialization: Option<At<Specialization>>,
    pub(super) role: Option<At<Role>>,
    pub(super) replicas: Option<u32>,
    pub(super) slots: u32,
    pub(super) min: Option<u32>,
    pub(super) max: Option<u32>,
    pub(super) run_limit: Option<Duration>,
}

pub(super) fn read(reader: &mut Reader, node: &Node) -> Option<Agent> {
    match &node.value {
        Value::Scalar(_) => {
            let text = reader.text(node, "an agent")?;
            shorthand(reader, text, node.span)
        }
        Value::Map(entries) => match &entries[..] {
            // YAML reads the unquoted shorthand as a block: its colon ends a key.
            [only] if only.key.contains('(') => {
                let span = shorthand_span(only);
                let text = reader.slice(span).to_owned();
                shorthand(reader, &text, span)
            }
            _ => block(reader, node),
        },
        Value::List(_) => {
            reader.error(Code::WRONG_TYPE, node.span, "an agent must be a text or a block of keys, not a list", FORM);
            None
        }
        Value::Refused => None,
    }
}

fn shorthand_span(entry: &Entry) -> Span {
    let end = match &entry.value.value {
        Value::Scalar(_) => entry.value.span.end,
        Value::List(_) | Value::Map(_) | Value::Refused => entry.key_span.end,
    };
    Span { start: entry.key_span.start, end: end.max(entry.key_span.end) }
}

/// Reads `engineer-master (primary: 5 replicas)`; the last word may be missing.
fn shorthand(reader: &mut Reader, text: &str, span: Span) -> Option<Agent> {
    let Some((name, role, count)) = split(text) else {
        let message = format!("`{}` is no agent", shortened(text));
        reader.error(Code::INVALID_AGENT, span, message, FORM);
        // Whose agent it is can still be seen, so that its replicas elsewhere do not seem to lack a primary.
        let name = text.split(['(', ':', ' ']).next().and_then(|name| name.parse().ok())?;
        let specialization = Some(At { value: name, span });
        return Some(Agent {
            specialization,
            role: None,
            replicas: None,
            slots: 1,
            min: None,
            max: None,
            run_limit: None,
        });
    };
    let specialization = reader.name_in(name, span, "the specialization");
    let role = match Role::ALL.iter().find(|known| known.as_str().eq_ignore_ascii_case(role)) {
        Some(role) => Some(At { value: *role, span }),
        None => {
            let hint = reader.suggest(role, Role::ALL.iter().map(|role| role.as_str()));
            let message = format!("the role is primary or replica, not `{}`", shortened(role));
            reader.error(Code::INVALID_AGENT, span, message, hint);
            None
        }
    };
    let replicas = reader.count_in(count, span, "replicas", REPLICAS, true);
    told_if_none(reader, replicas, span);
    Some(Agent { specialization, role, replicas, slots: 1, min: None, max: None, run_limit: None })
}

/// Name, role and number of a shorthand.
fn split(text: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = text.trim().split_once('(')?;
    let (role, count) = rest.strip_suffix(')')?.split_once(':')?;
    let count = count.trim();
    let number = ["replicas", "replica"].iter().find_map(|word| count.strip_suffix(word)).unwrap_or(count);
    Some((name.trim(), role.trim(), number.trim()))
}

fn block(reader: &mut Reader, node: &Node) -> Option<Agent> {
    let fields = reader.fields(node, "an agent", keys::AGENT)?;
    let specialization =
        fields.required(reader, "specialization", "an agent").and_then(|node| reader.name(node, "the specialization"));
    let role = fields
        .required(reader, "role", "an agent")
        .and_then(|node| reader.choice(node, "the role", Role::ALL, Role::as_str));
    let replicas =
        fields.required(reader, "replicas", "an agent").and_then(|node| reader.count(node, "replicas", REPLICAS));
    told_if_none(reader, replicas, fields.get("replicas").map_or(node.span, |node| node.span));
    let slots = fields.get("slots").and_then(|node| reader.count(node, "slots", SLOTS)).unwrap_or(1);
    let mut bound = |key: &str| {
        let entry = fields.entry(key)?;
        reader.no_effect(entry.key_span, key);
        reader.count(&entry.value, key, REPLICAS)
    };
    let (min, max) = (bound("min"), bound("max"));
    if let (Some(replicas), Some(at)) = (replicas, fields.get("replicas")) {
        bounds(reader, (min, max), replicas, at.span);
    }
    let run_limit =
        fields.get("run_limit").and_then(|node| reader.duration(node, "run_limit", RUN_LIMIT)).map(|limit| limit.value);
    Some(Agent { specialization, role, replicas, slots, min, max, run_limit })
}

/// A pool of no agents is lawful, but nobody should write it by mistake.
fn told_if_none(reader: &mut Reader, replicas: Option<u32>, span: Span) {
    if replicas == Some(0) {
        reader.warn(Code::WEAK, span, "a pool without agents takes no missions", None);
    }
}

fn bounds(reader: &mut Reader, (min, max): (Option<u32>, Option<u32>), replicas: u32, span: Span) {
    let (least, most) = (min.unwrap_or(0), max.unwrap_or(u32::MAX));
    if least > most {
        reader.error(Code::OUT_OF_RANGE, span, format!("min {least} is more than max {most}"), None);
    } else if !(least..=most).contains(&replicas) {
        let message = format!("replicas {replicas} is not between min and max");
        reader.error(Code::OUT_OF_RANGE, span, message, "min and max bound what autoscaling makes of replicas");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorthand_has_a_name_a_role_and_a_number() {
        let wanted = Some(("engineer-master", "primary", "5"));
        assert_eq!(split("engineer-master (primary: 5 replicas)"), wanted);
        assert_eq!(split("engineer-master(primary:5)"), wanted);
        assert_eq!(split(" engineer-master ( primary : 5 replica ) "), wanted);
        for text in ["engineer-master", "engineer-master (primary)", "engineer-master (primary: 5", "(:"] {
            assert_eq!(split(text), None, "{text}");
        }
    }
}
