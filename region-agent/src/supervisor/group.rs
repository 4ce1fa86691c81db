//! Signals for a runner and everything that it started, also what left its process group.

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

/// Makes this process the parent of what its descendants leave behind (Linux only), so that it can be found.
pub(crate) fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    if let Err(error) = nix::sys::prctl::set_child_subreaper(true) {
        tracing::warn!(%error, "processes that leave the runner's group may outlive it");
    }
}

/// Sends a signal to the group and to all other descendants of this process.
pub(crate) fn signal_all(group: Pid, signal: Signal) {
    // ESRCH: everybody is gone already.
    let _ = killpg(group, signal);
    for pid in descendants() {
        let _ = kill(pid, signal);
    }
}

/// Kills the group and all other descendants. Stopped first, so that nobody forks past the signal.
pub(crate) fn kill_all(group: Pid) {
    if killpg(group, None).is_err() && descendants().is_empty() {
        return;
    }
    // What was forked between the look and the signal is found by the next look; a fork bomb loses in the end, since
    // what is stopped does not fork.
    for _ in 0..3 {
        signal_all(group, Signal::SIGSTOP);
    }
    signal_all(group, Signal::SIGKILL);
    for _ in 0..100 {
        let left = descendants();
        if left.is_empty() {
            return;
        }
        for pid in left {
            let _ = kill(pid, Signal::SIGKILL);
        }
        std::thread::yield_now();
    }
}

/// The living processes below this one, nearest first. Empty where there is no `/proc`.
fn descendants() -> Vec<Pid> {
    let parents = parents();
    let mut found = vec![std::process::id() as i32];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found.into_iter().skip(1).map(Pid::from_raw).collect()
}

/// (process, its parent) of every living process.
fn parents() -> Vec<(i32, i32)> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            // `pid (name) state parent ..`: the name may hold anything, even `)`.
            let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
            let state = fields.next()?;
            let parent = fields.next()?.parse().ok()?;
            (state != "Z").then_some((pid, parent))
        })
        .collect()
}
