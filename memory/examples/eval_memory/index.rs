//! The corpus as a store would hold it, and the ways to search it.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use chrono::DateTime;
use memory::embed::{self, Embedder};
use memory::model::{Memory, MemoryId, SuccessSource};
use memory::rank::{Asked, Candidate, Ranked, Settings, rank};
use memory::text::{Bounds, Collection, Question, problem, rarest, term_set, terms};
use topology::Epoch;
use uuid::Uuid;

use crate::corpus::{Corpus, Document};

/// Candidates that each arm brings, as in recall.
const FETCHED: usize = 50;

type MakeVector<'a> = Box<dyn Fn(&str) -> Vec<f32> + 'a>;

/// One space of vectors.
pub(crate) struct Space<'a> {
    pub(crate) name: embed::Space,
    vector: MakeVector<'a>,
}

impl<'a> Space<'a> {
    pub(crate) fn new(embedder: &impl Embedder, vector: impl Fn(&str) -> Vec<f32> + 'a) -> Self {
        Self { name: embedder.space().clone(), vector: Box::new(vector) }
    }
}

/// A text as it is searched.
struct Entry {
    terms: Vec<String>,
    set: BTreeSet<String>,
    /// One a space.
    vectors: Vec<Vec<f32>>,
}

impl Entry {
    fn new(text: &str, spaces: &[Space<'_>]) -> Self {
        let vectors = spaces.iter().map(|space| (space.vector)(text)).collect();
        Self { terms: terms(text), set: term_set(text), vectors }
    }
}

pub(crate) struct Index<'a> {
    pub(crate) corpus: &'a Corpus,
    memories: Vec<Memory>,
    documents: Vec<Entry>,
    queries: Vec<Entry>,
    /// The right answer of each query: its document's number.
    pub(crate) golds: Vec<usize>,
    frequency: HashMap<String, u64>,
    spaces: Vec<embed::Space>,
}

impl<'a> Index<'a> {
    pub(crate) fn new(corpus: &'a Corpus, spaces: &[Space<'_>]) -> Self {
        Self::of_texts(corpus, spaces, Document::problem)
    }

    /// With the solution in the text that is searched.
    pub(crate) fn with_solutions(corpus: &'a Corpus, spaces: &[Space<'_>]) -> Self {
        Self::of_texts(corpus, spaces, |document| problem(&document.problem(), &document.solution))
    }

    fn of_texts(corpus: &'a Corpus, spaces: &[Space<'_>], text: impl Fn(&Document) -> String) -> Self {
        let documents: Vec<Entry> = corpus.documents.iter().map(|each| Entry::new(&text(each), spaces)).collect();
        let mut frequency = HashMap::new();
        for term in documents.iter().flat_map(|entry| &entry.set) {
            *frequency.entry(term.clone()).or_insert(0) += 1;
        }
        let numbers: HashMap<&str, usize> =
            corpus.documents.iter().enumerate().map(|(number, each)| (each.id.as_str(), number)).collect();
        Self {
            corpus,
            memories: corpus.documents.iter().enumerate().map(|(number, each)| memory(number, each)).collect(),
            documents,
            queries: corpus.queries.iter().map(|query| Entry::new(&query.text, spaces)).collect(),
            golds: corpus.queries.iter().map(|query| numbers[query.gold.as_str()]).collect(),
            frequency,
            spaces: spaces.iter().map(|space| space.name.clone()).collect(),
        }
    }

    /// By the documents that have every term of the query.
    pub(crate) fn all_terms(&self, query: usize) -> Option<usize> {
        let asked = &self.queries[query].set;
        let keyword = self.keyword(query, None);
        self.rank_of_gold(query, |document| asked.is_subset(&self.documents[document].set).then(|| keyword[document]))
    }

    /// By BM25 of the documents that have any of the rarest terms.
    pub(crate) fn any_term(&self, query: usize) -> Option<usize> {
        let keyword = self.keyword(query, None);
        let fetched = self.with_rarest(query, None);
        self.rank_of_gold(query, |document| fetched.contains(&document).then(|| keyword[document]))
    }

    /// By the vectors of a space alone.
    pub(crate) fn nearest(&self, query: usize, space: &embed::Space) -> Option<usize> {
        let cosines = self.cosines(query, space);
        self.rank_of_gold(query, |document| Some(cosines[document]))
    }

    /// By recall as it is; where `without_gold`, from a store that the right answer is not in.
    pub(crate) fn recall(&self, query: usize, space: &embed::Space, settings: &Settings, without_gold: bool) -> Ranked {
        let left_out = without_gold.then_some(self.golds[query]);
        let question = self.question(query, left_out);
        let (cosines, keyword) = (self.cosines(query, space), self.keyword(query, left_out));
        let mut fetched = best(0..self.documents.len(), &cosines);
        fetched.extend(best(self.with_rarest(query, left_out).into_iter(), &keyword));
        let candidates: Vec<Candidate> = fetched
            .into_iter()
            .filter(|&document| Some(document) != left_out)
            .map(|document| Candidate {
                memory: self.memories[document].clone(),
                similarity: Some(cosines[document]),
                keyword: Some(keyword[document]),
            })
            .collect();
        let now = DateTime::UNIX_EPOCH;
        rank(&Asked { terms: question.terms(), full_keyword: question.full_score(), now }, &candidates, settings)
    }

    /// Where the right answer stands among what was recalled.
    pub(crate) fn place(&self, query: usize, ranked: &Ranked) -> Option<usize> {
        let gold = self.memories[self.golds[query]].id;
        ranked.hits.iter().position(|hit| hit.memory.id == gold).map(|position| position + 1)
    }

    pub(crate) fn is_gold(&self, query: usize, memory: MemoryId) -> bool {
        self.memories[self.golds[query]].id == memory
    }

    fn rank_of_gold(&self, query: usize, score: impl Fn(usize) -> Option<f64>) -> Option<usize> {
        let gold = score(self.golds[query]).filter(|&score| score > 0.0)?;
        // Of equals the right one is the last: nothing is won by chance.
        Some((0..self.documents.len()).filter(|&document| score(document).is_some_and(|other| other >= gold)).count())
    }

    fn question(&self, query: usize, left_out: Option<usize>) -> Question {
        let frequency = self.frequency_without(left_out);
        Question::new(&self.queries[query].terms, &self.collection(&frequency, left_out))
    }

    fn keyword(&self, query: usize, left_out: Option<usize>) -> Vec<f64> {
        let question = self.question(query, left_out);
        self.documents.iter().map(|entry| question.score(&entry.terms)).collect()
    }

    fn collection<'b>(&self, frequency: &'b HashMap<String, u64>, left_out: Option<usize>) -> Collection<'b> {
        let terms: usize = self.documents.iter().map(|entry| entry.terms.len()).sum();
        Collection {
            documents: (self.documents.len() - left_out.iter().count()) as u64,
            mean_terms: terms as f64 / self.documents.len() as f64,
            document_frequency: frequency,
        }
    }

    fn frequency_without(&self, left_out: Option<usize>) -> HashMap<String, u64> {
        let mut frequency = self.frequency.clone();
        for term in left_out.into_iter().flat_map(|document| &self.documents[document].set) {
            *frequency.get_mut(term).expect("every term was counted") -= 1;
        }
        frequency
    }

    fn with_rarest(&self, query: usize, left_out: Option<usize>) -> BTreeSet<usize> {
        let frequency = self.frequency_without(left_out);
        let asked = rarest(&self.queries[query].terms, &frequency, &Bounds::default());
        (0..self.documents.len())
            .filter(|&document| asked.iter().any(|term| self.documents[document].set.contains(term)))
            .collect()
    }

    fn cosines(&self, query: usize, space: &embed::Space) -> Vec<f64> {
        let at = self.spaces.iter().position(|known| known == space).expect("every space was indexed");
        let asked = &self.queries[query].vectors[at];
        let cosine = |vector: &[f32]| asked.iter().zip(vector).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        self.documents.iter().map(|entry| cosine(&entry.vectors[at])).collect()
    }
}

/// The first so many by score.
fn best(documents: impl Iterator<Item = usize>, scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = documents.collect();
    order.sort_by_key(|&document| (Reverse((scores[document] * 1e9) as i64), document));
    order.truncate(FETCHED);
    order
}

fn memory(number: usize, document: &Document) -> Memory {
    Memory {
        id: MemoryId(Uuid::from_u128(number as u128)),
        mission: None,
        specialization: "engineer".parse().expect("a name"),
        agent: "eval".into(),
        issue: None,
        title: String::new(),
        description: document.problem(),
        solution: Some(document.solution.clone()),
        pr_number: None,
        success: true,
        success_source: SuccessSource::Merge,
        resolution_minutes: None,
        residency: None,
        home: "us-west-2".parse().expect("a name"),
        epoch: Epoch::INITIAL,
        content_hash: document.id.clone(),
        evidence: 1,
        evidence_succeeded: 1,
        created_at: DateTime::UNIX_EPOCH,
    }
}
