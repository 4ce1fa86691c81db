//! A process of this machine, told from a later one that got its number.

use std::fs;

/// When a process began, in the system's own count; none where the system does not tell, or the process has ended.
#[must_use]
pub fn began(pid: i32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, blanks too.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let is_zombie = fields.next() == Some("Z");
    if is_zombie { None } else { fields.nth(18).map(str::to_owned) }
}

/// Whether the process runs that had this number and began then, as [`began`] told. Where the system does not tell, any
/// process with the number is taken for it.
#[must_use]
pub fn still_runs(pid: i32, since: Option<&str>) -> bool {
    let exists = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None).is_ok();
    exists && began(pid).as_deref() == since
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_runs_and_another_one_with_its_number_does_not() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let since = began(pid);
        assert!(still_runs(pid, since.as_deref()));
        if cfg!(target_os = "linux") {
            assert!(since.is_some());
            assert!(!still_runs(pid, Some("1")));
        }
    }

    #[test]
    fn a_process_that_has_ended_does_not_run() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let since = began(pid);
        child.wait().unwrap();
        assert!(!still_runs(pid, since.as_deref()));
    }
}
