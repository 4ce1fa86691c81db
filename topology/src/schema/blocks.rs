//! One schema for each block of the file.

use serde_json::{Value, json};

use super::NETWORK;
use super::build::{any_case, block, described, either_case, names, refer, words};
use crate::catalogue::Catalogue;
use crate::model::{Provider, RegionState, ResidencyStrength, Role, Survive};

pub(super) fn region() -> Value {
    let mut region = block(
        "A region that runs pools. The catalogue knows where its cloud region stands and whose law holds there.",
        &["name", "provider", "region"],
        json!({
            "name": described(refer("name"), "The region's name, such as us-west."),
            "provider": refer("provider"),
            "region": described(json!({ "type": "string" }), "The cloud's own name, such as us-west-2."),
            "agents": described(
                json!({ "type": "array", "maxItems": 1000, "items": refer("agent") }),
                "The pools of this region.",
            ),
            "state": {
                "description": "How far its roll-out has come. Nothing is placed before dark.",
                "enum": words(RegionState::ALL),
                "default": "active",
            },
            "cidr": described(json!({ "type": "string", "pattern": NETWORK }), "Its network range, such as 10.12.0.0/16."),
            "spot": described(json!({ "type": "boolean", "default": false }), "Whether its agents run on spot capacity."),
        }),
    );
    let known = Provider::ALL.map(|provider| {
        let names: Vec<&str> = Catalogue::built_in()
            .regions()
            .iter()
            .filter(|region| region.provider == provider)
            .map(|region| &*region.name)
            .collect();
        let is_it = json!({ "properties": { "provider": { "pattern": any_case(provider.as_str()) } }, "required": ["provider"] });
        json!({ "if": is_it, "then": { "properties": { "region": { "enum": names } } } })
    });
    region.as_object_mut().expect("a block is an object").insert("allOf".into(), known.to_vec().into());
    region
}

pub(super) fn agent() -> Value {
    let role = json!({ "enum": words(Role::ALL) });
    let count =
        |what: &str, least: u32| described(json!({ "type": "integer", "minimum": least, "maximum": 10_000 }), what);
    let full = block(
        "All agents of one specialization in this region.",
        &["specialization", "role", "replicas"],
        json!({
            "specialization": described(refer("name"), "The kind of agent, such as engineer-master."),
            "role": described(role, "First choice, or takes over when the primary is down or saturated."),
            "replicas": count("Wished number of agents.", 0),
            "slots": described(
                json!({ "type": "integer", "minimum": 1, "maximum": 1000, "default": 1 }),
                "Missions that one agent works on at a time.",
            ),
            "min": count("Lower bound of autoscaling.", 0),
            "max": count("Upper bound of autoscaling.", 0),
            "run_limit": described(refer("duration"), "Longest run of one mission."),
        }),
    );
    json!({
        "anyOf": [
            {
                "description": "Short form, quoted: \"engineer-master (primary: 5 replicas)\".",
                "type": "string",
                "pattern": r"^\s*[a-z][a-z0-9-]*\s*\(\s*(primary|replica)\s*:\s*[0-9]+\s*(replicas?)?\s*\)\s*$",
            },
            {
                "description": "Short form, unquoted: YAML reads its colon as the end of a key.",
                "type": "object",
                "minProperties": 1,
                "maxProperties": 1,
                "patternProperties": {
                    r"^[a-z][a-z0-9-]*\s*\(\s*(primary|replica)\s*$": {
                        "type": "string",
                        "pattern": r"^[0-9]+\s*(replicas?)?\s*\)$",
                    },
                },
                "additionalProperties": false,
            },
            full,
        ],
    })
}

pub(super) fn load_balancer() -> Value {
    let steer = block(
        "An area whose users go to a pool.",
        &["region", "pool"],
        json!({
            "region": described(refer("area"), "A word such as Europe, or one of Cloudflare's 13 codes."),
            "pool": described(json!({ "type": "string" }), "A listed pool, or <region>-pool of a region."),
        }),
    );
    block(
        "Cloudflare load balancing. Areas that are not named go to the nearest region.",
        &[],
        json!({
            "name": { "type": "string", "minLength": 1 },
            "pools": { "type": "array", "items": refer("pool") },
            "geo_steering": { "type": "array", "items": steer },
        }),
    )
}

pub(super) fn pool() -> Value {
    let origin = block(
        "An address behind the pool.",
        &["name", "address"],
        json!({
            "name": { "type": "string", "minLength": 1 },
            "address": described(json!({ "type": "string", "pattern": r"^[A-Za-z0-9.\[\]:_-]+$" }), "A host name or IP address."),
            "weight": { "type": "number", "minimum": 0, "maximum": 1, "default": 1 },
        }),
    );
    block(
        "The Cloudflare pool of one region: named <region>-pool, or with `for`.",
        &["name"],
        json!({
            "name": { "type": "string", "pattern": "^[A-Za-z0-9_-]{1,100}$" },
            "for": described(refer("name"), "The region that the pool belongs to."),
            "origins": { "type": "array", "items": origin },
            "monitor": described(json!({ "type": "string", "pattern": r"^/\S*$" }), "The path that is asked for health."),
        }),
    )
}

pub(super) fn residency() -> Value {
    let mut regions = names("Regions that may run such missions.");
    regions.as_object_mut().expect("a list is an object").insert("minItems".into(), 1.into());
    let full = block(
        "Regions, and whether the rule also binds the replicas of the rows.",
        &["regions"],
        json!({ "regions": regions.clone(), "strength": { "enum": words(ResidencyStrength::ALL), "default": "run" } }),
    );
    json!({ "anyOf": [regions, full] })
}

pub(super) fn database() -> Value {
    let mut clouds: Vec<&str> = Provider::ALL.map(Provider::as_str).to_vec();
    clouds.push("self");
    block(
        "Where the database runs and what it survives.",
        &[],
        json!({
            "cloud": {
                "description": "The cluster's cloud; self = own machines, a database region is any locality label.",
                "type": "string",
                "anyOf": either_case(&clouds),
            },
            "primary_region": described(refer("name"), "The database region of what belongs to no region."),
            "survive": described(json!({ "enum": words(Survive::ALL) }), "The loss of a zone, or of a region (needs three)."),
            "placement": described(
                json!({ "enum": ["default", "restricted"], "default": "default" }),
                "restricted keeps all replicas in their region; only with survive: zone.",
            ),
            "regions": {
                "description": "Region to database region; others are their own or take the nearest.",
                "type": "object",
                "propertyNames": refer("name"),
                "additionalProperties": refer("name"),
            },
            "max_clock_offset": described(refer("duration"), "Most that two gateways' clocks may differ."),
        }),
    )
}

pub(super) fn scheduling() -> Value {
    let clock = |what: &str| described(refer("duration"), what);
    block(
        "Clocks and limits.",
        &[],
        json!({
            "session_ttl": clock("A session that is silent for so long is ended; at least three heartbeats."),
            "heartbeat": clock("Time between two heartbeats of a session."),
            "margin": clock("An agent stops so long before its lease ends."),
            "down_after": clock("A region or pool that is silent for so long is down."),
            "up_after": clock("Steady heartbeats that a region needs to come back."),
            "spill_after": clock("A primary with a longer queue wait counts as saturated."),
            "max_attempts": { "type": "integer", "minimum": 1, "maximum": 100 },
            "max_crashes": { "type": "integer", "minimum": 2, "maximum": 100 },
            "run_limit": clock("Longest run of one mission."),
            "aging": clock("Waiting time that raises a mission's priority by one step."),
        }),
    )
}

pub(super) fn measured() -> Value {
    let mut between = names("The two regions.");
    let bounds = between.as_object_mut().expect("a list is an object");
    bounds.extend([("minItems".to_owned(), 2.into()), ("maxItems".to_owned(), 2.into())]);
    block(
        "A measured round trip; without source and date it is not used.",
        &["between", "rtt"],
        json!({
            "between": between,
            "rtt": described(refer("duration"), "The round-trip time, such as 61ms."),
            "source": described(json!({ "type": "string", "minLength": 1 }), "Where the figure is from."),
            "date": described(json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" }), "Of which day it is."),
        }),
    )
}

pub(super) fn platform() -> Value {
    let text = json!({ "type": "string", "minLength": 1 });
    block(
        "Accounts and Terraform.",
        &[],
        json!({
            "accounts": {
                "type": "object",
                "propertyNames": refer("provider"),
                "additionalProperties": described(text.clone(), "Account, subscription or project; quote numbers."),
            },
            "zone": described(text.clone(), "The DNS zone."),
            "network_range": described(json!({ "type": "string", "pattern": NETWORK }), "The range that all regions' ranges are in."),
            "backend": {
                "description": "Terraform's backend: its type and settings.",
                "type": "object",
                "required": ["type"],
                "additionalProperties": text.clone(),
            },
            "module_source": described(text, "Where Terraform's modules come from."),
        }),
    )
}

pub(super) fn rollout() -> Value {
    block(
        "How a region takes its load.",
        &[],
        json!({
            "steps": {
                "description": "Shares of the load in per cent, going up.",
                "type": "array",
                "items": { "type": "integer", "minimum": 1, "maximum": 100 },
            },
            "soak": described(refer("duration"), "Time between two steps."),
        }),
    )
}

pub(super) fn budgets() -> Value {
    let number = |what: &str| described(json!({ "type": "number", "minimum": 0 }), what);
    block(
        "What may be spent.",
        &[],
        json!({
            "monthly_usd": number("Cost of a month in US dollars."),
            "error_minutes": number("Bad minutes of a month."),
        }),
    )
}

pub(super) fn provider() -> Value {
    json!({ "type": "string", "anyOf": either_case(&Provider::ALL.map(Provider::as_str)) })
}
