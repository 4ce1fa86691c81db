//! Variables.

use std::collections::BTreeMap;

use super::{GOOD, good};
use crate::drill::file::{codes, read};
use crate::drill::{Endpoint, Fault, RegionSelector, StepKind};

fn with(text: &str, vars: &[(&str, &str)]) -> Result<crate::drill::Drill, topology::yaml::Findings> {
    let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    read(text, "lose-one.yaml", &vars)
}

#[test]
fn a_variable_of_the_command_line_stands_in_place_of_that_of_the_file() {
    let drill = with(GOOD, &[("region", "us-west")]).unwrap_or_else(|findings| panic!("{findings}"));
    let us_west = RegionSelector::Named("us-west".parse().unwrap());
    let StepKind::Fault(Fault::Partition { links }) = &drill.method[0].kind else { panic!("{:?}", drill.method[0]) };
    assert_eq!(links.from, Endpoint::Region(us_west.clone()));
    let StepKind::Fault(Fault::Kill { region, .. }) = &drill.method[2].kind else { panic!("{:?}", drill.method[2]) };
    assert_eq!(*region, us_west);
    assert_eq!(drill.configuration, BTreeMap::from([("region".to_owned(), "us-west".to_owned())]));
    assert_eq!(drill.name, "lose-one");
}

#[test]
fn a_variable_that_the_file_does_not_have_is_refused_with_those_that_it_has() {
    let findings = with(GOOD, &[("victim", "us-west")]).expect_err("there is none");
    let found = findings.list().first().expect("there is one");
    assert_eq!((found.code, found.line, found.column), (codes::UNKNOWN_VARIABLE, 3, 1));
    assert_eq!(found.hint.as_deref(), Some("configuration has region"));
}

#[test]
fn a_number_stays_a_number_and_a_text_takes_its_characters() {
    let text = GOOD
        .replace("{ region: most-leases }", "{ region: most-leases, rate: 40, hold: 4s, word: a }")
        .replace("per_second: 50", "per_second: $rate")
        .replace("title: missions end", "title: ${word}b costs 5 $$ at $rate")
        .replace("name: cut,", "name: cut, pauses: { before: $hold, after: 0.5 },");
    let drill = good(&text);
    assert_eq!(drill.load.per_second, 40.0);
    assert_eq!(drill.hypothesis.title, "ab costs 5 $ at 40");
    assert_eq!(drill.method[0].pause_before.as_millis(), 4000);
    assert_eq!(drill.method[0].pause_after.as_millis(), 500);
}
