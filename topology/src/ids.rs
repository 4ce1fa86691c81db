//! Names and ids. Every string id is checked once, where it enters the system, and is a type of its own after that.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Longest name in bytes: fits a DNS label, which Cloudflare pools and Kubernetes objects need.
pub const NAME_MAX_BYTES: usize = 63;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text has no characters.
    #[error("a name must not be empty")]
    Empty,
    /// The text is longer than [`NAME_MAX_BYTES`].
    #[error("a name has at most 63 bytes, this one has {0}")]
    TooLong(usize),
    /// A character outside `a-z 0-9 -`, or a name that does not start with a letter, or ends with `-`.
    #[error("a name is made of a-z, 0-9 and '-', starts with a letter and does not end with '-'")]
    Malformed,
}

fn checked(text: &str) -> Result<Arc<str>, NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > NAME_MAX_BYTES {
        return Err(NameError::TooLong(text.len()));
    }
    let starts = text.starts_with(|c: char| c.is_ascii_lowercase());
    let body = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !starts || !body || text.ends_with('-') {
        return Err(NameError::Malformed);
    }
    Ok(Arc::from(text))
}

/// The registry of names: cheap to clone, ordered, serialized as plain text.
macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                checked(text).map(Self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    )+};
}

names! {
    /// A region of the topology, such as `us-west`: what runs pools.
    RegionName;
    /// A kind of agent, such as `engineer-master`.
    Specialization;
    /// A database region, such as `us-west-2`: what homes rows.
    DatabaseRegion;
    /// A named rule about where missions and their rows may be, such as `eu`.
    ResidencyName;
}

/// A pool: all agents of one specialization in one region. Written `us-west/engineer-master`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PoolId {
    /// Where the pool runs.
    pub region: RegionName,
    /// What its agents do.
    pub specialization: Specialization,
}

impl fmt::Display for PoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.region, self.specialization)
    }
}

impl FromStr for PoolId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (region, specialization) = text.split_once('/').ok_or(NameError::Malformed)?;
        Ok(Self { region: region.parse()?, specialization: specialization.parse()? })
    }
}

impl MissionId {
    /// A new id: the time in milliseconds, then random bits. Ids of one process are ascending, those of several nearly so,
    /// so that new missions stand together in the index of their keys, and a list by id is one by age.
    #[must_use]
    pub fn in_time() -> Self {
        Self(Uuid::now_v7())
    }
}

/// The registry of random ids.
macro_rules! uuids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new random id.
            #[must_use]
            pub fn random() -> Self {
                Self(Uuid::new_v4())
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

uuids! {
    /// A mission. Random, made by the scheduler before its first try, never used again.
    MissionId;
    /// One running region-agent process, from its registration to its end.
    SessionId;
    /// One scheduler process.
    SchedulerId;
    /// A bearer token's public part.
    TokenId;
}

/// The fencing token of a mission: raised by every grant and every move, never lowered, never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub i64);

impl Epoch {
    /// The epoch of a mission that was never granted.
    pub const INITIAL: Self = Self(0);

    /// The epoch after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "e{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dns_labels() {
        let cases = [
            ("us-west", Ok(())),
            ("a", Ok(())),
            ("", Err(NameError::Empty)),
            ("Us-west", Err(NameError::Malformed)),
            ("9lives", Err(NameError::Malformed)),
            ("west-", Err(NameError::Malformed)),
            ("us west", Err(NameError::Malformed)),
        ];
        for (text, wanted) in cases {
            assert_eq!(text.parse::<RegionName>().map(|_| ()), wanted, "{text:?}");
        }
        let long = "a".repeat(64);
        assert_eq!(long.parse::<RegionName>(), Err(NameError::TooLong(64)));
    }

    #[test]
    fn a_pool_id_reads_what_it_writes() {
        let id: PoolId = "us-west/engineer-master".parse().unwrap();
        assert_eq!(id.to_string().parse::<PoolId>().unwrap(), id);
    }
}
