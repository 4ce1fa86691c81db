//! The folders of one server, and what they tell about it.

use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use super::Error;
use super::user::Owner;

/// The folders and files of one server.
pub(super) struct Place {
    pub(super) home: PathBuf,
    pub(super) data: PathBuf,
    pub(super) log: PathBuf,
    pub(super) password_file: PathBuf,
    pub(super) owner: Owner,
}

impl Place {
    pub(super) fn of(servers: &Path, name: &str) -> Result<Self, Error> {
        let home = servers.join(name);
        make_folder(servers, 0o755)?;
        let owner = Owner::choose(&home)?;
        let inside = |name: &str| home.join(name);
        Ok(Self { data: inside("data"), log: inside("log"), password_file: inside("password"), home, owner })
    }

    /// Makes the folder, with a new password in it.
    pub(super) fn make(&self) -> Result<(), Error> {
        make_folder(&self.home, 0o700)?;
        self.owner.give(&self.home)?;
        let file = &self.password_file;
        let _ = fs::remove_file(file);
        let open = fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(file);
        let written = open.and_then(|mut open| writeln!(open, "{}", uuid::Uuid::new_v4().simple()));
        written.map_err(Error::io("write", file))?;
        self.owner.give(file)
    }

    pub(super) fn password(&self) -> Result<String, Error> {
        let text = fs::read_to_string(&self.password_file).map_err(Error::io("read", &self.password_file))?;
        Ok(text.trim().to_owned())
    }

    /// The server's process, if it lives and is ours: after a crash its number may be another program's.
    pub(super) fn pid(&self) -> Option<Pid> {
        self.noted_pid().filter(|pid| self.is_ours(*pid))
    }

    /// Whether a server left its note behind without living any more. Where it was our child it is collected, for its
    /// successor would take a process that waits to be collected for a living one.
    pub(super) fn was_killed(&self) -> bool {
        let Some(pid) = self.noted_pid().filter(|pid| !self.is_ours(*pid)) else { return false };
        let _ = waitpid(pid, Some(WaitPidFlag::WNOHANG));
        true
    }

    /// Whether process `pid` has noted that it takes connections on `port`.
    pub(super) fn is_ready(&self, pid: Pid, port: u16) -> bool {
        let lines = self.postmaster();
        let is = |line: usize, wanted: &str| lines.get(line).is_some_and(|found| found == wanted);
        is(0, &pid.to_string()) && is(3, &port.to_string()) && is(7, "ready")
    }

    /// The lines of postmaster.pid: pid, data folder, start time, port, .., state.
    fn postmaster(&self) -> Vec<String> {
        let text = fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
        text.lines().map(|line| line.trim().to_owned()).collect()
    }

    fn noted_pid(&self) -> Option<Pid> {
        self.postmaster().first()?.parse().ok().filter(|pid| *pid > 1).map(Pid::from_raw)
    }

    /// Whether a process was started with our data folder.
    fn is_ours(&self, pid: Pid) -> bool {
        let line = if Path::new("/proc/self/cmdline").exists() {
            fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()
        } else {
            let listed = Command::new("ps").args(["-o", "command=", "-p", &pid.to_string()]).output();
            listed.map(|out| out.stdout).unwrap_or_default()
        };
        let data = self.data.as_os_str().as_bytes();
        line.windows(data.len()).any(|part| part == data)
    }
}

/// The exclusive right to change something, held by a lock on a file.
pub(super) struct Turn {
    _file: fs::File,
}

impl Turn {
    pub(super) fn take(path: &Path) -> Result<Self, Error> {
        let open = fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path);
        let file = open.map_err(Error::io("open", path))?;
        file.lock().map_err(Error::io("lock", path))?;
        Ok(Self { _file: file })
    }
}

fn make_folder(path: &Path, mode: u32) -> Result<(), Error> {
    fs::DirBuilder::new().recursive(true).mode(mode).create(path).map_err(Error::io("make", path))
}
