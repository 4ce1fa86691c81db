//! `memory_inserts_per_s`, `recall_at_10`, `recall_p99_ms`: 100,000 memories of 32 kinds about 2,000 problems, each told in
//! words of its own, and questions about the same problems.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::future::try_join_all;
use memory::embed::{Lexical, Space};
use memory::model::{Memory, MemoryId, SuccessSource};
use memory::store::Shown;
use memory::store::document::Document;
use memory::store::embedding::{space_open, vectors_put};
use memory::store::import::memory_import;
use memory::store::search::{Filter, memory_near};
use memory::store::terms::{Indexed, memory_index};
use memory::{model, text};
use nix::sys::signal::Signal;
use scheduler_client::Client;
use scheduler_client::wire::{MemoryScope, MemorySearch};
use serde_json::json;
use sql::{Config, Db, Gateways, Lane};
use topology::{DatabaseRegion, Epoch, Specialization};
use uuid::Uuid;

use crate::report::{Figure, quantile};
use crate::world::{Probe, Server, region, specialization, start};

/// Memories; fewer for a quick look by this variable.
const MEMORIES: &str = "MERIDIAN_BENCH_MEMORIES";
const KINDS: usize = 32;
const PROBLEMS: u64 = 2_000;
/// Memories of one statement.
const BATCH: usize = 250;
/// Batches that are stored at once, as two schedulers would.
const WRITERS: usize = 2;
/// Questions whose answers are compared with the exact ones: each is a look at every vector.
const EXACT: usize = 50;
/// Questions of each kind over HTTP, and those before them that are not measured.
const QUESTIONS: usize = 400;
const WARM: usize = 50;
/// Hits that are asked for.
const HITS: usize = 10;

/// All three figures.
pub(crate) async fn recall(server: &Server) -> anyhow::Result<Vec<Figure>> {
    let all: usize = std::env::var(MEMORIES).ok().map_or(Ok(100_000), |text| text.parse()).context(MEMORIES)?;
    let database = server.fresh("bench_meridian").await?;
    let mut world = start(&database, 1, KINDS, 1).await?;
    // What it would index is stored by hand below.
    world.signal_scheduler(&region(0), Signal::SIGKILL);
    let gateways = Gateways::connect(Config::from_urls(std::slice::from_ref(&database))?).await?;
    let db = gateways.lane(Lane::Upkeep);
    let probe = Probe::connect(&database).await?;
    let inserts = inserts(&db, &probe, all).await?;
    let recall = recall_at_10(&db, &probe).await?;
    world.start_scheduler(&region(0))?;
    world.wait_ready(&region(0)).await?;
    let p99 = over_http(&world.client(&region(0))?).await?;
    gateways.close().await;
    Ok(vec![inserts, recall, p99])
}

fn home() -> DatabaseRegion {
    "us-west-2".parse().expect("a database region's name")
}

/// Rows, words and vectors, with every index on. Making the vectors is not counted.
async fn inserts(db: &Db, probe: &Probe, all: usize) -> anyhow::Result<Figure> {
    let (home, embedder) = (home(), Lexical::new());
    let space = Space::new(Lexical::SPACE);
    space_open(db, &space).await?;
    let (mut took, mut last) = (Duration::ZERO, 0.0);
    let mut steps = [Duration::ZERO; 3];
    for start in (0..all).step_by(BATCH * WRITERS) {
        let batches: Vec<Batch> = (0..WRITERS)
            .map(|n| start + n * BATCH)
            .filter(|first| *first < all)
            .map(|first| Batch::new((first..(first + BATCH).min(all)).map(|n| memory(n as u64, &home)), &embedder))
            .collect();
        let memories: usize = batches.iter().map(|batch| batch.memories.len()).sum();
        let began = Instant::now();
        for of in try_join_all(batches.iter().map(|batch| batch.store(db, &home, &space))).await? {
            steps.iter_mut().zip(of).for_each(|(sum, one)| *sum += one);
        }
        took += began.elapsed();
        last = memories as f64 / began.elapsed().as_secs_f64();
    }
    probe.run("DELETE FROM memory_work").await?;
    probe.run("VACUUM ANALYZE").await?;
    let [rows, words, vectors] = steps.map(|step| step.as_secs_f64() / (took.as_secs_f64() * WRITERS as f64));
    let detail = json!({
        "memories": all, "kinds": KINDS, "problems": PROBLEMS, "batch": BATCH, "writers": WRITERS,
        "last_batches_per_s": last, "share_of_time": { "rows": rows, "words": words, "vectors": vectors },
    });
    Ok(Figure::at_least("memory_inserts_per_s", all as f64 / took.as_secs_f64(), "1/s", Some(300.0)).with(detail))
}

/// What is stored at once.
struct Batch {
    memories: Vec<Memory>,
    indexed: Vec<Indexed>,
    vectors: Vec<(MemoryId, Vec<f32>)>,
}

impl Batch {
    fn new(memories: impl Iterator<Item = Memory>, embedder: &Lexical) -> Self {
        let memories: Vec<Memory> = memories.collect();
        let indexed = memories.iter().map(indexed).collect();
        let vectors = memories.iter().map(|one| (one.id, embedder.vector(&one.text()))).collect();
        Self { memories, indexed, vectors }
    }

    /// How long rows, words and vectors took.
    async fn store(&self, db: &Db, home: &DatabaseRegion, space: &Space) -> Result<[Duration; 3], sql::Error> {
        let began = Instant::now();
        memory_import(db, home, &self.memories).await?;
        let rows = began.elapsed();
        memory_index(db, home, &self.indexed).await?;
        let words = began.elapsed() - rows;
        vectors_put(db, home, space, &self.vectors).await?;
        Ok([rows, words, began.elapsed() - rows - words])
    }
}

pub(crate) fn indexed(memory: &Memory) -> Indexed {
    let document = Document::of(text::terms(&memory.text()));
    Indexed { id: memory.id, document, hash: model::content_hash(memory) }
}

/// The share of the ten nearest that the index finds, with and without filters.
async fn recall_at_10(db: &Db, probe: &Probe) -> anyhow::Result<Figure> {
    let (home, embedder, space) = (home(), Lexical::new(), Space::new(Lexical::SPACE));
    let every: Vec<Specialization> = (0..KINDS).map(specialization).collect();
    let (mut found, mut short) = (0, 0);
    let (mut filtered, mut filtered_all) = (0, 0);
    probe.run("SET enable_indexscan = off").await?;
    for n in 0..EXACT as u64 {
        let (title, description) = problem(n * 37 % PROBLEMS, 1_000_000 + n);
        let vector = embedder.vector(&text::problem(&title, &description));
        let one = vec![specialization(n as usize % KINDS)];
        for (kinds, success) in [(every.clone(), None), (one, Some(true))] {
            let filter = Filter { shown: Shown::under([]), specializations: kinds.clone(), agent: None, success };
            let near = memory_near(db, &home, &space, &vector, &filter, HITS as i64).await?;
            let near: Vec<Uuid> = near.candidates.iter().map(|one| one.stored.memory.id.0).collect();
            let exact = exact(probe, &vector, &kinds, success).await?;
            let right = near.iter().filter(|id| exact.contains(id)).count();
            short += usize::from(near.len() < exact.len());
            if success.is_none() {
                found += right;
            } else {
                (filtered, filtered_all) = (filtered + right, filtered_all + exact.len());
            }
        }
    }
    let detail = json!({
        "questions": EXACT, "short_pages": short,
        "filtered_by_kind_and_success": filtered as f64 / filtered_all.max(1) as f64,
    });
    Ok(Figure::at_least("recall_at_10", found as f64 / (EXACT * HITS) as f64, "share", Some(0.95)).with(detail))
}

async fn exact(
    probe: &Probe,
    vector: &[f32],
    kinds: &[Specialization],
    success: Option<bool>,
) -> anyhow::Result<Vec<Uuid>> {
    let numbers: Vec<String> = vector.iter().map(ToString::to_string).collect();
    let kinds: Vec<String> = kinds.iter().map(|kind| format!("'{kind}'")).collect();
    let only = success.map_or(String::new(), |success| format!(" AND m.success = {success}"));
    let query = format!(
        "SELECT e.memory_id FROM agent_memory_embeddings AS e
         JOIN agent_memories AS m ON m.crdb_region = e.crdb_region AND m.id = e.memory_id
         WHERE e.specialization IN ({}){only} ORDER BY e.embedding <=> '[{}]'::vector LIMIT {HITS}",
        kinds.join(", "),
        numbers.join(",")
    );
    probe.ids(&query).await
}

/// From the question to the answer, one after the other.
async fn over_http(client: &Client) -> anyhow::Result<Figure> {
    let mut everyone = Vec::new();
    let mut told = serde_json::Map::new();
    let kind = |n: usize| MemoryScope::Specialization(specialization(n % KINDS).to_string());
    type Ask = (&'static str, fn(usize) -> Option<bool>);
    let asks: [(Ask, &dyn Fn(usize) -> MemoryScope); 3] = [
        (("everyone", |_| None), &|_| MemoryScope::Everyone),
        (("one_kind", |_| None), &kind),
        (("failures_of_one_kind", |_| Some(false)), &kind),
    ];
    for ((name, success), scope) in asks {
        let mut took = Vec::with_capacity(QUESTIONS);
        let mut empty = 0;
        for n in 0..WARM + QUESTIONS {
            let (title, description) = problem(n as u64 * 31 % PROBLEMS, 2_000_000 + n as u64);
            let body = MemorySearch {
                title,
                description,
                scope: scope(n),
                region: None,
                mission: None,
                pool: None,
                success: success(n),
                limit: Some(HITS as u8),
            };
            let began = Instant::now();
            let answer = client.memory_search(&body).await?;
            anyhow::ensure!(answer.degraded.is_empty(), "a part of the memory did not answer");
            if n >= WARM {
                took.push(began.elapsed().as_secs_f64() * 1_000.0);
                empty += usize::from(answer.hits.is_empty() && answer.warnings.is_empty());
            }
        }
        let at = |q| quantile(&took, q).expect("questions were asked");
        told.insert(
            name.to_owned(),
            json!({ "p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": at(1.0), "empty": empty }),
        );
        if name == "everyone" {
            everyone = took;
        }
    }
    let p99 = quantile(&everyone, 0.99).context("questions were asked")?;
    Ok(Figure::at_most("recall_p99_ms", p99, "ms", 15.0).with(json!({ "questions": QUESTIONS, "by_scope": told })))
}

pub(crate) fn memory(n: u64, home: &DatabaseRegion) -> Memory {
    let (title, description) = problem(n % PROBLEMS, n);
    let success = !n.is_multiple_of(7);
    Memory {
        id: MemoryId(Uuid::from_u128(u128::from(n) + 1)),
        mission: None,
        specialization: specialization((n / PROBLEMS) as usize % KINDS),
        agent: format!("agent-{}", n % 100),
        issue: None,
        title,
        description,
        solution: Some(format!("what helped with {}", n % PROBLEMS)),
        pr_number: None,
        success,
        success_source: SuccessSource::Agent,
        resolution_minutes: Some(5.0),
        residency: None,
        home: home.clone(),
        epoch: Epoch(0),
        content_hash: String::new(),
        evidence: 1,
        evidence_succeeded: i64::from(success),
        created_at: "2026-01-01T00:00:00Z".parse().expect("a time"),
    }
}

/// A problem in words of its own: most are the problem's, some are everybody's, some are of this telling alone.
pub(crate) fn problem(problem: u64, telling: u64) -> (String, String) {
    let mut draw = Draw(telling.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bf0_3635);
    let mut word = |n: usize| -> Vec<String> {
        (0..n)
            .map(|_| match draw.below(10) {
                0..6 => name(problem * 40 + draw.below(40)),
                6..9 => name(1_000_000 + draw.below(300)),
                _ => name(2_000_000 + draw.below(20_000)),
            })
            .collect()
    };
    (word(7).join(" "), word(32).join(" "))
}

/// A made-up word: the number in syllables.
fn name(number: u64) -> String {
    const SYLLABLES: [&str; 20] = [
        "ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "wu", "xa", "ze", "by",
        "ny", "ro",
    ];
    let mut rest = number.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 20;
    (0..4)
        .map(|_| {
            let syllable = SYLLABLES[(rest % 20) as usize];
            rest /= 20;
            syllable
        })
        .collect()
}

/// xorshift64* (Vigna 2016): the same on every machine.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }
}
