//! What the first half of the queries would choose, beside what is built in.

use memory::lesson::{PatternSettings, proven};
use memory::rank::{Ranked, Settings};
use serde::Serialize;

use crate::figures::{mean, reciprocal};
use crate::index::{Index, Space};

/// Deep enough that the mean reciprocal rank at 10 can be read off.
const DEPTH: usize = 10;
/// By what part another solution must be behind.
const LEADS: [f64; 6] = [0.1, 0.2, 0.25, 0.3, 0.4, 0.5];
const WEIGHTS: [f64; 5] = [0.3, 0.4, 0.5, 0.6, 0.7];
/// Of all queries, so many may get a wrong solution at once.
const WRONG_AT_MOST: f64 = 0.02;

/// The settings that the first half is best with, and the built-in ones that are reported.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Chosen {
    pub(crate) keyword_weight: f64,
    pub(crate) minimum: f64,
    pub(crate) offer_relevance: f64,
    pub(crate) offer_ahead: f64,
    pub(crate) built_in_keyword_weight: f64,
    pub(crate) built_in_minimum: f64,
    pub(crate) built_in_offer_relevance: f64,
    pub(crate) built_in_offer_ahead: f64,
}

pub(crate) fn on_first_half(index: &Index<'_>, space: &Space<'_>) -> Chosen {
    let (half, _) = index.corpus.halves();
    let built_in = Settings::of(&space.name);
    let tried: Vec<Tried> = WEIGHTS
        .into_iter()
        .map(|keyword_weight| Tried::new(index, space, &half, &Settings { keyword_weight, ..built_in }))
        .collect();
    let best = tried.iter().max_by(|one, other| one.worth().total_cmp(&other.worth())).expect("weights are tried");
    let [present, removed] = [false, true].map(|without_gold| recalled(index, space, &half, &built_in, without_gold));
    let (offer_relevance, offer_ahead) = offers(index, &present, &removed);
    Chosen {
        keyword_weight: best.keyword_weight,
        minimum: best.minimum,
        offer_relevance,
        offer_ahead,
        built_in_keyword_weight: built_in.keyword_weight,
        built_in_minimum: built_in.minimum,
        built_in_offer_relevance: PatternSettings::default().relevance,
        built_in_offer_ahead: PatternSettings::default().ahead,
    }
}

fn recalled(
    index: &Index<'_>,
    space: &Space<'_>,
    half: &[usize],
    settings: &Settings,
    without_gold: bool,
) -> Vec<(usize, Ranked)> {
    half.iter().map(|&query| (query, index.recall(query, &space.name, settings, without_gold))).collect()
}

/// What a keyword weight comes to on the first half.
struct Tried {
    keyword_weight: f64,
    mrr: f64,
    minimum: f64,
    /// The worse of: right answers shown, nothing shown where there is none.
    shown: f64,
}

impl Tried {
    fn new(index: &Index<'_>, space: &Space<'_>, half: &[usize], settings: &Settings) -> Self {
        let [present, removed] =
            [false, true].map(|without_gold| recalled(index, space, half, &open(settings), without_gold));
        let ranks: Vec<_> = present.iter().map(|(query, ranked)| index.place(*query, ranked)).collect();
        let (minimum, shown) = minimum(index, &present, &removed, settings.hits);
        Self {
            keyword_weight: settings.keyword_weight,
            mrr: mean(&reciprocal(&ranks)).value,
            minimum,
            shown: shown as f64 / half.len() as f64,
        }
    }

    /// Order and abstention count the same.
    fn worth(&self) -> f64 {
        self.mrr + self.shown
    }
}

/// Everything is shown, so that any minimum can be tried on the result.
pub(crate) fn open(settings: &Settings) -> Settings {
    Settings { hits: DEPTH, minimum: 0.0, ..*settings }
}

/// The minimum at which the worse of both shares is best: right answers shown, and nothing shown where there is none.
fn minimum(index: &Index<'_>, present: &[(usize, Ranked)], removed: &[(usize, Ranked)], shown: usize) -> (f64, usize) {
    let worse = |minimum: f64| {
        let got = present.iter().filter(|(query, ranked)| {
            ranked
                .hits
                .iter()
                .take(shown)
                .any(|hit| index.is_gold(*query, hit.memory.id) && hit.why.relevance.value >= minimum)
        });
        let nothing =
            removed.iter().filter(|(_, ranked)| ranked.hits.iter().all(|hit| hit.why.relevance.value < minimum));
        got.count().min(nothing.count())
    };
    let counted = steps().map(|minimum| (minimum, worse(minimum)));
    counted.max_by_key(|&(_, count)| count).expect("there are steps")
}

/// The relevance and the lead at which most right solutions are offered, while few enough of all queries get a wrong one:
/// with and without the right answer in the store.
fn offers(index: &Index<'_>, present: &[(usize, Ranked)], removed: &[(usize, Ranked)]) -> (f64, f64) {
    let most = WRONG_AT_MOST * (present.len() + removed.len()) as f64;
    let mut best = (0, 1.0, 1.0);
    for (ahead, relevance) in LEADS.into_iter().flat_map(|ahead| steps().map(move |relevance| (ahead, relevance))) {
        let settings = PatternSettings { relevance, ahead, ..PatternSettings::default() };
        let offered = |recalled: &[(usize, Ranked)]| -> Vec<bool> {
            let offer = |(query, ranked): &(usize, Ranked)| {
                proven(ranked, &settings).map(|offer| index.is_gold(*query, offer.memory))
            };
            recalled.iter().filter_map(offer).collect()
        };
        let (there, gone) = (offered(present), offered(removed));
        let right = there.iter().filter(|right| **right).count();
        if (there.len() - right + gone.len()) as f64 <= most && right > best.0 {
            best = (right, relevance, ahead);
        }
    }
    (best.1, best.2)
}

fn steps() -> impl Iterator<Item = f64> {
    (1..100).map(|step| f64::from(step) / 100.0)
}
