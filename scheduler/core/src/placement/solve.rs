//! The decision: filter, score, spread.

use serde::{Deserialize, Serialize};
use topology::PoolId;

use super::filter::{Rejection, filter};
use super::request::Request;
use super::score::{Candidate, Choice, Score};
use super::snapshot::Snapshot;
use super::wait::Capacity;
use super::world::{PoolIx, RegionIx, nearest};
use crate::hash::mix;

/// Candidates so many microseconds behind the best share the missions with it.
pub const SPREAD_BAND_US: u64 = 3_000;

/// Regions whose round trips fit on the stack; more cost one allocation a decision.
const STACK_REGIONS: usize = 128;

/// A decision with what explains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Where it goes.
    pub chosen: Option<Choice>,
    /// What else could have taken it, best first.
    pub alternatives: Vec<Choice>,
    /// What may not take it, in the order of the file.
    pub rejected: Vec<Rejected>,
    /// Why nothing was chosen.
    pub unplaceable: Option<Unplaceable>,
    /// The pool that would have been better but for a live session: demand for autoscaling.
    pub unmet: Option<PoolId>,
}

/// A pool that may not take the mission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The pool.
    pub pool: PoolId,
    /// Why.
    pub reason: Rejection,
}

/// Why a mission can be placed nowhere: the `reason` of a pending mission. The later, the nearer it came to a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unplaceable {
    /// No region of the topology has such a pool.
    UnknownSpecialization,
    /// The topology has no such residency rule.
    UnknownResidency,
    /// No pool of the specialization lies where the residency rule allows.
    NoLawfulPool,
    /// Lawful pools are held back by roll-out state or operator.
    NoServingPool,
    /// Lawful pools are in regions that are not up, or have no live session.
    NoHealthyPool,
}

impl Unplaceable {
    /// Stable code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownSpecialization => "unknown_specialization",
            Self::UnknownResidency => "unknown_residency",
            Self::NoLawfulPool => "no_lawful_pool",
            Self::NoServingPool => "no_serving_pool",
            Self::NoHealthyPool => "no_healthy_pool",
        }
    }

    const fn because(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Residency => Self::NoLawfulPool,
            Rejection::RegionState | Rejection::RegionDark | Rejection::Cordoned | Rejection::Draining => {
                Self::NoServingPool
            }
            Rejection::RegionUnknown
            | Rejection::RegionDown
            | Rejection::RegionSuspect
            | Rejection::RegionReturning
            | Rejection::NoLiveSession => Self::NoHealthyPool,
        }
    }
}

/// Decides with everything that explains it.
#[must_use]
pub fn place(request: &Request, snapshot: &Snapshot) -> Placement {
    let placement = with_question(request, snapshot, |question| match question {
        Ok(question) => question.explained(),
        Err(why) => Placement {
            chosen: None,
            alternatives: Vec::new(),
            rejected: Vec::new(),
            unplaceable: Some(why),
            unmet: None,
        },
    });
    debug_assert_eq!(super::check(request, snapshot, &placement), Ok(()));
    placement
}

/// The same decision without its explanation. Allocates nothing where the world has at most 128 regions.
///
/// # Errors
/// [`Unplaceable`] where no pool may take the mission.
pub fn choose(request: &Request, snapshot: &Snapshot) -> Result<PoolIx, Unplaceable> {
    with_question(request, snapshot, |question| question?.choose())
}

/// A request looked up in a snapshot's world.
struct Question<'a> {
    snapshot: &'a Snapshot,
    /// The number of its first pool, and what is known of each of them.
    first: usize,
    capacities: &'a [Capacity],
    lawful: Option<&'a [bool]>,
    groups: &'a [u8],
    rtt_us: &'a [u32],
    nonce: i64,
    drill: bool,
}

fn with_question<T>(
    request: &Request,
    snapshot: &Snapshot,
    answer: impl FnOnce(Result<Question<'_>, Unplaceable>) -> T,
) -> T {
    let regions = snapshot.world.regions().len();
    if regions <= STACK_REGIONS {
        answer(question(request, snapshot, &mut [0; STACK_REGIONS][..regions]))
    } else {
        answer(question(request, snapshot, &mut vec![0; regions]))
    }
}

fn question<'a>(request: &Request, snapshot: &'a Snapshot, us: &'a mut [u32]) -> Result<Question<'a>, Unplaceable> {
    let world = &snapshot.world;
    let kind = world.kind(&request.specialization).ok_or(Unplaceable::UnknownSpecialization)?;
    let lawful = match &request.residency {
        Some(rule) => Some(world.lawful(rule).ok_or(Unplaceable::UnknownResidency)?),
        None => None,
    };
    world.fill_row(&request.origin, us);
    let home = nearest(us).expect("a world with a pool has a region");
    Ok(Question {
        snapshot,
        first: world.kinds[kind].start,
        capacities: snapshot.capacities(kind),
        lawful,
        groups: world.groups(home),
        rtt_us: us,
        nonce: request.nonce,
        drill: request.dark,
    })
}

impl Question<'_> {
    /// The pools of the specialization with their capacity, in the order of the file.
    fn pools(&self) -> impl Iterator<Item = (PoolIx, &Capacity)> {
        self.capacities.iter().enumerate().map(|(at, capacity)| (PoolIx((self.first + at) as u32), capacity))
    }

    fn filter(&self, region: RegionIx, capacity: &Capacity) -> Result<(), Rejection> {
        let lawful = self.lawful.is_none_or(|allowed| allowed[region.at()]);
        filter(lawful, self.snapshot.gate(region), self.drill, capacity.live)
    }

    fn refusal(&self, pool: PoolIx, capacity: &Capacity) -> Option<Rejection> {
        self.filter(self.snapshot.world.pools[pool.at()].region, capacity).err()
    }

    fn candidate(&self, pool: PoolIx) -> Candidate {
        let world = &self.snapshot.world;
        let known = world.pools[pool.at()];
        Candidate {
            pool,
            role: known.role,
            group: self.groups[known.region.at()],
            rtt_us: u64::from(self.rtt_us[known.region.at()]),
            cost_us: world.cost_us(known.region),
            spill_after_us: world.clocks.spill_after_us,
        }
    }

    /// What passes the filters, with its score.
    fn scored(&self) -> impl Iterator<Item = (Score, &Capacity)> {
        self.pools()
            .filter(|(pool, capacity)| self.refusal(*pool, capacity).is_none())
            .map(|(pool, capacity)| (self.candidate(pool).score(capacity), capacity))
    }

    fn choose(&self) -> Result<PoolIx, Unplaceable> {
        let mut two: [Option<Score>; 2] = [None; 2];
        for (score, _) in self.scored() {
            if two[0].is_none_or(|best| score < best) {
                two = [Some(score), two[0]];
            } else if two[1].is_none_or(|second| score < second) {
                two[1] = Some(score);
            }
        }
        match two {
            [None, _] => Err(self.unplaceable()),
            [Some(best), Some(second)] if shares(best, second) => Ok(self.spread(best)),
            [Some(best), _] => Ok(best.pool),
        }
    }

    /// Picks among those that share missions with the best, by the nonce, in proportion to free capacity.
    fn spread(&self, best: Score) -> PoolIx {
        let band = || self.scored().filter(|(score, _)| shares(best, *score));
        let (mut free, mut slots) = (0_u64, 0_u64);
        for (_, capacity) in band() {
            free += u64::from(capacity.free);
            slots += u64::from(capacity.slots.max(1));
        }
        let weight = |capacity: &Capacity| u64::from(if free > 0 { capacity.free } else { capacity.slots.max(1) });
        let mut ticket = ticket(self.nonce, if free > 0 { free } else { slots });
        for (score, capacity) in band() {
            match ticket.checked_sub(weight(capacity)) {
                Some(rest) => ticket = rest,
                None => return score.pool,
            }
        }
        best.pool
    }

    /// The reason that came nearest to a pool.
    fn unplaceable(&self) -> Unplaceable {
        let reasons = self.pools().filter_map(|(pool, capacity)| self.refusal(pool, capacity));
        reasons.map(Unplaceable::because).max().unwrap_or(Unplaceable::UnknownSpecialization)
    }

    fn explained(&self) -> Placement {
        let mut scored: Vec<(Score, Choice)> = Vec::with_capacity(self.capacities.len());
        let mut rejected = Vec::new();
        for (pool, capacity) in self.pools() {
            match self.refusal(pool, capacity) {
                None => scored.push(self.weighed(pool, capacity)),
                Some(reason) => rejected.push(Rejected { pool: self.snapshot.world.pool(pool).clone(), reason }),
            }
        }
        scored.sort_unstable_by_key(|(score, _)| *score);
        let best = scored.first().map(|(score, _)| *score);
        let chosen = best.map(|best| {
            let pool = self.spread(best);
            let at = scored.iter().position(|(score, _)| score.pool == pool).expect("the spread picks a candidate");
            scored.remove(at).1
        });
        let unplaceable = if chosen.is_none() { Some(self.unplaceable()) } else { None };
        let alternatives = scored.into_iter().map(|(_, choice)| choice).collect();
        Placement { chosen, alternatives, rejected, unplaceable, unmet: self.unmet(best) }
    }

    fn weighed(&self, pool: PoolIx, capacity: &Capacity) -> (Score, Choice) {
        let candidate = self.candidate(pool);
        let choice = Choice {
            pool: self.snapshot.world.pool(pool).clone(),
            role: candidate.role,
            group: candidate.group,
            saturated: capacity.saturated,
            rtt_us: candidate.rtt_us,
            wait_us: capacity.wait_us,
            penalties: candidate.penalties(capacity.saturated),
            free: capacity.free,
            slots: capacity.slots,
        };
        (candidate.score(capacity), choice)
    }

    /// The best of the pools that lack nothing but a live session, where it would beat the best that has one.
    fn unmet(&self, best: Option<Score>) -> Option<PoolId> {
        // Once it is awake it has slots and no queue.
        let awake = Capacity::default();
        self.pools()
            .filter(|(pool, capacity)| self.refusal(*pool, capacity) == Some(Rejection::NoLiveSession))
            .map(|(pool, _)| self.candidate(pool).score(&awake))
            .min()
            .filter(|missed| best.is_none_or(|best| *missed < best))
            .map(|missed| self.snapshot.world.pool(missed.pool).clone())
    }
}

/// Whether a candidate shares missions with the best one.
fn shares(best: Score, other: Score) -> bool {
    other.class == best.class && other.expected_us <= best.expected_us.saturating_add(SPREAD_BAND_US)
}

/// A number below `all`, evenly spread over nonces.
fn ticket(nonce: i64, all: u64) -> u64 {
    let hash = u128::from(mix(nonce.cast_unsigned()));
    ((hash * u128::from(all)) >> 64) as u64
}
