//! Starting and stopping the server.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use super::install::{self, Installed};
use super::place::{Place, Turn};
use super::{Error, cache, port, tail};

/// Port of the tests' server, unless `MERIDIAN_TEST_DATABASE_PORT` names another.
const TEST_PORT: u16 = 17_433;
const START_PATIENCE: Duration = Duration::from_secs(60);
const STOP_PATIENCE: Duration = Duration::from_secs(30);
/// How long the processes of a killed server may take to end.
const KILLED_PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A PostgreSQL on 127.0.0.1 with its data in the user's cache folder. All methods block.
#[derive(Debug, Clone)]
pub struct LocalServer {
    name: String,
    port: u16,
    durable: bool,
    connections: u16,
}

impl LocalServer {
    /// The database of a local world: everything durable. Worlds on other ports have data of their own.
    #[must_use]
    pub fn for_world(port: u16) -> Self {
        Self { name: format!("world-{port}"), port, durable: true, connections: 200 }
    }

    /// The server that all test programs share. It does not sync its files: tests outlive no crash.
    #[must_use]
    pub fn for_tests() -> Self {
        let port = std::env::var("MERIDIAN_TEST_DATABASE_PORT").ok().and_then(|text| text.parse().ok());
        let port = port.unwrap_or(TEST_PORT);
        Self { name: format!("test-{port}"), port, durable: false, connections: 500 }
    }

    /// Sets how many connections it takes.
    #[must_use]
    pub const fn connections(mut self, connections: u16) -> Self {
        self.connections = connections;
        self
    }

    /// Fetches the server's programs where they are missing.
    ///
    /// # Errors
    /// [`Error::Missing`] lists everything that is missing with the command that installs it.
    pub fn ensure_installed(&self) -> Result<Installed, Error> {
        let cache = cache::folder()?;
        let _turn = Turn::take(&cache.join("install.lock"))?;
        install::ensure(&cache)
    }

    /// Starts it unless it runs, and returns its URL.
    ///
    /// # Errors
    /// [`Error`]; a taken port names its owner.
    pub fn start(&self) -> Result<String, Error> {
        let installed = self.ensure_installed()?;
        let place = self.place()?;
        let _turn = Turn::take(&place.home.with_extension("lock"))?;
        if !self.runs(&place) {
            self.launch_patiently(&installed, &place)?;
        }
        self.read_url(&place)
    }

    /// Stops it; open connections are cut, everything acknowledged is kept. False when it did not run.
    ///
    /// # Errors
    /// [`Error::Stuck`] when it does not end in time.
    pub fn stop(&self) -> Result<bool, Error> {
        self.end_by(Signal::SIGINT)
    }

    /// Ends it as a crash would: nothing is written any more, and the next start recovers from the log. What was
    /// acknowledged is kept where the server is durable. False when it did not run.
    ///
    /// # Errors
    /// As [`LocalServer::stop`].
    pub fn crash(&self) -> Result<bool, Error> {
        self.end_by(Signal::SIGQUIT)
    }

    fn end_by(&self, signal: Signal) -> Result<bool, Error> {
        let place = self.place()?;
        let _turn = Turn::take(&place.home.with_extension("lock"))?;
        let Some(pid) = place.pid() else { return Ok(false) };
        if kill(pid, signal).is_err() {
            return Ok(false);
        }
        let started = Instant::now();
        // The file goes as the very last thing, also where nobody collects the process.
        while place.pid() == Some(pid) {
            if started.elapsed() > STOP_PATIENCE {
                return Err(Error::Stuck(pid.as_raw()));
            }
            std::thread::sleep(LOOK_EVERY);
        }
        let _ = waitpid(pid, Some(WaitPidFlag::WNOHANG));
        Ok(true)
    }

    /// Stops it and deletes its data, for servers that belong to one run.
    ///
    /// # Errors
    /// As [`LocalServer::stop`], or where a file cannot be deleted.
    pub fn remove(&self) -> Result<(), Error> {
        self.stop()?;
        let place = self.place()?;
        match fs::remove_dir_all(&place.home) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("delete", &place.home)(error)),
            _ => Ok(()),
        }
    }

    /// Its URL.
    ///
    /// # Errors
    /// When it was never started, so that its password is not there yet.
    pub fn url(&self) -> Result<String, Error> {
        self.read_url(&self.place()?)
    }

    /// Whether it answers.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.place().is_ok_and(|place| self.runs(&place))
    }

    /// The number of its process, while that lives.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        Some(self.place().ok()?.pid()?.as_raw())
    }

    /// Its log file.
    ///
    /// # Errors
    /// When the user has no cache folder.
    pub fn log(&self) -> Result<PathBuf, Error> {
        Ok(self.place()?.log)
    }

    pub(super) fn place(&self) -> Result<Place, Error> {
        Place::of(&cache::folder()?.join("servers"), &self.name)
    }

    fn read_url(&self, place: &Place) -> Result<String, Error> {
        Ok(format!("postgres://postgres:{}@127.0.0.1:{}/postgres", place.password()?, self.port))
    }

    fn runs(&self, place: &Place) -> bool {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        place.pid().is_some_and(|pid| place.is_ready(pid, self.port))
            && TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
    }

    /// Makes the data folder where there is none.
    fn prepare(&self, installed: &Installed, place: &Place) -> Result<(), Error> {
        if let Ok(found) = fs::read_to_string(place.data.join("PG_VERSION")) {
            let found = found.trim().to_owned();
            if found == installed.major() {
                return Ok(());
            }
            let wanted = installed.major().to_owned();
            return Err(Error::OtherVersion { data: place.data.clone(), found, wanted });
        }
        place.make()?;
        // Made under another name, so that an interrupted initdb is not taken for data.
        let new = place.home.join("data.new");
        let _ = fs::remove_dir_all(&new);
        let out = place
            .owner
            .command(&installed.bin.join("initdb"), &place.home)
            .arg("-D")
            .arg(&new)
            .args(["-U", "postgres", "-A", "password", "-E", "UTF8", "--no-locale"])
            .args(["--locale-provider=builtin", "--builtin-locale=C.UTF-8"])
            .args((!self.durable).then_some("--no-sync"))
            .arg("--pwfile")
            .arg(&place.password_file)
            .stdin(Stdio::null())
            .output()
            .map_err(Error::io("run", installed.bin.join("initdb")))?;
        if !out.status.success() {
            return Err(Error::Failed { what: "initdb", said: tail(&String::from_utf8_lossy(&out.stderr), 4) });
        }
        fs::rename(&new, &place.data).map_err(Error::io("put in place", &place.data))
    }

    /// Launches it again for a while where it was killed: its last processes may still hold its port or its memory.
    fn launch_patiently(&self, installed: &Installed, place: &Place) -> Result<(), Error> {
        let killed = place.was_killed();
        let started = Instant::now();
        loop {
            let launched = port::ensure_free(self.port)
                .and_then(|()| self.prepare(installed, place))
                .and_then(|()| self.launch(installed, place));
            match launched {
                Err(Error::Failed { .. } | Error::PortTaken { .. })
                    if killed && started.elapsed() < KILLED_PATIENCE =>
                {
                    std::thread::sleep(LOOK_EVERY * 10);
                    // At the first look it may not have been there to be collected yet.
                    let _ = place.was_killed();
                }
                result => return result,
            }
        }
    }

    fn launch(&self, installed: &Installed, place: &Place) -> Result<(), Error> {
        let log = fs::OpenOptions::new().create(true).append(true).open(&place.log);
        let log = log.map_err(Error::io("open", &place.log))?;
        place.owner.give(&place.log)?;
        let errors = log.try_clone().map_err(Error::io("open", &place.log))?;
        let mut command = place.owner.command(&installed.bin.join("postgres"), &place.home);
        command.arg("-D").arg(&place.data).args(self.settings().into_iter().flat_map(|one| ["-c".to_owned(), one]));
        // A group of its own: Ctrl-C at the terminal is for us, the database goes last.
        command.process_group(0).stdin(Stdio::null()).stdout(log).stderr(errors);
        let child = command.spawn().map_err(Error::io("run", installed.bin.join("postgres")))?;
        self.wait_until_ready(place, child)
    }

    fn settings(&self) -> Vec<String> {
        let sync = if self.durable { "on" } else { "off" };
        vec![
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={}", self.port),
            "unix_socket_directories=".to_owned(),
            format!("max_connections={}", self.connections),
            format!("fsync={sync}"),
            format!("synchronous_commit={sync}"),
            format!("full_page_writes={sync}"),
            "shared_buffers=1GB".to_owned(),
            "max_wal_size=2GB".to_owned(),
            "timezone=UTC".to_owned(),
            "log_timezone=UTC".to_owned(),
            "logging_collector=off".to_owned(),
        ]
    }

    fn wait_until_ready(&self, place: &Place, mut child: Child) -> Result<(), Error> {
        let started = Instant::now();
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("process ids are small"));
        // What an earlier server left in its file says nothing about this one.
        while !place.is_ready(pid, self.port) {
            let over = child.try_wait().ok().flatten().is_some();
            if over || started.elapsed() > START_PATIENCE {
                let said = fs::read_to_string(&place.log).map(|log| tail(&log, 4)).unwrap_or_default();
                return Err(Error::Failed { what: "starting postgres", said });
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }
}
