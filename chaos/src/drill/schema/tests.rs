//! The schema against the reader, the catalogue and a validator.

use topology::yaml::{Reader, to_json};

use super::json_schema;
use crate::drill::catalogue;
use crate::drill::file::fault::Word;
use crate::drill::file::keys;

const GOOD: &str = include_str!("../file/tests/good.yaml");

fn mistakes(text: &str) -> Vec<String> {
    let validator = jsonschema::validator_for(&json_schema()).expect("the schema is one");
    let root = Reader::open(text, "test", "").1.expect("the test's text is YAML");
    validator.iter_errors(&to_json(&root)).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_catalogue_fits_the_schema_and_names_it() {
    for drill in catalogue::all() {
        assert_eq!(mistakes(drill.text), Vec::<String>::new(), "{}", drill.name);
        assert_eq!(
            drill.text.lines().next(),
            Some("# yaml-language-server: $schema=drill.schema.json"),
            "{}",
            drill.name
        );
    }
    assert_eq!(mistakes(GOOD), Vec::<String>::new());
}

#[test]
fn wrong_files_do_not_fit_the_schema() {
    let wrong = [
        ("title:", "titel:"),
        ("regions_max: 1", "regions_max: one"),
        ("fault: partition", "fault: parttion"),
        ("type: undo, of: cut", "type: undo"),
        ("type: action, name: heal", "type: act, name: heal"),
        ("name: heal", "name: Heal"),
        ("to: \"*\"", "to: \"*\", direction: up"),
        ("query: submit_success_ratio", "query: luck"),
        ("tolerance: { min: 0.99 }", "tolerance: {}"),
        ("tolerance: { min: 0.99 }", "tolerance: [1]"),
        ("name: kill, provider", "name: kill, tolerance: 1, provider"),
        ("for_s: 20", "after_s: 20"),
        ("priorities: [1, 5]", "priorities: [1, 50]"),
        ("ref: kill", "reference: kill"),
    ];
    for (from, to) in wrong {
        assert_ne!(mistakes(&GOOD.replace(from, to)), Vec::<String>::new(), "{to}");
    }
}

#[test]
fn the_schema_has_the_keys_that_the_reader_reads() {
    let schema = json_schema();
    let top = |name: &str| schema["properties"][name].clone();
    let definition = |name: &str| schema["definitions"][name].clone();
    let blocks = [
        (schema.clone(), keys::FILE),
        (top("context"), keys::CONTEXT),
        (top("world"), keys::WORLD),
        (top("load"), keys::LOAD),
        (top("objectives"), keys::OBJECTIVES),
        (top("blast_radius"), keys::BLAST_RADIUS),
        (top("steady-state-hypothesis"), keys::HYPOTHESIS),
        (top("abort")["items"].clone(), keys::ABORT),
        (top("rollbacks")["items"].clone(), keys::ROLLBACK),
        (top("after"), keys::AFTER),
        (definition("probe"), keys::PROBE),
        (definition("step"), keys::STEP),
        (definition("step")["properties"]["pauses"].clone(), keys::PAUSES),
        (definition("tolerance")["anyOf"][2].clone(), keys::RANGE),
        (definition("tolerance")["anyOf"][3]["allOf"][0].clone(), keys::BOUNDS),
        (definition("look")["anyOf"][0].clone(), keys::SLI),
        (definition("look")["anyOf"][1].clone(), keys::HTTP),
        (definition("look")["anyOf"][2].clone(), keys::PROCESS),
        (definition("do")["anyOf"][Word::ALL.len()].clone(), keys::COMMAND),
        (definition("do")["anyOf"][Word::ALL.len() + 1].clone(), keys::UNDO),
    ];
    let faults = Word::ALL.iter().enumerate().map(|(at, word)| (definition("do")["anyOf"][at].clone(), word.keys()));
    for (block, keys) in blocks.into_iter().chain(faults) {
        let mut wanted: Vec<&str> = keys.to_vec();
        wanted.sort_unstable();
        let found: Vec<&String> = block["properties"].as_object().expect("a block has properties").keys().collect();
        assert_eq!(found, wanted);
    }
}
