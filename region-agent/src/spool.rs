//! Finished results on disk, until a scheduler has accepted or refused them.
//!
//! One file a result, written aside, synced, renamed, and the folder synced: a result that [`Spool::put`] has taken
//! survives the agent and the machine. One agent uses a folder at a time.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::fcntl::{Flock, FlockArg};
use scheduler_client::wire::{Complete, Fail, LeaseName, LeaseProof, MissionResult, ResultWord};
use serde::{Deserialize, Serialize};
use topology::MissionId;

/// A result and the lease under which it was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// The mission.
    pub mission: MissionId,
    /// What to tell the scheduler.
    #[serde(flatten)]
    pub result: FinishedResult,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishedResult {
    /// With success.
    Complete(Complete),
    /// Without.
    Fail(Fail),
}

impl Finished {
    /// The lease.
    #[must_use]
    pub const fn lease(&self) -> &LeaseProof {
        match &self.result {
            FinishedResult::Complete(body) => &body.lease,
            FinishedResult::Fail(body) => &body.lease,
        }
    }

    /// The lease's name.
    #[must_use]
    pub const fn name(&self) -> LeaseName {
        LeaseName { mission: self.mission, epoch: self.lease().epoch }
    }
}

impl FinishedResult {
    /// What has become of the mission when this is accepted, as metrics name it.
    #[must_use]
    pub const fn done(&self) -> &'static str {
        match self {
            Self::Complete(_) => "succeeded",
            Self::Fail(_) => "failed",
        }
    }
}

impl From<Finished> for MissionResult {
    fn from(finished: Finished) -> Self {
        let word = match finished.result {
            FinishedResult::Complete(body) => ResultWord::Complete(body),
            FinishedResult::Fail(body) => ResultWord::Fail(body),
        };
        Self { mission: finished.mission, word }
    }
}

/// Why the spool cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder or a file in it cannot be read or written.
    #[error("the spool folder {} cannot be used", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Another agent uses the folder.
    #[error("another agent uses the spool folder {}", .0.display())]
    Taken(PathBuf),
}

/// The folder. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Spool {
    folder: Arc<PathBuf>,
    _lock: Arc<Flock<File>>,
}

impl Spool {
    /// Opens or creates the folder and reads what an earlier agent left in it, oldest first.
    ///
    /// A file that is no result is put aside with the ending `.bad`.
    ///
    /// # Errors
    /// [`Error`].
    pub fn open(folder: &Path) -> Result<(Self, Vec<Finished>), Error> {
        let io = |source| Error::Io { path: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(io)?;
        let lock_file = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("lock"));
        let lock = Flock::lock(lock_file.map_err(io)?, FlockArg::LockExclusiveNonblock)
            .map_err(|_| Error::Taken(folder.to_owned()))?;
        let spool = Self { folder: Arc::new(folder.to_owned()), _lock: Arc::new(lock) };
        let left = spool.read_all().map_err(io)?;
        Ok((spool, left))
    }

    /// Keeps a result.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub async fn put(&self, finished: Finished) -> Result<(), Error> {
        let path = self.path(finished.name());
        let folder = Arc::clone(&self.folder);
        blocking(move || {
            let aside = path.with_extension("tmp");
            let bytes = serde_json::to_vec(&finished).expect("a result is JSON");
            let written = File::create(&aside)
                .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()))
                .and_then(|()| std::fs::rename(&aside, &path))
                .and_then(|()| File::open(&*folder)?.sync_all());
            written.map_err(|source| Error::Io { path, source })
        })
        .await
    }

    /// Forgets a result. One that is not there is forgotten already.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub async fn remove(&self, name: LeaseName) -> Result<(), Error> {
        let path = self.path(name);
        blocking(move || match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(Error::Io { path, source }),
            _ => Ok(()),
        })
        .await
    }

    /// Whether a result waits. A folder that cannot be read has none that this agent could send.
    #[must_use]
    pub fn holds_any(&self) -> bool {
        let is_result = |path: PathBuf| path.extension().is_some_and(|ending| ending == "json");
        std::fs::read_dir(&*self.folder).is_ok_and(|entries| entries.flatten().any(|entry| is_result(entry.path())))
    }

    fn path(&self, name: LeaseName) -> PathBuf {
        self.folder.join(format!("{}-{}.json", name.mission, name.epoch))
    }

    fn read_all(&self) -> std::io::Result<Vec<Finished>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&*self.folder)? {
            let path = entry?.path();
            if path.extension().is_none_or(|ending| ending != "json") {
                continue;
            }
            let modified = path.metadata()?.modified()?;
            match serde_json::from_slice(&std::fs::read(&path)?) {
                Ok(finished) => found.push((modified, finished)),
                Err(error) => {
                    tracing::error!(%error, path = %path.display(), "no result: put aside");
                    std::fs::rename(&path, path.with_extension("bad"))?;
                }
            }
        }
        found.sort_by_key(|(modified, _): &(_, Finished)| *modified);
        Ok(found.into_iter().map(|(_, finished)| finished).collect())
    }
}

async fn blocking(work: impl FnOnce() -> Result<(), Error> + Send + 'static) -> Result<(), Error> {
    tokio::task::spawn_blocking(work).await.expect("file work does not panic")
}

#[cfg(test)]
mod tests {
    use topology::{Epoch, SessionId};
    use uuid::Uuid;

    use super::*;

    fn finished(mission: u128, epoch: i64) -> Finished {
        let lease =
            LeaseProof { session: SessionId(Uuid::from_u128(9)), epoch: Epoch(epoch), home: "us-west-2".to_owned() };
        let result = FinishedResult::Complete(Complete { lease, outcome: serde_json::json!({"pr": 1}), memory: None });
        Finished { mission: MissionId(Uuid::from_u128(mission)), result }
    }

    #[tokio::test]
    async fn what_was_put_is_there_after_a_restart_and_what_was_removed_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (spool, left) = Spool::open(folder.path()).unwrap();
        assert_eq!(left, []);
        spool.put(finished(1, 1)).await.unwrap();
        spool.put(finished(2, 7)).await.unwrap();
        spool.remove(finished(1, 1).name()).await.unwrap();
        spool.remove(finished(1, 1).name()).await.unwrap();
        drop(spool);
        let (_spool, left) = Spool::open(folder.path()).unwrap();
        assert_eq!(left, [finished(2, 7)]);
    }

    #[tokio::test]
    async fn two_agents_do_not_share_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let _first = Spool::open(folder.path()).unwrap();
        assert!(matches!(Spool::open(folder.path()), Err(Error::Taken(_))));
    }

    #[tokio::test]
    async fn half_a_file_is_put_aside_and_the_rest_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let (spool, _) = Spool::open(folder.path()).unwrap();
        spool.put(finished(1, 1)).await.unwrap();
        std::fs::write(folder.path().join("x.json"), "{\"mission\":").unwrap();
        std::fs::write(folder.path().join("y.tmp"), "{").unwrap();
        drop(spool);
        let (_spool, left) = Spool::open(folder.path()).unwrap();
        assert_eq!(left, [finished(1, 1)]);
        assert!(folder.path().join("x.bad").exists());
    }
}
