use proptest::prelude::*;

use super::*;

fn id(n: u128) -> MissionId {
    MissionId(uuid::Uuid::from_u128(n))
}

fn told(n: u128) -> Acknowledged {
    Acknowledged { mission: id(n), at_us: 0 }
}

fn effect(n: u128, epoch: i64, event: EffectKind) -> Effect {
    Effect { mission: id(n), epoch: Epoch(epoch), event, at_us: 0, region: String::new() }
}

fn row(n: u128, state: MissionState, epoch: i64) -> Row {
    Row { mission: id(n), state, epoch: Epoch(epoch) }
}

/// Missions 0..n that all ended well, some of them after a first run that was fenced out.
fn good_world(n: u128) -> (Vec<Acknowledged>, Vec<Effect>, Vec<Row>) {
    let mut ledger = Vec::new();
    for mission in 0..n {
        let epoch = 1 + i64::try_from(mission % 3).unwrap();
        for earlier in 1..epoch {
            ledger.push(effect(mission, earlier, EffectKind::Start));
        }
        ledger.push(effect(mission, epoch, EffectKind::Start));
        ledger.push(effect(mission, epoch, EffectKind::End));
        ledger.push(effect(mission, epoch, EffectKind::Accepted));
    }
    let rows = (0..n).map(|m| row(m, MissionState::Succeeded, 1 + i64::try_from(m % 3).unwrap())).collect();
    ((0..n).map(told).collect(), ledger, rows)
}

#[test]
fn a_good_world_holds() {
    let (told, ledger, rows) = good_world(30);
    let verdict = judge(&told, &ledger, &rows);
    assert!(verdict.holds(), "{verdict:?}");
    assert_eq!(verdict.proven, 30);
}

#[test]
fn a_late_finish_under_an_old_epoch_is_fenced_and_no_fault() {
    let ledger = [
        effect(1, 1, EffectKind::Start),
        effect(1, 2, EffectKind::Start),
        effect(1, 2, EffectKind::End),
        effect(1, 1, EffectKind::End),
    ];
    let verdict = judge(&[told(1)], &ledger, &[row(1, MissionState::Succeeded, 2)]);
    assert!(verdict.holds(), "{verdict:?}");
    assert_eq!(verdict.fenced, 1);
}

#[test]
fn each_fault_is_seen() {
    let won = |epoch| vec![effect(1, epoch, EffectKind::Start), effect(1, epoch, EffectKind::End)];
    let two_winners = [
        effect(1, 1, EffectKind::Start),
        effect(1, 1, EffectKind::End),
        effect(1, 1, EffectKind::Accepted),
        effect(1, 2, EffectKind::Start),
        effect(1, 2, EffectKind::End),
        effect(1, 2, EffectKind::Accepted),
    ];
    let back = [effect(1, 2, EffectKind::Start), effect(1, 2, EffectKind::End), effect(1, 1, EffectKind::Start)];

    assert_eq!(judge(&[told(1)], &won(1), &[]).lost.len(), 1);
    assert_eq!(judge(&[told(1)], &won(1), &[row(1, MissionState::Leased, 1)]).open.len(), 1);
    assert_eq!(judge(&[told(1)], &won(1), &[row(1, MissionState::Failed, 1)]).failed.len(), 1);
    assert_eq!(judge(&[told(1)], &two_winners, &[row(1, MissionState::Succeeded, 2)]).duplicated.len(), 1);
    assert_eq!(judge(&[told(1)], &back, &[row(1, MissionState::Succeeded, 2)]).backwards.len(), 1);
    let unheard = judge(&[], &won(1), &[row(1, MissionState::Succeeded, 1)]);
    assert!(unheard.holds());
    assert_eq!(unheard.unacknowledged.len(), 1);
}

proptest! {
    /// Removing any line that tells of a winning finish loses that mission; doubling it duplicates that mission.
    #[test]
    fn no_finish_can_be_removed_or_doubled_unseen(n in 1_u128..40, pick in any::<prop::sample::Index>()) {
        let (told, ledger, rows) = good_world(n);
        let ends: Vec<usize> = (0..ledger.len()).filter(|at| ledger[*at].event == EffectKind::End).collect();
        let at = ends[pick.index(ends.len())];

        let mut removed = ledger.clone();
        let gone = removed.remove(at);
        prop_assert_eq!(judge(&told, &removed, &rows).lost, BTreeSet::from([gone.mission]));

        let mut doubled = ledger.clone();
        doubled.push(ledger[at].clone());
        prop_assert_eq!(judge(&told, &doubled, &rows).duplicated, BTreeSet::from([gone.mission]));
    }
}
