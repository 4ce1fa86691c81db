//! The guard of a run: a process of its own that undoes what is pending when the run dies without a word.
//!
//! The run holds the other end of the guard's standard input, which ends however the run dies. The guard is in a session
//! of its own, so that neither Ctrl-C nor a terminal that hangs up reaches it.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use super::log::{self, lines};
use super::{Rescued, UndoLine, rescue};

/// What the guard says when nothing can end it any more but SIGKILL.
const READY: u8 = b'+';

/// How long the guard may take to say so, and to end after its run is over.
const PATIENCE: Duration = Duration::from_secs(10);

/// The guard of this run.
#[derive(Debug)]
pub struct Guard {
    child: Child,
}

impl Guard {
    /// Starts `program guard --log LOG --stdin` and waits until it stands. To be done before the first fault.
    ///
    /// # Errors
    /// Where it does not stand in time.
    pub async fn start(program: &Path, log: &Path, token: Option<&str>) -> anyhow::Result<Self> {
        let said = OpenOptions::new().create(true).append(true).open(log.with_file_name("guard.log"))?;
        let mut command = Command::new(program);
        command.args(["guard", "--stdin", "--log"]).arg(log);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(said);
        if let Some(token) = token {
            command.env("MERIDIAN_TOKEN", token);
        }
        let mut child = command.spawn().with_context(|| format!("could not start {}", program.display()))?;
        let mut out = child.stdout.take().context("the guard's output is not piped")?;
        let ready = tokio::time::timeout(PATIENCE, out.read_u8()).await.context("the guard does not stand in time")?;
        anyhow::ensure!(ready.context("the guard ended at once, see guard.log")? == READY, "the guard said nonsense");
        Ok(Self { child })
    }

    /// The guard's process id, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Lets the guard go. What the log says is pending it undoes first.
    ///
    /// # Errors
    /// Where it does not end in time.
    pub async fn dismiss(mut self) -> anyhow::Result<()> {
        drop(self.child.stdin.take());
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.context("the guard does not end in time")?.context("the guard cannot be waited for").map(drop)
    }
}

/// Stands guard over a log until `input` ends; then undoes what is pending. Says on `output` when it stands.
///
/// # Errors
/// Where signals cannot be caught, or the log cannot be had or written.
pub async fn stand(
    log: &Path,
    mut input: impl AsyncRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
    token: Option<&str>,
) -> anyhow::Result<Rescued> {
    // Fails where this process leads a group already, which is apart from the run's then.
    let _ = nix::unistd::setsid();
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit()];
    // Caught, and not looked at.
    let _caught =
        kinds.map(|kind| signal(kind).context("cannot catch signals")).into_iter().collect::<Result<Vec<_>, _>>()?;
    output.write_all(&[READY]).await?;
    output.flush().await?;
    // Whatever is sent, and however it ends: only the end counts.
    let _ = tokio::io::copy(&mut input, &mut tokio::io::sink()).await;
    undo_unless_over(log, token).await.map_err(Into::into)
}

async fn undo_unless_over(log: &Path, token: Option<&str>) -> Result<Rescued, log::Error> {
    // While its run lives the log is held, but a run that is over need not be waited for.
    if lines(log)?.contains(&UndoLine::Over) { Ok(Rescued::default()) } else { rescue(log, token).await }
}
