//! What a user may ask of [`super::derive()`].

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::catalogue::{Access, CatalogueRegion, Partition};
use crate::model::Provider;

/// How much each kind of interest in a city counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Weights {
    /// A whole inspiration weight.
    pub inspiration: f64,
    /// A planned visit in an agent's path.
    pub visit: f64,
    /// An agent at home there.
    pub home: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self { inspiration: 1.0, visit: 0.2, home: 0.1 }
    }
}

impl fmt::Display for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "inspiration={},visit={},home={}", self.inspiration, self.visit, self.home)
    }
}

/// A text that is no list of weights.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("weights are written inspiration=1,visit=0.2,home=0.1 with numbers from 0 to 1000, not {0:?}")]
pub struct BadWeights(pub String);

impl FromStr for Weights {
    type Err = BadWeights;

    /// What is not named keeps its default.
    fn from_str(text: &str) -> Result<Self, BadWeights> {
        let mut weights = Self::default();
        for part in text.split(',').map(str::trim) {
            let (name, value) = part.split_once('=').ok_or_else(|| BadWeights(text.to_owned()))?;
            let value = value.trim().parse::<f64>().ok().filter(|value| (0.0..=1000.0).contains(value));
            let value = value.ok_or_else(|| BadWeights(text.to_owned()))?;
            match name.trim() {
                "inspiration" => weights.inspiration = value,
                "visit" => weights.visit = value,
                "home" => weights.home = value,
                _ => return Err(BadWeights(text.to_owned())),
            }
        }
        Ok(weights)
    }
}

/// What to derive.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Number of regions to choose.
    pub regions: usize,
    /// Providers to choose from.
    pub providers: Vec<Provider>,
    /// Partitions to choose from.
    pub partitions: Vec<Partition>,
    /// How demand is counted.
    pub weights: Weights,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            regions: 3,
            providers: Provider::ALL.to_vec(),
            partitions: vec![Partition::Standard],
            weights: Weights::default(),
        }
    }
}

impl Options {
    /// Whether a region may be chosen.
    pub(super) fn allows(&self, region: &CatalogueRegion) -> bool {
        self.providers.contains(&region.provider)
            && self.partitions.contains(&region.partition)
            && region.access == Access::Open
    }
}
