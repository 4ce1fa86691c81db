//! The JSON Schema of a drill file, for editors. It knows shapes, names and spelling; what the blocks mean together is
//! checked by [`super::file`] alone. Draft 7, which YAML editors know best.

mod blocks;
mod providers;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};
use topology::schema::build::{block, described, refer};

use super::TierName;
use blocks::{abort, after, blast_radius, context, hypothesis, load, objectives, probe, step, tolerance, world};

/// The schema as JSON.
#[must_use]
pub fn json_schema() -> Value {
    let mut schema = block(
        "A declared fault on a world, with a hypothesis, a measurement and a report.",
        &["title", "description", "blast_radius", "steady-state-hypothesis", "method"],
        json!({
            "version": described(json!({ "const": 1 }), "Version of this file's form."),
            "title": text("One line for people; what --execute wants typed back."),
            "description": text("What it shows, and why."),
            "tags": described(json!({ "type": "array", "items": { "type": "string" } }), "Words to find it by."),
            "tiers": described(refer("tiers"), "Tiers that it is written for. Default: sim and local."),
            "context": context(),
            "configuration": {
                "description": "Values that $name uses and --var overrides.",
                "type": "object",
                "propertyNames": { "pattern": "^[a-z][a-z0-9_]*$" },
                "additionalProperties": { "type": ["string", "number", "boolean"] },
            },
            "world": world(),
            "load": load(),
            "objectives": objectives(),
            "blast_radius": blast_radius(),
            "steady-state-hypothesis": hypothesis(),
            "abort": described(list(abort()), "When it is broken off. Looked at every second; the first that holds."),
            "method": described(list(refer("step")), "What is done, in this order."),
            "rollbacks": described(
                list(block("One step.", &["ref"], json!({ "ref": refer("name") }))),
                "Steps that are undone first, in this order. What is not listed follows in reverse order.",
            ),
            "after": after(),
        }),
    );
    let top = schema.as_object_mut().expect("a block is an object");
    top.insert("$schema".into(), "http://json-schema.org/draft-07/schema#".into());
    top.insert("title".into(), "drill".into());
    top.insert("definitions".into(), definitions());
    schema
}

fn definitions() -> Value {
    json!({
        "variable": { "description": "A value of configuration.", "type": "string", "pattern": r"\$" },
        "duration": {
            "description": "500ms, 4s, 2m, or a number of seconds.",
            "anyOf": [
                { "type": "number", "minimum": 0 },
                { "type": "string", "pattern": "^[0-9]+(ms|s|m|h)$" },
                refer("variable"),
            ],
        },
        "name": { "type": "string", "pattern": r"^[a-z][a-z0-9_-]{0,62}$|\$" },
        "region": text("most-leases, second-most-leases, or a region's name; usually $region."),
        "end": text("A region, or * (everybody else), clients, edge, database."),
        "argv": {
            "description": "Program and arguments; no shell.",
            "type": "array",
            "minItems": 1,
            "items": { "type": ["string", "number"] },
        },
        "tiers": { "type": "array", "items": { "enum": TierName::ALL.map(TierName::as_str) } },
        "tolerance": tolerance(),
        "probe": probe(),
        "step": step(),
        "look": providers::look(),
        "do": providers::act(),
    })
}

fn text(description: &str) -> Value {
    json!({ "description": description, "type": "string", "minLength": 1 })
}

fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

/// A number within bounds, or a variable.
fn number(description: &str, least: f64, most: f64) -> Value {
    or_variable(description, json!({ "type": "number", "minimum": least, "maximum": most }))
}

/// A whole number within bounds, or a variable.
fn count(description: &str, least: u32, most: u32) -> Value {
    or_variable(description, json!({ "type": "integer", "minimum": least, "maximum": most }))
}

/// One of a few words, or a variable.
fn choice(description: &str, words: &[&str]) -> Value {
    or_variable(description, json!({ "enum": words }))
}

fn or_variable(description: &str, schema: Value) -> Value {
    json!({ "description": description, "anyOf": [schema, refer("variable")] })
}
