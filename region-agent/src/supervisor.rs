//! The process between the agent and one runner: it stops the runner when the agent cannot.
//!
//! The agent starts its own binary in a hidden subcommand and speaks with it over two pipes, JSON a line. The
//! supervisor starts the runner in a process group of its own, and from then on
//! - stops the group (SIGSTOP) while the lease is not certainly the session's, and lets it go on when it is again;
//! - kills it when the agent's pipe closes (the agent died), when the lease is over and the agent is silent (it is
//!   stopped, or hangs), when the run limit is over, or when it is told to;
//! - kills what the runner left behind, before it reports the end.
//!
//! An agent that lives but gets no answer from the scheduler keeps saying so: then the runner stands still and waits.

pub(crate) mod group;
pub mod protocol;
mod stage;
mod watch;

pub use stage::exec;
pub use watch::run;

/// This binary, also when its file was replaced since it was started.
///
/// # Errors
/// Where the system cannot tell.
pub fn own_binary() -> std::io::Result<std::path::PathBuf> {
    if cfg!(target_os = "linux") {
        return Ok("/proc/self/exe".into());
    }
    std::env::current_exe()
}
