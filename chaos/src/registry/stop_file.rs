//! The stop file: while it is there no drill begins, and those that it means break off. Its first line says since when;
//! each further one names a run, or all of them.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::PathBuf;

use super::{Error, Registry, remove};

/// Stands for every run.
const ALL: &str = "*";

impl Registry {
    /// Writes the stop file: for one run, or for all.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn stop(&self, run: Option<&str>, now: &str) -> Result<(), Error> {
        let _alone = self.lock()?;
        let path = self.stop_path();
        let write = || {
            let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
            let since = if file.metadata()?.len() == 0 { format!("{now}\n") } else { String::new() };
            file.write_all(format!("{since}{}\n", run.unwrap_or(ALL)).as_bytes())?;
            file.sync_all()
        };
        write().map_err(|source| Error::Io { path: path.clone(), source })
    }

    /// Takes the stop file away; answers whether it was there.
    ///
    /// # Errors
    /// Where it cannot be taken away.
    pub fn clear(&self) -> Result<bool, Error> {
        let _alone = self.lock()?;
        let path = self.stop_path();
        let was = path.exists();
        remove(&path)?;
        Ok(was)
    }

    /// Whether this run is to break off. A file that cannot be read means every run.
    #[must_use]
    pub fn stops(&self, run: &str) -> bool {
        match fs::read_to_string(self.stop_path()) {
            Ok(text) => text.lines().skip(1).any(|line| line == ALL || line == run),
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }

    /// Since when no drill may begin; none where drills may.
    pub(super) fn stopped_since(&self) -> Result<Option<String>, Error> {
        match fs::read_to_string(self.stop_path()) {
            Ok(text) => Ok(Some(text.lines().next().unwrap_or("an unknown time").to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::Io { path: self.stop_path(), source }),
        }
    }

    fn stop_path(&self) -> PathBuf {
        self.root.join("stop")
    }
}
