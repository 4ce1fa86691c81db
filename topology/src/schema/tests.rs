//! The schema against the parser, the shipped files and a validator.

use serde_json::Value;

use super::json_schema;
use crate::config::{self, keys};
use crate::yaml::{Reader, to_json};

const SHIPPED: &str = include_str!("../../topology.yaml");
const GOOD: [&str; 3] =
    [SHIPPED, include_str!("../../tests/data/design.yaml"), include_str!("../../tests/data/shorthand.yaml")];

fn mistakes(text: &str) -> Vec<String> {
    let validator = jsonschema::validator_for(&json_schema()).expect("the schema is one");
    let root = Reader::open(text, "test", "").1.expect("the test's text is YAML");
    let instance = to_json(&root);
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
    let shipped: Value = serde_json::from_str(include_str!("../../topology.schema.json")).expect("the file is JSON");
    assert!(shipped == json_schema(), "run: cargo run -p topology-cli -- schema > topology/topology.schema.json");
}
