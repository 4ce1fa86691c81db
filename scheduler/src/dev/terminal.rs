//! Ctrl-C under `make`: the terminal sends it to everybody in front of it, and `make` would end with a failure although
//! the world ends as it should. So the world steps in front alone, as a shell does with a job, and steps back at its
//! end.

use std::io::IsTerminal as _;

use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{Pid, getpgrp, getpid, setpgid, tcgetpgrp, tcsetpgrp};

/// Steps back when it is dropped.
#[derive(Debug)]
pub(super) struct Front {
    before: Pid,
}

impl Front {
    /// Takes the terminal, where there is one and this process shares it with its parent. None of this is needed for
    /// the world to run, so what fails is left as it was.
    pub(super) fn step_in() -> Option<Self> {
        let terminal = std::io::stdin();
        let before = getpgrp();
        let shares = terminal.is_terminal() && before != getpid() && tcgetpgrp(&terminal).ok()? == before;
        if !shares {
            return None;
        }
        setpgid(Pid::from_raw(0), Pid::from_raw(0)).ok()?;
        take(getpid())?;
        Some(Self { before })
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = take(self.before);
    }
}

/// Puts a process group in front of the terminal. A process in the background that does so is stopped by SIGTTOU,
/// unless it blocks it.
fn take(group: Pid) -> Option<()> {
    let mut output = SigSet::empty();
    output.add(Signal::SIGTTOU);
    output.thread_block().ok()?;
    let taken = tcsetpgrp(std::io::stdin(), group);
    output.thread_unblock().ok()?;
    taken.ok()
}
