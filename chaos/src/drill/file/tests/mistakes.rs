//! Each mistake by itself: its code and its place.

use topology::yaml::{Code, Finding};

use super::{GOOD, bad, good};
use crate::drill::file::codes;

/// One mistake in the small drill: what is replaced by what, the code, and the text that the finding points at.
type Mistake = (&'static str, &'static str, Code, &'static str);

const MISTAKES: &[Mistake] = &[
    // Blocks and keys.
    ("title: Lose a region", "titel: Lose a region", Code::UNKNOWN_KEY, "titel"),
    ("objectives: {", "objectives: { rt_s: 1,", Code::UNKNOWN_KEY, "rt_s"),
    ("description: Survivors hold.", "description: \"\"", Code::INVALID_VALUE, "\"\""),
    ("title: Lose a region", "title: \"a\\nb\"", Code::INVALID_VALUE, "\"a\\nb\""),
    ("title: Lose", "version: 2\ntitle: Lose", Code::UNKNOWN_VERSION, "2"),
    ("title: Lose", "tiers: [locale]\ntitle: Lose", Code::INVALID_VALUE, "locale"),
    ("title: Lose", "context: { argv: [a], name: b }\ntitle: Lose", Code::CONFLICT, "context"),
    ("name: cut,", "name: cut, undo: heal,", Code::UNKNOWN_KEY, "undo"),
    // Names and references.
    ("name: heal,", "name: cut,", Code::DUPLICATE_NAME, "cut"),
    ("name: heal,", "name: Heal it,", Code::INVALID_NAME, "Heal it"),
    ("of: cut", "of: cuts", codes::UNKNOWN_STEP, "cuts"),
    ("of: cut", "of: kill", codes::LATER_STEP, "kill"),
    ("of: cut", "of: heal", codes::LATER_STEP, "heal"),
    ("ref: kill", "ref: kil", codes::UNKNOWN_STEP, "kil"),
    ("ref: kill", "ref: heal", codes::NOTHING_TO_UNDO, "heal"),
    ("ref: kill }", "ref: kill }, { ref: kill }", Code::DUPLICATE_NAME, "kill"),
    (
        "rollbacks:",
        "  - { type: action, name: again, provider: { type: undo, of: cut } }\nrollbacks:",
        codes::NOTHING_TO_UNDO,
        "cut",
    ),
    ("when: ratio", "when: rato", codes::UNKNOWN_PROBE, "rato"),
    ("from: $region", "from: $regoin", codes::UNKNOWN_VARIABLE, "$regoin"),
    // Regions.
    ("region: most-leases", "region: us-wset", Code::UNKNOWN_REGION, "$region"),
    ("title: Lose", "world: { slots_of: { us-east: 1 } }\ntitle: Lose", Code::UNKNOWN_REGION, "us-east"),
    // Providers and faults.
    ("fault: partition", "fault: parttion", codes::UNKNOWN_FAULT, "parttion"),
    ("type: fault, fault: kill", "type: fualt, fault: kill", codes::UNKNOWN_PROVIDER, "fualt"),
    ("type: fault, fault: kill", "type: sli, fault: kill", codes::UNKNOWN_PROVIDER, "sli"),
    ("type: fault, fault: kill", "fault: kill", Code::MISSING_KEY, "{"),
    ("query: submit_success_ratio", "query: submit_sucess_ratio", Code::INVALID_VALUE, "submit_sucess_ratio"),
    ("target: \"agent@$region\"", "target: database", Code::INVALID_VALUE, "database"),
    ("target: \"agent@$region\"", "target: agents@us-west", Code::INVALID_VALUE, "agents@us-west"),
    ("to: \"*\"", "to: \"*\", direction: up", Code::INVALID_VALUE, "up"),
    ("to: \"*\"", "to: $region", Code::CONFLICT, "{"),
    // Tolerances and bounds.
    ("tolerance: { min: 0.99 }", "tolerance: high", Code::WRONG_TYPE, "high"),
    ("tolerance: { min: 0.99 }", "tolerance: {}", Code::INVALID_VALUE, "{"),
    ("tolerance: { min: 0.99 }", "tolerance: [1, 0]", Code::INVALID_VALUE, "["),
    ("tolerance: { min: 0.99 }", "tolerance: [1]", Code::INVALID_VALUE, "["),
    ("tolerance: { min: 0.99 }", "tolerance: { type: regex, range: [0, 1] }", Code::INVALID_VALUE, "regex"),
    ("tolerance: { min: 0.99 }", "tolerance: { min: 99 }", codes::IMPOSSIBLE, "{"),
    ("below: 0.5", "below: 50", codes::IMPOSSIBLE, "50"),
    ("below: 0.5", "below: 0.5, above: 0.6", Code::MISSING_KEY, "{"),
    ("for_s: 20", "after_s: 20", Code::CONFLICT, "when"),
    ("for_s: 20", "for_s: 5 minutes", Code::INVALID_DURATION, "5 minutes"),
    ("rto_s: 7", "rto_s: -1", Code::OUT_OF_RANGE, "-1"),
    ("per_second: 50", "per_second: 0", Code::OUT_OF_RANGE, "0"),
    ("priorities: [1, 5]", "priorities: [1, 50]", Code::OUT_OF_RANGE, "50"),
    // What the blocks mean together.
    ("per_second: 50", "per_second: 5000", codes::OVERLOAD, "load"),
    ("regions_max: 1", "regions_max: 0", codes::BLAST_RADIUS, "cut"),
    ("min_healthy_regions: 2", "min_healthy_regions: 3", codes::BLAST_RADIUS, "3"),
    ("to: \"*\"", "to: europe-west", codes::BLAST_RADIUS, "cut"),
    ("objectives: {", "objectives: { rpo_s: 0,", codes::NOT_JUDGED, "rpo_s"),
    ("priorities: [1, 5]", "priorities: [5, 5]", codes::NOT_JUDGED, "priority_inversions"),
    (
        "fault: kill, target: \"agent@$region\"",
        "fault: statements, name: \"*\", answer: ambiguous, share: 0",
        codes::NO_EFFECT,
        "kill",
    ),
    ("fault: kill, target: \"agent@$region\"", "fault: load, per_second: 50", codes::NO_EFFECT, "kill"),
];

#[test]
fn every_mistake_has_its_code_at_its_place() {
    for (from, to, code, at) in MISTAKES {
        assert_eq!(GOOD.matches(from).count(), 1, "`{from}` stands once in the small drill");
        let text = GOOD.replace(from, to);
        let findings = bad(&text);
        let there = |line: usize, column: usize| -> String {
            text.lines().nth(line - 1).unwrap_or_default().chars().skip(column - 1).collect()
        };
        let found = |finding: &Finding| finding.code == *code && there(finding.line, finding.column).starts_with(at);
        assert!(findings.list().iter().any(found), "`{to}`: no {code} at `{at}`:\n{}", findings.render(false));
    }
}

#[test]
fn one_mistake_is_one_finding() {
    // A wrong value of a variable is told where it is used, and so is what is too much for two reasons.
    let more = ["region: us-wset", "to: europe-west", "to: kill", "fault: statements", "objectives: { rpo_s: 0,"];
    for (from, to, code, _) in MISTAKES
        .iter()
        .filter(|(from, to, ..)| !more.iter().any(|more| to.contains(more)) && !from.starts_with("regions_max"))
    {
        let findings = bad(&GOOD.replace(from, to));
        let codes: Vec<Code> = findings.list().iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [*code], "`{to}`:\n{}", findings.render(false));
    }
}

#[test]
fn a_detection_that_no_fault_can_cause_and_a_method_without_a_fault_are_refused() {
    let first = "  - { type: action, name: cut";
    let start = GOOD.find(first).expect("the small drill has it");
    let end = GOOD.find("  - { type: action, name: kill").expect("the small drill has it");
    let only_agents = format!("{}{}", &GOOD[..start], &GOOD[end..]);
    let findings = bad(&only_agents);
    let found = findings.list().first().expect("there is one");
    assert_eq!((found.code, found.line, found.text.as_str()), (codes::NOT_JUDGED, 5, "detection_s"));

    let nothing = format!("{}  []\n", &GOOD[..start]);
    let codes: Vec<Code> = bad(&nothing).list().iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [codes::NOT_JUDGED, codes::NO_FAULT]);
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_text_each_with_a_hint_where_one_is_near() {
    let text = GOOD
        .replace("description:", "descripton:")
        .replace("rto_s: 7", "rto_s: fast")
        .replace("fault: partition", "fault: partion")
        .replace("ref: kill", "ref: kll");
    let findings = bad(&text);
    let told: Vec<(usize, usize, &str, Option<&str>)> = findings
        .list()
        .iter()
        .map(|finding| (finding.line, finding.column, finding.code.as_str(), finding.hint.as_deref()))
        .collect();
    let column = |line: usize, at: &str| text.lines().nth(line - 1).and_then(|line| line.find(at)).map(|at| at + 1);
    assert_eq!(
        told,
        [
            (2, 1, "unknown_key", Some("did you mean `description`?")),
            (5, 22, "wrong_type", None),
            (14, column(14, "partion").unwrap_or(0), "unknown_fault", Some("did you mean `partition`?")),
            (17, 20, "unknown_step", Some("did you mean `kill`?")),
        ]
    );
    assert!(findings.render(false).contains("drill.yaml:14:"), "{}", findings.render(false));
}

#[test]
fn healing_within_the_method_makes_room_for_the_next_region() {
    let two = GOOD.replace("target: \"agent@$region\"", "target: agent@us-west");
    let two = two.replace("min_healthy_regions: 2", "min_healthy_regions: 1");
    assert_eq!(good(&two).method.len(), 3);
    let unhealed =
        two.replace("provider: { type: undo, of: cut }", "provider: { type: fault, fault: silence_injector }");
    let findings = bad(&unhealed);
    let found = findings.list().first().expect("there is one");
    assert_eq!((found.code, found.text.as_str()), (codes::BLAST_RADIUS, "kill"));
}
