//! Words of the file that stand for one of a few things.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A cloud provider of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Provider {
    /// Amazon Web Services.
    #[serde(rename = "AWS")]
    Aws,
    /// Microsoft Azure.
    Azure,
    /// Google Cloud.
    #[serde(rename = "GCP")]
    Gcp,
    /// `DigitalOcean`.
    DigitalOcean,
}

/// A text that names no provider of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a provider is AWS, Azure, GCP or DigitalOcean, not {0:?}")]
pub struct UnknownProvider(pub String);

impl Provider {
    /// All providers, in the order of the catalogue.
    pub const ALL: [Self; 4] = [Self::Aws, Self::Azure, Self::Gcp, Self::DigitalOcean];

    /// The provider as the topology writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Azure => "Azure",
            Self::Gcp => "GCP",
            Self::DigitalOcean => "DigitalOcean",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Provider {
    type Err = UnknownProvider;

    /// Letter case does not matter.
    fn from_str(text: &str) -> Result<Self, UnknownProvider> {
        Self::ALL
            .into_iter()
            .find(|provider| provider.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownProvider(text.to_owned()))
    }
}

/// The registry of words: each is written in the file, in JSON and for people in the same way.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $text:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$word_doc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// All of them, in their order.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word as the file writes it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    )+};
}

words! {
    /// How far a region's roll-out has come. Regions before `Dark` are never placed into.
    RegionState {
        /// Written down, nothing is built.
        Planned = "planned",
        /// Infrastructure is being built.
        Provisioning = "provisioning",
        /// Runs, but only drill missions and operators use it.
        Dark = "dark",
        /// Serves a part of the load.
        Canary = "canary",
        /// Serves.
        Active = "active",
        /// Is being emptied for good.
        Retiring = "retiring",
    }

    /// The role of a pool for its specialization.
    Role {
        /// First choice.
        Primary = "primary",
        /// Takes over when the primary is unhealthy or saturated.
        Replica = "replica",
    }

    /// How far a residency rule reaches (P4).
    ResidencyStrength {
        /// Placement, failover, recall, caches and the home of the rows; replicas may lie elsewhere.
        Run = "run",
        /// The replicas of the rows too.
        Store = "store",
    }

    /// What the database outlives.
    Survive {
        /// The loss of one zone; a lost region's missions wait.
        Zone = "zone",
        /// The loss of one region; every write pays one inter-region round trip.
        Region = "region",
    }
}

impl RegionState {
    /// Whether missions may be placed into a region of this state.
    #[must_use]
    pub const fn serves(self) -> bool {
        match self {
            Self::Dark | Self::Canary | Self::Active => true,
            Self::Planned | Self::Provisioning | Self::Retiring => false,
        }
    }
}
