//! The state folder of a local world: who runs it, and its logs.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sql::local::{began, still_runs};

/// A folder for one port base, so that several worlds may run at once.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    root: PathBuf,
}

/// Who runs the world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    /// The process that keeps the world.
    pub(crate) pid: i32,
    /// When that process began, as the system counts it: tells it from a later one with the same number.
    pub(crate) began: Option<String>,
    /// Address to look at; none until the world is up.
    pub(crate) address: Option<String>,
    /// What was printed when it was up.
    pub(crate) summary: Option<String>,
}

impl Folder {
    /// `given`, else `$XDG_STATE_HOME/meridian/BASE`, else `~/.local/state/meridian/BASE`, else a temporary one.
    pub(crate) fn new(given: Option<&Path>, base: u16) -> Self {
        if let Some(root) = given {
            return Self { root: root.to_owned() };
        }
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
        let state = std::env::var_os("XDG_STATE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
        let root = state.or_else(home).unwrap_or_else(std::env::temp_dir);
        Self { root: root.join("meridian").join(base.to_string()) }
    }

    /// Makes the folder.
    pub(crate) fn create(&self) -> io::Result<()> {
        fs::create_dir_all(self.logs())
    }

    /// Where the logs are.
    pub(crate) fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// Where the folder is.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A new log of this name.
    pub(crate) fn log(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().create(true).write(true).truncate(true).open(self.logs().join(format!("{name}.log")))
    }

    fn note(&self) -> PathBuf {
        self.root.join("world.json")
    }

    /// Who runs the world now; none where nobody does any more.
    pub(crate) fn running(&self) -> Option<Running> {
        let text = fs::read_to_string(self.note()).ok()?;
        let running: Running = serde_json::from_str(&text).ok()?;
        running.is_alive().then_some(running)
    }

    /// Notes who runs the world.
    pub(crate) fn write(&self, running: &Running) -> io::Result<()> {
        let whole = self.root.join("world.json.new");
        fs::write(&whole, serde_json::to_vec_pretty(running)?)?;
        fs::rename(whole, self.note())
    }

    /// Forgets it.
    pub(crate) fn clear(&self) {
        // Nothing to forget is as good.
        let _ = fs::remove_file(self.note());
    }
}

impl Running {
    /// This process.
    pub(crate) fn here() -> Self {
        let pid = i32::try_from(std::process::id()).expect("process ids fit");
        Self { pid, began: began(pid), address: None, summary: None }
    }

    fn is_alive(&self) -> bool {
        still_runs(self.pid, self.began.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_world_is_found_and_a_dead_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(Some(dir.path()), 7700);
        folder.create().unwrap();
        assert_eq!(folder.running(), None);
        let here = Running::here();
        folder.write(&here).unwrap();
        assert_eq!(folder.running(), Some(here.clone()));
        if cfg!(target_os = "linux") {
            folder.write(&Running { began: Some("1".to_owned()), ..here }).unwrap();
            assert_eq!(folder.running(), None, "another process with the same number");
        }
    }
}
