//! Single changes of lawful histories: each must be reported, as exactly its kind, for exactly its mission.

use proptest::prelude::*;
use proptest::sample::Index;
use scheduler_client::wire::MissionState::{Failed, Leased, Queued, Succeeded};
use topology::{Epoch, MissionId};

use super::books::{Books, Word, holder, id};
use super::model::{Model, all_lives, lives, mixed};
use crate::checker::AnomalyKind::{
    self, Duplicated, EpochNotRaised, KeySplit, Lost, Orphaned, OutcomeLost, Overlap, ResidencyBreach, UnfencedWrite,
};
use crate::history::EffectKind::{End, Start};
use crate::history::{Call, Effect, Op, OpKind, Row};

/// Changes a history at one place of many, and tells of which mission; none where there is no such place.
type Mutation = fn(&mut Books, Index) -> Option<MissionId>;

const MUTATIONS: [(&str, AnomalyKind, Mutation); 18] = [
    ("drop a promised row", Lost, drop_row),
    ("drop the winner's end", Lost, drop_end),
    ("accept another completion", Duplicated, accept_another),
    ("finish the winner's run twice", Duplicated, end_twice),
    ("leave it leased", Orphaned, leave_leased),
    ("leave it queued", Orphaned, leave_queued),
    ("let an old run begin last", Overlap, begin_last),
    ("accept it from a stranger", UnfencedWrite, accept_stranger),
    ("accept it under an older epoch", UnfencedWrite, accept_older),
    ("run it elsewhere", ResidencyBreach, run_elsewhere),
    ("store it elsewhere", ResidencyBreach, store_elsewhere),
    ("place it elsewhere", ResidencyBreach, place_elsewhere),
    ("lower the epoch of a move", EpochNotRaised, lower_event),
    ("grant an epoch to two", EpochNotRaised, share_epoch),
    ("drop an outcome", OutcomeLost, drop_outcome),
    ("change an outcome", OutcomeLost, change_outcome),
    ("answer a key with another mission", KeySplit, answer_other),
    ("store a key twice", KeySplit, store_key_twice),
];

/// One of the places where something holds.
fn pick<T>(list: &[T], index: Index, holds: impl Fn(&T) -> bool) -> Option<usize> {
    let places: Vec<usize> = (0..list.len()).filter(|at| holds(&list[*at])).collect();
    (!places.is_empty()).then(|| places[index.index(places.len())])
}

fn completes(op: &Op, row: &Row) -> bool {
    matches!(&op.call, Call::Complete { mission, epoch, .. } if *mission == row.mission && *epoch == row.epoch)
}

fn promised(books: &Books, row: &Row) -> bool {
    let answers = |op: &&Op| {
        op.kind == OpKind::Ok && matches!(&op.call, Call::Submit { mission, .. } if *mission == Some(row.mission))
    };
    books.submits.iter().any(|op| answers(&op))
}

/// Whether the completion that won was answered.
fn accepted(books: &Books, row: &Row) -> bool {
    row.state == Succeeded && books.agents.iter().any(|op| op.kind == OpKind::Ok && completes(op, row))
}

fn wins(effect: &Effect, row: &Row) -> bool {
    effect.mission == row.mission && effect.epoch == row.epoch && effect.event == End
}

fn drop_row(books: &mut Books, index: Index) -> Option<MissionId> {
    let at = pick(&books.rows, index, |row| promised(books, row))?;
    Some(books.rows.remove(at).mission)
}

fn drop_end(books: &mut Books, index: Index) -> Option<MissionId> {
    let at = pick(&books.rows, index, |row| row.state == Succeeded && (promised(books, row) || accepted(books, row)))?;
    let row = books.rows[at].clone();
    books.ledger.retain(|effect| !wins(effect, &row));
    Some(row.mission)
}

fn accept_another(books: &mut Books, index: Index) -> Option<MissionId> {
    let at = pick(&books.rows, index, |row| accepted(books, row))?;
    let (mission, epoch) = (books.rows[at].mission, books.rows[at].epoch.0);
    books.bring(Word::Complete, mission.0.as_u128(), epoch + 2, OpKind::Ok);
    Some(mission)
}

fn end_twice(books: &mut Books, index: Index) -> Option<MissionId> {
    let at = pick(&books.rows, index, |row| row.state == Succeeded)?;
    let row = &books.rows[at];
    let end = books.ledger.iter().find(|effect| wins(effect, row))?.clone();
    books.ledger.push(end);
    Some(row.mission)
}

/// As if the completion had never come.
fn leave_leased(books: &mut Books, index: Index) -> Option<MissionId> {
    let at = pick(&books.rows, index, |row| row.state == Succeeded)?;
    let row = books.rows[at].clone();
    books.agents.retain(|op| !completes(op, &row));
    (books.rows[at].state, books.rows[at].outcome) = (Leased, None);
    Some(row.mission)
}

/// As if nothing had come after its last move.
fn leave_queued(books: &mut Books, index: Index) -> Option<MissionId> {
    let mission = leave_leased(books, index)?;
    let row = books.rows.iter_mut().find(|row| row.mission == mission)?;
    books.ledger.retain(|effect| effect.mission != mission || effect.epoch != row.epoch);
    (row.state, row.epoch, row.session) = (Queued, Epoch(row.epoch.0 - 1), None);
    Some(mission)
}

fn begin_last(books: &mut Books, index: Index) -> Option<MissionId> {
    let newer = |old: &Effect| {
        let begins = |new: &Effect| new.event == Start && new.mission == old.mission && new.epoch > old.epoch;
        books.ledger.iter().any(begins)
    };
    let at = pick(&books.ledger, index, |effect| effect.event == Start && newer(effect))?;
    let start = books.ledger[at].clone();
    let mission = start.mission;
    books.ledger.push(start);
    Some(mission)
}

/// Changes what was said when a completion was accepted.
fn reword(books: &mut Books, index: Index, change: impl Fn(&mut Call)) -> Option<MissionId> {
    let at = pick(&books.rows, index, |row| accepted(books, row))?;
    let row = books.rows[at].clone();
    books.agents.iter_mut().filter(|op| completes(op, &row)).for_each(|op| change(&mut op.call));
    Some(row.mission)
}

fn accept_stranger(books: &mut Books, index: Index) -> Option<MissionId> {
    reword(books, index, |call| {
        if let Call::Complete { session, .. } = call {
            *session = holder(999);
        }
    })
}

fn accept_older(books: &mut Books, index: Index) -> Option<MissionId> {
    reword(books, index, |call| {
        if let Call::Complete { epoch, .. } = call {
            *epoch = Epoch(epoch.0 - 1);
        }
    })
}

fn bound(books: &Books, mission: MissionId) -> bool {
    books.rows.iter().any(|row| row.mission == mission && row.residency.is_some())
}

fn run_elsewhere(books: &mut Books, index: Index) -> Option<MissionId> {
    let at = pick(&books.ledger, index, |effect| bound(books, effect.mission))?;
    books.ledger[at].region = "asia-east".to_owned();
    Some(books.ledger[at].mission)
}

fn store_elsewhere(books: &mut Books, index: Index) -> Option<MissionId> {
    let at = pick(&books.rows, index, |row| row.residency.is_some())?;
    books.rows[at].region = Some("asia-east".to_owned());
    Some(books.rows[at].mission)
}

fn place_elsewhere(books: &mut Books, index: Index) -> Option<MissionId> {
    let at = pick(&books.events, index, |event| event.to == Queued && bound(books, event.mission))?;
    books.events[at].region = Some("asia-east".to_owned());
    Some(books.events[at].mission)
}

fn lower_event(books: &mut Books, index: Index) -> Option<MissionId> {
    let raised = |from| from != Some(scheduler_client::wire::MissionState::Pending);
    let at = pick(&books.events, index, |event| raised(event.from))?;
    books.events[at].epoch.0 -= 1;
    Some(books.events[at].mission)
}

fn share_epoch(books: &mut Books, index: Index) -> Option<MissionId> {
    let at = pick(&books.ledger, index, |effect| effect.event != Start)?;
    books.ledger[at].session = holder(999);
    Some(books.ledger[at].mission)
}

fn drop_outcome(books: &mut Books, index: Index) -> Option<MissionId> {
    let at = pick(&books.rows, index, |row| accepted(books, row))?;
    books.rows[at].outcome = None;
    Some(books.rows[at].mission)
}

fn change_outcome(books: &mut Books, index: Index) -> Option<MissionId> {
    let at = pick(&books.rows, index, |row| accepted(books, row))?;
    books.rows[at].outcome = Some("another".to_owned());
    Some(books.rows[at].mission)
}

fn answer_other(books: &mut Books, index: Index) -> Option<MissionId> {
    let at = pick(&books.rows, index, |row| promised(books, row))?;
    let other = pick(&books.rows, index, |row| row.mission != books.rows[at].mission && promised(books, row))?;
    let (mission, other) = (books.rows[at].mission, books.rows[other].mission.0.as_u128());
    let key = format!("key-{}", mission.0.as_u128());
    books.submit(&key, other, &[], OpKind::Ok);
    Some(mission)
}

fn store_key_twice(books: &mut Books, index: Index) -> Option<MissionId> {
    let at = pick(&books.rows, index, |_| true)?;
    let row = books.rows[at].clone();
    let (mission, state) = (id(row.mission.0.as_u128() + 1_000), Failed);
    books.rows.push(Row { mission, state, outcome: None, ..row });
    Some(row.mission)
}

fn assert_found(name: &str, kind: AnomalyKind, mission: MissionId, books: &Books) -> Result<(), TestCaseError> {
    let summary = books.check();
    let kinds: Vec<_> = summary.anomalies.keys().copied().collect();
    prop_assert_eq!(kinds, vec![kind], "{}: {:?}", name, summary);
    let first: Vec<_> = summary.anomalies[&kind].first.iter().map(|(mission, _)| *mission).collect();
    prop_assert_eq!(first, vec![mission], "{}", name);
    Ok(())
}

proptest! {
    #[test]
    fn each_single_change_is_found_as_its_kind(lives in lives(), seed in any::<u64>(), index in any::<Index>()) {
        let lawful = mixed(Model::of(&lives).books, seed);
        for (name, kind, mutation) in MUTATIONS {
            let mut books = lawful.clone();
            if let Some(mission) = mutation(&mut books, index) {
                assert_found(name, kind, mission, &books)?;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn each_change_has_a_place_where_every_kind_of_life_is(seed in any::<u64>(), index in any::<Index>()) {
        let lawful = mixed(Model::of(&all_lives()).books, seed);
        for (name, kind, mutation) in MUTATIONS {
            let mut books = lawful.clone();
            let mission = mutation(&mut books, index);
            prop_assert!(mission.is_some(), "{} found no place", name);
            assert_found(name, kind, mission.unwrap(), &books)?;
        }
    }
}

#[test]
fn every_kind_of_anomaly_has_a_change() {
    for kind in AnomalyKind::ALL {
        assert!(MUTATIONS.iter().any(|mutation| mutation.1 == kind), "{kind:?}");
    }
}
