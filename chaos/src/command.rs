//! Runs one command of a drill: no shell, bounded in time, and nothing of it is left when it is given up.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

/// What is kept of each of its outputs; the rest is read and dropped.
const KEPT: u64 = 64 * 1024;

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Its exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// The first 64 KiB of its standard output.
    pub out: String,
    /// The same of its standard error.
    pub err: String,
}

/// Why a command was not carried out well.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no program to run.
    #[error("the command is empty")]
    Empty,
    /// It could not be started or read.
    #[error("could not run {program}")]
    Run {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It, or something that it started and that keeps its output open, did not end in time, and was killed.
    #[error("{program} did not end within {limit:?}")]
    TooLong {
        /// The program.
        program: String,
        /// The limit.
        limit: Duration,
    },
    /// It ended with a failure.
    #[error("{program} ended with {}: {said}", .code.map_or("a signal".to_owned(), |code| format!("exit code {code}")))]
    Failed {
        /// The program.
        program: String,
        /// Its exit code; none where a signal ended it.
        code: Option<i32>,
        /// The last line of its standard error, else of its output.
        said: String,
    },
}

/// Kills the command's process group unless it has ended, however its future ends.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Either the child is not reaped yet, or what keeps its output open is in the group: it is still its own.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

/// Runs a command to its end, whatever its exit code. It is in a process group of its own: what interrupts the terminal
/// does not interrupt it.
///
/// # Errors
/// [`Error::Empty`], [`Error::Run`] or [`Error::TooLong`].
pub async fn run(argv: &[String], limit: Duration) -> Result<Ran, Error> {
    let (program, arguments) = argv.split_first().ok_or(Error::Empty)?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    wait_for(command, program, limit).await
}

/// Like [`run_well`], by the program `chaos`, so that the command is killed when this process is.
///
/// # Errors
/// See [`Error`].
pub async fn run_leashed(chaos: &Path, argv: &[String], limit: Duration) -> Result<Ran, Error> {
    let program = argv.first().ok_or(Error::Empty)?;
    let mut command = Command::new(chaos);
    command.args(["leash", "--"]).args(argv).stdin(Stdio::piped());
    well(program, wait_for(command, program, limit).await?)
}

/// Runs a command that has to end well.
///
/// # Errors
/// See [`Error`].
pub async fn run_well(argv: &[String], limit: Duration) -> Result<Ran, Error> {
    let program = argv.first().ok_or(Error::Empty)?;
    well(program, run(argv, limit).await?)
}

async fn wait_for(mut command: Command, program: &str, limit: Duration) -> Result<Ran, Error> {
    let broken = |source| Error::Run { program: program.to_owned(), source };
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn().map_err(broken)?;
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
    let mut group = Group(pid);
    // Held until the command has ended; `Child::wait` would let it go.
    let _stdin = child.stdin.take();
    let (out, err) = (child.stdout.take().expect("it is piped"), child.stderr.take().expect("it is piped"));
    let whole = async { tokio::try_join!(keep(out), keep(err), child.wait()) };
    let Ok(ended) = tokio::time::timeout(limit, whole).await else {
        return Err(Error::TooLong { program: program.to_owned(), limit });
    };
    let (out, err, status) = ended.map_err(broken)?;
    group.0 = None;
    Ok(Ran { code: status.code(), out, err })
}

fn well(program: &str, ran: Ran) -> Result<Ran, Error> {
    if ran.code == Some(0) {
        return Ok(ran);
    }
    let said = if ran.err.trim().is_empty() { &ran.out } else { &ran.err };
    let said = said.trim_end().lines().next_back().unwrap_or("it said nothing").to_owned();
    Err(Error::Failed { program: program.to_owned(), code: ran.code, said })
}

/// Whether a program is there: at its path, or in a folder of `PATH`.
#[must_use]
pub fn is_there(program: &str) -> bool {
    find(program).is_some()
}

/// Where a program is: at its path, or in the first folder of `PATH` that has it.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    let is_file =
        |path: &PathBuf| path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0);
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(is_file);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(is_file)
}

/// A command as somebody would type it.
#[must_use]
pub fn line(argv: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,{}".contains(c);
    let quoted = |word: &String| {
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    };
    argv.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

async fn keep(from: impl AsyncRead + Unpin) -> std::io::Result<String> {
    let mut kept = Vec::new();
    let mut first = from.take(KEPT);
    first.read_to_end(&mut kept).await?;
    tokio::io::copy(&mut first.into_inner(), &mut tokio::io::sink()).await?;
    Ok(String::from_utf8_lossy(&kept).into_owned())
}

#[cfg(test)]
mod tests {
    use scheduler_client::local::Process;

    use super::*;
    use crate::wait::wait_until;

    const LIMIT: Duration = Duration::from_secs(20);

    fn sh(script: &str) -> Vec<String> {
        ["sh", "-c", script].map(str::to_owned).into()
    }

    #[tokio::test]
    async fn what_a_command_says_and_how_it_ends_is_told() {
        let ran = run(&sh("echo out; echo err >&2; exit 3"), LIMIT).await.unwrap();
        assert_eq!(ran, Ran { code: Some(3), out: "out\n".to_owned(), err: "err\n".to_owned() });
        let failed = run_well(&sh("echo first >&2; echo last >&2; exit 3"), LIMIT).await.unwrap_err();
        assert_eq!(failed.to_string(), "sh ended with exit code 3: last");
        assert!(matches!(run(&[], LIMIT).await, Err(Error::Empty)));
        assert!(matches!(run(&["/no/such/program".to_owned()], LIMIT).await, Err(Error::Run { .. })));
    }

    #[test]
    fn a_command_is_shown_as_somebody_would_type_it() {
        let argv = ["kubectl", "--context", "a b", "it's", "", "x=1"].map(str::to_owned);
        assert_eq!(line(&argv), r"kubectl --context 'a b' 'it'\''s' '' x=1");
    }

    #[test]
    fn a_program_is_looked_for_where_the_system_would() {
        assert!(is_there("sh") && is_there("/bin/sh"));
        assert!(!is_there("no-such-program") && !is_there("/no/such/program") && !is_there("/bin"));
    }

    #[tokio::test]
    async fn a_command_that_says_much_is_kept_in_part() {
        let ran = run(&sh("head -c 300000 /dev/zero | tr '\\0' x"), LIMIT).await.unwrap();
        assert_eq!((ran.code, ran.out.len() as u64), (Some(0), KEPT));
    }

    #[tokio::test]
    async fn a_command_that_takes_too_long_is_killed_with_all_that_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let note = dir.path().join("pid");
        let script = format!("sleep 600 & echo $! > {}; wait", note.display());
        let limit = Duration::from_millis(500);
        assert!(matches!(run(&sh(&script), limit).await, Err(Error::TooLong { .. })));
        let pid: i32 = std::fs::read_to_string(&note).unwrap().trim().parse().unwrap();
        // One that has ended has no beginning any more, collected or not.
        let gone = async || Process::of(pid).began.is_none();
        assert!(wait_until(LIMIT, gone).await, "process {pid} still runs");
    }
}
