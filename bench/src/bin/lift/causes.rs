//! The hidden causes: one rule of a linter each, told by the rule's own sections and by what other linters say of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;
use clap::ValueEnum;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// Longest title, in characters.
const TITLE: usize = 120;
/// Texts that a cause has at least.
const TELLINGS: usize = 3;

/// The queries of `make eval-memory` are halved; a cause with a query in the first half belongs to those that settings
/// were chosen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Half {
    /// What settings were chosen on.
    Chosen,
    /// What nothing was chosen on.
    Reported,
}

/// What is behind missions that look different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause {
    pub(crate) rule: String,
    pub(crate) tellings: Vec<Telling>,
    pub(crate) solution: String,
}

/// The words in which a mission has its problem.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Telling {
    pub(crate) title: String,
    pub(crate) description: String,
}

#[derive(Deserialize)]
struct Corpus {
    documents: Vec<Rule>,
    queries: Vec<Query>,
}

#[derive(Deserialize)]
struct Rule {
    id: String,
    title: String,
    solution: String,
    sections: Vec<String>,
}

#[derive(Deserialize)]
struct Query {
    id: String,
    gold: String,
    text: String,
}

/// So many causes of a half, in an order that has nothing to do with them.
pub(crate) fn causes(corpus: &Path, half: Half, wanted: usize) -> anyhow::Result<Vec<Cause>> {
    let text = std::fs::read(corpus).with_context(|| format!("cannot read {}", corpus.display()))?;
    let Corpus { documents, mut queries } = serde_json::from_slice(&text).context("this is no corpus")?;
    // As `eval_memory` halves them.
    queries.sort_by_cached_key(|query| digest(&format!("1:{}", query.id)));
    let (first, _) = queries.split_at(queries.len().div_ceil(2));
    let chosen_on: BTreeSet<&str> = first.iter().map(|query| query.gold.as_str()).collect();
    let mut told: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for query in &queries {
        told.entry(&query.gold).or_default().push(&query.text);
    }
    let is_in = |rule: &Rule| chosen_on.contains(rule.id.as_str()) == (half == Half::Chosen);
    let mut found: Vec<Cause> = documents
        .iter()
        .filter(|rule| is_in(rule))
        .filter_map(|rule| told.get(rule.id.as_str()).map(|others| cause(rule, others)))
        .filter(|cause| cause.tellings.len() >= TELLINGS && !cause.solution.is_empty())
        .collect();
    // What is said of two causes in the same words has no right answer.
    let mut often: BTreeMap<Telling, usize> = BTreeMap::new();
    for telling in found.iter().flat_map(|cause| &cause.tellings) {
        *often.entry(telling.clone()).or_default() += 1;
    }
    found.retain(|cause| cause.tellings.iter().all(|telling| often[telling] == 1));
    found.sort_by_cached_key(|cause| digest(&cause.rule));
    anyhow::ensure!(found.len() >= wanted, "this half has {} causes, not {wanted}", found.len());
    found.truncate(wanted);
    Ok(found)
}

fn cause(rule: &Rule, others: &[&str]) -> Cause {
    let mut tellings: Vec<Telling> = Vec::new();
    if let Some(does) = rule.sections.first() {
        tellings.push(Telling { title: cut(&rule.title), description: does.clone() });
    }
    let rest = rule.sections.iter().skip(1).map(String::as_str).chain(others.iter().copied());
    tellings.extend(rest.map(|text| Telling { title: cut(first_sentence(text)), description: text.to_owned() }));
    tellings.sort();
    tellings.dedup();
    Cause { rule: rule.id.clone(), tellings, solution: rule.solution.clone() }
}

fn first_sentence(text: &str) -> &str {
    let end = text.find(". ").or_else(|| text.find(".\n")).unwrap_or(text.len());
    text[..end].trim()
}

fn cut(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(TITLE).collect()
}

fn digest(text: &str) -> Vec<u8> {
    Sha256::digest(text).to_vec()
}
