//! The JSON Schema of `topology.yaml`, for editors. It knows shapes, names and spelling; what the blocks mean together
//! is checked by [`crate::config`] alone. Draft 7, which YAML editors know best.

use serde_json::{Map, Value, json};

use crate::catalogue::Catalogue;
use crate::config::area;
use crate::model::Provider;

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

fn region() -> Value {
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
                "enum": ["planned", "provisioning", "dark", "canary", "active", "retiring"],
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

fn agent() -> Value {
    let role = json!({ "enum": ["primary", "replica"] });
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

fn load_balancer() -> Value {
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

fn pool() -> Value {
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

fn residency() -> Value {
    let mut regions = names("Regions that may run such missions.");
    regions.as_object_mut().expect("a list is an object").insert("minItems".into(), 1.into());
    let full = block(
        "Regions, and whether the rule also binds the replicas of the rows.",
        &["regions"],
        json!({ "regions": regions.clone(), "strength": { "enum": ["run", "store"], "default": "run" } }),
    );
    json!({ "anyOf": [regions, full] })
}

fn database() -> Value {
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
            "survive": described(json!({ "enum": ["zone", "region"] }), "The loss of a zone, or of a region (needs three)."),
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

fn scheduling() -> Value {
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

fn measured() -> Value {
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

fn platform() -> Value {
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

fn rollout() -> Value {
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

fn budgets() -> Value {
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

/// A block with these keys and no others.
fn block(description: &str, required: &[&str], properties: Value) -> Value {
    let mut block = json!({
        "description": description,
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        block.as_object_mut().expect("a block is an object").insert("required".into(), required.into());
    }
    block
}

/// A reference stands alone in draft 7, so its description goes around it.
fn described(schema: Value, description: &str) -> Value {
    let mut around = match schema {
        Value::Object(inner) if !inner.contains_key("$ref") => inner,
        inner => Map::from_iter([("allOf".to_owned(), json!([inner]))]),
    };
    around.insert("description".into(), description.into());
    Value::Object(around)
}

fn refer(definition: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{definition}") })
}

fn names(description: &str) -> Value {
    json!({ "description": description, "type": "array", "items": refer("name"), "uniqueItems": true })
}

fn provider() -> Value {
    json!({ "type": "string", "anyOf": either_case(&Provider::ALL.map(Provider::as_str)) })
}

/// The words as an editor should offer them, and in any letter case.
fn either_case(words: &[&str]) -> Value {
    let patterns: Vec<String> = words.iter().map(|word| any_case(word)).collect();
    json!([{ "enum": words }, { "pattern": patterns.join("|") }])
}

/// The pattern of a word in any letter case.
fn any_case(word: &str) -> String {
    let letters: String = word
        .chars()
        .map(|c| {
            if c.is_ascii_alphabetic() {
                format!("[{}{}]", c.to_ascii_uppercase(), c.to_ascii_lowercase())
            } else {
                c.to_string()
            }
        })
        .collect();
    format!("^{letters}$")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, keys};

    const SHIPPED: &str = include_str!("../topology.yaml");
    const GOOD: [&str; 3] =
        [SHIPPED, include_str!("../tests/data/design.yaml"), include_str!("../tests/data/shorthand.yaml")];

    fn mistakes(text: &str) -> Vec<String> {
        let validator = jsonschema::validator_for(&json_schema()).expect("the schema is one");
        let instance = config::to_json(text);
        validator.iter_errors(&instance).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    #[test]
    fn the_shipped_file_and_the_examples_fit_the_schema_and_validate() {
        for text in GOOD {
            assert_eq!(mistakes(text), Vec::<String>::new());
            config::parse(text, "topology.yaml").unwrap_or_else(|findings| panic!("{}", findings.render(false)));
        }
    }

    #[test]
    fn wrong_files_do_not_fit_the_schema() {
        let region = |rest: &str| format!("regions:\n  - {{ name: a, provider: AWS, region: us-west-2{rest} }}\n");
        let wrong = [
            "{}".to_owned(),
            "regions: []".to_owned(),
            region(", agnets: []"),
            region(", agents: [a]"),
            region(", agents: [a (boss: 1)]"),
            region(", agents: [{ specialization: a, role: primary, replicas: 1000000000 }]"),
            region("").replace("us-west-2", "us-wets-2"),
            region("").replace("AWS", "AWSS"),
            region("").replace("name: a", "name: 5"),
            region("") + "scheduling: { heartbeat: 5 }\n",
            region("") + "residency: { eu: [] }\n",
            region("") + "load_balancer: { geo_steering: [{ region: Atlantis, pool: a-pool }] }\n",
            region("") + "database: { cloud: Amazon }\n",
            region("") + "bogus: 1\n",
        ];
        for text in wrong {
            assert_ne!(mistakes(&text), Vec::<String>::new(), "{text}");
        }
        assert_eq!(mistakes(&region(", agents: [a (primary: 1), b (replica: 2 replicas)]")), Vec::<String>::new());
    }

    #[test]
    fn the_schema_has_the_keys_that_the_parser_reads() {
        let schema = json_schema();
        let definition = |name: &str| schema["definitions"][name].clone();
        let blocks = [
            (schema.clone(), keys::FILE),
            (definition("region"), keys::REGION),
            (definition("agent")["anyOf"][2].clone(), keys::AGENT),
            (definition("load_balancer"), keys::LOAD_BALANCER),
            (definition("load_balancer")["properties"]["geo_steering"]["items"].clone(), keys::GEO_STEERING),
            (definition("pool"), keys::STEERING_POOL),
            (definition("pool")["properties"]["origins"]["items"].clone(), keys::ORIGIN),
            (definition("residency")["anyOf"][1].clone(), keys::RESIDENCY),
            (definition("database"), keys::DATABASE),
            (definition("scheduling"), keys::SCHEDULING),
            (definition("measured"), keys::LATENCY),
            (definition("platform"), keys::PLATFORM),
            (definition("rollout"), keys::ROLLOUT),
            (definition("budgets"), keys::BUDGETS),
        ];
        for (block, keys) in blocks {
            let mut wanted: Vec<&str> = keys.to_vec();
            wanted.sort_unstable();
            let found: Vec<&String> = block["properties"].as_object().expect("a block has properties").keys().collect();
            assert_eq!(found, wanted);
        }
    }

    #[test]
    fn the_shipped_file_names_the_shipped_schema() {
        let first = SHIPPED.lines().next().unwrap_or_default();
        assert_eq!(first, "# yaml-language-server: $schema=topology.schema.json");
        let shipped: Value = serde_json::from_str(include_str!("../topology.schema.json")).expect("the file is JSON");
        assert!(shipped == json_schema(), "run: cargo run -p topology-cli -- schema > topology/topology.schema.json");
    }
}
