//! The nodes of a drill's own database: each is noted in the folder of their stores when it starts, so that whoever
//! undoes the run can end all of them and remove the stores.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use scheduler_client::local::Process;

use crate::history::{self, Record};
use crate::wait::wait_until;

/// The notes, in the folder of the stores.
const NOTES: &str = "nodes.jsonl";

/// How long a node that was killed may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why the nodes are not gone.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The notes or the stores cannot be used.
    #[error("could not remove {}", folder.display())]
    Io {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A node lives on.
    #[error("database node with process id {0} does not end")]
    Stuck(i32),
}

/// Notes a node that was just started.
///
/// # Errors
/// Where the note cannot be written.
pub fn note(folder: &Path, pid: u32) -> Result<(), history::Error> {
    let pid = i32::try_from(pid).expect("process ids fit into i32");
    Record::open(&folder.join(NOTES))?.add(&Process::of(pid))
}

/// Kills every node that was noted and removes the folder. Doing it twice is as good as once.
///
/// # Errors
/// [`Error`].
pub async fn end(folder: &Path) -> Result<(), Error> {
    let io = |source| Error::Io { folder: folder.to_owned(), source };
    let notes = match std::fs::read_to_string(folder.join(NOTES)) {
        Ok(notes) => notes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(io(error)),
    };
    // A line that was cut off by a kill is of a node that its owner had not gone on with.
    for node in notes.lines().filter_map(|line| serde_json::from_str::<Process>(line).ok()) {
        if !node.runs() {
            continue;
        }
        // It may end by itself in between.
        let _ = kill(Pid::from_raw(node.pid), Signal::SIGKILL);
        if !wait_until(PATIENCE, async || !node.runs()).await {
            return Err(Error::Stuck(node.pid));
        }
    }
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io(error)),
        _ => Ok(()),
    }
}
