//! graphile-worker beside Meridian, on the same server, in the same run.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Context as _;
use serde::Deserialize;
use tokio::process::Command;

/// What the peer's script prints.
#[derive(Debug, Deserialize)]
struct Answer {
    per_s: f64,
    left: i64,
}

/// The peer, where it can run here.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    folder: PathBuf,
}

/// How the peer takes its jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Batches of 500 in and out.
    LocalQueue,
    /// One job a call.
    PerJob,
}

impl Peer {
    /// Installs the locked versions with npm where they are not there yet. None where there is no npm, or it fails:
    /// the figures that are multiples of the peer's then have no target.
    pub(crate) async fn find() -> Option<Self> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("peers");
        if !folder.join("node_modules/graphile-worker").is_dir() {
            let status = Command::new("npm")
                .args(["ci", "--no-audit", "--no-fund"])
                .current_dir(&folder)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .await;
            if !status.is_ok_and(|status| status.success()) {
                return None;
            }
        }
        let peer = Self { folder };
        let version = Command::new(peer.node()).arg("--version").output().await.ok()?;
        version.status.success().then_some(peer)
    }

    /// Jobs a second, enqueued and processed together.
    ///
    /// # Errors
    /// Where the peer fails or leaves a job undone.
    pub(crate) async fn run(&self, database: &str, mode: Mode, jobs: usize, at_once: usize) -> anyhow::Result<f64> {
        let mode = match mode {
            Mode::LocalQueue => "local-queue",
            Mode::PerJob => "per-job",
        };
        let output = Command::new(self.node())
            .args(["graphile.cjs", mode, &jobs.to_string(), &at_once.to_string()])
            .current_dir(&self.folder)
            .env("DATABASE_URL", database)
            .env("NO_LOG_SUCCESS", "1")
            .stdin(Stdio::null())
            .output()
            .await
            .context("could not start node")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text
            .lines()
            .find(|line| line.starts_with('{'))
            .with_context(|| format!("graphile-worker gave no figure: {}", String::from_utf8_lossy(&output.stderr)))?;
        let answer: Answer = serde_json::from_str(line)?;
        anyhow::ensure!(answer.left == 0, "graphile-worker left {} jobs", answer.left);
        Ok(answer.per_s)
    }

    fn node(&self) -> PathBuf {
        self.folder.join("node_modules/.bin/node")
    }
}
