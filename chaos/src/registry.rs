//! Which drills are going on, for this user: what keeps two of them from one world, and what stops them all.
//!
//! A folder holds a note a drill and, after `chaos stop`, the stop file.

mod note;
mod stop_file;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

pub use note::Note;

use crate::undo;

/// The folder.
#[derive(Debug, Clone)]
pub struct Registry {
    root: PathBuf,
}

/// Why a drill may not begin, or the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `chaos stop` was called.
    #[error("drills are stopped since {since}: `chaos clear` lets new ones begin")]
    Stopped {
        /// When.
        since: String,
    },
    /// Another drill is at work on the same world.
    #[error("drill {drill} (run {run}, process {pid}) is at work on {world}: wait for it, or `chaos stop --run {run}`")]
    Busy {
        /// Its run.
        run: String,
        /// Its name.
        drill: String,
        /// Its process.
        pid: i32,
        /// The world.
        world: String,
    },
    /// A drill on the same world died, and something of it is not undone.
    #[error("run {run} died on {world} and is not undone: `chaos stop --run {run}` undoes it, `chaos clear` goes on")]
    LeftOver {
        /// Its run.
        run: String,
        /// The world.
        world: String,
    },
    /// The folder.
    #[error("could not use {}", .path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A drill that is noted. Its note stays until [`Entered::leave`], so that what it leaves behind when it dies is found.
#[derive(Debug)]
pub struct Entered {
    note: PathBuf,
}

impl Registry {
    /// `given`, else `$XDG_STATE_HOME/meridian/chaos`, else `~/.local/state/meridian/chaos`, else a temporary one.
    #[must_use]
    pub fn new(given: Option<&Path>) -> Self {
        if let Some(root) = given {
            return Self { root: root.to_owned() };
        }
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
        let state = std::env::var_os("XDG_STATE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
        let root = state.or_else(home).unwrap_or_else(std::env::temp_dir);
        Self { root: root.join("meridian/chaos") }
    }

    /// A folder for the files of a run, where the caller names none.
    #[must_use]
    pub fn folder_of(&self, run: &str) -> PathBuf {
        self.root.join("runs").join(run)
    }

    /// Notes a drill, unless drills are stopped or another one is at work on its world.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn enter(&self, note: &Note) -> Result<Entered, Error> {
        let _alone = self.lock()?;
        if let Some(since) = self.stopped_since()? {
            return Err(Error::Stopped { since });
        }
        for other in self.notes()?.into_iter().filter(|other| other.world == note.world) {
            let Note { run, drill, pid, world, .. } = other.clone();
            if other.is_alive() {
                return Err(Error::Busy { run, drill, pid, world });
            }
            if other.is_pending() {
                return Err(Error::LeftOver { run, world });
            }
            self.forget(&other)?;
        }
        let path = self.note_path(&note.run);
        note.write(&path).map_err(|source| Error::Io { path: path.clone(), source })?;
        Ok(Entered { note: path })
    }

    /// The drills that are noted, those that have died among them, in the order in which they began.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn notes(&self) -> Result<Vec<Note>, Error> {
        let folder = self.notes_folder();
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(Error::Io { path: folder, source }),
        };
        let mut notes: Vec<Note> = entries.filter_map(|entry| Note::read(&entry.ok()?.path())).collect();
        notes.sort_by(|a, b| (a.started_at_us, &a.run).cmp(&(b.started_at_us, &b.run)));
        Ok(notes)
    }

    /// Forgets a drill that is over or undone.
    ///
    /// # Errors
    /// Where the note cannot be taken away.
    pub fn forget(&self, note: &Note) -> Result<(), Error> {
        remove(&self.note_path(&note.run))
    }

    /// Held while it is decided who may begin.
    fn lock(&self) -> Result<File, Error> {
        let path = self.root.join("lock");
        let lock = || {
            fs::create_dir_all(self.notes_folder())?;
            let file = OpenOptions::new().create(true).append(true).open(&path)?;
            file.lock()?;
            Ok(file)
        };
        lock().map_err(|source| Error::Io { path, source })
    }

    fn notes_folder(&self) -> PathBuf {
        self.root.join("running")
    }

    fn note_path(&self, run: &str) -> PathBuf {
        self.notes_folder().join(format!("{run}.json"))
    }
}

impl Entered {
    /// The drill is over, and nothing of it is left.
    ///
    /// # Errors
    /// Where the note cannot be taken away.
    pub fn leave(self) -> Result<(), Error> {
        remove(&self.note)
    }
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::Io { path: path.to_owned(), source: error })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

impl Note {
    /// Whether something of the drill is not undone, as far as can be told.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        undo::log::lines(&self.log()).is_ok_and(|lines| !undo::pending(&lines).is_empty())
    }
}

#[cfg(test)]
mod tests;
