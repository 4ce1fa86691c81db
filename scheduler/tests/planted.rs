//! The program with planted bugs.

use std::process::{Command, Output};

/// `scheduler-with-bugs --version` with a bug's name.
fn version_with(bug: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scheduler-with-bugs"));
    command.arg("--version").env_remove("MERIDIAN_PLANTED_BUG");
    command.envs(bug.map(|bug| ("MERIDIAN_PLANTED_BUG", bug))).output().unwrap()
}

#[test]
fn a_program_with_planted_bugs_starts_with_one_of_them_only() {
    for bug in [None, Some(""), Some("some_other")] {
        let output = version_with(bug);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{bug:?}: {told}");
        assert!(told.contains("MERIDIAN_PLANTED_BUG must name one of drop_acknowledgement, "), "{told}");
    }
}

#[test]
fn a_program_with_a_planted_bug_tells_its_version_loudly() {
    for bug in scheduler::planted::Bug::ALL {
        let output = version_with(Some(bug.as_str()));
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && told.contains("BROKEN ON PURPOSE"), "{told}");
        assert!(told.contains(bug.as_str()), "{told}");
    }
}
