//! What a drill notes of itself.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use scheduler_client::local::Process;
use serde::{Deserialize, Serialize};

use crate::undo;

/// A drill that is going on, or was when its process died.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The run.
    pub run: String,
    /// The drill's name.
    pub drill: String,
    /// The world that it is about: an address, or the run itself where it has a world of its own.
    pub world: String,
    /// The run's folder.
    pub folder: PathBuf,
    /// The process that carries it out.
    pub pid: i32,
    /// When that process began, as the system counts it.
    pub began: Option<String>,
    /// When the drill began, microseconds since the Unix epoch.
    pub started_at_us: i64,
}

impl Note {
    /// The note of a drill that this process is about to begin.
    #[must_use]
    pub fn here(run: &str, drill: &str, world: &str, folder: &Path, started_at_us: i64) -> Self {
        let pid = i32::try_from(std::process::id()).expect("process ids fit into i32");
        Self {
            run: run.to_owned(),
            drill: drill.to_owned(),
            world: world.to_owned(),
            folder: folder.to_owned(),
            pid,
            began: Process::of(pid).began,
            started_at_us,
        }
    }

    /// Whether the process that carries it out lives.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        Process { pid: self.pid, began: self.began.clone() }.runs()
    }

    /// Its undo log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.join(undo::log::FILE)
    }

    /// Reads a note; none where the file is none, or has just gone.
    pub(super) fn read(path: &Path) -> Option<Self> {
        if path.extension()? != "json" {
            return None;
        }
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// Writes it in one piece.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let whole = path.with_extension("new");
        fs::write(&whole, serde_json::to_vec_pretty(self)?)?;
        fs::rename(whole, path)
    }
}
