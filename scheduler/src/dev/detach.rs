//! A world in the background, and its end.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use scheduler_client::local::World;
use serde_json::json;
use tokio::process::Command;

use super::database::Database;
use super::folder::Folder;
use super::ports::Ports;
use crate::cli::{Output, Stop};

/// Between two looks.
const POLL: Duration = Duration::from_millis(100);

/// How long a world may take to come up: the first one also gets its database.
const UP: Duration = Duration::from_secs(600);

/// How long a world may take to end.
const DOWN: Duration = Duration::from_secs(60);

/// Says that a world runs already. No failure: it is what was asked for.
pub(super) fn already(running: &World, output: &Output) -> anyhow::Result<()> {
    let address = running.address.as_deref().unwrap_or("not yet up");
    let value = json!({ "running": true, "address": running.address, "pid": running.keeper.pid });
    output.answer(&value, |_| format!("a world is running already (process {}): {address}", running.keeper.pid))
}

/// Starts the same command in the background and waits until the world is up.
pub(super) async fn start(folder: &Folder, output: &Output) -> anyhow::Result<()> {
    folder.create().with_context(|| format!("cannot make {}", folder.root().display()))?;
    let log = folder.log("world", false)?;
    let also = log.try_clone()?;
    let program = std::env::current_exe().context("cannot find this program")?;
    let mut child = Command::new(program)
        .args(std::env::args_os().skip(1))
        .arg("--background")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(also)
        .spawn()
        .context("cannot start the world in the background")?;
    let told = folder.logs().join("world.log");
    let up = async {
        loop {
            if let Some(status) = child.try_wait()? {
                let text = std::fs::read_to_string(&told).unwrap_or_default();
                return Err(Stop::refused(format!("the world ended with {status}:\n{}", text.trim_end())).into());
            }
            if let Some(World { summary: Some(summary), .. }) = folder.running() {
                return anyhow::Ok(summary);
            }
            tokio::time::sleep(POLL).await;
        }
    };
    match tokio::time::timeout(UP, up).await {
        Ok(summary) => {
            output.raw(&format!("{}\nIt runs in the background; `make down` ends it.\n", summary?.trim_end()))
        }
        Err(_) => {
            Err(Stop::refused(format!("the world is not up after {} s, see {}", UP.as_secs(), told.display())).into())
        }
    }
}

/// Ends the world, whoever started it.
pub(super) async fn stop(folder: &Folder, ports: Ports, output: &Output) -> anyhow::Result<()> {
    let Some(running) = folder.running() else {
        // A world that was killed leaves its database behind, as `make db` does.
        let stopped = Database::stop_left_over(ports).await?;
        let text = if stopped { "the database has ended; no world was running" } else { "no world is running" };
        return output.answer(&json!({ "stopped": stopped }), |_| text.to_owned());
    };
    kill(Pid::from_raw(running.keeper.pid), Signal::SIGTERM)
        .map_err(|error| Stop::refused(format!("cannot end process {}: {error}", running.keeper.pid)))?;
    let gone = async {
        while folder.running().is_some() {
            tokio::time::sleep(POLL).await;
        }
    };
    if tokio::time::timeout(DOWN, gone).await.is_err() {
        return Err(
            Stop::refused(format!("process {} has not ended after {} s", running.keeper.pid, DOWN.as_secs())).into()
        );
    }
    output.answer(&json!({ "stopped": true, "pid": running.keeper.pid }), |_| "the world has ended".to_owned())
}

/// Deletes the local database; refused while a world uses it.
pub(super) async fn reset(folder: &Folder, ports: Ports, output: &Output) -> anyhow::Result<()> {
    if let Some(running) = folder.running() {
        return Err(Stop::refused(format!("process {} uses it: `make down` first", running.keeper.pid)).into());
    }
    Database::remove(ports).await?;
    output.answer(&json!({ "removed": true }), |_| "the local database is gone".to_owned())
}
