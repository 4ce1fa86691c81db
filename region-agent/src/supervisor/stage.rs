//! The last step before the runner: a process that dies with its supervisor, then becomes the runner.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// Becomes the program of `argv`; its parent must be `supervisor`, and if that dies, so does it (Linux only).
///
/// Returns only when it fails, with the reason.
pub fn exec(supervisor: i32, argv: &[String]) -> std::io::Error {
    #[cfg(target_os = "linux")]
    if let Err(error) = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL) {
        return error.into();
    }
    // The supervisor may have died before the kernel was told.
    if nix::unistd::getppid().as_raw() != supervisor {
        return std::io::Error::other("the supervisor is gone");
    }
    let Some((program, arguments)) = argv.split_first() else {
        return std::io::Error::other("no program is named");
    };
    Command::new(program).args(arguments).exec()
}
