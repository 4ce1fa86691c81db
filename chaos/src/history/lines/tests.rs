use std::io::Write as _;

use serde_json::json;
use topology::{Epoch, MissionId, SessionId};
use uuid::Uuid;

use super::*;
use crate::history::{Call, OpKind};

const ID: &str = "00000000-0000-0000-0000-000000000001";

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn read<T: Line>(text: &str) -> Result<Vec<T>, Error> {
    Lines::open(file(text).path())?.collect()
}

fn effect(event: &str) -> String {
    let line =
        json!({"at_us": 1, "event": event, "mission": ID, "epoch": 2, "session": ID, "region": "us-west", "more": 1});
    format!("{line}\n")
}

#[test]
fn what_was_written_is_read_back_and_a_line_that_was_cut_off_is_left_out() {
    let mission = MissionId(Uuid::from_u128(1));
    let session = SessionId(Uuid::from_u128(2));
    let submit = |mission, allowed: &[&str]| Call::Submit {
        key: "k".to_owned(),
        mission,
        priority: 5,
        residency: None,
        allowed: allowed.iter().map(|region| (*region).to_owned()).collect(),
    };
    let calls = [
        submit(None, &[]),
        submit(Some(mission), &["us-west"]),
        Call::Complete { mission, epoch: Epoch(3), session, outcome: "00ff".to_owned() },
        Call::Fail { mission, epoch: Epoch(3), session },
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("submits.jsonl");
    let mut written = Vec::new();
    for (n, call) in (0_u64..).zip(calls) {
        // Opened anew each time: a record goes on where it ended.
        let op = Op { at_us: 7, op: n, kind: OpKind::Info, call, error: (n > 0).then(|| "timeout".to_owned()) };
        Record::open(&path).unwrap().add(&op).unwrap();
        written.push(op);
    }
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"at_us\":").unwrap();
    let read: Vec<Op> = Lines::open(&path).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(read, written);
}

#[test]
fn an_agents_line_is_an_operation() {
    // As region-agent's tests see it written.
    let line = format!(
        "{{\"at_us\":1,\"op\":2,\"type\":\"fail\",\"call\":\"complete\",\"mission\":\"{ID}\",\"epoch\":3,\
         \"session\":\"{ID}\",\"outcome\":\"aa\",\"error\":\"lease_lost\",\"new\":{{}}}}\n"
    );
    let op = read::<Op>(&line).unwrap().remove(0);
    let id = Uuid::from_u128(1);
    let call =
        Call::Complete { mission: MissionId(id), epoch: Epoch(3), session: SessionId(id), outcome: "aa".to_owned() };
    assert_eq!(op, Op { at_us: 1, op: 2, kind: OpKind::Fail, call, error: Some("lease_lost".to_owned()) });
}

#[test]
fn ledger_lines_of_unknown_kinds_are_skipped_and_broken_ones_are_told_with_their_place() {
    let other = "{\"event\":\"checkpoint\"}\n";
    let known = read::<Effect>(&[&effect("start"), other, &effect("end")].concat()).unwrap();
    assert_eq!(known.iter().map(|effect| effect.event).collect::<Vec<_>>(), [EffectKind::Start, EffectKind::End]);

    for broken in ["{\"event\":\"start\"}\n", "{}\n", "no\n"] {
        let error = read::<Effect>(&[&effect("start"), broken, &effect("end")].concat()).unwrap_err();
        assert!(matches!(&error, Error::Line { line: 2, .. }), "{broken:?}: {error:?}");
    }
    let missing = format!("{{\"at_us\":1,\"op\":2,\"type\":\"ok\",\"call\":\"complete\",\"mission\":\"{ID}\"}}\n");
    let error = read::<Op>(&missing).unwrap_err();
    assert!(error.to_string().ends_with(":1: not a line of this file"), "{error}");
}
