//! Moves homes to another space of vectors, tells how far it is, and takes the old space away where that is asked for.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use memory::embed::choice::Any;
use memory::embed::{Embedder as _, Space};
use memory::reembed::{Error, Move, Moved};
use memory::store::embedding::{space_close, vectors_drop, vectors_left};
use serde::Serialize;
use sql::{Db, Engine, Lane};
use tokio::signal::unix::{Signal, SignalKind, signal};
use topology::{DatabaseRegion, Topology};

use crate::cli::Reembed;
use crate::output::{Exit, Format, Stop, note, result};
use crate::rows::in_force;

/// Vectors that one statement takes away.
const DROP: i64 = 500;
/// Between two lines of progress where nobody sees a bar.
const TELL: Duration = Duration::from_secs(5);

/// What was done.
#[derive(Debug, Serialize)]
struct Told {
    space: Space,
    /// Whether every memory has a vector of the space that may and can have one.
    complete: bool,
    homes: Vec<OfHome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dropped: Option<Dropped>,
    seconds: f64,
}

#[derive(Debug, Serialize)]
struct OfHome {
    home: DatabaseRegion,
    stored: u64,
    /// Under a rule whose texts the API may not see: found by words alone.
    withheld: u64,
    /// The embedder refused their text: likewise.
    refused: u64,
}

#[derive(Debug, Serialize)]
struct Dropped {
    space: String,
    vectors: u64,
    /// Whether its index is gone too; on CockroachDB one index serves all spaces and stays.
    index: bool,
}

pub(crate) async fn run(args: &Reembed, format: Format) -> anyhow::Result<Exit> {
    let (embedder, _) =
        args.to.embedders(&args.may_see).map_err(|error| Stop::usage(format!("{:#}", anyhow::Error::from(error))))?;
    let space = embedder.space().clone();
    if args.drop.as_deref() == Some(space.as_str()) {
        return Err(Stop::usage(format!("--drop {space}: that is the space that memories are moved to")));
    }
    let gateways = args.database.connect().await?;
    let db = gateways.lane(Lane::Upkeep);
    check(args, &in_force(&db).await?)?;
    let began = Instant::now();
    let mut stop = Asked::listen()?;
    let mut told = Told { space, complete: true, homes: Vec::new(), dropped: None, seconds: 0.0 };
    for home in &args.homes {
        let (moved, ended) = move_home(&db, home, &embedder, &mut stop).await?;
        let Moved { stored, withheld, refused } = moved;
        told.homes.push(OfHome { home: home.clone(), stored, withheld, refused });
        told.complete &= ended;
        if !ended {
            break;
        }
    }
    let refused = told.homes.iter().any(|home| home.refused > 0);
    match &args.drop {
        Some(old) if told.complete && !refused => {
            let (dropped, ended) = drop_space(&db, &args.homes, old, &mut stop).await?;
            told.dropped = Some(dropped);
            told.complete &= ended;
        }
        Some(old) if refused => {
            note(&format!("nothing of {old} is dropped: some texts have no vector of the new space"));
        }
        Some(_) | None => {}
    }
    told.seconds = began.elapsed().as_secs_f64();
    gateways.close().await;
    result(format, &told, || as_text(&told))?;
    Ok(match (told.complete, refused) {
        (false, _) => Exit::Aborted,
        (true, true) => Exit::Finding,
        (true, false) => Exit::Ok,
    })
}

/// Homes and rules are those of the topology in force: a name that is spelled wrongly would silently do nothing.
fn check(args: &Reembed, topology: &Topology) -> anyhow::Result<()> {
    if let Some(home) = args.homes.iter().find(|home| !topology.database.regions.contains(home)) {
        return Err(Stop::usage(format!("--home {home}: the topology in force has no such database region")));
    }
    if let Some(rule) = args.may_see.iter().find(|rule| !topology.residency.contains_key(rule)) {
        return Err(Stop::usage(format!("--residency {rule}: the topology in force has no such rule")));
    }
    Ok(())
}

/// Moves one home, until the end or until somebody asks to stop; says what was done and whether that is all.
async fn move_home(db: &Db, home: &DatabaseRegion, embedder: &Any, stop: &mut Asked) -> anyhow::Result<(Moved, bool)> {
    let mut progress = Progress::new(home, vectors_left(db, home, embedder.space()).await?.unsigned_abs());
    let mut under_way = Move::new(db, home, embedder);
    let ended = loop {
        let more = tokio::select! {
            biased;
            () = stop.asked() => break false,
            more = under_way.step() => more.map_err(|error| failed(error, home))?,
        };
        if !more {
            break true;
        }
        progress.tell(under_way.moved());
    };
    progress.end();
    Ok((under_way.moved(), ended))
}

/// The embedder's failure is told with how to go on: what is stored stays.
fn failed(error: Error, home: &DatabaseRegion) -> anyhow::Error {
    match error {
        Error::Embedder(error) => {
            Stop::refused(format!("{home}: {error}; what is stored stays, start it again to go on"))
        }
        Error::Database(error) => anyhow::Error::from(error).context(format!("{home}")),
    }
}

/// Takes the vectors of a space away, and its index where no home has any.
async fn drop_space(
    db: &Db,
    homes: &[DatabaseRegion],
    name: &str,
    stop: &mut Asked,
) -> anyhow::Result<(Dropped, bool)> {
    let space = Space::new(name);
    let mut dropped = Dropped { space: name.to_owned(), vectors: 0, index: false };
    for home in homes {
        loop {
            let gone = tokio::select! {
                biased;
                () = stop.asked() => return Ok((dropped, false)),
                gone = vectors_drop(db, home, &space, DROP) => gone?,
            };
            dropped.vectors += gone;
            if gone == 0 {
                break;
            }
        }
    }
    dropped.index = space_close(db, &space).await?;
    if db.engine() == Engine::Postgres && !dropped.index {
        note(&format!(
            "no index of {name} was dropped: there is none, another home has vectors of it, or it is in use; start it again"
        ));
    }
    Ok((dropped, true))
}

fn as_text(told: &Told) -> String {
    let mut text: String = told
        .homes
        .iter()
        .map(|home| {
            let OfHome { home, stored, withheld, refused } = home;
            format!("{home}: {stored} vectors of {}, {withheld} withheld, {refused} refused\n", told.space)
        })
        .collect();
    if let Some(Dropped { space, vectors, index }) = &told.dropped {
        text += &format!("{vectors} vectors of {space} dropped{}\n", if *index { ", and its index" } else { "" });
    }
    if !told.complete {
        text += "not done: start it again and it goes on\n";
    }
    text
}

/// Ctrl-C and SIGTERM, which end the command between two steps or within one: each may be done again.
struct Asked {
    interrupt: Signal,
    terminate: Signal,
}

impl Asked {
    fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen to signals");
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// How far a home is: a bar for people, a line now and then for logs.
struct Progress {
    home: DatabaseRegion,
    all: u64,
    began: Instant,
    told: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    fn new(home: &DatabaseRegion, all: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{prefix} {bar:40} {pos} of {len}, {per_sec}, {eta} left");
            ProgressBar::new(all).with_prefix(home.to_string()).with_style(style.expect("the template is right"))
        });
        let now = Instant::now();
        Self { home: home.clone(), all, began: now, told: now, bar }
    }

    fn tell(&mut self, moved: Moved) {
        // A pass that begins again meets what is withheld and refused anew; memories that came meanwhile are more.
        let done = moved.stored + moved.withheld + moved.refused;
        self.all = self.all.max(done);
        if let Some(bar) = &self.bar {
            bar.set_length(self.all);
            bar.set_position(done);
        } else if self.told.elapsed() >= TELL {
            self.told = Instant::now();
            note(&format!("{}: {}", self.home, line(done, self.all, self.began.elapsed())));
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Count, rate and time left.
fn line(done: u64, all: u64, elapsed: Duration) -> String {
    let rate = done as f64 / elapsed.as_secs_f64().max(0.001);
    let left = if rate > 0.0 {
        format!("{:.0} s left", all.saturating_sub(done) as f64 / rate)
    } else {
        "time left unknown".to_owned()
    };
    format!("{done} of {all} memories, {rate:.0}/s, {left}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_tells_count_rate_and_time_left() {
        assert_eq!(line(500, 2_000, Duration::from_secs(10)), "500 of 2000 memories, 50/s, 30 s left");
        assert_eq!(line(0, 10, Duration::from_secs(1)), "0 of 10 memories, 0/s, time left unknown");
    }
}
