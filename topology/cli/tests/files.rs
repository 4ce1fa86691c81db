//! The commands that need files only: what they print and how they end.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn topology(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_topology"));
    command.args(args).current_dir(crate_root());
    for name in ["MERIDIAN_SERVER", "MERIDIAN_TOKEN"] {
        command.env_remove(name);
    }
    command.output().expect("the program starts")
}

/// The library's folder: `topology.yaml` and the test data are there.
fn crate_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the program lies inside the library").to_owned()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("output is UTF-8")
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("output is UTF-8")
}

/// The exit code, with what was said where it is another one.
#[track_caller]
fn ends(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}{}", out(output), err(output));
}

#[test]
fn the_shipped_file_and_both_examples_validate() {
    let output = topology(&["validate", "topology.yaml", "tests/data/design.yaml", "tests/data/shorthand.yaml"]);
    ends(&output, 0);
    insta::assert_snapshot!(out(&output));
}

#[test]
fn ten_mistakes_are_shown_at_once_and_exit_with_one() {
    let output = topology(&["validate", "tests/data/ten-mistakes.yaml"]);
    ends(&output, 1);
    assert!(err(&output).ends_with("tests/data/ten-mistakes.yaml: 10 errors, 1 warning\n"), "{}", err(&output));
}

#[test]
fn findings_as_json_are_one_document_for_all_files() {
    let output = topology(&["--format", "json", "validate", "topology.yaml", "tests/data/ten-mistakes.yaml"]);
    ends(&output, 1);
    let json: serde_json::Value = serde_json::from_str(&out(&output)).expect("output is JSON");
    let findings = json["findings"].as_array().expect("findings is a list");
    assert_eq!(findings.iter().filter(|finding| finding["severity"] == "error").count(), 10);
    for key in ["code", "message", "file", "line", "column", "hint"] {
        assert!(findings.iter().all(|finding| finding.get(key).is_some()), "{key}");
    }
}

#[test]
fn strict_makes_mistakes_of_warnings() {
    ends(&topology(&["validate", "tests/data/shorthand.yaml", "--strict"]), 0);
    ends(&topology(&["validate", "topology.yaml", "--strict"]), 1);
}

#[test]
fn what_cannot_be_read_is_usage_and_what_is_no_text_is_a_finding() {
    ends(&topology(&["validate", "no-such-file.yaml"]), 2);
    ends(&topology(&["validate"]), 2);
    ends(&topology(&["no-such-command"]), 2);
    ends(&topology(&["--help"]), 0);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("latin1.yaml");
    std::fs::write(&file, b"regions: \xe9").expect("a file");
    let output = topology(&["validate", &file.display().to_string()]);
    ends(&output, 1);
    assert!(err(&output).contains("byte 9"), "{}", err(&output));
}

#[test]
fn the_schema_is_the_shipped_one() {
    let output = topology(&["schema"]);
    ends(&output, 0);
    let shipped = std::fs::read_to_string(crate_root().join("topology.schema.json")).expect("the schema is there");
    assert!(out(&output) == shipped, "run: cargo run -p topology-cli -- schema > topology/topology.schema.json");
}

#[test]
fn a_plan_exits_with_zero_unless_the_difference_is_asked_for() {
    let (old, new) = ("tests/data/design.yaml", "tests/data/four-regions.yaml");
    ends(&topology(&["plan", old, new]), 0);
    ends(&topology(&["plan", old, new, "--detailed-exitcode"]), 1);
    ends(&topology(&["plan", old, old, "--detailed-exitcode"]), 0);
    ends(&topology(&["plan", old, "tests/data/ten-mistakes.yaml"]), 1);
    ends(&topology(&["plan", old]), 2);
    let output = topology(&["plan", old, new, "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&out(&output)).expect("output is JSON");
    assert_eq!(json["residency_changed"], false);
}

#[test]
fn explain_shows_the_table_of_the_decision() {
    let args = ["explain", "topology.yaml", "--from", "48.85,2.35", "--specialization", "secure-specialist"];
    let output = topology(&args);
    ends(&output, 0);
    insta::assert_snapshot!(out(&output));
}

#[test]
fn explain_obeys_residency_and_says_why_nothing_may_take_a_mission() {
    let base = ["explain", "topology.yaml", "--from", "us", "--specialization", "secure-specialist"];
    let output = topology(&[&base[..], &["--residency", "eu"]].concat());
    ends(&output, 0);
    assert!(out(&output).contains("goes to europe-west/secure-specialist"), "{}", out(&output));
    let output = topology(&[&base[..], &["--residency", "eu", "--down", "europe-west"]].concat());
    ends(&output, 1);
    assert!(out(&output).contains("waits as pending: no_healthy_pool"), "{}", out(&output));
}

#[test]
fn explain_takes_cities_countries_places_and_regions_as_origin() {
    let world = crate_root().join("../scheduler/worlds/example/world_state.json").display().to_string();
    for from in ["US:San Francisco", "US:Seattle", "us-west", "US", "-33.9,151.2"] {
        let args =
            ["explain", "topology.yaml", "--world", &world, "--specialization", "engineer-master", "--from", from];
        let output = topology(&args);
        ends(&output, 0);
        assert!(out(&output).contains("goes to us-"), "{from}: {}", out(&output));
    }
}

#[test]
fn explain_refuses_what_is_nowhere_with_the_nearest_name() {
    let world = crate_root().join("../scheduler/worlds/example/world_state.json").display().to_string();
    let cases: [(&[&str], i32, &str); 5] = [
        (&["--from", "91,0", "--specialization", "engineer-master"], 2, "latitude"),
        (&["--from", "Nowhere", "--specialization", "engineer-master"], 2, "--world"),
        (&["--from", "US:Seatle", "--world", &world, "--specialization", "engineer-master"], 2, "US:Seattle"),
        (&["--from", "US", "--specialization", "engineer-mater"], 1, "engineer-master"),
        (&["--from", "US", "--specialization", "engineer-master", "--residency", "ue"], 1, "eu"),
    ];
    for (args, code, wanted) in cases {
        let output = topology(&[&["explain", "topology.yaml"], args].concat());
        ends(&output, code);
        assert!(err(&output).contains(wanted), "{wanted}: {}", err(&output));
    }
}
