//! Without token, context and title nothing is done.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::bed::{Bed, DONE, TITLE, UNDONE, text};

const TOKEN: &str = "an operator's token is missing: set MERIDIAN_TOKEN";
const CONTEXT: &str = r#"the current context is "production"; the drill is for "staging""#;
const NO_TITLE: &str = r#"the drill's title has to be typed back: "Lose the pool of us-west""#;

fn refused(bed: &Bed, mut command: Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(bed.calls().is_empty(), "{:?}", bed.calls());
    text(&output)
}

#[test]
fn it_is_refused_without_a_token() {
    let bed = Bed::new("0");
    let mut command = bed.drill();
    command.env_remove("MERIDIAN_TOKEN");
    let told = refused(&bed, command);
    assert!(told.contains(TOKEN) && !told.contains("context") && !told.contains("title"), "{told}");
}

#[test]
fn it_is_refused_in_another_context() {
    let bed = Bed::new("0");
    bed.write("context", "production\n");
    let told = refused(&bed, bed.drill());
    assert!(told.contains(CONTEXT) && !told.contains("token") && !told.contains("title"), "{told}");
}

#[test]
fn it_is_refused_without_the_title() {
    let bed = Bed::new("0");
    let told = refused(&bed, bed.chaos(&["drill", "lose.yaml", "--tier", "cluster", "--execute"]));
    assert!(told.contains(NO_TITLE) && !told.contains("token") && !told.contains("context"), "{told}");
}

#[test]
fn everything_that_is_missing_is_told_at_once() {
    let bed = Bed::new("0");
    bed.write("context", "production\n");
    let mut command = bed.chaos(&["drill", "lose.yaml", "--tier", "cluster", "--execute"]);
    command.env_remove("MERIDIAN_TOKEN");
    let told = refused(&bed, command);
    assert!([TOKEN, CONTEXT, NO_TITLE].iter().all(|one| told.contains(one)), "{told}");
}

#[test]
fn the_title_may_be_typed() {
    let bed = Bed::new("0");
    let mut command = bed.chaos(&["drill", "lose.yaml", "--tier", "cluster", "--execute"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{TITLE}").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(bed.calls(), [DONE, UNDONE].concat());
}
