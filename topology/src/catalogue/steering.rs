//! Cloudflare's regions for geo steering.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The 13 regions that Cloudflare's load balancer steers by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SteeringCode {
    /// Western North America.
    Wnam,
    /// Eastern North America.
    Enam,
    /// Western Europe.
    Weu,
    /// Eastern Europe.
    Eeu,
    /// Northern South America.
    Nsam,
    /// Southern South America.
    Ssam,
    /// Oceania.
    Oc,
    /// Middle East.
    Me,
    /// Northern Africa.
    Naf,
    /// Southern Africa.
    Saf,
    /// Southern Asia.
    Sas,
    /// Southeast Asia.
    Seas,
    /// Northeast Asia.
    Neas,
}

/// A text that is none of Cloudflare's codes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is none of Cloudflare's 13 region codes")]
pub struct UnknownSteeringCode(pub String);

impl SteeringCode {
    /// All codes, in Cloudflare's order.
    pub const ALL: [Self; 13] = [
        Self::Wnam,
        Self::Enam,
        Self::Weu,
        Self::Eeu,
        Self::Nsam,
        Self::Ssam,
        Self::Oc,
        Self::Me,
        Self::Naf,
        Self::Saf,
        Self::Sas,
        Self::Seas,
        Self::Neas,
    ];

    /// The code as Cloudflare writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wnam => "WNAM",
            Self::Enam => "ENAM",
            Self::Weu => "WEU",
            Self::Eeu => "EEU",
            Self::Nsam => "NSAM",
            Self::Ssam => "SSAM",
            Self::Oc => "OC",
            Self::Me => "ME",
            Self::Naf => "NAF",
            Self::Saf => "SAF",
            Self::Sas => "SAS",
            Self::Seas => "SEAS",
            Self::Neas => "NEAS",
        }
    }
}

impl fmt::Display for SteeringCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for SteeringCode {
    type Err = UnknownSteeringCode;

    fn from_str(text: &str) -> Result<Self, UnknownSteeringCode> {
        Self::ALL
            .into_iter()
            .find(|code| code.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownSteeringCode(text.to_owned()))
    }
}
