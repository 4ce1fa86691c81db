//! `topology derive` as a user calls it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const WORLD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scheduler/worlds/example/world_state.json");
const KNOWLEDGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scheduler/worlds/example/knowledge.json");

fn topology(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_topology")).args(args).output().unwrap()
}

fn derive(more: &[&str]) -> Output {
    topology(&[&["derive", "--world", WORLD, "--knowledge", KNOWLEDGE], more].concat())
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn what_is_written_validates_without_a_remark() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("topology.yaml");
    let path = path.to_str().unwrap();
    let written = derive(&["--regions", "3", "--out", path]);
    assert!(written.status.success(), "{}", err(&written));
    let checked = topology(&["validate", "--strict", path]);
    assert_eq!(checked.status.code(), Some(0), "{}", err(&checked));
    let printed = derive(&[]);
    assert_eq!(printed.stdout, std::fs::read(path).unwrap());
}

#[test]
fn a_file_that_was_edited_or_written_by_hand_is_overwritten_only_by_force() {
    let folder = tempfile::tempdir().unwrap();
    let edited = folder.path().join("edited.yaml");
    let path = edited.to_str().unwrap();
    assert!(derive(&["--out", path]).status.success());
    assert!(derive(&["--out", path]).status.success(), "an unedited file is overwritten");
    let text = std::fs::read_to_string(&edited).unwrap() + "# mine\n";
    std::fs::write(&edited, &text).unwrap();
    let by_hand = file(folder.path(), "hand.yaml", "version: 1\nregions: []\n");
    for path in [path, by_hand.to_str().unwrap()] {
        let before = std::fs::read(path).unwrap();
        let refused = derive(&["--out", path]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(err(&refused).contains("--force overwrites it"), "{}", err(&refused));
        assert_eq!(std::fs::read(path).unwrap(), before);
        assert!(derive(&["--out", path, "--force"]).status.success());
        assert_ne!(std::fs::read(path).unwrap(), before);
    }
}

#[test]
fn a_previous_file_stays_and_what_stays_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("topology.yaml");
    let path = path.to_str().unwrap();
    assert!(derive(&["--out", path]).status.success());
    let again = derive(&["--previous", path, "--weights", "home=0.2"]);
    assert!(
        err(&again).contains("previous: the previous regions stay: the best ones would gain only"),
        "{}",
        err(&again)
    );
    let regions = |text: &[u8]| {
        let text = String::from_utf8(text.to_vec()).unwrap();
        text.lines().filter(|line| line.starts_with("  - name:")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(regions(&again.stdout), regions(&std::fs::read(path).unwrap()));
    let more = derive(&["--previous", path, "--regions", "4"]);
    assert!(err(&more).contains("previous: the previous regions are not allowed any more"), "{}", err(&more));
}

#[test]
fn bad_input_is_refused_with_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let no_json = file(folder.path(), "no.json", "{\"regions\": [");
    let binary = folder.path().join("binary");
    std::fs::write(&binary, [0xff, 0xfe]).unwrap();
    let cases: [(&[&str], i32, &str); 8] = [
        (&["derive"], 2, "--world"),
        (&["derive", "--world", KNOWLEDGE], 1, r#"it has no "regions", but "ideas""#),
        (&["derive", "--world", no_json.to_str().unwrap()], 1, "the world file is no JSON: EOF"),
        (&["derive", "--world", binary.to_str().unwrap()], 1, "is not UTF-8"),
        (&["derive", "--world", "no-such-file"], 2, "cannot read no-such-file"),
        (&["derive", "--world", WORLD, "--regions", "60"], 1, "60 regions that are 500 km apart cannot be had"),
        (&["derive", "--world", WORLD, "--partition", "mars"], 2, "not \"mars\""),
        (&["derive", "--world", WORLD, "--providers", "aws,oracle"], 2, "not \"oracle\""),
    ];
    for (args, code, text) in cases {
        let refused = topology(args);
        assert_eq!(refused.status.code(), Some(code), "{args:?}: {}", err(&refused));
        assert!(err(&refused).contains(text), "{args:?}: {}", err(&refused));
        assert!(refused.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn json_carries_the_decisions() {
    let output = derive(&["--format", "json", "--providers", "digitalOCEAN", "-n", "2"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["report"]["regions"].as_array().unwrap().len(), 2);
    assert_eq!(report["report"]["regions"][0]["provider"], "DigitalOcean");
    assert!(report["text"].as_str().unwrap().contains("# digest: sha256:"));
    assert!(report["oddities"].as_array().unwrap().len() >= 2);
}
