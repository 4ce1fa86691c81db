//! One schema for each block of the file, but for providers.

use serde_json::{Value, json};
use topology::schema::build::{block, described, refer};

use super::{choice, count, list, number, or_variable, text};
use crate::drill::{PlantedBug, REGIONS};

pub(super) fn context() -> Value {
    block(
        "The cluster that the drill is for; the tier cluster needs it.",
        &["argv", "name"],
        json!({
            "argv": described(refer("argv"), "Prints the current context."),
            "name": text("What it must print."),
        }),
    )
}

pub(super) fn world() -> Value {
    let slots: serde_json::Map<String, Value> =
        REGIONS.iter().map(|name| ((*name).to_owned(), count("Slots of this region.", 0, 10_000))).collect();
    block(
        "The world that the drill starts; in the tier cluster, how many regions there are.",
        &[],
        json!({
            "regions": count(&format!("How many of {}, in this order.", REGIONS.join(", ")), 2, 5),
            "specializations": count("Each region has a pool of each.", 1, 64),
            "slots": count("Slots of each region, over all its pools.", 1, 10_000),
            "slots_of": block("Regions with another number of slots.", &[], slots.into()),
            "run_ms": {
                "description": "Shortest and longest run of a mission, in milliseconds.",
                "type": "array",
                "minItems": 2,
                "maxItems": 2,
                "items": count("Milliseconds.", 1, 600_000),
            },
            "planted_bug": choice("A bug that the drill must find.", &PlantedBug::ALL.map(PlantedBug::as_str)),
        }),
    )
}

pub(super) fn load() -> Value {
    block(
        "What is submitted, and how fast.",
        &[],
        json!({
            "per_second": number("Missions a second, evenly from all regions; on a deployment 0 = none.", 0.0, 10_000.0),
            "warm_s": described(refer("duration"), "Load before the steady state is measured."),
            "steady_s": described(refer("duration"), "How long the steady state is measured."),
            "residency_share": number("Share of missions under a residency rule.", 0.0, 1.0),
            "priorities": described(list(count("A priority.", 0, 9)), "Drawn evenly."),
            "seed": count("Seed of everything that is drawn.", 0, u32::MAX),
        }),
    )
}

pub(super) fn objectives() -> Value {
    let seconds = |what: &str| number(what, 0.0, 3600.0);
    let missions = |what: &str| count(what, 0, 1_000_000);
    block(
        "What must be kept, each at most. An absent one is measured and decides nothing.",
        &[],
        json!({
            "rto_s": seconds("Seconds until every probe stays in tolerance until the heal."),
            "detection_s": seconds("Seconds until a survivor calls the region down."),
            "rpo_s": seconds("Seconds of acknowledged writes that are missing at the end."),
            "lost": missions("Acknowledged missions that never ended or ended without their work."),
            "duplicated": missions("Missions with two accepted completions."),
            "overlap": missions("Effects by an epoch after the first effect of a higher one."),
            "budget_minutes": number("Minutes with a probe out of tolerance.", 0.0, 1440.0),
            "survivors_p99_ratio": number("p99 submit-to-leased in survivors, times its steady value, or 50 ms if that is more.", 0.0, 1000.0),
            "failback_errors": missions("Submits that ended in an error after the heal."),
            "priority_inversions": missions("Missions leased after one of lower priority that was queued later."),
        }),
    )
}

pub(super) fn blast_radius() -> Value {
    block(
        "What the drill may hit at most; a method that would hit more is refused.",
        &["regions_max", "min_healthy_regions"],
        json!({
            "regions_max": count("Regions that faults name at a time.", 0, 1000),
            "min_healthy_regions": count("Regions that no fault names.", 0, 1000),
            "tiers": described(refer("tiers"), "Where it may run. Default: where it is written for."),
        }),
    )
}

pub(super) fn hypothesis() -> Value {
    block(
        "What a healthy world looks like: every probe within its tolerance.",
        &["title", "probes"],
        json!({
            "title": text("One line for people."),
            "probes": { "description": "The probes.", "type": "array", "minItems": 1, "items": refer("probe") },
        }),
    )
}

pub(super) fn probe() -> Value {
    block(
        "One figure with what is good.",
        &["name", "tolerance", "provider"],
        json!({
            "type": choice("A hypothesis only looks.", &["probe"]),
            "name": refer("name"),
            "tolerance": refer("tolerance"),
            "provider": refer("look"),
        }),
    )
}

pub(super) fn tolerance() -> Value {
    let bound = || or_variable("A bound, which counts itself.", json!({ "type": "number" }));
    let range = || json!({ "type": "array", "minItems": 2, "maxItems": 2, "items": bound() });
    json!({
        "description": "What is good.",
        "anyOf": [
            or_variable("Exactly this.", json!({ "type": "number" })),
            described(range(), "Lower and upper bound."),
            block("As Chaos Toolkit writes a range.", &["range"], json!({
                "type": choice("The form.", &["range"]),
                "range": range(),
            })),
            {
                "allOf": [block("One bound or both.", &[], json!({ "min": bound(), "max": bound() }))],
                "minProperties": 1,
            },
        ],
    })
}

pub(super) fn abort() -> Value {
    let figure = || or_variable("The figure.", json!({ "type": "number" }));
    let mut abort = block(
        "A probe out of its bound for a while, or a time that is over.",
        &[],
        json!({
            "when": described(refer("name"), "A probe of the hypothesis."),
            "below": figure(),
            "above": figure(),
            "for_s": described(refer("duration"), "How long. Default: 5s."),
            "after_s": described(refer("duration"), "So long after the first fault. Stands alone."),
        }),
    );
    let ways =
        json!([{ "required": ["when", "below"] }, { "required": ["when", "above"] }, { "required": ["after_s"] }]);
    abort.as_object_mut().expect("a block is an object").insert("oneOf".into(), ways);
    abort
}

pub(super) fn step() -> Value {
    let mut step = block(
        "One step of the method.",
        &["type", "name", "provider"],
        json!({
            "type": choice("An action does something, a probe looks.", &["action", "probe"]),
            "name": refer("name"),
            "tolerance": described(refer("tolerance"), "What is good, of a probe: out of it is a deviation."),
            "provider": json!({ "anyOf": [refer("do"), refer("look")] }),
            "pauses": block("Waits before and after it.", &[], json!({
                "before": refer("duration"),
                "after": refer("duration"),
            })),
        }),
    );
    let kinds = json!([
        { "properties": { "type": { "const": "action" }, "provider": refer("do") }, "not": { "required": ["tolerance"] } },
        { "properties": { "type": { "const": "probe" }, "provider": refer("look") }, "required": ["tolerance"] },
    ]);
    step.as_object_mut().expect("a block is an object").insert("anyOf".into(), kinds);
    step
}

pub(super) fn after() -> Value {
    let flag = |what: &str| described(json!({ "type": "boolean", "default": true }), what);
    block(
        "What comes after the last undo.",
        &[],
        json!({
            "recheck_hypothesis": flag("Whether the hypothesis is looked at again."),
            "soak_s": described(refer("duration"), "How long load goes on after the last undo. Default: 3s."),
            "residue_must_be_empty": flag("Whether anything left behind is a deviation."),
        }),
    )
}
