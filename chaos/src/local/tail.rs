//! Reads the runners' ledger while it grows.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Deserialize;
use tokio::task::JoinHandle;
use topology::{Epoch, MissionId};

use super::load::{SharedFacts, lock};

/// Between two looks.
const EVERY: Duration = Duration::from_millis(50);

/// Reads until it is finished or dropped.
#[derive(Debug)]
pub(crate) struct Tail {
    reading: JoinHandle<()>,
    reader: Arc<Mutex<Reader>>,
    facts: SharedFacts,
}

/// As much of a line as is needed.
#[derive(Deserialize)]
struct Line {
    at_us: i64,
    event: String,
    mission: MissionId,
    epoch: Epoch,
    region: String,
}

impl Tail {
    /// Starts to read a file that need not be there yet.
    pub(crate) fn start(path: PathBuf, facts: SharedFacts) -> Self {
        let reader = Arc::new(Mutex::new(Reader { path, at: 0, rest: Vec::new() }));
        let (again, known) = (Arc::clone(&reader), Arc::clone(&facts));
        let reading = tokio::spawn(async move {
            loop {
                read(&again, &known);
                tokio::time::sleep(EVERY).await;
            }
        });
        Self { reading, reader, facts }
    }

    /// Reads to the end of what is there now, and ends.
    pub(crate) fn finish(self) {
        self.reading.abort();
        read(&self.reader, &self.facts);
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

fn read(reader: &Mutex<Reader>, facts: &SharedFacts) {
    reader.lock().expect("no holder of this lock panics").read(facts);
}

#[derive(Debug)]
struct Reader {
    path: PathBuf,
    at: u64,
    rest: Vec<u8>,
}

impl Reader {
    fn read(&mut self, facts: &SharedFacts) {
        let Ok(mut file) = std::fs::File::open(&self.path) else { return };
        if file.seek(SeekFrom::Start(self.at)).is_err() {
            return;
        }
        let before = self.rest.len();
        if file.read_to_end(&mut self.rest).is_err() {
            self.rest.truncate(before);
            return;
        }
        self.at += (self.rest.len() - before) as u64;
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return };
        let whole: Vec<u8> = self.rest.drain(..=end).collect();
        let mut facts = lock(facts);
        for line in whole.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            // Lines of other kinds are the checker's business.
            let Ok(line) = serde_json::from_slice::<Line>(line) else { continue };
            match line.event.as_str() {
                "start" => facts.began(line.mission, line.epoch, &line.region, line.at_us),
                "end" => facts.ended(line.mission, line.epoch, line.at_us),
                _ => {}
            }
        }
    }
}
