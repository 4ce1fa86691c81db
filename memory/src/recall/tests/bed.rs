//! A world of three homes whose source is told how to behave.

use std::collections::{BTreeMap, HashMap};

use chrono::DateTime;
use sql::config::BreakerConfig;
use topology::{Epoch, ResidencyName};
use uuid::Uuid;

use super::super::*;
use crate::embed::Space;
pub(in crate::recall) use crate::lawful::tests::{name, topology};
use crate::model::{Memory, Scope, SuccessSource};

pub(in crate::recall) const EUROPE: &str = "eu-west-1";
pub(in crate::recall) const AMERICA: &str = "us-west-2";
pub(in crate::recall) const ASIA: &str = "ap-northeast-1";

pub(in crate::recall) fn query() -> Query {
    Query {
        space: Space::new("test"),
        vector: Some(vec![1.0, 0.0]),
        terms: vec!["a b".to_owned()],
        scope: Scope::Everyone,
        specializations: Vec::new(),
        success: None,
        limit: 10,
    }
}

/// A question with another key.
pub(in crate::recall) fn other_query(n: usize) -> Query {
    Query { limit: 100 + n, ..query() }
}

pub(in crate::recall) fn found(id: u128, home: &str, residency: Option<&str>) -> Found {
    let memory = Memory {
        id: MemoryId(Uuid::from_u128(id)),
        mission: None,
        specialization: name("engineer"),
        agent: "agent".to_owned(),
        issue: None,
        title: format!("memory {id}"),
        description: String::new(),
        solution: None,
        pr_number: None,
        success: true,
        success_source: SuccessSource::Agent,
        resolution_minutes: None,
        residency: residency.map(name::<ResidencyName>),
        home: name(home),
        epoch: Epoch(0),
        content_hash: String::new(),
        evidence: 1,
        evidence_succeeded: 1,
        created_at: DateTime::UNIX_EPOCH,
    };
    Found { memory, similarity: Some(0.5), keyword: None }
}

/// How a home behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::recall) enum Mood {
    Answers,
    Takes(Duration),
    Hangs,
    Breaks,
    Refuses,
}

/// A source that gives everything it has to everybody: what residency keeps back must not rest on it.
#[derive(Default)]
pub(in crate::recall) struct World {
    memories: Mutex<BTreeMap<DatabaseRegion, Vec<Found>>>,
    moods: Mutex<HashMap<DatabaseRegion, Mood>>,
    calls: Mutex<HashMap<DatabaseRegion, usize>>,
    old: Duration,
}

impl World {
    pub(in crate::recall) fn holding(memories: impl IntoIterator<Item = Found>) -> Arc<Self> {
        let world = Self::default();
        for found in memories {
            world.memories.lock().unwrap().entry(found.memory.home.clone()).or_default().push(found);
        }
        Arc::new(world)
    }

    /// An empty one whose answers are so old when they come.
    pub(in crate::recall) fn lagging(old: Duration) -> Arc<Self> {
        Arc::new(Self { old, ..Self::default() })
    }

    pub(in crate::recall) fn is(&self, home: &str, mood: Mood) {
        self.moods.lock().unwrap().insert(name(home), mood);
    }

    pub(in crate::recall) fn calls(&self, home: &str) -> usize {
        self.calls.lock().unwrap().get(&name::<DatabaseRegion>(home)).copied().unwrap_or(0)
    }
}

impl Source for Arc<World> {
    async fn candidates(&self, home: &DatabaseRegion, _: &Query, _: &Shown) -> Result<Vec<Found>, Error> {
        *self.calls.lock().unwrap().entry(home.clone()).or_default() += 1;
        let mood = self.moods.lock().unwrap().get(home).copied().unwrap_or(Mood::Answers);
        match mood {
            Mood::Answers => {}
            Mood::Takes(time) => tokio::time::sleep(time).await,
            Mood::Hangs => std::future::pending().await,
            Mood::Breaks => return Err(Error::Unreachable("connection reset".into())),
            Mood::Refuses => return Err(Error::Refused("no such column".into())),
        }
        Ok(self.memories.lock().unwrap().get(home).cloned().unwrap_or_default())
    }

    fn staleness(&self) -> Duration {
        self.old
    }
}

pub(in crate::recall) const LIMIT: Duration = Duration::from_millis(500);

/// Recall in Europe, or where `here` says, whose breakers open for so short that a test can wait it out.
pub(in crate::recall) fn recall(here: &str, home: &str, world: &Arc<World>) -> Recall<Arc<World>> {
    let breaker =
        BreakerConfig { failures: 3, open_for: Duration::from_millis(10), open_max: Duration::from_millis(20) };
    let settings = Settings { remote: Limits { breaker, ..Limits::within(LIMIT) }, ..Settings::default() };
    Recall::new(name(here), name(home), Arc::clone(world), settings)
}

impl<S: Source> Recall<S> {
    /// Everything that the caches hold.
    pub(in crate::recall) fn kept(&self) -> Vec<Found> {
        self.remotes().values().flat_map(|remote| remote.kept()).collect()
    }
}

pub(in crate::recall) fn ids(answer: &Answer) -> Vec<u128> {
    let mut ids: Vec<u128> = answer.found.iter().map(|found| found.memory.id.0.as_u128()).collect();
    ids.sort_unstable();
    ids
}

/// Lets everything that is spawned and ready come to its end.
pub(in crate::recall) async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}
