//! Runs of tests and the server that they share: the run that started it ends it, unless somebody else still uses it.

use std::fs::{self, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::place::Place;
use super::{Error, LocalServer};

/// How long those who are on their way out may take to let go.
const LEAVE_PATIENCE: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Keeps every [`Run`] from ending the server. It goes with the process, however that ends.
#[derive(Debug)]
pub struct Hold {
    _file: fs::File,
}

/// Several programs of tests, one after the other, that find the server running.
#[derive(Debug)]
pub struct Run {
    server: LocalServer,
    hold: Hold,
}

impl LocalServer {
    /// Says that this process uses the server. To be called before [`LocalServer::start`].
    ///
    /// # Errors
    /// When the user has no cache folder, or nothing can be written there.
    pub fn hold(&self) -> Result<Hold, Error> {
        let place = self.place()?;
        let file = users(&place)?;
        file.lock_shared().map_err(Error::io("lock", users_path(&place)))?;
        Ok(Hold { _file: file })
    }

    /// Starts the server unless it runs, and remembers that a run did so.
    ///
    /// # Errors
    /// As [`LocalServer::start`].
    pub fn begin_run(&self) -> Result<Run, Error> {
        let hold = self.hold()?;
        let ran = self.is_running();
        self.start()?;
        let place = self.place()?;
        if let Some(pid) = place.pid().filter(|_| !ran) {
            let mark = mark_path(&place);
            fs::write(&mark, pid.to_string()).map_err(Error::io("write", &mark))?;
        }
        Ok(Run { server: self.clone(), hold })
    }
}

impl Run {
    /// Stops the server where this run, or an earlier one that was killed, started it and nobody else uses it. Where
    /// another run does, the last of them stops it. Says whether it stopped.
    ///
    /// # Errors
    /// As [`LocalServer::stop`].
    pub fn end(self) -> Result<bool, Error> {
        let place = self.server.place()?;
        drop(self.hold);
        let Some(_alone) = alone(&place)? else { return Ok(false) };
        let mark = mark_path(&place);
        let marked = fs::read_to_string(&mark).ok().and_then(|pid| pid.trim().parse().ok());
        if marked.is_none() || marked != place.pid().map(nix::unistd::Pid::as_raw) {
            return Ok(false);
        }
        let _ = fs::remove_file(mark);
        self.server.stop()
    }
}

/// The exclusive lock that nobody else can have a [`Hold`] beside; none where somebody keeps one.
fn alone(place: &Place) -> Result<Option<fs::File>, Error> {
    let file = users(place)?;
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) if started.elapsed() < LEAVE_PATIENCE => std::thread::sleep(LOOK_EVERY),
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", users_path(place))(error)),
        }
    }
}

fn users(place: &Place) -> Result<fs::File, Error> {
    let path = users_path(place);
    let open = fs::OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
    open.map_err(Error::io("open", &path))
}

fn users_path(place: &Place) -> PathBuf {
    place.home.with_extension("users")
}

/// Holds the process id of the server that a run started.
fn mark_path(place: &Place) -> PathBuf {
    place.home.with_extension("run")
}
