//! Answers that are served while they are renewed: fresh, then stale, then gone.

use std::fmt::Display;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::LONGEST_LIFE;

/// How long an answer serves, and how many are kept.
#[derive(Debug, Clone, Copy)]
pub struct Life {
    /// Younger than this it is as good as a new one.
    pub fresh: Duration,
    /// Younger than this it serves while it is renewed. Never more than [`LONGEST_LIFE`], whatever is written here.
    pub stale: Duration,
    /// Most bytes of all answers together.
    pub bytes: u64,
}

/// An answer and its age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aged<V> {
    /// The answer.
    pub value: V,
    /// Time since it was asked for.
    pub age: Duration,
    /// Whether it is no longer fresh.
    pub is_stale: bool,
}

/// A cache of answers by question. Each question is under way at most once at a time. Cheap to clone.
pub struct StaleCache<K, V>(Arc<Shared<K, V>>);

struct Shared<K, V> {
    name: String,
    life: Life,
    entries: Cache<K, Arc<Entry<V>>>,
    /// Only brings together who asks the same at the same time; what is loaded is kept in `entries`.
    flights: Cache<K, Arc<Entry<V>>>,
    /// Counts calls of `forget`.
    forgets: AtomicU64,
}

struct Entry<V> {
    value: V,
    asked_at: Instant,
    is_renewing: AtomicBool,
}

impl<K, V> Clone for StaleCache<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V> StaleCache<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// An empty cache. `name` is its label in metrics, `weigh` gives the bytes of an answer.
    #[must_use]
    pub fn new(name: impl Into<String>, mut life: Life, weigh: fn(&V) -> u32) -> Self {
        life.stale = life.stale.min(LONGEST_LIFE);
        life.fresh = life.fresh.min(life.stale);
        let entries = Cache::builder()
            .max_capacity(life.bytes)
            .weigher(move |_: &K, entry: &Arc<Entry<V>>| weigh(&entry.value))
            .time_to_live(life.stale)
            .build();
        let flights = Cache::builder().time_to_live(life.stale).build();
        Self(Arc::new(Shared { name: name.into(), life, entries, flights, forgets: AtomicU64::new(0) }))
    }

    /// How long an answer lives at most.
    #[must_use]
    pub fn life(&self) -> Duration {
        self.0.life.stale
    }

    /// The answer that is kept, at once, or else a new one. A stale one is renewed meanwhile. `load` goes on to its end
    /// when nobody waits for it any more.
    ///
    /// # Errors
    /// What `load` failed with, for everybody who waited for it. It is not kept.
    pub async fn get<E>(
        &self,
        key: K,
        load: impl Future<Output = Result<V, E>> + Send + 'static,
    ) -> Result<Aged<V>, Arc<E>>
    where
        E: Display + Send + Sync + 'static,
    {
        if let Some(entry) = self.kept(&key).await {
            return Ok(self.serve(key, &entry, load));
        }
        let loaded = self.fly(key, load).await.expect("a load does not panic");
        self.count(if loaded.is_ok() { "loaded" } else { "failed" });
        loaded.map(|entry| self.aged(&entry))
    }

    /// The answer that is kept, or nothing; never waits. What is stale or not there is loaded meanwhile.
    pub async fn peek<E>(&self, key: K, load: impl Future<Output = Result<V, E>> + Send + 'static) -> Option<Aged<V>>
    where
        E: Display + Send + Sync + 'static,
    {
        if let Some(entry) = self.kept(&key).await {
            return Some(self.serve(key, &entry, load));
        }
        self.count("none");
        drop(self.fly(key, load));
        None
    }

    /// Drops every answer that `holds` what is to be forgotten. What is being loaded now is given to those who wait for it
    /// and not kept.
    pub async fn forget(&self, holds: impl Fn(&V) -> bool) {
        self.0.forgets.fetch_add(1, Ordering::SeqCst);
        for (key, entry) in &self.0.entries {
            if holds(&entry.value) {
                self.0.entries.invalidate(&*key).await;
            }
        }
    }

    /// Every answer that is kept.
    #[cfg(test)]
    pub(crate) fn values(&self) -> Vec<V> {
        self.0.entries.iter().map(|(_, entry)| entry.value.clone()).collect()
    }

    async fn kept(&self, key: &K) -> Option<Arc<Entry<V>>> {
        self.0.entries.get(key).await.filter(|entry| entry.asked_at.elapsed() < self.0.life.stale)
    }

    fn serve<E>(
        &self,
        key: K,
        entry: &Arc<Entry<V>>,
        load: impl Future<Output = Result<V, E>> + Send + 'static,
    ) -> Aged<V>
    where
        E: Display + Send + Sync + 'static,
    {
        let aged = self.aged(entry);
        if aged.is_stale && !entry.is_renewing.swap(true, Ordering::SeqCst) {
            drop(self.renew(key, Arc::clone(entry), load));
        }
        self.count(if aged.is_stale { "stale" } else { "fresh" });
        aged
    }

    /// Loads anew; where that fails the old answer stands, and the next caller tries again.
    fn renew<E>(
        &self,
        key: K,
        entry: Arc<Entry<V>>,
        load: impl Future<Output = Result<V, E>> + Send + 'static,
    ) -> JoinHandle<()>
    where
        E: Display + Send + Sync + 'static,
    {
        let flight = self.fly(key, load);
        tokio::spawn(async move {
            if !matches!(flight.await, Ok(Ok(_))) {
                entry.is_renewing.store(false, Ordering::SeqCst);
            }
        })
    }

    /// A task, so that a caller who gives up does not end what others wait for, nor its time limit.
    fn fly<E>(
        &self,
        key: K,
        load: impl Future<Output = Result<V, E>> + Send + 'static,
    ) -> JoinHandle<Result<Arc<Entry<V>>, Arc<E>>>
    where
        E: Display + Send + Sync + 'static,
    {
        let cache = self.clone();
        tokio::spawn(async move {
            let loaded = cache.0.flights.try_get_with(key.clone(), cache.load(&key, load)).await;
            cache.0.flights.invalidate(&key).await;
            if let Err(error) = &loaded {
                tracing::debug!(cache = cache.0.name, %error, "no new answer");
            }
            loaded
        })
    }

    async fn load<E>(&self, key: &K, load: impl Future<Output = Result<V, E>>) -> Result<Arc<Entry<V>>, E> {
        let (forgets, asked_at) = (self.0.forgets.load(Ordering::SeqCst), Instant::now());
        let entry = Arc::new(Entry { value: load.await?, asked_at, is_renewing: AtomicBool::new(false) });
        self.0.entries.insert(key.clone(), Arc::clone(&entry)).await;
        // After the insert: a `forget` that did not see this entry was counted before this line.
        if self.0.forgets.load(Ordering::SeqCst) != forgets {
            self.0.entries.invalidate(key).await;
        }
        Ok(entry)
    }

    fn aged(&self, entry: &Entry<V>) -> Aged<V> {
        let age = entry.asked_at.elapsed();
        Aged { value: entry.value.clone(), age, is_stale: age >= self.0.life.fresh }
    }

    fn count(&self, kind: &'static str) {
        let labels = [("cache", self.0.name.clone()), ("kind", kind.to_owned())];
        metrics::counter!("memory_cache_answers_total", &labels).increment(1);
    }
}

#[cfg(test)]
mod tests;
