//! The state folder of a local world: who runs it, and its logs.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use scheduler_client::local::{self, Process, World};

/// A folder for one port base, so that several worlds may run at once.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    root: PathBuf,
}

impl Folder {
    /// `given`, else the usual one.
    pub(crate) fn new(given: Option<&Path>, base: u16) -> Self {
        Self { root: given.map_or_else(|| local::folder(base), Path::to_owned) }
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

    /// A new log of this name, or the end of the one that is there.
    pub(crate) fn log(&self, name: &str, again: bool) -> io::Result<File> {
        let path = self.logs().join(format!("{name}.log"));
        let mut options = OpenOptions::new();
        if again { options.append(true) } else { options.write(true).truncate(true) }.create(true).open(path)
    }

    /// The world that runs now; none where nobody keeps it any more.
    pub(crate) fn running(&self) -> Option<World> {
        World::read(&self.root).filter(|world| world.keeper.runs())
    }

    /// Forgets it.
    pub(crate) fn clear(&self) {
        // Nothing to forget is as good.
        let _ = fs::remove_file(self.root.join(local::NOTE));
    }
}

/// This process.
pub(crate) fn here() -> Process {
    Process::of(i32::try_from(std::process::id()).expect("process ids fit"))
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
        let world =
            World { keeper: here(), address: None, summary: None, regions: Vec::new(), database: None, revival: None };
        world.write(dir.path()).unwrap();
        assert_eq!(folder.running(), Some(world.clone()));
        if cfg!(target_os = "linux") {
            let other = Process { began: Some("1".to_owned()), ..here() };
            World { keeper: other, ..world }.write(dir.path()).unwrap();
            assert_eq!(folder.running(), None, "another process with the same number");
        }
    }
}
