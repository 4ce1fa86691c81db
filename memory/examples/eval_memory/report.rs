//! The figures of the second half, as a table or as JSON.

use std::io::Write;

use memory::lesson::{PatternSettings, proven};
use memory::rank::{Fusion, Settings};
use serde::Serialize;

use crate::choose::{Chosen, open};
use crate::figures::{Figure, found_within, mean, reciprocal};
use crate::index::{Index, Space};

const RRF_K: u32 = 60;

/// One way to search.
#[derive(Debug, Serialize)]
struct Row {
    method: String,
    r_at_1: Figure,
    r_at_10: Figure,
    mrr_at_10: Figure,
    /// The mean reciprocal rank less that of the public BM25, query by query.
    against_public_bm25: Figure,
}

/// What recall shows, and what is offered at once, with the built-in settings.
#[derive(Debug, Serialize)]
struct Shown {
    space: String,
    /// The right answer is in the store: it is shown.
    right_shown: Figure,
    /// It is not in the store: nothing is shown.
    nothing_shown: Figure,
    /// It is in the store: its solution is offered at once.
    right_offered: Figure,
    /// Another's is offered although the right one is there.
    wrong_offered: Figure,
    /// Another's is offered where there is no right one.
    wrong_offered_without: Figure,
    chosen: Chosen,
}

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    documents: usize,
    chosen_on: usize,
    reported_on: usize,
    rows: Vec<Row>,
    shown: Vec<Shown>,
}

impl Report {
    pub(crate) fn new(index: &Index<'_>, spaces: &[Space<'_>], chosen: Vec<Chosen>) -> Self {
        let (first, second) = index.corpus.halves();
        let row = |method: String, rank: &dyn Fn(usize) -> Option<usize>| row(index, &second, method, rank);
        let mut rows = vec![
            row("full text, AND of all terms".into(), &|query| index.all_terms(query)),
            row("full text, OR of the rarest terms (BM25)".into(), &|query| index.any_term(query)),
            row("bm25s from PyPI".into(), &|query| Some(index.corpus.queries[query].public_bm25_rank)),
            row("bm25s from PyPI, solutions searched too".into(), &|query| {
                Some(index.corpus.queries[query].public_bm25_rank_in_whole)
            }),
        ];
        let solutions = Index::with_solutions(index.corpus, spaces);
        for space in spaces {
            let name = &space.name;
            let sum = open(&Settings::of(name));
            let rrf = Settings { fusion: Fusion::ReciprocalRanks { k: RRF_K }, ..sum };
            let recall =
                |index: &Index<'_>, query, settings| index.place(query, &index.recall(query, name, settings, false));
            rows.push(row(format!("{name}"), &|query| index.nearest(query, name)));
            rows.push(row(format!("{name}, RRF"), &|query| recall(index, query, &rrf)));
            rows.push(row(format!("{name}, sum"), &|query| recall(index, query, &sum)));
            rows.push(row(format!("{name}, sum, solutions searched too"), &|query| recall(&solutions, query, &sum)));
        }
        let shown = spaces.iter().zip(chosen).map(|(space, chosen)| shown(index, &second, space, chosen)).collect();
        Self { documents: index.corpus.documents.len(), chosen_on: first.len(), reported_on: second.len(), rows, shown }
    }

    pub(crate) fn print(&self, mut out: impl Write, json: bool) -> anyhow::Result<()> {
        if json {
            writeln!(out, "{}", serde_json::to_string_pretty(self)?)?;
            return Ok(());
        }
        let Self { documents, chosen_on, reported_on, .. } = self;
        writeln!(out, "{documents} documents; chosen on {chosen_on} queries, reported on {reported_on} others\n")?;
        writeln!(out, "{:<66} {:<22}{:<22}{:<22}MRR less bm25s", "", "R@1", "R@10", "MRR@10")?;
        for row in &self.rows {
            let cells = [row.r_at_1, row.r_at_10, row.mrr_at_10, row.against_public_bm25].map(cell);
            writeln!(out, "{:<66} {:<22}{:<22}{:<22}{}", row.method, cells[0], cells[1], cells[2], cells[3])?;
        }
        self.shown.iter().try_for_each(|shown| shown.print(&mut out))
    }
}

impl Shown {
    fn print(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let chosen = &self.chosen;
        writeln!(out, "\n{}, with the built-in settings", self.space)?;
        writeln!(out, "  right answer in the store, and shown:        {}", cell(self.right_shown))?;
        writeln!(out, "  no right answer in the store, nothing shown: {}", cell(self.nothing_shown))?;
        writeln!(out, "  solution offered at once, right:             {}", cell(self.right_offered))?;
        writeln!(out, "  wrong, with the right answer in the store:   {}", cell(self.wrong_offered))?;
        writeln!(out, "  wrong, without a right answer in the store:  {}", cell(self.wrong_offered_without))?;
        let settings = [
            ("keyword weight", chosen.keyword_weight, chosen.built_in_keyword_weight),
            ("minimum", chosen.minimum, chosen.built_in_minimum),
            ("relevance of an offer", chosen.offer_relevance, chosen.built_in_offer_relevance),
            ("its lead", chosen.offer_ahead, chosen.built_in_offer_ahead),
        ];
        for (name, first_half, built_in) in settings {
            writeln!(out, "  {name}: built in {built_in:.2}, the first half would choose {first_half:.2}")?;
        }
        Ok(())
    }
}

fn row(index: &Index<'_>, queries: &[usize], method: String, rank: &dyn Fn(usize) -> Option<usize>) -> Row {
    let ranks: Vec<Option<usize>> = queries.iter().map(|&query| rank(query)).collect();
    let public: Vec<Option<usize>> =
        queries.iter().map(|&query| Some(index.corpus.queries[query].public_bm25_rank)).collect();
    let [ours, theirs] = [&ranks, &public].map(|ranks| reciprocal(ranks));
    let differences: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours - theirs).collect();
    Row {
        method,
        r_at_1: mean(&found_within(&ranks, 1)),
        r_at_10: mean(&found_within(&ranks, 10)),
        mrr_at_10: mean(&ours),
        against_public_bm25: mean(&differences),
    }
}

fn shown(index: &Index<'_>, queries: &[usize], space: &Space<'_>, chosen: Chosen) -> Shown {
    let settings = Settings::of(&space.name);
    let patterns = PatternSettings::default();
    let share = |of: &dyn Fn(usize) -> bool| {
        mean(&queries.iter().map(|&query| if of(query) { 1.0 } else { 0.0 }).collect::<Vec<f64>>())
    };
    let recall = |query, without_gold| index.recall(query, &space.name, &settings, without_gold);
    let offered = |query, without_gold| {
        proven(&recall(query, without_gold), &patterns).map(|offer| index.is_gold(query, offer.memory))
    };
    Shown {
        space: space.name.to_string(),
        right_shown: share(&|query| index.place(query, &recall(query, false)).is_some()),
        nothing_shown: share(&|query| recall(query, true).hits.is_empty()),
        right_offered: share(&|query| offered(query, false) == Some(true)),
        wrong_offered: share(&|query| offered(query, false) == Some(false)),
        wrong_offered_without: share(&|query| offered(query, true).is_some()),
        chosen,
    }
}

fn cell(figure: Figure) -> String {
    format!("{:.3} [{:.3}, {:.3}]", figure.value, figure.low, figure.high)
}
