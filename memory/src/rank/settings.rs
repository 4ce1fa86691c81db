//! What recall shows, and how it weighs. Weight, trust, calibration and minimum were chosen on half of the queries of
//! `make eval-memory`, which reports on the other half; the boosts and the overlap of twins were not measured.

use crate::embed::{Lexical, Space};

/// How the two arms become one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fusion {
    /// By the weighted sum of both arms, each on a scale of its own that does not depend on the other candidates.
    #[default]
    Sum,
    /// By the sum of reciprocal ranks, `1 / (k + rank)`. Whether a memory is shown at all is still decided by the sum.
    ReciprocalRanks {
        /// The larger, the less the first places count.
        k: u32,
    },
}

/// What the cosine of a space and the keyword share are worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// The cosine of two texts that have nothing to do with one another: it counts as 0.
    pub unrelated: f64,
    /// The similarity, on the scale from `unrelated` = 0 to 1, of two texts about the same problem.
    pub same_similarity: f64,
    /// The keyword share of two texts about the same problem.
    pub same_keyword: f64,
    /// The least relevance that is shown.
    pub minimum: f64,
}

impl Calibration {
    /// The one of a space. Those of the two local spaces were measured; another space gets the cautious one of texts that
    /// share no letters, until it has been measured too.
    #[must_use]
    pub fn of(space: &Space) -> Self {
        let same_keyword = 0.55;
        if space.as_str() == Lexical::SPACE {
            Self { unrelated: 0.10, same_similarity: 0.50, same_keyword, minimum: 0.31 }
        } else if space.as_str().starts_with("local:wl256+lex1280:v1:") {
            Self { unrelated: 0.12, same_similarity: 0.54, same_keyword, minimum: 0.33 }
        } else {
            Self { unrelated: 0.20, same_similarity: 0.50, same_keyword, minimum: 0.33 }
        }
    }
}

/// The settings of a recall.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Successes shown, at most.
    pub hits: usize,
    /// Failures shown, at most.
    pub warnings: usize,
    /// The least relevance that is shown.
    pub minimum: f64,
    /// How the arms become one order.
    pub fusion: Fusion,
    /// What the keyword arm weighs in the sum; the vector arm has the rest of 1.
    pub keyword_weight: f64,
    /// The question's space.
    pub calibration: Calibration,
    /// A question of so many different terms is half trusted: a short one is like many texts by chance.
    pub half_trusted_terms: f64,
    /// What a boost adds or takes, at most.
    pub boost: f64,
    /// Days after which a memory is neither new nor old.
    pub neutral_days: f64,
    /// Two hits whose terms overlap by so much (shared over all) tell the same.
    pub twins: f64,
}

impl Settings {
    /// The defaults for questions and memories of a space.
    #[must_use]
    pub fn of(space: &Space) -> Self {
        let calibration = Calibration::of(space);
        Self {
            hits: 3,
            warnings: 2,
            minimum: calibration.minimum,
            fusion: Fusion::Sum,
            keyword_weight: 0.4,
            calibration,
            half_trusted_terms: 4.0,
            boost: 0.1,
            neutral_days: 90.0,
            twins: 0.8,
        }
    }
}
