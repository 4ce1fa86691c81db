//! Everything that a scheduler does with memories: it asks them, shows them, forgets them.
//!
//! A question becomes a vector and its rarest words; every home gives candidates by both ([`Rows`]); what they are worth is
//! decided by the pure [`mod@rank`]. Where the embedder does not answer, words alone are asked.

mod rows;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sql::Db;
use topology::{DatabaseRegion, RegionName, ResidencyName, Specialization, Topology};

use crate::embed::{Embedder, Space};
use crate::lesson::{PatternSettings, Proven, proven};
use crate::model::{MemoryId, Scope};
use crate::rank::{self, Asked, Candidate, Ranked, rank};
use crate::recall::{self, Completeness, Found, Query, Recall, Settings};
use crate::store::terms::{Frequencies, frequencies};
use crate::text::{self, Bounds, Collection, Question};

pub use rows::Rows;
pub(crate) use rows::through;

/// Candidates that each arm of each home gives.
const CANDIDATES: usize = 40;
/// How long word counts serve: they weigh words, and need not be of this moment.
const COUNTS_LIFE: Duration = Duration::from_secs(10);

/// What somebody wants to know.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// Title of the problem.
    pub title: String,
    /// The problem.
    pub description: String,
    /// Whose memories.
    pub scope: Scope,
    /// Only successes, or only failures.
    pub success: Option<bool>,
    /// Most hits; none = as many as usual.
    pub hits: Option<usize>,
    /// The question may not be given to the embedder: words alone are asked.
    pub by_words: bool,
}

/// What memories say.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The few that help, the failures to avoid, how long it took.
    pub ranked: Ranked,
    /// A solution that has proven itself for this very problem.
    pub proven: Option<Proven>,
    /// What is missing of the answer.
    pub completeness: Completeness,
    /// The space that was searched; none where only words were.
    pub space: Option<Space>,
}

/// The memories as they are seen from one region.
pub struct Memories<E> {
    db: Db,
    home: DatabaseRegion,
    recall: Recall<Rows>,
    embedder: Arc<E>,
    settings: rank::Settings,
    counts: Mutex<HashMap<String, Counted>>,
}

/// How many memories have a word, and when that was read.
#[derive(Debug, Clone, Copy)]
struct Counted {
    documents: i64,
    at: Instant,
}

impl<E: Embedder> Memories<E> {
    /// The memories as they are seen from the region `here`, whose rows have their home in `home`.
    #[must_use]
    pub fn new(db: Db, here: RegionName, home: DatabaseRegion, embedder: Arc<E>, settings: Settings) -> Self {
        let recall = Recall::new(here, home.clone(), Rows::new(db.clone(), home.clone()), settings);
        let settings = rank::Settings::of(embedder.space());
        Self { db, home, recall, embedder, settings, counts: Mutex::default() }
    }

    /// What helps a caller who stands in the region `caller` and asks now.
    ///
    /// # Errors
    /// As [`Recall::ask`].
    pub async fn ask(
        &self,
        topology: &Topology,
        caller: &RegionName,
        ask: Ask,
        now: DateTime<Utc>,
    ) -> Result<Told, recall::Error> {
        let problem = text::problem(&ask.title, &ask.description);
        let terms = text::terms(&problem);
        let (counts, vector) = futures_util::join!(self.counts(&terms), self.vector(problem, ask.by_words));
        let mut asked = text::rarest(&terms, &counts.having, &Bounds::default());
        // One order for the same words, however common each is by now: a kept answer is found by them.
        asked.sort_unstable();
        let query = Query {
            space: self.embedder.space().clone(),
            specializations: kinds(topology, &ask.scope),
            terms: asked,
            scope: ask.scope,
            success: ask.success,
            limit: CANDIDATES,
            vector,
        };
        let space = query.vector.is_some().then(|| query.space.clone());
        let answer = self.recall.ask(topology, caller, query).await?;
        let question = Question::new(&terms, &counts.collection());
        let candidates: Vec<Candidate> = answer.found.into_iter().map(|found| candidate(found, &question)).collect();
        let asked = Asked { terms: question.terms(), full_keyword: question.full_score(), now };
        let settings = rank::Settings { hits: ask.hits.unwrap_or(self.settings.hits), ..self.settings };
        let ranked = rank(&asked, &candidates, &settings);
        let proven = proven(&ranked, &PatternSettings::default());
        Ok(Told { ranked, proven, completeness: answer.completeness, space })
    }

    /// Shows forgotten memories no more; their rows are taken away by [`crate::store::forget`].
    pub async fn forget(&self, ids: &[MemoryId]) {
        self.recall.forget(ids).await;
    }

    /// How long after a memory was forgotten elsewhere it may still be shown here.
    #[must_use]
    pub fn horizon(&self) -> Duration {
        self.recall.horizon()
    }

    /// Whether questions under this rule may be given to the embedder.
    #[must_use]
    pub fn may_see(&self, rule: Option<&ResidencyName>) -> bool {
        self.embedder.may_see(rule)
    }

    /// None where the embedder is not to be asked, or does not answer: words serve then.
    async fn vector(&self, problem: String, by_words: bool) -> Option<Vec<f32>> {
        if by_words {
            return None;
        }
        match self.embedder.embed(&[problem]).await {
            Ok(vectors) => vectors.into_iter().next(),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the question has no vector: words alone are asked"
                );
                metrics::counter!("memory_questions_without_vector_total").increment(1);
                None
            }
        }
    }

    /// How common words are in the own home. Where that cannot be had, what is still known of it.
    async fn counts(&self, terms: &[String]) -> Counts {
        let now = Instant::now();
        let mut words: Vec<String> = text::distinct(terms).into_iter().cloned().collect();
        words.push(ALL_DOCUMENTS.to_owned());
        words.push(ALL_WORDS.to_owned());
        let unknown: Vec<String> = {
            let known = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            let is_known = |word: &String| known.get(word).is_some_and(|one| now - one.at < COUNTS_LIFE);
            words.iter().filter(|word| !is_known(word)).cloned().collect()
        };
        if !unknown.is_empty() {
            match frequencies(&self.db, &self.home, &unknown).await {
                Ok(read) => self.know(&unknown, &read, now),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "how common words are cannot be had");
                }
            }
        }
        let known = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |word: &str| known.get(word).map_or(0, |one| one.documents);
        Counts {
            documents: of(ALL_DOCUMENTS),
            words: of(ALL_WORDS),
            having: words.iter().map(|word| (word.clone(), of(word).unsigned_abs())).collect(),
        }
    }

    fn know(&self, words: &[String], read: &Frequencies, at: Instant) {
        let mut known = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() > COUNTS_MOST {
            known.clear();
        }
        for word in words {
            let documents = read.having.get(word).copied().unwrap_or(0);
            known.insert(word.clone(), Counted { documents, at });
        }
        for (word, documents) in [(ALL_DOCUMENTS, read.documents), (ALL_WORDS, read.words)] {
            known.insert(word.to_owned(), Counted { documents, at });
        }
    }
}

/// Words whose counts are kept, at most.
const COUNTS_MOST: usize = 100_000;
/// Keys that are no words.
const ALL_DOCUMENTS: &str = " documents";
const ALL_WORDS: &str = " words";

/// How common the words of a question are.
struct Counts {
    documents: i64,
    words: i64,
    having: HashMap<String, u64>,
}

impl Counts {
    fn collection(&self) -> Collection<'_> {
        let documents = self.documents.unsigned_abs();
        let mean_terms = self.words as f64 / documents.max(1) as f64;
        Collection { documents, mean_terms, document_frequency: &self.having }
    }
}

/// The kinds of agents whose memories are searched; everyone = all that the topology has.
fn kinds(topology: &Topology, scope: &Scope) -> Vec<Specialization> {
    match scope {
        Scope::Specialization(one) => vec![one.clone()],
        Scope::Agent(_) | Scope::Everyone => {
            let mut all: Vec<_> = topology.pools.iter().map(|pool| pool.id.specialization.clone()).collect();
            all.sort();
            all.dedup();
            all
        }
    }
}

/// Both arms on one scale each: every candidate's words are weighed here, whichever arm found it.
fn candidate(found: Found, question: &Question) -> Candidate {
    let keyword = Some(question.score(&text::terms(&found.memory.text())));
    Candidate { memory: found.memory, similarity: found.similarity, keyword }
}
