//! Hard filters: what may not take a mission at all, and why.

use serde::{Deserialize, Serialize};
use topology::RegionState;

use super::snapshot::RegionStanding;
use crate::health::{RegionHealth, Verb};

/// Why a pool may not take a mission. The first that applies, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// The mission's residency rule does not name the region.
    Residency,
    /// The region's roll-out state takes no missions.
    RegionState,
    /// An operator cordoned the region.
    Cordoned,
    /// An operator drains the region.
    Draining,
    /// Nothing was ever heard of the region.
    RegionUnknown,
    /// Nothing was heard of the region for `down_after`.
    RegionDown,
    /// The region's heartbeats are late.
    RegionSuspect,
    /// The region's heartbeats are back, for less than `up_after`.
    RegionReturning,
    /// The region is dark and this is not a drill.
    RegionDark,
    /// The pool has had no live session for `down_after`.
    NoLiveSession,
}

impl Rejection {
    /// Stable code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Residency => "residency",
            Self::RegionState => "region_state",
            Self::RegionDark => "region_dark",
            Self::Cordoned => "cordoned",
            Self::Draining => "draining",
            Self::RegionUnknown => "region_unknown",
            Self::RegionDown => "region_down",
            Self::RegionSuspect => "region_suspect",
            Self::RegionReturning => "region_returning",
            Self::NoLiveSession => "no_live_session",
        }
    }
}

/// What a region's standing says to every mission alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Takes all.
    Open,
    /// Takes drills.
    Dark,
    /// Takes none.
    Shut(Rejection),
}

/// Judges a region; of several reasons the one that comes first in [`Rejection`].
pub(crate) const fn gate(state: RegionState, standing: &RegionStanding, held: bool) -> Gate {
    let dark = match state {
        RegionState::Planned | RegionState::Provisioning | RegionState::Retiring => {
            return Gate::Shut(Rejection::RegionState);
        }
        RegionState::Dark => true,
        RegionState::Canary | RegionState::Active => false,
    };
    match standing.verb {
        Verb::Cordoned => return Gate::Shut(Rejection::Cordoned),
        Verb::Draining => return Gate::Shut(Rejection::Draining),
        Verb::None => {}
    }
    match standing.health {
        RegionHealth::Unknown => return Gate::Shut(Rejection::RegionUnknown),
        RegionHealth::Down => return Gate::Shut(Rejection::RegionDown),
        RegionHealth::Suspect if !held => return Gate::Shut(Rejection::RegionSuspect),
        RegionHealth::Returning => return Gate::Shut(Rejection::RegionReturning),
        RegionHealth::Up | RegionHealth::Suspect => {}
    }
    if dark { Gate::Dark } else { Gate::Open }
}

/// The hard filters, in the order of [`Rejection`]; the pool's own health is the last, so that a pool which is refused
/// for it alone is known to be missed.
pub(crate) const fn filter(lawful: bool, gate: Gate, drill: bool, live: bool) -> Result<(), Rejection> {
    if !lawful {
        return Err(Rejection::Residency);
    }
    match gate {
        Gate::Shut(why) => return Err(why),
        Gate::Dark if !drill => return Err(Rejection::RegionDark),
        Gate::Dark | Gate::Open => {}
    }
    if live { Ok(()) } else { Err(Rejection::NoLiveSession) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::serving;

    const STATES: [RegionState; 6] = [
        RegionState::Planned,
        RegionState::Provisioning,
        RegionState::Dark,
        RegionState::Canary,
        RegionState::Active,
        RegionState::Retiring,
    ];

    #[test]
    fn a_gate_is_open_exactly_where_health_says_that_the_region_serves() {
        for state in STATES {
            for verb in [Verb::None, Verb::Cordoned, Verb::Draining] {
                for health in RegionHealth::ALL {
                    for held in [false, true] {
                        let standing = RegionStanding { verb, health, ramp_permille: 1000 };
                        let open = !matches!(gate(state, &standing, held), Gate::Shut(_));
                        let serves = serving(state, verb, health, held).takes_new();
                        assert_eq!(open, serves, "{state:?} {verb} {health} held {held}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_first_reason_is_named() {
        let cases = [
            (filter(false, Gate::Shut(Rejection::Cordoned), false, false), Err(Rejection::Residency)),
            (filter(true, Gate::Shut(Rejection::Cordoned), false, false), Err(Rejection::Cordoned)),
            (filter(true, Gate::Dark, false, true), Err(Rejection::RegionDark)),
            (filter(true, Gate::Dark, true, true), Ok(())),
            (filter(true, Gate::Open, false, false), Err(Rejection::NoLiveSession)),
            (filter(true, Gate::Open, false, true), Ok(())),
        ];
        for (at, (got, wanted)) in cases.into_iter().enumerate() {
            assert_eq!(got, wanted, "case {at}");
        }
    }
}
