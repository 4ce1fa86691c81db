//! Why a mission moved. Codes are stable: they are stored, sent and counted.

use crate::placement::Unplaceable;

/// Why a transition happened. What an agent says in its own words is stored instead of `agent_failed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// No pool may take it.
    Unplaceable(Unplaceable),
    /// It was pending and a pool may take it now.
    Placed,
    /// Its pool may not serve any more, or another serves better.
    Replaced,
    /// Its agent gave it up.
    AgentFailed,
    /// It ran longer than its run limit.
    RunLimit,
    /// Its agent handed it back.
    Released,
    /// Its holder did not name it in two heartbeats.
    Unnamed,
    /// Its holder fell silent while the region lived.
    SessionExpired,
    /// Its holder fell silent with its whole region.
    RegionLost,
    /// Its region is drained.
    Drain,
    /// A changed residency rule forbids its region.
    Unlawful,
    /// It crashed too many holders.
    Poison,
    /// It waited longer than its `start_by`.
    StartByPassed,
    /// It was called off.
    Cancelled,
    /// It was submitted again.
    Retried,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::Unplaceable(Unplaceable::UnknownSpecialization),
        Self::Unplaceable(Unplaceable::UnknownResidency),
        Self::Unplaceable(Unplaceable::NoLawfulPool),
        Self::Unplaceable(Unplaceable::NoServingPool),
        Self::Unplaceable(Unplaceable::NoHealthyPool),
        Self::Placed,
        Self::Replaced,
        Self::AgentFailed,
        Self::RunLimit,
        Self::Released,
        Self::Unnamed,
        Self::SessionExpired,
        Self::RegionLost,
        Self::Drain,
        Self::Unlawful,
        Self::Poison,
        Self::StartByPassed,
        Self::Cancelled,
        Self::Retried,
    ];

    /// The reason with this code; none for what an agent said in its own words.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == code)
    }

    /// Stable code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unplaceable(why) => why.as_str(),
            Self::Placed => "placed",
            Self::Replaced => "replaced",
            Self::AgentFailed => "agent_failed",
            Self::RunLimit => "run_limit",
            Self::Released => "released",
            Self::Unnamed => "unnamed",
            Self::SessionExpired => "session_expired",
            Self::RegionLost => "region_lost",
            Self::Drain => "drain",
            Self::Unlawful => "residency_changed",
            Self::Poison => "poison",
            Self::StartByPassed => "start_by_passed",
            Self::Cancelled => "cancelled",
            Self::Retried => "retried",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_its_own_and_is_read_back() {
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.as_str()), Some(reason));
        }
        assert_eq!(Reason::parse("the disk was full"), None);
    }
}
