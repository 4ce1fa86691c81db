//! Whether a region serves: its topology state, the operator's verb and its health, the strictest wins.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use topology::RegionState;

use super::region::RegionHealth;

/// What the operator wants of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Nothing.
    None,
    /// Takes nothing new, keeps what it has.
    Cordoned,
    /// Finishes or hands back what it has.
    Draining,
}

impl Verb {
    /// As the database and the wire write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Cordoned => "cordoned",
            Self::Draining => "draining",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that is no verb.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an operator's verb is not {0:?}")]
pub struct UnknownVerb(pub String);

impl FromStr for Verb {
    type Err = UnknownVerb;

    fn from_str(text: &str) -> Result<Self, UnknownVerb> {
        match text {
            "none" => Ok(Self::None),
            "cordoned" => Ok(Self::Cordoned),
            "draining" => Ok(Self::Draining),
            _ => Err(UnknownVerb(text.to_owned())),
        }
    }
}

/// Which of the three holds a region back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldBy {
    /// Its state in the topology.
    State,
    /// The operator's verb.
    Verb,
    /// Its health.
    Health,
}

impl HeldBy {
    /// Stable code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Verb => "verb",
            Self::Health => "health",
        }
    }
}

/// What a region may do, from least to most restricted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Serving {
    /// Takes new missions.
    Yes,
    /// Takes nothing new; what is queued there stays and is granted.
    NothingNew(HeldBy),
    /// Takes nothing new and what is queued there goes elsewhere; leases finish.
    Empties(HeldBy),
    /// Takes nothing new, is emptied, and its leases are handed back at the drain's deadline.
    Drains(HeldBy),
}

impl Serving {
    /// Whether new missions may be placed there.
    #[must_use]
    pub const fn takes_new(self) -> bool {
        match self {
            Self::Yes => true,
            Self::NothingNew(_) | Self::Empties(_) | Self::Drains(_) => false,
        }
    }

    /// Whether what is queued there is to be placed anew.
    #[must_use]
    pub const fn evacuates(self) -> bool {
        match self {
            Self::Empties(_) | Self::Drains(_) => true,
            Self::Yes | Self::NothingNew(_) => false,
        }
    }

    /// Which of the three holds it back.
    #[must_use]
    pub const fn held_by(self) -> Option<HeldBy> {
        match self {
            Self::Yes => None,
            Self::NothingNew(by) | Self::Empties(by) | Self::Drains(by) => Some(by),
        }
    }
}

/// Judges a region; among equally strict causes the topology's state is named before the verb, the verb before health.
/// While held, suspect regions take new work.
#[must_use]
pub fn serving(state: RegionState, verb: Verb, health: RegionHealth, held: bool) -> Serving {
    by_health(health, held).max_strict(by_verb(verb)).max_strict(by_state(state))
}

impl Serving {
    /// The stricter of two; the other where they are equally strict.
    const fn max_strict(self, other: Self) -> Self {
        if self.strictness() > other.strictness() { self } else { other }
    }

    const fn strictness(self) -> u8 {
        match self {
            Self::Yes => 0,
            Self::NothingNew(_) => 1,
            Self::Empties(_) => 2,
            Self::Drains(_) => 3,
        }
    }
}

const fn by_state(state: RegionState) -> Serving {
    match state {
        RegionState::Dark | RegionState::Canary | RegionState::Active => Serving::Yes,
        RegionState::Planned | RegionState::Provisioning => Serving::Empties(HeldBy::State),
        RegionState::Retiring => Serving::Drains(HeldBy::State),
    }
}

const fn by_verb(verb: Verb) -> Serving {
    match verb {
        Verb::None => Serving::Yes,
        Verb::Cordoned => Serving::Empties(HeldBy::Verb),
        Verb::Draining => Serving::Drains(HeldBy::Verb),
    }
}

const fn by_health(health: RegionHealth, held: bool) -> Serving {
    match health {
        RegionHealth::Up => Serving::Yes,
        RegionHealth::Suspect if held => Serving::Yes,
        RegionHealth::Suspect | RegionHealth::Returning | RegionHealth::Unknown => Serving::NothingNew(HeldBy::Health),
        RegionHealth::Down if held => Serving::NothingNew(HeldBy::Health),
        RegionHealth::Down => Serving::Empties(HeldBy::Health),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_of_the_three_wins_and_is_named() {
        use RegionState::{Active, Planned, Retiring};
        let (none, cordoned, draining) = (Verb::None, Verb::Cordoned, Verb::Draining);
        let (up, suspect, down) = (RegionHealth::Up, RegionHealth::Suspect, RegionHealth::Down);
        let cases = [
            ((Active, none, up), Serving::Yes),
            ((Active, cordoned, up), Serving::Empties(HeldBy::Verb)),
            ((Active, cordoned, suspect), Serving::Empties(HeldBy::Verb)),
            ((Active, none, suspect), Serving::NothingNew(HeldBy::Health)),
            ((Active, cordoned, down), Serving::Empties(HeldBy::Verb)),
            ((Active, draining, down), Serving::Drains(HeldBy::Verb)),
            ((Planned, none, down), Serving::Empties(HeldBy::State)),
            ((Planned, draining, up), Serving::Drains(HeldBy::Verb)),
            ((Retiring, draining, down), Serving::Drains(HeldBy::State)),
        ];
        for ((state, verb, health), wanted) in cases {
            assert_eq!(serving(state, verb, health, false), wanted, "{state:?} {verb} {health}");
        }
    }

    #[test]
    fn a_hold_lets_suspects_serve_and_evacuates_nobody_for_its_health() {
        for health in RegionHealth::ALL {
            let held = serving(RegionState::Active, Verb::None, health, true);
            assert!(!held.evacuates(), "{health}");
        }
        assert!(serving(RegionState::Active, Verb::None, RegionHealth::Suspect, true).takes_new());
        assert!(serving(RegionState::Active, Verb::Draining, RegionHealth::Up, true).evacuates(), "a wish is a wish");
    }

    #[test]
    fn verbs_are_written_as_they_are_read() {
        for verb in [Verb::None, Verb::Cordoned, Verb::Draining] {
            assert_eq!(verb.as_str().parse(), Ok(verb));
        }
        assert_eq!("paused".parse::<Verb>(), Err(UnknownVerb("paused".to_owned())));
    }
}
