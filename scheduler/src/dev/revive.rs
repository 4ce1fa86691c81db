//! `scheduler dev revive`: starts again what fell. The command sends the world a signal and reads in its note what came
//! of it; the world starts the processes and waits until they are ready.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::join_all;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::signal::unix::{self, SignalKind};
use tokio::time::{Instant, timeout};

use super::crew::{Crew, Started};
use super::folder::Folder;
use super::note::Note;
use crate::cli::{Output, Stop};

/// Between two looks.
const POLL: Duration = Duration::from_millis(100);

/// How long what was started may take to be ready.
const UP: Duration = Duration::from_secs(60);

/// How long the world may take to hear the wish and note what came of it, beyond that.
const NOTED: Duration = Duration::from_secs(10);

/// How long a process may take to say that it is ready.
const ANSWER: Duration = Duration::from_secs(1);

/// Asks the world to start again what fell, and waits until that runs.
pub(super) async fn ask(folder: &Folder, output: &Output) -> anyhow::Result<()> {
    let world = folder.running().ok_or_else(|| Stop::refused("no world is running"))?;
    let pid = world.keeper.pid;
    let before = world.revival.ok_or_else(|| Stop::refused(format!("the world of process {pid} is not up yet")))?;
    kill(Pid::from_raw(pid), Signal::SIGUSR1)
        .map_err(|error| Stop::refused(format!("cannot signal process {pid}: {error}")))?;
    let noted = async {
        loop {
            let world = folder.running().ok_or_else(|| Stop::refused("the world has ended"))?;
            if let Some(revival) = world.revival.filter(|revival| revival.number > before.number) {
                return anyhow::Ok(revival);
            }
            tokio::time::sleep(POLL).await;
        }
    };
    let revival = timeout(UP + NOTED, noted)
        .await
        .map_err(|_| Stop::refused(format!("process {pid} did not say what it started")))??;
    if let Some(why) = revival.failed {
        return Err(Stop::refused(why).into());
    }
    output.answer(&json!({ "started": revival.started }), |_| match revival.started.as_slice() {
        [] => "nothing had fallen".to_owned(),
        started => format!("started again: {}", started.join(", ")),
    })
}

/// Where the world hears the wish. Not SIGHUP, which a terminal that closes sends too.
pub(super) fn wishes() -> anyhow::Result<unix::Signal> {
    unix::signal(SignalKind::user_defined1()).context("cannot listen to signals")
}

/// Starts again what fell, waits until it is ready, and notes what came of it.
pub(super) async fn fulfil(crew: &mut Crew, note: &mut Note, output: &Output) -> anyhow::Result<()> {
    let mut started = Vec::new();
    let failed = bring_back(crew, &mut started).await.err().map(|error| format!("{error:#}"));
    let names: Vec<String> = started.into_iter().map(|one| one.name).collect();
    for name in &names {
        output.line(&json!({ "revived": name }), &format!("{name} is started again"))?;
    }
    note.processes(crew)?;
    Ok(note.revived(names, failed)?)
}

/// Starts what fell until nothing more has fallen and what was started is ready.
async fn bring_back(crew: &mut Crew, started: &mut Vec<Started>) -> anyhow::Result<()> {
    let until = Instant::now() + UP;
    let mut looked = false;
    loop {
        // Twice at least: what was killed a moment ago may not have ended at the first look.
        let more = crew.revive()?;
        if let Some(again) = more.iter().find(|one| started.contains(one)) {
            anyhow::bail!("{} ended again by itself, see its log", again.name);
        }
        let nothing_new = more.is_empty();
        started.extend(more);
        let ready = join_all(started.iter().map(|one| is_ready(one.address))).await;
        let waits = ready.iter().position(|ready| !ready).map(|at| &started[at].name);
        if looked && nothing_new && waits.is_none() {
            return Ok(());
        }
        if let Some(name) = waits.filter(|_| Instant::now() > until) {
            anyhow::bail!("{name} is not ready after {} s", UP.as_secs());
        }
        looked = true;
        tokio::time::sleep(POLL).await;
    }
}

/// Whether `/ready` answers 200: schedulers and agents both have it.
async fn is_ready(address: SocketAddr) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        stream
            .write_all(format!("GET /ready HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes())
            .await?;
        let mut status = [0; "HTTP/1.1 200".len()];
        stream.read_exact(&mut status).await?;
        std::io::Result::Ok(&status == b"HTTP/1.1 200")
    };
    matches!(timeout(ANSWER, ask).await, Ok(Ok(true)))
}
