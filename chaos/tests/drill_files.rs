//! The program on drill files: what it prints, and its exit codes.

use std::process::{Command, Output};

use serde_json::Value;

fn chaos(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chaos")).args(arguments).output().expect("the program is built with its tests")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("the answer is JSON")
}

fn file(name: &str, text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("the folder is writable");
    let path = path.to_string_lossy().into_owned();
    (folder, path)
}

const REGION_CUT: &str = include_str!("../drills/region-cut.yaml");

#[test]
fn the_catalogue_is_listed_for_people_and_for_programs() {
    let text = chaos(&["list"]);
    let text = String::from_utf8(text.stdout).expect("it is text");
    assert!(text.starts_with("NAME ") && text.contains("\nregion-cut "), "{text}");
    let drills = json(&chaos(&["list", "--format", "json"]))["drills"].clone();
    assert_eq!(drills.as_array().map(Vec::len), Some(text.lines().count() - 1));
    assert_eq!(drills[0]["name"], "region-cut");
    assert_eq!(drills[0]["tiers"], serde_json::json!(["sim", "local"]));
}

#[test]
fn a_good_file_validates_and_a_wrong_one_tells_where() {
    let (_folder, path) = file("good.yaml", REGION_CUT);
    let good = chaos(&["validate", &path, "--var", "region=us-west"]);
    assert_eq!(good.status.code(), Some(0), "{good:?}");

    let (_folder, path) = file("wrong.yaml", &REGION_CUT.replace("fault: kill", "fault: kil"));
    let wrong = chaos(&["validate", &path, "--format", "json"]);
    assert_eq!(wrong.status.code(), Some(1));
    let finding = &json(&wrong)["findings"][0];
    assert_eq!((&finding["code"], &finding["hint"]), (&"unknown_fault".into(), &"did you mean `kill`?".into()));
    assert_eq!(finding["file"], path);
    let line = REGION_CUT.lines().position(|line| line.contains("fault: kill")).map(|at| at + 1);
    assert_eq!(finding["line"].as_u64(), line.and_then(|line| u64::try_from(line).ok()));
}

#[test]
fn wrong_usage_is_no_finding() {
    assert_eq!(chaos(&["validate", "/nowhere/drill.yaml"]).status.code(), Some(2));
    let (_folder, path) = file("good.yaml", REGION_CUT);
    assert_eq!(chaos(&["validate", &path, "--var", "region"]).status.code(), Some(2));
    assert_eq!(chaos(&["validate", &path, "--var", "regoin=us-west"]).status.code(), Some(1));
}

#[test]
fn the_schema_that_is_printed_is_the_shipped_one() {
    let shipped: Value = serde_json::from_str(include_str!("../drills/drill.schema.json")).expect("it is JSON");
    let how = "run: cargo run -p chaos -- schema > chaos/drills/drill.schema.json";
    assert!(json(&chaos(&["schema"])) == shipped, "{how}");
}
