//! The schemas of providers. Those of the faults are made of the reader's own words and keys.

use serde_json::{Map, Value, json};
use topology::schema::build::{block, described, refer};

use super::{choice, count, number, text};
use crate::drill::file::fault::Word;
use crate::drill::file::provider::FIGURES;

/// The keys of a fault's provider that may be left out.
const OPTIONAL: [&str; 4] = ["to", "direction", "jitter_ms", "after_ms"];

/// Providers that look.
pub(super) fn look() -> Value {
    let figures = FIGURES.map(|(word, _)| word);
    json!({ "anyOf": [
        block("A figure of the world's own.", &["type", "query"], json!({
            "type": { "const": "sli" },
            "query": choice("Which.", &figures),
            "window_s": described(refer("duration"), "Over which time. Default: 2s."),
        })),
        block("Status of a GET.", &["type", "url"], json!({
            "type": { "const": "http" },
            "url": text("Address."),
        })),
        block("What a command answers.", &["type", "argv"], json!({
            "type": { "const": "process" },
            "argv": refer("argv"),
            "read": choice("Its exit code, or the number that it prints. Default: exit_code.", &["exit_code", "number"]),
        })),
    ] })
}

/// Providers that do something.
pub(super) fn act() -> Value {
    let mut all: Vec<Value> = Word::ALL.into_iter().map(fault).collect();
    all.push(block(
        "A declared command, with the one that undoes it.",
        &["type", "target", "argv", "undo"],
        json!({
            "type": { "const": "command" },
            "target": text("What it is done to, for people."),
            "region": described(refer("region"), "The region that it takes away, where it takes one."),
            "argv": refer("argv"),
            "undo": described(refer("argv"), "Undoes it."),
            "timeout_s": described(refer("duration"), "Longest run of either. Default: 30s."),
        }),
    ));
    all.push(block(
        "Undoes an earlier step now rather than at the end.",
        &["type", "of"],
        json!({
            "type": { "const": "undo" },
            "of": refer("name"),
        }),
    ));
    json!({ "anyOf": all })
}

fn fault(word: Word) -> Value {
    let properties: Map<String, Value> =
        word.keys().iter().map(|key| ((*key).to_owned(), property(word, key))).collect();
    let required: Vec<&str> = word.keys().iter().copied().filter(|key| !OPTIONAL.contains(key)).collect();
    block(says(word), &required, properties.into())
}

/// What a fault does, in one line.
const fn says(word: Word) -> &'static str {
    match word {
        Word::Partition => "Nothing passes between two ends.",
        Word::Toxic(_) => "The links between two ends are bad.",
        Word::GatewayDown => "A region's gateway to the database is gone.",
        Word::Kill => "Processes die (SIGKILL).",
        Word::CrashLoop => "A region's scheduler dies and is started again, again and again.",
        Word::Pause => "Processes stand still (SIGSTOP).",
        Word::RestartDatabase => "The database stops as in a crash, and is started again.",
        Word::Statements => "Some statements are answered badly.",
        Word::Cordon => "An operator lets a region start nothing new.",
        Word::Drain => "An operator lets a region finish or hand back.",
        Word::Edge => "The edge's monitor is told something that is not so.",
        Word::Load => "Missions are submitted at another rate.",
        Word::SilenceInjector => "Whoever injects the faults falls silent.",
    }
}

fn property(word: Word, key: &str) -> Value {
    const MINUTE: u32 = 60_000;
    match key {
        "type" => json!({ "const": "fault" }),
        "fault" => json!({ "const": word.as_str() }),
        "from" => described(refer("end"), "First end."),
        "to" => described(refer("end"), "Second end. Default: everybody else."),
        "direction" => choice("Which way, seen from `from`. Default: both.", &["both", "out", "in"]),
        "ms" => count("So late, in milliseconds.", 0, MINUTE),
        "jitter_ms" => count("And up to so much more or less.", 0, MINUTE),
        "after_ms" => count("After so long, in milliseconds.", 0, MINUTE),
        "bytes_per_s" => count("Bytes a second.", 0, u32::MAX),
        "region" => refer("region"),
        "target" => text("scheduler@REGION, agent@REGION or region@REGION."),
        "every" => described(refer("duration"), "Time between two deaths."),
        "down" => described(refer("duration"), "How long it is away."),
        "name" => text("Name of the statement, or * for all that write."),
        "answer" => choice("What is answered.", &["serialization_failure", "admin_shutdown", "ambiguous"]),
        "share" => number("Share of them.", 0.0, 1.0),
        "health" => choice("What the monitor is told.", &["red", "green"]),
        "per_second" => number("Missions a second.", 0.0, 10_000.0),
        other => unreachable!("the key {other} of {} has no schema", word.as_str()),
    }
}
