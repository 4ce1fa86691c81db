//! Hand-written histories: each anomaly in as few lines as show it, and its lawful neighbours.

use scheduler_client::wire::MissionState::{Cancelled, Failed, Leased, Pending, Queued, Succeeded};
use topology::Epoch;

use super::books::{Books, Word, holder, id, outcome};
use crate::checker::AnomalyKind::{
    Duplicated, EpochNotRaised, KeySplit, Lost, Orphaned, OutcomeLost, Overlap, ResidencyBreach, UnfencedWrite,
};
use crate::checker::{AnomalyKind, Indeterminate, Summary};
use crate::history::EffectKind::{End, Start, Stop};
use crate::history::OpKind::{self, Fail, Info, Invoke, Ok};

fn books() -> Books {
    Books::default()
}

/// Mission 1 was promised, ran under epoch 1, and was completed.
fn good() -> Books {
    books().submitted(1).ran(1, 1, &[End]).brought(Word::Complete, 1, 1, Ok).stored(1, Succeeded, 1)
}

/// Mission 1 was taken from its first holder; its second one completed it under epoch 3.
fn moved() -> Books {
    books()
        .submitted(1)
        .ran(1, 1, &[])
        .moved(1, Leased, Queued, 2)
        .ran(1, 3, &[End])
        .brought(Word::Complete, 1, 3, Ok)
        .stored(1, Succeeded, 3)
}

fn kinds(summary: &Summary) -> Vec<AnomalyKind> {
    summary.anomalies.keys().copied().collect()
}

#[test]
fn each_anomaly_is_found_and_nothing_else() {
    let with = |mut books: Books, change: fn(&mut Books)| {
        change(&mut books);
        books
    };
    let cases: Vec<(&str, AnomalyKind, Books)> = vec![
        ("promised, no row", Lost, books().submitted(1)),
        ("completed, no row", Lost, books().ran(1, 1, &[End]).brought(Word::Complete, 1, 1, Ok)),
        ("done, and nobody did it", Lost, books().submitted(1).stored(1, Succeeded, 1)),
        ("done, and its run was stopped", Lost, books().submitted(1).ran(1, 1, &[Stop]).stored(1, Succeeded, 1)),
        ("done, and its run failed", Lost, with(good(), |books| books.ledger[1].ok = Some(false))),
        ("two epochs were accepted", Duplicated, moved().brought(Word::Complete, 1, 1, Ok)),
        (
            "two outcomes of one lease were accepted",
            Duplicated,
            with(good().brought(Word::Complete, 1, 1, Ok), |books| {
                let last = books.agents.len() - 1;
                books.agents[last].call = match books.agents[last].call.clone() {
                    crate::history::Call::Complete { mission, epoch, session, .. } => {
                        crate::history::Call::Complete { mission, epoch, session, outcome: "another".to_owned() }
                    }
                    other => other,
                };
            }),
        ),
        ("a lease was worked off twice", Duplicated, good().ran(1, 1, &[End])),
        ("still leased", Orphaned, books().submitted(1).ran(1, 1, &[]).stored(1, Leased, 1)),
        ("still queued", Orphaned, books().submitted(1).stored(1, Queued, 0)),
        ("pending without a rule", Orphaned, books().submitted(1).stored(1, Pending, 0)),
        ("its answer was lost, still queued", Orphaned, books().asked(1, &[], Info).stored(1, Queued, 0)),
        (
            "the old run began late",
            Overlap,
            books().submitted(1).moved(1, Leased, Queued, 2).ran(1, 3, &[End]).ran(1, 1, &[]).stored(1, Succeeded, 3),
        ),
        ("the old run ended late", Overlap, with(moved(), |books| books.effect(1, 1, End, "us-west"))),
        ("accepted under an older epoch", UnfencedWrite, {
            let late = moved().brought(Word::Complete, 1, 1, Ok);
            with(late, |books| books.agents.drain(..2).for_each(drop))
        }),
        ("accepted from another session", UnfencedWrite, {
            with(good(), |books| books.rows[0].session = Some(holder(9)))
        }),
        ("a failure of a stranger was accepted", UnfencedWrite, {
            let taken = books().submitted(1).ran(1, 1, &[End]).brought(Word::Fail, 1, 1, Ok).stored(1, Failed, 1);
            with(taken, |books| books.ledger.iter_mut().for_each(|effect| effect.session = holder(9)))
        }),
        ("ran where it must not", ResidencyBreach, {
            books().asked(1, &["us-east"], Ok).ran(1, 1, &[End]).stored(1, Succeeded, 1)
        }),
        ("lies where it must not", ResidencyBreach, {
            with(books().submitted(1), |books| books.row(1, Failed, 0, &["us-east"]))
        }),
        ("was placed where it must not", ResidencyBreach, {
            let placed = books().asked(1, &["us-east"], Ok).moved(1, Queued, Queued, 1);
            with(placed, |books| books.row(1, Pending, 2, &["us-east"]))
        }),
        ("a move kept its epoch", EpochNotRaised, {
            books().submitted(1).ran(1, 1, &[]).moved(1, Leased, Queued, 1).ran(1, 2, &[End]).stored(1, Succeeded, 2)
        }),
        ("a queued mission moved and kept its epoch", EpochNotRaised, {
            books().submitted(1).moved(1, Queued, Queued, 0).ran(1, 1, &[End]).stored(1, Succeeded, 1)
        }),
        ("a second move kept the epoch of the first", EpochNotRaised, { moved().moved(1, Queued, Queued, 2) }),
        ("an epoch was granted twice", EpochNotRaised, {
            let twice = books().submitted(1).ran(1, 1, &[]).ran(1, 1, &[End]).stored(1, Succeeded, 1);
            with(twice, |books| books.ledger[0].session = holder(9))
        }),
        ("stored without its outcome", OutcomeLost, with(good(), |books| books.rows[0].outcome = None)),
        ("stored with another", OutcomeLost, with(good(), |books| books.rows[0].outcome = Some(outcome(7)))),
        ("accepted, and it failed", OutcomeLost, {
            let accepted = books().submitted(1).ran(1, 1, &[End]).brought(Word::Complete, 1, 1, Ok);
            accepted.moved(1, Leased, Failed, 1).stored(1, Failed, 1)
        }),
        ("a key was answered with two missions", KeySplit, {
            with(good().submitted(2).ran(2, 1, &[End]).stored(2, Succeeded, 1), |books| {
                books.submit("key-1", 2, &[], Ok);
            })
        }),
        ("a key stands in two rows", KeySplit, {
            with(good().stored(2, Failed, 0), |books| books.rows[1].key = Some("key-1".to_owned()))
        }),
    ];
    for (name, kind, books) in &cases {
        let summary = books.check();
        assert_eq!(kinds(&summary), [*kind], "{name}: {summary:?}");
        assert_eq!((summary.count(*kind), summary.anomalies[kind].first.len()), (1, 1), "{name}");
        assert_eq!(summary.anomalies[kind].first[0].0, id(1), "{name}");
    }
    for kind in AnomalyKind::ALL {
        assert!(cases.iter().any(|case| case.1 == kind), "{kind:?} has no history");
    }
}

#[test]
fn what_is_lawful_is_no_anomaly() {
    let cases = [
        ("straight", good()),
        ("moved", moved()),
        ("nobody knows whether it was asked", books().asked(1, &[], Invoke)),
        ("surely not done", books().asked(1, &[], Fail)),
        ("a restarted agent brings it again", good().brought(Word::Complete, 1, 1, Ok)),
        ("the answer to the completion is lost", {
            books().submitted(1).ran(1, 1, &[End]).brought(Word::Complete, 1, 1, Invoke).stored(1, Succeeded, 1)
        }),
        ("the old run ends before the new one begins", {
            books()
                .submitted(1)
                .ran(1, 1, &[End])
                .brought(Word::Complete, 1, 1, Fail)
                .moved(1, Leased, Queued, 2)
                .ran(1, 3, &[End])
                .brought(Word::Complete, 1, 3, Ok)
                .stored(1, Succeeded, 3)
        }),
        ("a stop is no effect", {
            let mut books = moved();
            books.effect(1, 1, Stop, "us-west");
            books
        }),
        ("failed, waited, and done", {
            books()
                .submitted(1)
                .ran(1, 1, &[End])
                .brought(Word::Fail, 1, 1, Ok)
                .moved(1, Leased, Queued, 2)
                .ran(1, 3, &[End])
                .brought(Word::Complete, 1, 3, Ok)
                .stored(1, Succeeded, 3)
        }),
        ("stranded and placed again, times of two clocks", {
            let books = books().submitted(1).moved(1, Pending, Queued, 1).moved(1, Queued, Pending, 1);
            books.ran(1, 2, &[End]).stored(1, Succeeded, 2)
        }),
        ("failed for good, tried again, called off", {
            let books = books().submitted(1).moved(1, Leased, Failed, 1).moved(1, Failed, Queued, 2);
            books.moved(1, Queued, Cancelled, 3).stored(1, Cancelled, 3)
        }),
        ("a stranger's mission, never asked for here", books().stored(9, Queued, 4)),
    ];
    for (name, books) in cases {
        let summary = books.check();
        assert!(summary.is_clean(), "{name}: {summary:?}");
    }
}

#[test]
fn the_figures_are_told() {
    let mut books = moved().submitted(2).stored(2, Failed, 1).asked(3, &["us-east"], Ok).ran(4, 1, &[End]).brought(
        Word::Complete,
        4,
        1,
        Fail,
    );
    books.row(3, Pending, 0, &["us-east"]);
    books.rows[1].reason = Some("poison".to_owned());
    let summary = books.check();
    assert!(summary.is_clean(), "{summary:?}");
    assert_eq!(summary.operations, 5);
    assert_eq!((summary.acknowledged, summary.proven, summary.held_back), (3, 1, 1));
    assert_eq!(summary.failed, [("poison".to_owned(), 1)].into());
    assert_eq!((summary.fenced, summary.lost_attempts), (1, 1));
    assert_eq!(summary.indeterminate, Indeterminate::default());
    assert!(!summary.all_proven() && good().check().all_proven());
}

#[test]
fn what_nobody_knew_is_resolved_by_the_final_state() {
    let resolved = |books: Books| {
        let found = books.check().indeterminate;
        assert_eq!(found.all, 1);
        (found.done, found.not_done)
    };
    for end in [OpKind::Info, OpKind::Invoke] {
        assert_eq!(resolved(books().asked(1, &[], end).stored(1, Failed, 1)), (1, 0));
        assert_eq!(resolved(books().asked(1, &[], end).stored(2, Failed, 1)), (0, 1));
    }
    let complete = |epoch| books().ran(1, epoch, &[End]).brought(Word::Complete, 1, epoch, Invoke);
    assert_eq!(resolved(complete(1).stored(1, Succeeded, 1)), (1, 0));
    assert_eq!(resolved(complete(1).stored(1, Succeeded, 3)), (0, 1));
    assert_eq!(resolved(complete(1).stored(1, Queued, 2)), (0, 1));
    let fail = || books().ran(1, 1, &[End]).brought(Word::Fail, 1, 1, Invoke).stored(1, Queued, 2);
    let said = |mut books: Books, actor: &str| {
        books.event(1, Leased, Queued, 2, actor);
        books
    };
    assert_eq!(resolved(said(fail(), &format!("session:{}", holder(1)))), (1, 0));
    assert_eq!(resolved(said(fail(), "scheduler:1")), (0, 1));
}

#[test]
fn of_many_missions_with_the_same_anomaly_the_first_ten_are_told() {
    let books = (1..=30).rev().fold(books(), |books, mission| books.submitted(mission));
    let summary = books.check();
    let lost = &summary.anomalies[&Lost];
    assert_eq!(lost.count, 30);
    assert_eq!(
        lost.first.iter().map(|(mission, _)| *mission).collect::<Vec<_>>(),
        (1..=10).map(id).collect::<Vec<_>>()
    );
    assert_eq!(lost.first[0].1, "acknowledged, and has no row");
}

#[test]
fn an_epoch_below_the_first_is_not_raised() {
    let mut books = books().submitted(1).ran(1, 1, &[End]).stored(1, Succeeded, 1).moved(1, Queued, Queued, 0);
    books.events[0].epoch = Epoch(-3);
    assert_eq!(kinds(&books.check()), [EpochNotRaised]);
    books.effect(1, 1, Start, "us-west");
    assert_eq!(kinds(&books.check()), [EpochNotRaised], "a second start alone is no second run");
}
