//! `undo.jsonl`: written ahead, a line at a time. Whoever undoes holds its lock, so that nobody undoes beside them; the
//! system takes the lock away when its holder dies.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::UndoLine;
use crate::wait::wait_until;

/// Its name in a run's folder.
pub const FILE: &str = "undo.jsonl";

/// The log of a run, held by whoever undoes.
#[derive(Debug)]
pub struct Log {
    file: File,
    path: PathBuf,
}

/// Why the log cannot be had or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file.
    #[error("could not use {}", .path.display())]
    Io {
        /// Where it is.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody else holds it.
    #[error("somebody else is at work on {}", .0.display())]
    Held(PathBuf),
}

impl Log {
    /// Makes the log of a new run in its folder, and holds it.
    ///
    /// # Errors
    /// Where the folder cannot be made or has a log already.
    pub fn create(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(FILE);
        let make = || {
            fs::create_dir_all(folder)?;
            let file = OpenOptions::new().create_new(true).read(true).append(true).mode(0o600).open(&path)?;
            file.lock()?;
            // The name has to be as durable as what is written under it.
            File::open(folder)?.sync_all()?;
            Ok(file)
        };
        match make() {
            Ok(file) => Ok(Self { file, path }),
            Err(source) => Err(Error::Io { path, source }),
        }
    }

    /// Takes over the log of a run that has died, once its holder lets go.
    ///
    /// # Errors
    /// [`Error::Held`] where it is not let go in time.
    pub async fn take_over(path: &Path, patience: Duration) -> Result<Self, Error> {
        let broken = |source| Error::Io { path: path.to_owned(), source };
        let file = OpenOptions::new().read(true).append(true).open(path).map_err(broken)?;
        let mut failure = None;
        let held = wait_until(patience, async || match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(error)) => {
                failure = Some(error);
                true
            }
        })
        .await;
        match failure {
            Some(source) => Err(broken(source)),
            None if held => Ok(Self { file, path: path.to_owned() }),
            None => Err(Error::Held(path.to_owned())),
        }
    }

    /// Appends a line and syncs it.
    ///
    /// # Errors
    /// Where it cannot be written; it must be taken for not written then.
    pub fn append(&mut self, line: &UndoLine) -> Result<(), Error> {
        let mut text = serde_json::to_vec(line).expect("plain data");
        text.push(b'\n');
        let written = self.is_torn().and_then(|torn| {
            if torn {
                text.insert(0, b'\n');
            }
            self.file.write_all(&text)?;
            self.file.sync_data()
        });
        written.map_err(|source| Error::Io { path: self.path.clone(), source })
    }

    /// The lines that it has now.
    ///
    /// # Errors
    /// As [`lines`].
    pub fn lines(&self) -> Result<Vec<UndoLine>, Error> {
        lines(&self.path)
    }

    /// Whether a writer died in the middle of the last line.
    fn is_torn(&mut self) -> io::Result<bool> {
        if self.file.metadata()?.len() == 0 {
            return Ok(false);
        }
        self.file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        self.file.read_exact(&mut last)?;
        Ok(last != *b"\n")
    }
}

/// The lines of a log. One that does not parse was being written when its writer died: what it announces was not begun.
///
/// # Errors
/// Where the file cannot be read.
pub fn lines(path: &Path) -> Result<Vec<UndoLine>, Error> {
    let text = fs::read(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
    Ok(text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undone(step: &str) -> UndoLine {
        UndoLine::Undone { step: step.to_owned() }
    }

    #[test]
    fn lines_come_back_and_a_torn_one_spoils_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = Log::create(dir.path()).unwrap();
        log.append(&undone("a")).unwrap();
        log.file.write_all(b"{\"line\":\"undone\",\"st").unwrap();
        assert_eq!(log.lines().unwrap(), [undone("a")]);
        log.append(&undone("b")).unwrap();
        assert_eq!(log.lines().unwrap(), [undone("a"), undone("b")]);
    }

    #[test]
    fn a_folder_has_one_log() {
        let dir = tempfile::tempdir().unwrap();
        drop(Log::create(dir.path()).unwrap());
        assert!(Log::create(dir.path()).is_err());
    }

    #[tokio::test]
    async fn one_at_a_time_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        let log = Log::create(dir.path()).unwrap();
        let patience = Duration::from_millis(50);
        assert!(matches!(Log::take_over(&path, patience).await, Err(Error::Held(_))));
        drop(log);
        assert!(Log::take_over(&path, patience).await.is_ok());
    }
}
