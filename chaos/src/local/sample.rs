//! Looks at the world from outside, four times a second: the rows by a connection of its own where that is allowed, the
//! schedulers by their own addresses. No fault is on these ways.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scheduler_client::wire::{RegionHealth, RegionList, RegionVerb, RegionView};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tokio_postgres::NoTls;
use topology::{DatabaseRegion, Epoch, MissionId, RegionName};

use super::database::Database;
use super::load::{SharedFacts, lock};
use crate::history::Record;
use crate::load::now_us;

/// Between two looks.
const EVERY: Duration = Duration::from_millis(250);
/// How long one look may take.
const PATIENCE: Duration = Duration::from_millis(500);

/// What was seen at one moment. What could not be seen is missing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When, microseconds since the Unix epoch.
    pub at_us: i64,
    /// Leases by region, as the rows have them; none while the database does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leases: Option<BTreeMap<String, u64>>,
    /// What stands in each region's row: `up`, `suspect`, .., or the operator's verb where there is one.
    #[serde(default)]
    pub regions: BTreeMap<String, String>,
    /// How many regions serve, as the first scheduler that answers sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving: Option<u64>,
    /// Breakers by scheduler and gateway: `closed`, `half_open`, `open`.
    #[serde(default)]
    pub breakers: BTreeMap<String, String>,
    /// Whether the rows of each database region answer: `answers`, `silent`; empty where there is one database.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub homes: BTreeMap<String, String>,
}

/// Where to look.
pub(crate) struct Places {
    /// The database; without it leases and standing are what a scheduler says of them.
    pub(crate) database: Option<Arc<Database>>,
    /// Each region's scheduler.
    pub(crate) schedulers: BTreeMap<RegionName, String>,
    /// A bearer token, where schedulers want one.
    pub(crate) token: Option<String>,
}

/// Looks until it is finished or dropped.
#[derive(Debug)]
pub(crate) struct Sampler {
    looking: JoinHandle<()>,
    seen: Arc<Mutex<Vec<Sample>>>,
}

impl Sampler {
    /// Starts to look.
    pub(crate) fn start(places: Places, facts: SharedFacts, record: Record) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let looking = tokio::spawn(look(places, facts, record, Arc::clone(&seen)));
        Self { looking, seen }
    }

    /// The newest sample in which leases could be seen.
    pub(crate) fn newest_leases(&self) -> Option<BTreeMap<String, u64>> {
        self.seen().iter().rev().find_map(|sample| sample.leases.clone())
    }

    /// Ends, and answers what was seen.
    pub(crate) fn finish(self) -> Vec<Sample> {
        self.looking.abort();
        std::mem::take(&mut *self.seen())
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Vec<Sample>> {
        self.seen.lock().expect("no holder of this lock panics")
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

async fn look(places: Places, facts: SharedFacts, record: Record, seen: Arc<Mutex<Vec<Sample>>>) {
    let mut rows = places.database.clone().map(Rows::new);
    let homes = places.database.clone().map(Homes::new);
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let read = async {
            match &mut rows {
                Some(rows) => rows.read().await,
                None => None,
            }
        };
        let silent = async {
            match &homes {
                Some(homes) => homes.read().await,
                None => BTreeMap::new(),
            }
        };
        let (read, told, breakers, homes) =
            futures_util::future::join4(read, regions(&places), breakers(&places.schedulers), silent).await;
        let serving = told.as_ref().map(|list| list.regions.iter().filter(|region| region.serves).count() as u64);
        let read = if places.database.is_some() { read } else { told.map(as_told) };
        let (leases, regions) = read.map_or((None, BTreeMap::new()), |(leases, regions)| (Some(leases), regions));
        let sample = Sample { at_us: now_us(), leases, regions, serving, breakers, homes };
        note(&facts, &sample, rows.as_ref().map_or(&[], |rows| &rows.moved));
        if let Err(error) = record.add(&sample) {
            tracing::warn!(error = &error as &dyn std::error::Error, "a sample is not on disk");
        }
        seen.lock().expect("no holder of this lock panics").push(sample);
    }
}

fn note(facts: &SharedFacts, sample: &Sample, moved: &[Move]) {
    let mut facts = lock(facts);
    facts.serving(sample.at_us, sample.serving.map(|regions| regions as f64));
    for (region, standing) in &sample.regions {
        facts.stands(region, sample.at_us, standing == "up");
    }
    for (mission, epoch, at_us) in moved {
        facts.moved(*mission, *epoch, *at_us);
    }
}

/// A lease that was taken back: the mission, the epoch that it has since, and when.
type Move = (MissionId, Epoch, i64);

/// The rows, by a connection that is made anew where it broke.
struct Rows {
    database: Arc<Database>,
    client: Option<tokio_postgres::Client>,
    /// What the last look saw moved.
    moved: Vec<Move>,
    /// Up to when moves were seen, by the database's clock.
    moved_until: i64,
}

/// Leases and standing of each region.
type Read = (BTreeMap<String, u64>, BTreeMap<String, String>);

impl Rows {
    const fn new(database: Arc<Database>) -> Self {
        Self { database, client: None, moved: Vec::new(), moved_until: 1_000_000 }
    }

    async fn read(&mut self) -> Option<Read> {
        self.moved.clear();
        let read = tokio::time::timeout(PATIENCE, self.try_read()).await;
        let read = read.ok().and_then(Result::ok);
        if read.is_none() {
            self.client = None;
        }
        read
    }

    async fn try_read(&mut self) -> Result<Read, tokio_postgres::Error> {
        let client = match self.client.take() {
            Some(client) => client,
            None => {
                let (client, connection) = tokio_postgres::connect(&self.database.url(), NoTls).await?;
                tokio::spawn(connection);
                client
            }
        };
        let leases = client.query(LEASES, &[]).await?;
        let regions = client.query(REGIONS, &[]).await?;
        // A second again: what was committed late has an earlier time.
        for row in client.query(MOVED, &[&(self.moved_until - 1_000_000)]).await? {
            let at_us: i64 = row.get(2);
            self.moved_until = self.moved_until.max(at_us);
            self.moved.push((MissionId(row.get(0)), Epoch(row.get(1)), at_us));
        }
        self.client = Some(client);
        let leases = leases.iter().map(|row| (row.get(0), row.get::<_, i64>(1).unsigned_abs())).collect();
        Ok((leases, regions.iter().map(|row| (row.get(0), row.get(1))).collect()))
    }
}

const LEASES: &str = "SELECT region, count(*) FROM missions WHERE state = 'leased' GROUP BY region";
const MOVED: &str = "SELECT mission_id, epoch, (extract(epoch FROM at) * 1000000)::INT8 FROM mission_events
    WHERE from_state = 'leased' AND to_state IN ('queued', 'pending') AND (extract(epoch FROM at) * 1000000)::INT8 > $1";
const REGIONS: &str = "SELECT region, CASE WHEN verb = 'none' THEN health ELSE verb END FROM region_states";

/// The rows of each database region, each by a connection of its own: the gateway may be the one that is away.
struct Homes {
    database: Arc<Database>,
    regions: Vec<DatabaseRegion>,
}

impl Homes {
    fn new(database: Arc<Database>) -> Self {
        Self { regions: database.watched(), database }
    }

    async fn read(&self) -> BTreeMap<String, String> {
        let states = self.regions.iter().map(|region| async move {
            let read = tokio::time::timeout(PATIENCE, self.try_read(region)).await;
            let state = if matches!(read, Ok(Ok(()))) { "answers" } else { "silent" };
            (region.to_string(), state.to_owned())
        });
        futures_util::future::join_all(states).await.into_iter().collect()
    }

    /// Reads fresh, so by the range's leaseholder.
    async fn try_read(&self, region: &DatabaseRegion) -> Result<(), tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(&self.database.url(), NoTls).await?;
        tokio::spawn(connection);
        let read = format!("SELECT 1 FROM missions WHERE crdb_region = '{region}' LIMIT 1");
        client.simple_query(&read).await.map(drop)
    }
}

/// The regions, as the first scheduler that answers sees them.
async fn regions(places: &Places) -> Option<RegionList> {
    for url in places.schedulers.values() {
        let Some(page) = page(&format!("{url}/v1/regions"), places.token.as_deref()).await else { continue };
        let Ok(list) = serde_json::from_str(&page) else { continue };
        return Some(list);
    }
    None
}

/// Leases and standing in the words of the rows.
fn as_told(list: RegionList) -> Read {
    let leases = list.regions.iter().map(|region| (region.name.to_string(), region.leased.unsigned_abs()));
    let leases = leases.collect();
    let standing = list.regions.into_iter().map(|region| (region.name.to_string(), standing(&region).to_owned()));
    (leases, standing.collect())
}

const fn standing(region: &RegionView) -> &'static str {
    match (region.verb, region.health) {
        (RegionVerb::Cordoned, _) => "cordoned",
        (RegionVerb::Draining, _) => "draining",
        (RegionVerb::None, RegionHealth::Up) => "up",
        (RegionVerb::None, RegionHealth::Suspect) => "suspect",
        (RegionVerb::None, RegionHealth::Down) => "down",
        (RegionVerb::None, RegionHealth::Returning) => "returning",
        (RegionVerb::None, RegionHealth::Unknown) => "unknown",
    }
}

/// The breakers of every scheduler that answers.
async fn breakers(schedulers: &BTreeMap<RegionName, String>) -> BTreeMap<String, String> {
    let pages = schedulers
        .iter()
        .map(|(region, url)| async move { (region, page(&format!("{url}/metrics"), None).await.unwrap_or_default()) });
    let mut all = BTreeMap::new();
    for (region, page) in futures_util::future::join_all(pages).await {
        for (gateway, state) in page.lines().filter_map(breaker) {
            all.insert(format!("{region} -> {gateway}"), state.to_owned());
        }
    }
    all
}

/// Gateway and state of a metric's line.
fn breaker(line: &str) -> Option<(&str, &'static str)> {
    let (labels, value) = line.strip_prefix("sql_breaker_state{")?.split_once("} ")?;
    let gateway = labels.split("gateway=\"").nth(1)?.split('"').next()?;
    let state = match value {
        "0" => "closed",
        "1" => "half_open",
        _ => "open",
    };
    Some((gateway, state))
}

async fn page(url: &str, token: Option<&str>) -> Option<String> {
    match tokio::time::timeout(PATIENCE, crate::http::get_as(url, token)).await {
        Ok(Ok((200, page))) => Some(page),
        Ok(Ok(_) | Err(_)) | Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breaker_is_read_from_its_line() {
        assert_eq!(breaker("sql_breaker_state{gateway=\"127.0.0.1:5\"} 2"), Some(("127.0.0.1:5", "open")));
        assert_eq!(breaker("sql_breaker_state{lane=\"x\",gateway=\"g\"} 0"), Some(("g", "closed")));
        assert_eq!(breaker("sql_breaker_changes_total{gateway=\"g\",to=\"open\"} 1"), None);
    }
}
