//! What a heartbeat names against what its session holds. Pure.

use scheduler_client::wire::LeaseName;
use scheduler_core::lifecycle::MissionState;
use topology::SessionId;

use super::Beat;
use crate::store::mission::{Fate, HeldLease};

/// Where the two differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Audit {
    /// Named, not held.
    pub(super) gone: Vec<LeaseName>,
    /// Held, not named, and granted at least two heartbeats ago.
    pub(super) unnamed: Vec<HeldLease>,
}

/// Compares a heartbeat with all leases of its home.
pub(super) fn audit(beat: &Beat, held: &[HeldLease]) -> Audit {
    let own: Vec<&HeldLease> = held.iter().filter(|lease| lease.key.session == beat.session).collect();
    let name = |lease: &HeldLease| LeaseName { mission: lease.key.mission, epoch: lease.key.epoch };
    let names: std::collections::BTreeSet<LeaseName> = own.iter().map(|lease| name(lease)).collect();
    Audit {
        gone: beat.holds.iter().filter(|named| !names.contains(named)).copied().collect(),
        unnamed: own
            .into_iter()
            .filter(|lease| !beat.holds.contains(&name(lease)) && lease.grant_seq + 2 <= beat.seq)
            .copied()
            .collect(),
    }
}

impl Audit {
    /// Sorts what is gone into lost and cancelled. What ended by this session's own word is neither, and so is a lease
    /// that was granted while this heartbeat was under way.
    pub(super) fn verdict(self, session: SessionId, fates: &[Fate]) -> (Vec<LeaseName>, Vec<LeaseName>) {
        let (mut lost, mut cancelled) = (Vec::new(), Vec::new());
        for name in self.gone {
            match fates.iter().find(|fate| fate.mission == name.mission) {
                Some(fate) if fate.session == Some(session) && fate.epoch == name.epoch => {}
                Some(fate) if fate.state == MissionState::Cancelled && fate.epoch == name.epoch.next() => {
                    cancelled.push(name);
                }
                Some(_) | None => lost.push(name),
            }
        }
        (lost, cancelled)
    }
}

#[cfg(test)]
mod tests {
    use topology::{Epoch, MissionId};

    use super::*;
    use crate::store::mission::LeaseKey;

    fn held(session: SessionId, mission: MissionId, grant_seq: i64) -> HeldLease {
        HeldLease { key: LeaseKey { mission, epoch: Epoch(1), session }, grant_seq }
    }

    fn name(mission: MissionId, epoch: i64) -> LeaseName {
        LeaseName { mission, epoch: Epoch(epoch) }
    }

    #[test]
    fn a_lease_goes_back_only_after_two_heartbeats_that_could_have_named_it() {
        let (session, mission) = (SessionId::random(), MissionId::random());
        for (seq, back) in [(3, false), (4, false), (5, true), (6, true)] {
            let beat = Beat { session, seq, holds: [].into() };
            assert_eq!(!audit(&beat, &[held(session, mission, 3)]).unnamed.is_empty(), back, "heartbeat {seq}");
        }
    }

    #[test]
    fn what_is_named_stays_and_another_sessions_leases_do_not_count() {
        let (session, mission) = (SessionId::random(), MissionId::random());
        let beat = Beat { session, seq: 9, holds: [name(mission, 1)].into() };
        let other = held(SessionId::random(), MissionId::random(), 1);
        assert_eq!(audit(&beat, &[held(session, mission, 1), other]), Audit::default());
    }

    #[test]
    fn an_older_epoch_of_a_held_mission_is_gone_and_the_newer_is_unnamed() {
        let (session, mission) = (SessionId::random(), MissionId::random());
        let beat = Beat { session, seq: 9, holds: [name(mission, 0)].into() };
        let found = audit(&beat, &[held(session, mission, 1)]);
        assert_eq!((found.gone, found.unnamed.len()), (vec![name(mission, 0)], 1));
    }

    #[test]
    fn gone_is_sorted_by_what_became_of_it() {
        let session = SessionId::random();
        let missions: Vec<MissionId> = (0..5).map(|_| MissionId::random()).collect();
        let fate = |n: usize, state, epoch, session| Fate { mission: missions[n], state, epoch: Epoch(epoch), session };
        let fates = [
            fate(0, MissionState::Cancelled, 2, None),
            fate(1, MissionState::Leased, 2, Some(SessionId::random())),
            fate(2, MissionState::Succeeded, 1, Some(session)),
            fate(3, MissionState::Cancelled, 5, None),
        ];
        let gone = missions.iter().map(|mission| name(*mission, 1)).collect();
        let (lost, cancelled) = Audit { gone, unnamed: Vec::new() }.verdict(session, &fates);
        assert_eq!(cancelled, [name(missions[0], 1)]);
        assert_eq!(lost, [name(missions[1], 1), name(missions[3], 1), name(missions[4], 1)]);
    }
}
