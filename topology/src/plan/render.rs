//! A plan for people.

use std::fmt::Write as _;

use super::{Change, FieldChange, Plan, PoolChange, PoolShape, PoolVerb, RegionChange, ResidencyPlace};
use crate::yaml::duration::show;

pub(super) fn render(plan: &Plan) -> String {
    let mut out = String::new();
    section(&mut out, "Regions", plan.regions.iter().flat_map(region));
    section(&mut out, "Pools", plan.pools.iter().map(pool));
    section(&mut out, "Settings", plan.settings.iter().map(|field| format!("~ {}", changed(field))));
    section(&mut out, "Residency", plan.residency.iter().flat_map(residency));
    out.push_str(&summary(plan));
    out.push('\n');
    out
}

fn section(out: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return;
    }
    let _ = writeln!(out, "{title}");
    for line in lines {
        let _ = writeln!(out, "  {line}");
    }
    out.push('\n');
}

fn region(region: &RegionChange) -> Vec<String> {
    let value = |key: &str| {
        let field = region.fields.iter().find(|field| field.field == key)?;
        field.new.as_deref().or(field.old.as_deref())
    };
    let what = [value("provider"), value("region"), value("state")].into_iter().flatten().collect::<Vec<_>>().join(" ");
    match region.change {
        Change::Added => vec![format!("+ {}: {what}", region.name)],
        Change::Removed => vec![format!("- {}: {what}", region.name)],
        Change::Changed => region.fields.iter().map(|field| format!("~ {}: {}", region.name, changed(field))).collect(),
        Change::Kept => Vec::new(),
    }
}

fn changed(field: &FieldChange) -> String {
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    format!("{} {} -> {}", field.field, value(&field.old), value(&field.new))
}

fn pool(change: &PoolChange) -> String {
    let id = &change.pool;
    let (old, new) = (change.old.as_ref(), change.new.as_ref());
    let both = match (old, new) {
        (Some(old), Some(new)) => between(old, new),
        (Some(one), None) | (None, Some(one)) => shape(one),
        (None, None) => String::new(),
    };
    match (change.verb, &change.moves_from) {
        (PoolVerb::Appears, _) => format!("+ {id} appears: {both}"),
        (PoolVerb::Disappears, _) => format!("- {id} disappears: {both}"),
        (PoolVerb::Grows, _) => format!("~ {id} grows: {both}"),
        (PoolVerb::Shrinks, _) => format!("~ {id} shrinks: {both}"),
        (PoolVerb::Changes, _) => format!("~ {id} changes: {both}"),
        (PoolVerb::Moves, Some(from)) => format!("> {} moves from {from} to {}: {both}", id.specialization, id.region),
        (PoolVerb::Moves, None) => format!("> {id} moves: {both}"),
    }
}

fn shape(shape: &PoolShape) -> String {
    let mut text = format!("{}, {} x {} slots", shape.role, shape.replicas, shape.slots);
    if let Some(min) = shape.min {
        let _ = write!(text, ", min {min}");
    }
    if let Some(max) = shape.max {
        let _ = write!(text, ", max {max}");
    }
    if let Some(limit) = shape.run_limit_ms {
        let _ = write!(text, ", run limit {}", show(std::time::Duration::from_millis(limit)));
    }
    text
}

fn between(old: &PoolShape, new: &PoolShape) -> String {
    if old == new { shape(new) } else { format!("{} -> {}", shape(old), shape(new)) }
}

fn residency(place: &ResidencyPlace) -> Vec<String> {
    let sign = match place.change {
        Change::Added => '+',
        Change::Removed => '-',
        Change::Changed => '~',
        Change::Kept => ' ',
    };
    if place.change == Change::Removed {
        return vec![format!("{sign} {} ({}): is gone", place.name, place.strength)];
    }
    vec![format!(
        "{sign} {} ({}): missions run in {}; rows are homed in {}; replicas may lie in {}",
        place.name,
        place.strength,
        list(&place.runs_in),
        list(&place.rows_in),
        list(&place.replicas_in),
    )]
}

fn list<T: ToString>(names: &[T]) -> String {
    names.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

fn summary(plan: &Plan) -> String {
    if plan.is_empty() {
        return "Plan: no changes.".to_owned();
    }
    let regions = |change| plan.regions.iter().filter(|region| region.change == change).count();
    let pools = |verb| plan.pools.iter().filter(|pool| pool.verb == verb).count();
    let counts = [
        (regions(Change::Added), "region", "added"),
        (regions(Change::Removed), "region", "removed"),
        (regions(Change::Changed), "region", "changed"),
        (pools(PoolVerb::Appears), "pool", "appear"),
        (pools(PoolVerb::Disappears), "pool", "disappear"),
        (pools(PoolVerb::Grows), "pool", "grow"),
        (pools(PoolVerb::Shrinks), "pool", "shrink"),
        (pools(PoolVerb::Moves), "pool", "move"),
        (pools(PoolVerb::Changes), "pool", "change"),
        (plan.settings.len(), "setting", "changed"),
    ];
    let counted = counts.iter().filter(|(count, ..)| *count > 0);
    let mut parts: Vec<String> = counted.map(|(count, noun, verb)| phrase(*count, noun, verb)).collect();
    if plan.residency_changed {
        parts.push("residency changes: queued missions are checked again".to_owned());
    }
    format!("Plan: {}.", parts.join(", "))
}

/// `1 pool grows`, `2 pools grow`, `1 region added`.
fn phrase(count: usize, noun: &str, verb: &str) -> String {
    match (count, verb.ends_with("ed")) {
        (1, true) => format!("1 {noun} {verb}"),
        (1, false) => format!("1 {noun} {verb}s"),
        _ => format!("{count} {noun}s {verb}"),
    }
}
