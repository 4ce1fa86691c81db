//! Starting and stopping the server.

use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use super::install::{self, Installed};
use super::user::Owner;
use super::{Error, cache, port, tail};

/// Port of the tests' server, unless `MERIDIAN_TEST_DATABASE_PORT` names another.
const TEST_PORT: u16 = 17_433;
const START_PATIENCE: Duration = Duration::from_secs(60);
const STOP_PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A PostgreSQL on 127.0.0.1 with its data in the user's cache folder. All methods block.
#[derive(Debug, Clone)]
pub struct LocalServer {
    name: String,
    port: u16,
    durable: bool,
    connections: u16,
}

/// The folders of one server.
struct Place {
    home: PathBuf,
    data: PathBuf,
    log: PathBuf,
    password: PathBuf,
    owner: Owner,
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
            port::ensure_free(self.port)?;
            self.prepare(&installed, &place)?;
            self.launch(&installed, &place)?;
        }
        self.read_url(&place)
    }

    /// Stops it; open connections are cut, everything acknowledged is kept. False when it did not run.
    ///
    /// # Errors
    /// [`Error::Stuck`] when it does not end in time.
    pub fn stop(&self) -> Result<bool, Error> {
        let place = self.place()?;
        let _turn = Turn::take(&place.home.with_extension("lock"))?;
        let Some(pid) = place.pid() else { return Ok(false) };
        if kill(pid, Signal::SIGINT).is_err() {
            return Ok(false);
        }
        let started = Instant::now();
        // The file goes as the very last thing, also where nobody collects the process.
        while place.pid() == Some(pid) && kill(pid, None).is_ok() {
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

    /// Its log file.
    ///
    /// # Errors
    /// When the user has no cache folder.
    pub fn log(&self) -> Result<PathBuf, Error> {
        Ok(self.place()?.log)
    }

    fn place(&self) -> Result<Place, Error> {
        let servers = cache::folder()?.join("servers");
        let home = servers.join(&self.name);
        make_folder(&servers, 0o755)?;
        let owner = Owner::choose(&home)?;
        let place = |name: &str| home.join(name);
        Ok(Place { data: place("data"), log: place("log"), password: place("password"), home, owner })
    }

    fn read_url(&self, place: &Place) -> Result<String, Error> {
        let password = fs::read_to_string(&place.password).map_err(Error::io("read", &place.password))?;
        Ok(format!("postgres://postgres:{}@127.0.0.1:{}/postgres", password.trim(), self.port))
    }

    fn runs(&self, place: &Place) -> bool {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        place.is_ready(self.port)
            && place.pid().is_some_and(|pid| kill(pid, None).is_ok())
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
        make_folder(&place.home, 0o700)?;
        place.owner.give(&place.home)?;
        write_password(place)?;
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
            .arg(&place.password)
            .stdin(Stdio::null())
            .output()
            .map_err(Error::io("run", installed.bin.join("initdb")))?;
        if !out.status.success() {
            return Err(Error::Failed { what: "initdb", said: tail(&String::from_utf8_lossy(&out.stderr), 4) });
        }
        fs::rename(&new, &place.data).map_err(Error::io("put in place", &place.data))
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
            "shared_buffers=256MB".to_owned(),
            "max_wal_size=2GB".to_owned(),
            "timezone=UTC".to_owned(),
            "log_timezone=UTC".to_owned(),
            "logging_collector=off".to_owned(),
        ]
    }

    fn wait_until_ready(&self, place: &Place, mut child: Child) -> Result<(), Error> {
        let started = Instant::now();
        while !place.is_ready(self.port) {
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

impl Place {
    /// The lines of postmaster.pid: pid, data folder, start time, port, .., state.
    fn postmaster(&self) -> Vec<String> {
        let text = fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
        text.lines().map(|line| line.trim().to_owned()).collect()
    }

    fn pid(&self) -> Option<Pid> {
        self.postmaster().first()?.parse().ok().filter(|pid| *pid > 1).map(Pid::from_raw)
    }

    fn is_ready(&self, port: u16) -> bool {
        let lines = self.postmaster();
        lines.get(7).is_some_and(|state| state == "ready") && lines.get(3) == Some(&port.to_string())
    }
}

/// The exclusive right to change something, held by a lock on a file.
struct Turn {
    _file: fs::File,
}

impl Turn {
    fn take(path: &Path) -> Result<Self, Error> {
        let open = fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path);
        let file = open.map_err(Error::io("open", path))?;
        file.lock().map_err(Error::io("lock", path))?;
        Ok(Self { _file: file })
    }
}

fn make_folder(path: &Path, mode: u32) -> Result<(), Error> {
    fs::DirBuilder::new().recursive(true).mode(mode).create(path).map_err(Error::io("make", path))
}

fn write_password(place: &Place) -> Result<(), Error> {
    let _ = fs::remove_file(&place.password);
    let file = fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(&place.password);
    let written = file.and_then(|mut file| writeln!(file, "{}", uuid::Uuid::new_v4().simple()));
    written.map_err(Error::io("write", &place.password))?;
    place.owner.give(&place.password)
}
