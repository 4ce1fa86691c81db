//! Lines of a file as rows. Ids come from the lines, so an import that was killed, and is started again, adds the rest.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal as _};
use std::path::Path;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use memory::model::{Memory, MemoryId};
use memory::store::import::memory_import;
use memory::transfer::{Assumed, Line, line};
use serde::Serialize;
use sql::{Db, Engine, Lane};
use topology::{DatabaseRegion, ResidencyName, Topology};

use crate::cli::Import;
use crate::output::{Exit, Format, Stop, note, result};
use crate::rows::in_force;

/// Lines that were refused and are told one by one; the rest is counted.
const TOLD: u64 = 20;

/// What came of a file.
#[derive(Debug, Default, Serialize)]
struct Imported {
    lines: u64,
    /// Stored now.
    stored: u64,
    /// There already, said twice in the file, or forgotten once.
    known: u64,
    /// Issues that are open or were given up.
    unfinished: u64,
    refused: u64,
}

pub(crate) async fn run(args: &Import, format: Format) -> anyhow::Result<Exit> {
    let gateways = args.database.connect().await?;
    let db = gateways.lane(Lane::Upkeep);
    let topology = in_force(&db).await?;
    if !may_be(&topology, args.residency.as_ref(), &args.home) {
        return Err(Stop::usage(format!("the rule does not let its memories be in {}", args.home)));
    }
    let assumed = Assumed {
        specialization: args.specialization.clone(),
        residency: args.residency.clone(),
        home: args.home.clone(),
    };
    let (input, bytes) = open(&args.file)?;
    let mut importer =
        Importer { db: &db, topology: &topology, home: &args.home, batch: BTreeMap::new(), told: Imported::default() };
    let bar = bar(bytes);
    for (nth, text) in input.lines().enumerate() {
        let text = text.with_context(|| format!("{}:{} cannot be read", args.file.display(), nth + 1))?;
        bar.inc(text.len() as u64 + 1);
        if let Err(why) = importer.take(&text, &assumed).await? {
            importer.told.refused += 1;
            if importer.told.refused <= TOLD {
                bar.suspend(|| note(&format!("{}:{}: {why}", args.file.display(), nth + 1)));
            }
        }
    }
    importer.flush().await?;
    bar.finish_and_clear();
    let told = importer.told;
    gateways.close().await;
    result(format, &told, || {
        format!(
            "{} lines: {} stored, {} known or forgotten, {} unfinished, {} refused",
            told.lines, told.stored, told.known, told.unfinished, told.refused
        )
    })?;
    Ok(if told.refused > 0 { Exit::Finding } else { Exit::Ok })
}

struct Importer<'a> {
    db: &'a Db,
    topology: &'a Topology,
    home: &'a DatabaseRegion,
    batch: BTreeMap<MemoryId, Memory>,
    told: Imported,
}

impl Importer<'_> {
    /// Takes a line; says what is wrong with one that is refused.
    async fn take(&mut self, text: &str, assumed: &Assumed) -> anyhow::Result<Result<(), String>> {
        if text.trim().is_empty() {
            return Ok(Ok(()));
        }
        self.told.lines += 1;
        let memory = match line(text, assumed) {
            Err(error) => return Ok(Err(error.to_string())),
            Ok(Line::Unfinished) => {
                self.told.unfinished += 1;
                return Ok(Ok(()));
            }
            Ok(Line::Memory(memory)) => *memory,
        };
        if !may_be(self.topology, memory.residency.as_ref(), self.home) {
            return Ok(Err(format!("its residency does not let it be in {}", self.home)));
        }
        if self.batch.insert(memory.id, memory).is_some() {
            self.told.known += 1;
        }
        // What each engine likes in one statement.
        let most = match self.db.engine() {
            Engine::Postgres => 1_000,
            Engine::Cockroach => 100,
        };
        if self.batch.len() >= most {
            self.flush().await?;
        }
        Ok(Ok(()))
    }

    async fn flush(&mut self) -> anyhow::Result<()> {
        let memories: Vec<Memory> = std::mem::take(&mut self.batch).into_values().collect();
        if memories.is_empty() {
            return Ok(());
        }
        let stored = memory_import(self.db, self.home, &memories).await?.len() as u64;
        self.told.stored += stored;
        self.told.known += memories.len() as u64 - stored;
        Ok(())
    }
}

/// Whether a rule lists a region whose rows are in this home (P4).
fn may_be(topology: &Topology, rule: Option<&ResidencyName>, home: &DatabaseRegion) -> bool {
    let Some(rule) = rule else { return true };
    let here = topology.regions.iter().filter(|region| region.database_region == *home);
    here.into_iter().any(|region| topology.lawful(Some(rule), &region.name))
}

fn open(file: &Path) -> anyhow::Result<(Box<dyn BufRead>, Option<u64>)> {
    if file == Path::new("-") {
        return Ok((Box::new(BufReader::new(std::io::stdin())), None));
    }
    let opened = File::open(file).map_err(|error| Stop::usage(format!("{}: {error}", file.display())))?;
    let bytes = opened.metadata().ok().map(|data| data.len());
    Ok((Box::new(BufReader::new(opened)), bytes))
}

fn bar(bytes: Option<u64>) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = bytes.map_or_else(ProgressBar::no_length, ProgressBar::new);
    let style = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {eta} left");
    bar.with_style(style.expect("the template is right"))
}
