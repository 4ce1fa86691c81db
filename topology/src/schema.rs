//! The JSON Schema of `topology.yaml`, for editors. It knows shapes, names and spelling; what the blocks mean together
//! is checked by [`crate::config`] alone. Draft 7, which YAML editors know best.

mod blocks;
pub mod build;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use blocks::{
    agent, budgets, database, load_balancer, measured, platform, pool, provider, region, residency, rollout, scheduling,
};
use build::{block, described, either_case, names, refer};

use crate::config::area;

const NAME: &str = "^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$";
const DURATION: &str = "^[0-9]+(ms|s|m|h)$";
const NETWORK: &str = r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$";

/// The schema as JSON.
#[must_use]
pub fn json_schema() -> Value {
    let mut schema = block(
        "Which agent pools live in which cloud region.",
        &["regions"],
        json!({
            "version": described(json!({ "const": 1 }), "Version of this file's form."),
            "regions": described(
                json!({ "type": "array", "minItems": 1, "maxItems": 1000, "items": refer("region") }),
                "The regions that run agents.",
            ),
            "load_balancer": refer("load_balancer"),
            "residency": {
                "description": "Named rules about where missions and their rows may be.",
                "type": "object",
                "propertyNames": refer("name"),
                "additionalProperties": refer("residency"),
            },
            "fallbacks": {
                "description": "For a home region, groups of regions that stand in for it, in order.",
                "type": "object",
                "propertyNames": refer("name"),
                "additionalProperties": { "type": "array", "items": names("A group: any of these.") },
            },
            "database": refer("database"),
            "scheduling": refer("scheduling"),
            "latency": described(
                json!({ "type": "array", "maxItems": 5000, "items": refer("measured") }),
                "Measured round trips between regions; the others are estimated from the distance.",
            ),
            "platform": refer("platform"),
            "rollout": refer("rollout"),
            "budgets": refer("budgets"),
        }),
    );
    let top = schema.as_object_mut().expect("a block is an object");
    top.insert("$schema".into(), "http://json-schema.org/draft-07/schema#".into());
    top.insert("title".into(), "topology.yaml".into());
    top.insert("definitions".into(), definitions());
    schema
}

fn definitions() -> Value {
    json!({
        "name": { "type": "string", "pattern": NAME },
        "duration": { "type": "string", "pattern": DURATION, "examples": ["500ms", "5s", "2m", "1h"] },
        "provider": provider(),
        "region": region(),
        "agent": agent(),
        "load_balancer": load_balancer(),
        "pool": pool(),
        "area": { "type": "string", "anyOf": either_case(&area::all().collect::<Vec<_>>()) },
        "residency": residency(),
        "database": database(),
        "scheduling": scheduling(),
        "measured": measured(),
        "platform": platform(),
        "rollout": rollout(),
        "budgets": budgets(),
    })
}
