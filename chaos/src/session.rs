//! What every drill on real processes has around it: a note that keeps others away, an undo log, and a guard.

use std::path::Path;

use crate::registry::{self, Entered, Note, Registry};
use crate::run::Carried;
use crate::undo::{self, Guard, Log};

/// A drill that may begin.
#[derive(Debug)]
pub struct Session {
    entered: Entered,
    log: Log,
    guard: Guard,
}

/// Why a drill may not begin. Nothing was done, and nothing is left of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another drill is in the way, or drills are stopped.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// The undo log cannot be made.
    #[error(transparent)]
    Log(#[from] undo::log::Error),
    /// The guard does not stand.
    #[error("the guard that would undo the drill does not stand: {0:#}")]
    Guard(anyhow::Error),
}

impl Session {
    /// Notes the drill, makes its undo log in the note's folder, and posts the guard: `program` is `chaos` itself.
    /// `token` is an operator's, where undoing needs one.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn begin(registry: &Registry, note: &Note, program: &Path, token: Option<&str>) -> Result<Self, Error> {
        let entered = registry.enter(note)?;
        match prepare(note, program, token).await {
            Ok((log, guard)) => Ok(Self { entered, log, guard }),
            Err(error) => {
                entered.leave()?;
                Err(error)
            }
        }
    }

    /// The undo log.
    pub const fn log(&mut self) -> &mut Log {
        &mut self.log
    }

    /// Gives up a drill of which nothing came: dismisses the guard, and takes the note away unless something is not undone.
    ///
    /// # Errors
    /// Where the guard does not end or the note cannot be taken away.
    pub async fn close(self, undone: bool) -> anyhow::Result<()> {
        drop(self.log);
        self.guard.dismiss().await?;
        if undone {
            self.entered.leave()?;
        }
        Ok(())
    }

    /// Dismisses the guard and takes the note away. Where something could not be undone the guard tries once more and
    /// the note stays, so that `chaos stop` finds it; what goes wrong here is told as residue.
    pub async fn end(self, carried: &mut Carried) {
        // The guard may have to undo, so nobody else may hold the log any more.
        drop(self.log);
        if let Err(error) = self.guard.dismiss().await {
            carried.residue.push(format!("{error:#}"));
        }
        if carried.undone
            && let Err(error) = self.entered.leave()
        {
            carried.residue.push(format!("{:#}", anyhow::Error::from(error)));
        }
    }
}

async fn prepare(note: &Note, program: &Path, token: Option<&str>) -> Result<(Log, Guard), Error> {
    let log = Log::create(&note.folder)?;
    let guard = Guard::start(program, &note.log(), token).await.map_err(Error::Guard)?;
    Ok((log, guard))
}
