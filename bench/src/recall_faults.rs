//! `recall_degraded_p99_ratio`: what a search costs while another home refuses, hangs, answers late, or comes and goes, beside
//! what it costs while all is well. The gateway of that home is a relay in this process.

use std::time::{Duration, Instant};

use memory::embed::{Lexical, Space};
use memory::model::Memory;
use memory::store::embedding::{space_open, vectors_put};
use memory::store::import::memory_import;
use memory::store::terms::{Indexed, memory_index};
use scheduler_client::Client;
use scheduler_client::wire::{MemoryAnswer, MemoryScope, MemorySearch};
use serde_json::{Map, Value, json};
use sql::relay::{Mode, Relay};
use sql::{Config, Gateways, Lane};
use tokio::time::sleep;

use crate::recall::{indexed, memory, problem};
use crate::report::{Figure, quantile};
use crate::world::{Probe, Server, home, region, start_first};

/// Memories of both homes together.
const MEMORIES: u64 = 5_000;
const BATCH: u64 = 250;
/// Kinds that so many memories are of.
const KINDS: usize = 3;
/// Searches of each measurement, and those before them that are not measured.
const SEARCHES: u64 = 400;
const WARM: u64 = 50;
/// After a fault, until searches are measured: the home's breaker has opened by then.
const SETTLED: Duration = Duration::from_secs(3);
/// A home that comes and goes does so with this pause, for so long.
const FLAP: Duration = Duration::from_secs(1);
const FLAPPING: Duration = Duration::from_secs(20);
/// How long a home may take to be whole again.
const PATIENCE: Duration = Duration::from_secs(60);

/// The worst of the faults, as a multiple of the healthy figure that was measured just before it.
pub(crate) async fn degraded(server: &Server) -> anyhow::Result<Figure> {
    let database = server.fresh("bench_meridian").await?;
    let (relay, far) = Relay::to_url(&database).await;
    let gateways = vec![format!("{}={database}", home(0)), format!("{}={far}", home(1))];
    let world = start_first(&database, gateways, 2, KINDS).await?;
    fill(&database).await?;
    let mut asker = Asker { client: world.client(&region(0))?, asked: 0 };
    let (mut worst, mut told) = (0.0_f64, Map::new());
    let late = Mode::Delay(Duration::from_millis(600));
    for (name, fault) in
        [("refuses", Some(Mode::Refuse)), ("hangs", Some(Mode::Hang)), ("late", Some(late)), ("flaps", None)]
    {
        asker.until_whole().await?;
        asker.measure(WARM).await?;
        let healthy = asker.measure(SEARCHES).await?;
        anyhow::ensure!(healthy.degraded == 0, "a home did not answer before it was broken");
        let (first, broken) = match fault {
            Some(mode) => {
                relay.set(mode);
                let first = asker.measure(1).await?;
                sleep(SETTLED).await;
                asker.measure(WARM).await?;
                (first, asker.measure(SEARCHES).await?)
            }
            None => (Took::default(), asker.flapping(&relay).await?),
        };
        relay.set(Mode::Pass);
        let ratio = broken.at(0.99) / healthy.at(0.99);
        worst = worst.max(ratio);
        let first_ms = first.ms.first().copied();
        let detail = json!({
            "healthy": healthy.told(), "broken": broken.told(), "first_ms": first_ms, "p99_ratio": ratio,
            "p50_ratio": broken.at(0.5) / healthy.at(0.5),
        });
        told.insert(name.to_owned(), detail);
    }
    let detail = json!({ "memories": MEMORIES, "searches": SEARCHES, "by_fault": told });
    Ok(Figure::at_most("recall_degraded_p99_ratio", worst, "ratio", 1.1).with(detail))
}

/// Half of the memories in each home.
async fn fill(database: &str) -> anyhow::Result<()> {
    let gateways = Gateways::connect(Config::from_urls([database])?).await?;
    let (db, embedder, space) = (gateways.lane(Lane::Upkeep), Lexical::new(), Space::new(Lexical::SPACE));
    space_open(&db, &space).await?;
    for start in (0..MEMORIES).step_by(BATCH as usize) {
        let home = home(usize::from(start >= MEMORIES / 2));
        let memories: Vec<Memory> = (start..start + BATCH).map(|n| memory(n, &home)).collect();
        let indexed: Vec<Indexed> = memories.iter().map(indexed).collect();
        let vectors: Vec<_> = memories.iter().map(|one| (one.id, embedder.vector(&one.text()))).collect();
        memory_import(&db, &home, &memories).await?;
        memory_index(&db, &home, &indexed).await?;
        vectors_put(&db, &home, &space, &vectors).await?;
    }
    let probe = Probe::connect(database).await?;
    probe.run("DELETE FROM memory_work").await?;
    probe.run("ANALYZE").await?;
    gateways.close().await;
    Ok(())
}

/// What searches took.
#[derive(Default)]
struct Took {
    ms: Vec<f64>,
    /// Of these, how many came without the other home.
    degraded: usize,
}

impl Took {
    fn at(&self, q: f64) -> f64 {
        quantile(&self.ms, q).unwrap_or(f64::NAN)
    }

    fn told(&self) -> Value {
        let (p50, p99, max) = (self.at(0.5), self.at(0.99), self.at(1.0));
        json!({ "searches": self.ms.len(), "p50_ms": p50, "p99_ms": p99, "max_ms": max, "degraded": self.degraded })
    }
}

/// Asks one question after the other, none twice: no cache has the answer.
struct Asker {
    client: Client,
    asked: u64,
}

impl Asker {
    async fn ask(&mut self) -> anyhow::Result<MemoryAnswer> {
        self.asked += 1;
        let (title, description) = problem(self.asked * 31 % MEMORIES, 2_000_000 + self.asked);
        let body = MemorySearch {
            title,
            description,
            scope: MemoryScope::Everyone,
            region: None,
            mission: None,
            pool: None,
            success: None,
            limit: Some(10),
        };
        Ok(self.client.memory_search(&body).await?)
    }

    async fn note(&mut self, took: &mut Took) -> anyhow::Result<()> {
        let began = Instant::now();
        let answer = self.ask().await?;
        took.ms.push(began.elapsed().as_secs_f64() * 1_000.0);
        took.degraded += usize::from(!answer.degraded.is_empty());
        Ok(())
    }

    async fn measure(&mut self, searches: u64) -> anyhow::Result<Took> {
        let mut took = Took::default();
        for _ in 0..searches {
            self.note(&mut took).await?;
        }
        Ok(took)
    }

    /// While the home hangs every other second.
    async fn flapping(&mut self, relay: &Relay) -> anyhow::Result<Took> {
        let began = Instant::now();
        let flaps = async {
            for mode in [Mode::Hang, Mode::Pass].into_iter().cycle() {
                if began.elapsed() >= FLAPPING {
                    return;
                }
                relay.set(mode);
                sleep(FLAP).await;
            }
        };
        let searches = async {
            let mut took = Took::default();
            while began.elapsed() < FLAPPING {
                self.note(&mut took).await?;
            }
            Ok(took)
        };
        tokio::join!(flaps, searches).1
    }

    async fn until_whole(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        while !self.ask().await?.degraded.is_empty() {
            anyhow::ensure!(began.elapsed() < PATIENCE, "the other home is never asked again");
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}
