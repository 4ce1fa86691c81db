//! Every public region of the clouds: where it stands, whose law holds there, whose users Cloudflare sends there.
//!
//! The data and their sources are `data/catalogue.json`; `catalogue-check/` compares it with the lists that packages
//! of the registries carry.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::geo::Position;
use crate::model::Provider;

mod countries;
mod steering;
mod suggest;

pub use countries::{country_position, jurisdiction_of};
pub use steering::{SteeringCode, UnknownSteeringCode};
pub use suggest::nearest;

/// A public region of a cloud.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CatalogueRegion {
    /// The cloud.
    pub provider: Provider,
    /// The cloud's own name of the region, such as `eu-west-1`.
    pub name: String,
    /// City or area that the cloud names.
    pub place: String,
    /// Where it stands: the cloud's stated city or area, not the building.
    #[serde(flatten)]
    pub position: Position,
    /// ISO 3166-1 alpha-2 code of the country, upper case.
    pub country: String,
    /// `eu` for the states where the GDPR holds, else the country in lower case.
    pub jurisdiction: String,
    /// Who may open an account there.
    pub partition: Partition,
    /// Whether an account may start machines there at once.
    pub access: Access,
    /// The Cloudflare steering regions that this one lies in.
    pub steering: Vec<SteeringCode>,
}

/// Who may open an account in a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Partition {
    /// Everybody.
    Standard,
    /// Accounts of the Chinese operator only.
    China,
    /// Governments and those who work for them.
    Government,
    /// A sovereign cloud that is run apart from the others, with accounts of its own.
    Sovereign,
}

/// Whether an account may start machines in a region at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// It may.
    Open,
    /// The cloud must be asked first, or lets only those in who are there already.
    OnRequest,
    /// The cloud's own lists name it, but it is not known to be open.
    Announced,
}

impl Partition {
    /// The partition as the command line writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::China => "china",
            Self::Government => "government",
            Self::Sovereign => "sovereign",
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no partition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a partition is standard, china, government or sovereign, not {0:?}")]
pub struct UnknownPartition(pub String);

impl FromStr for Partition {
    type Err = UnknownPartition;

    fn from_str(text: &str) -> Result<Self, UnknownPartition> {
        [Self::Standard, Self::China, Self::Government, Self::Sovereign]
            .into_iter()
            .find(|partition| partition.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownPartition(text.to_owned()))
    }
}

/// The built-in list of regions.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Where the data come from.
    pub sources: Vec<String>,
    regions: Vec<CatalogueRegion>,
}

static BUILT_IN: LazyLock<Catalogue> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../data/catalogue.json")).expect("the shipped data file is read by a test")
});

impl Catalogue {
    /// The catalogue that this crate ships.
    #[must_use]
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// All regions, ordered by provider and name.
    #[must_use]
    pub fn regions(&self) -> &[CatalogueRegion] {
        &self.regions
    }

    /// The region of this provider and name; letter case does not matter.
    #[must_use]
    pub fn find(&self, provider: Provider, name: &str) -> Option<&CatalogueRegion> {
        self.regions.iter().find(|region| region.provider == provider && region.name.eq_ignore_ascii_case(name))
    }

    /// Up to three region names of this provider that look most like a mistyped one, best first.
    #[must_use]
    pub fn nearest_names(&self, provider: Provider, name: &str) -> Vec<&str> {
        nearest(name, self.regions.iter().filter(|region| region.provider == provider).map(|region| &*region.name))
    }

    /// The region of this provider that stands nearest to a place, among those that a test allows.
    #[must_use]
    pub fn nearest_to(&self, place: Position, allowed: impl Fn(&CatalogueRegion) -> bool) -> Option<&CatalogueRegion> {
        self.regions
            .iter()
            .filter(|region| allowed(region))
            .min_by(|a, b| place.distance_km(a.position).total_cmp(&place.distance_km(b.position)))
    }
}

/// The region of this provider and name in the built-in catalogue; letter case does not matter.
#[must_use]
pub fn find(provider: Provider, name: &str) -> Option<&'static CatalogueRegion> {
    Catalogue::built_in().find(provider, name)
}

#[cfg(test)]
mod tests;
