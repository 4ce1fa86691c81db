//! What a world on this machine (`scheduler dev`) notes of itself, for programs that watch or break its processes.
//!
//! The process that keeps the world is the only one that writes [`NOTE`], whole each time, within a second or two of a
//! change. So a reader compares a process with what the system says of it now, see [`Process::runs`], before it does
//! anything to it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use topology::RegionName;

/// Name of the note in the world's folder.
pub const NOTE: &str = "world.json";

/// A world that was started on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct World {
    /// The process that keeps the world. When it ends, the others do.
    #[serde(flatten)]
    pub keeper: Process,
    /// Address to look at; none until the world is up.
    pub address: Option<String>,
    /// What was printed when it was up.
    pub summary: Option<String>,
    /// Regions of the topology with their processes, in the order of their ports.
    #[serde(default)]
    pub regions: Vec<Region>,
    /// The database server, where this world started it.
    #[serde(default)]
    pub database: Option<Process>,
    /// The last time that what fell was started again; none until the world is up.
    #[serde(default)]
    pub revival: Option<Revival>,
}

/// The processes of a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// The region.
    pub region: RegionName,
    /// Address of its scheduler, whether that runs or not.
    pub address: String,
    /// Address where its agents tell how they are, likewise.
    pub agent_health: String,
    /// Its scheduler; none where it has fallen.
    pub scheduler: Option<Process>,
    /// Its agents that run.
    pub agents: Vec<Process>,
}

/// A process, told from a later one with the same number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// When it began, as the system counts it; none where the system does not tell.
    pub began: Option<String>,
}

/// What came of `scheduler dev revive`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revival {
    /// How many there have been.
    pub number: u64,
    /// Names of the processes that the last one started.
    pub started: Vec<String>,
    /// Why not all of them run; none where they do.
    pub failed: Option<String>,
}

impl World {
    /// The note in a world's folder, whoever keeps that world; none where there is none, or one that cannot be read.
    #[must_use]
    pub fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(folder.join(NOTE)).ok()?).ok()
    }

    /// Writes the note; a reader sees the one before or this one.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let whole = folder.join(format!("{NOTE}.new"));
        fs::write(&whole, serde_json::to_vec_pretty(self)?)?;
        fs::rename(whole, folder.join(NOTE))
    }
}

impl Process {
    /// The process that has this number now.
    #[must_use]
    pub fn of(pid: i32) -> Self {
        Self { pid, began: began(pid) }
    }

    /// Whether it runs. Where the system does not tell when processes began, any process with its number is taken for it.
    #[must_use]
    pub fn runs(&self) -> bool {
        // 0 and below mean whole groups.
        let exists = self.pid > 0 && kill(Pid::from_raw(self.pid), None).is_ok();
        exists && began(self.pid) == self.began
    }
}

/// The folder of the world whose ports are counted from `base`, unless it was given another: `$XDG_STATE_HOME/meridian/BASE`,
/// else `~/.local/state/meridian/BASE`, else a temporary one.
#[must_use]
pub fn folder(base: u16) -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let state = std::env::var_os("XDG_STATE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let root = state.or_else(home).unwrap_or_else(std::env::temp_dir);
    root.join("meridian").join(base.to_string())
}

/// When a process began, in the system's own count; none where the system does not tell, or the process has ended.
fn began(pid: i32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, blanks too.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let is_zombie = fields.next() == Some("Z");
    if is_zombie { None } else { fields.nth(18).map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_of_an_earlier_version_can_be_read() {
        let world: World =
            serde_json::from_str(r#"{"pid": 7, "began": "1", "address": null, "summary": null}"#).unwrap();
        assert_eq!(world.keeper, Process { pid: 7, began: Some("1".to_owned()) });
        assert_eq!((world.regions.len(), world.database, world.revival), (0, None, None));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_is_told_from_another_with_its_number_and_from_one_that_ended() {
        let here = Process::of(i32::try_from(std::process::id()).unwrap());
        assert!(here.runs());
        assert!(!Process { began: Some("1".to_owned()), ..here }.runs());
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let other = Process::of(i32::try_from(child.id()).unwrap());
        assert!(other.runs());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!other.runs());
    }
}
