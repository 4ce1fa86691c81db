//! A database, memories, and an embedder that needs nothing.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};
use memory::embed::{DIMENSIONS, Embedder, Error, Space};
use memory::model::{Memory, MemoryId, SuccessSource};
use memory::store::Shown;
use memory::store::import::memory_import;
use memory::store::search::Filter;
use memory::store::work::Holder;
use memory::work::{Done, tick};
use sql::relay::Relay;
use sql::testdb::TestDb;
use sql::{Db, Gateways, Lane};
use topology::{DatabaseRegion, Epoch, ResidencyName, SchedulerId};
use uuid::Uuid;

/// Splits at what is no letter and no digit.
pub(crate) fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// A vector whose coordinates are counts of hashed words; fails as it is told to.
#[derive(Default)]
pub(crate) struct Hashed {
    pub(crate) space: Option<Space>,
    /// What the next calls answer.
    pub(crate) failures: Mutex<Vec<Error>>,
    /// Texts with this word are refused.
    pub(crate) refuses: Option<&'static str>,
    /// Dimensions, where they are wrong.
    pub(crate) dimensions: Option<usize>,
    /// The only rules whose texts it may see; none = it may see all.
    pub(crate) sees: Option<Vec<&'static str>>,
    /// The texts that it was given.
    pub(crate) given: Mutex<Vec<String>>,
}

pub(crate) fn space() -> Space {
    Space::new("test:hashed:v1")
}

impl Hashed {
    pub(crate) fn in_space(name: &str) -> Self {
        Self { space: Some(Space::new(name)), ..Self::default() }
    }
}

/// The space of the embedder that tests use.
static SPACE: std::sync::LazyLock<Space> = std::sync::LazyLock::new(space);

impl Embedder for Hashed {
    fn space(&self) -> &Space {
        self.space.as_ref().unwrap_or(&SPACE)
    }

    fn may_see(&self, rule: Option<&ResidencyName>) -> bool {
        let Some((sees, rule)) = self.sees.as_ref().zip(rule) else { return true };
        sees.contains(&rule.as_str())
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        self.given.lock().unwrap().extend_from_slice(texts);
        if let Some(failure) = self.failures.lock().unwrap().pop() {
            return Err(failure);
        }
        if self.refuses.is_some_and(|word| texts.iter().any(|text| text.contains(word))) {
            return Err(Error::Refused("this text is refused".to_owned()));
        }
        Ok(texts.iter().map(|text| vector_of(text, self.dimensions.unwrap_or(DIMENSIONS))).collect())
    }
}

/// The vector of a text.
pub(crate) fn vector(text: &str) -> Vec<f32> {
    vector_of(text, DIMENSIONS)
}

fn vector_of(text: &str, dimensions: usize) -> Vec<f32> {
    let mut vector = vec![0.0_f32; dimensions];
    for word in words(text) {
        let mut hash = DefaultHasher::new();
        word.hash(&mut hash);
        let hash = hash.finish();
        let sign = if hash & 1 == 0 { 1.0 } else { -1.0 };
        vector[(hash >> 1) as usize % dimensions] += sign;
    }
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    for x in &mut vector {
        *x /= length;
    }
    vector
}

pub(crate) struct Bed {
    test: TestDb,
    pub(crate) db: Db,
    pub(crate) home: DatabaseRegion,
    pub(crate) scheduler: SchedulerId,
    pub(crate) raw: tokio_postgres::Client,
    _gateways: Gateways,
}

impl Bed {
    pub(crate) async fn new() -> Self {
        let test = TestDb::new().await;
        let gateways = test.gateways().await;
        let (raw, connection) = tokio_postgres::connect(test.url(), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let home = "us-west-2".parse().unwrap();
        let db = gateways.lane(Lane::Upkeep);
        Self { test, db, home, scheduler: SchedulerId::random(), raw, _gateways: gateways }
    }

    /// The same database through a relay that can be made to fail.
    pub(crate) async fn relayed(&self) -> (Relay, Gateways) {
        let (relay, url) = Relay::to_url(self.test.url()).await;
        let mut config = self.test.config();
        config.gateways = sql::Config::from_urls([&url]).unwrap().gateways;
        (relay, Gateways::connect(config).await.unwrap())
    }

    pub(crate) fn holder(&self) -> Holder<'_> {
        Holder { home: &self.home, scheduler: self.scheduler }
    }

    /// One tick of the work.
    pub(crate) async fn tick(&self, embedder: &Hashed) -> Done {
        tick(&self.db, self.holder(), embedder, words).await.unwrap()
    }

    /// Ticks until nothing is due.
    pub(crate) async fn settle(&self) {
        while self.tick(&Hashed::default()).await.memories > 0 {}
    }

    pub(crate) async fn import(&self, memories: &[Memory]) -> Vec<MemoryId> {
        memory_import(&self.db, &self.home, memories).await.unwrap()
    }

    pub(crate) async fn run(&self, text: &str) {
        self.raw.batch_execute(text).await.unwrap();
    }

    /// One value of one row.
    pub(crate) async fn ask<T>(&self, text: &str) -> T
    where
        T: for<'a> tokio_postgres::types::FromSql<'a>,
    {
        self.raw.query_one(text, &[]).await.unwrap().get(0)
    }

    pub(crate) async fn count(&self, table: &str) -> i64 {
        self.ask(&format!("SELECT count(*) FROM {table}")).await
    }
}

/// The n-th memory, a minute younger than the one before.
pub(crate) fn memory(n: u128, title: &str) -> Memory {
    let start: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
    Memory {
        id: MemoryId(Uuid::from_u128(n)),
        mission: None,
        specialization: "engineer-master".parse().unwrap(),
        agent: "ada".to_owned(),
        issue: None,
        title: title.to_owned(),
        description: String::new(),
        solution: None,
        pr_number: None,
        success: true,
        success_source: SuccessSource::Agent,
        resolution_minutes: Some(n as f64),
        residency: None,
        home: "us-west-2".parse().unwrap(),
        epoch: Epoch(0),
        content_hash: String::new(),
        evidence: 1,
        evidence_succeeded: 1,
        created_at: start + TimeDelta::minutes(n as i64),
    }
}

/// The n-th memory of a kind of agent.
pub(crate) fn memory_of(n: u128, title: &str, specialization: &str) -> Memory {
    Memory { specialization: specialization.parse().unwrap(), ..memory(n, title) }
}

pub(crate) fn anywhere() -> Shown {
    Shown::under([])
}

/// Successes and failures of these kinds of agents.
pub(crate) fn filter(specializations: &[&str]) -> Filter {
    Filter {
        shown: anywhere(),
        specializations: specializations.iter().map(|name| name.parse().unwrap()).collect(),
        agent: None,
        success: None,
    }
}

pub(crate) fn ids(page: &memory::store::search::Page) -> Vec<u128> {
    page.candidates.iter().map(|candidate| candidate.stored.memory.id.0.as_u128()).collect()
}
