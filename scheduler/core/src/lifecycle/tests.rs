//! The table of all pairs, the special cases, and what no command may ever do.

use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use topology::{Epoch, SessionId};
use uuid::Uuid;

use super::*;
use crate::placement::Unplaceable;

const HOLDER: SessionId = SessionId(Uuid::from_u128(1));
const OTHER: SessionId = SessionId(Uuid::from_u128(2));
const NOWHERE: Landing = Landing::Pending(Unplaceable::NoHealthyPool);

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_000_000, 0).unwrap()
}

/// A mission at epoch 5 that was charged nothing yet, with every deadline over and the holder's word stored.
fn mission(state: MissionState) -> MissionFacts {
    let over = now() - TimeDelta::seconds(1);
    let held = matches!(state, MissionState::Leased | MissionState::Succeeded | MissionState::Failed);
    MissionFacts {
        state,
        epoch: Epoch(5),
        attempts: 0,
        crashes: 0,
        moves: 0,
        max_attempts: 3,
        max_crashes: 4,
        session: held.then_some(HOLDER),
        digest: state.is_finished().then(|| "d".to_owned()),
        not_before: over,
        start_by: Some(over),
        run_until: Some(over),
        reason: (state == MissionState::Pending).then_some(Reason::Unplaceable(Unplaceable::NoServingPool)),
    }
}

const fn proof(session: SessionId, epoch: i64, digest: &str) -> Proof<'_> {
    Proof { session, epoch: Epoch(epoch), digest }
}

/// One command of every kind, as the holder of epoch 5 gives it.
fn commands() -> [Command<'static>; 16] {
    let queued = Landing::Queued;
    [
        Command::Place,
        Command::Replace,
        Command::Unplaceable(Unplaceable::NoHealthyPool),
        Command::Grant { session: OTHER, holds_nothing: true },
        Command::Complete(proof(HOLDER, 5, "d")),
        Command::Fail { proof: proof(HOLDER, 5, "d"), retryable: true },
        Command::Release { session: HOLDER, epoch: Epoch(5) },
        Command::RunLimit,
        Command::Unnamed,
        Command::SessionExpired { charged: true, landing: queued },
        Command::RegionLost(queued),
        Command::DrainHandBack(queued),
        Command::Unlawful(queued),
        Command::StartByPassed,
        Command::Cancel,
        Command::Retry(queued),
    ]
}

fn change(facts: &MissionFacts, command: Command<'_>) -> Transition {
    match apply(facts, &command, now()) {
        Ok(Step::Change(transition)) => transition,
        other => panic!("{command:?} on {facts:?} gives {other:?}"),
    }
}

fn refused(facts: &MissionFacts, command: Command<'_>) -> &'static str {
    apply(facts, &command, now()).expect_err("it is refused").as_str()
}

/// The facts after a transition.
fn after(facts: &MissionFacts, transition: &Transition, digest: &str) -> MissionFacts {
    MissionFacts {
        state: transition.to,
        epoch: transition.epoch,
        attempts: transition.attempts,
        crashes: transition.crashes,
        moves: transition.moves,
        session: match transition.holder {
            Holder::Keep => facts.session,
            Holder::Set(session) => Some(session),
            Holder::Clear => None,
        },
        digest: transition.to.is_finished().then(|| digest.to_owned()),
        not_before: match transition.rest {
            Rest::Keep => facts.not_before,
            Rest::AtOnce => DateTime::UNIX_EPOCH,
            Rest::Until(at) => at,
        },
        reason: transition.reason,
        ..facts.clone()
    }
}

#[test]
fn every_command_has_its_kind_once() {
    let kinds: Vec<CommandKind> = commands().iter().map(Command::kind).collect();
    assert_eq!(kinds, CommandKind::ALL);
}

/// Change: state +epoch, then what else changes. Refusal: its code. The table is the lifecycle.
#[test]
fn all_pairs() {
    let mut table = String::new();
    for command in commands() {
        writeln!(table, "{:?}", command.kind()).unwrap();
        for state in MissionState::ALL {
            let facts = mission(state);
            let outcome = match apply(&facts, &command, now()) {
                Ok(Step::Change(transition)) => told(&transition),
                Ok(Step::Repeated) => "= repeated".to_owned(),
                Err(refusal) => format!("! {}", refusal.as_str()),
            };
            writeln!(table, "    {state:<10}{outcome}").unwrap();
        }
    }
    insta::assert_snapshot!(table);
}

fn told(transition: &Transition) -> String {
    let mut text = format!("> {} e+{}", transition.to, transition.epoch.0 - 5);
    for (name, count) in
        [("attempts", transition.attempts), ("crashes", transition.crashes), ("moves", transition.moves)]
    {
        if count > 0 {
            write!(text, " {name}+{count}").unwrap();
        }
    }
    match transition.rest {
        Rest::Keep => {}
        Rest::AtOnce => text += " at once",
        Rest::Until(at) => write!(text, " rests {}", at - now()).unwrap(),
    }
    match transition.holder {
        Holder::Keep => text += " holder stays",
        Holder::Set(_) => text += " holder set",
        Holder::Clear => {}
    }
    if let Some(reason) = transition.reason {
        write!(text, " because {}", reason.as_str()).unwrap();
    }
    if transition.event {
        text += " [event]";
    }
    text
}

#[test]
fn the_filter_of_a_statement_is_what_apply_allows() {
    for command in commands() {
        for state in MissionState::ALL {
            let changes = matches!(apply(&mission(state), &command, now()), Ok(Step::Change(_)));
            let valid = command.kind().valid_from().contains(&state);
            assert_eq!(changes, valid, "{:?} from {state}", command.kind());
        }
    }
}

#[test]
fn only_the_holder_of_the_present_epoch_speaks() {
    let leased = mission(MissionState::Leased);
    for (session, epoch) in [(OTHER, 5), (HOLDER, 4), (HOLDER, 6), (OTHER, 6)] {
        let proof = proof(session, epoch, "d");
        assert_eq!(refused(&leased, Command::Complete(proof)), "lease_lost");
        assert_eq!(refused(&leased, Command::Fail { proof, retryable: true }), "lease_lost");
        assert_eq!(refused(&leased, Command::Release { session, epoch: Epoch(epoch) }), "lease_lost");
    }
}

#[test]
fn only_the_same_word_of_the_same_lease_is_answered_again() {
    let done = mission(MissionState::Succeeded);
    let complete = |session, epoch, digest| apply(&done, &Command::Complete(proof(session, epoch, digest)), now());
    assert_eq!(complete(HOLDER, 5, "d"), Ok(Step::Repeated));
    for (session, epoch, digest) in [(HOLDER, 5, "other"), (HOLDER, 4, "d"), (OTHER, 5, "d")] {
        assert_eq!(complete(session, epoch, digest).unwrap_err().as_str(), "lease_lost");
    }
    let failed = mission(MissionState::Failed);
    assert_eq!(refused(&failed, Command::Complete(proof(HOLDER, 5, "d"))), "lease_lost");
}

#[test]
fn a_mission_fails_for_good_at_its_last_attempt_or_where_no_other_helps() {
    let last = MissionFacts { attempts: 2, ..mission(MissionState::Leased) };
    let fail = |retryable| Command::Fail { proof: proof(HOLDER, 5, "d"), retryable };
    for (facts, command) in [(&last, fail(true)), (&mission(MissionState::Leased), fail(false))] {
        let failed = change(facts, command);
        assert_eq!((failed.to, failed.epoch, failed.holder), (MissionState::Failed, Epoch(5), Holder::Keep));
        let stored = after(facts, &failed, "d");
        assert_eq!(apply(&stored, &command, now()), Ok(Step::Repeated), "its holder may say so again");
    }
    let overdue = change(&last, Command::RunLimit);
    assert_eq!((overdue.to, overdue.epoch, overdue.attempts), (MissionState::Failed, Epoch(6), 3));
    assert_eq!(refused(&after(&last, &overdue, "d"), fail(true)), "lease_lost", "it was taken from its holder");
}

#[test]
fn a_mission_rests_longer_after_each_failure() {
    let mut facts = MissionFacts { max_attempts: 5, ..mission(MissionState::Leased) };
    let mut rests = Vec::new();
    for _ in 0..4 {
        let proof = Proof { session: HOLDER, epoch: facts.epoch, digest: "d" };
        let failed = change(&facts, Command::Fail { proof, retryable: true });
        let Rest::Until(at) = failed.rest else { panic!("{failed:?} does not rest") };
        rests.push((at - now()).num_seconds());
        let waits = after(&facts, &failed, "d");
        assert_eq!(refused(&waits, Command::Grant { session: HOLDER, holds_nothing: true }), "not_yet");
        facts = MissionFacts { state: MissionState::Leased, session: Some(HOLDER), ..waits };
    }
    assert_eq!(rests, [1, 2, 4, 8]);
}

#[test]
fn a_mission_that_crashes_its_holders_runs_alone_and_ends_as_poison() {
    let mut facts = mission(MissionState::Leased);
    let expired = Command::SessionExpired { charged: true, landing: Landing::Queued };
    for crash in 1..4 {
        let back = change(&facts, expired);
        assert_eq!((back.to, back.crashes, back.moves), (MissionState::Queued, crash, crash));
        let waits = after(&facts, &back, "d");
        let beside = Command::Grant { session: HOLDER, holds_nothing: false };
        if crash >= ALONE_FROM_CRASHES {
            assert_eq!(refused(&waits, beside), "not_alone");
        } else {
            change(&waits, beside);
        }
        let granted = change(&waits, Command::Grant { session: HOLDER, holds_nothing: true });
        facts = after(&waits, &granted, "d");
    }
    let poison = change(&facts, expired);
    assert_eq!((poison.to, poison.reason), (MissionState::Failed, Some(Reason::Poison)));
    assert!(poison.epoch > facts.epoch);
}

#[test]
fn who_lost_it_with_its_region_is_charged_nothing() {
    let leased = mission(MissionState::Leased);
    for command in [
        Command::SessionExpired { charged: false, landing: Landing::Queued },
        Command::RegionLost(Landing::Queued),
        Command::DrainHandBack(Landing::Queued),
        Command::Unlawful(Landing::Queued),
        Command::Unnamed,
        Command::Release { session: HOLDER, epoch: Epoch(5) },
    ] {
        let moved = change(&leased, command);
        assert_eq!((moved.attempts, moved.crashes, moved.moves, moved.epoch), (0, 0, 1, Epoch(6)), "{command:?}");
    }
}

#[test]
fn what_leaves_its_holder_waits_where_placement_says() {
    let leased = mission(MissionState::Leased);
    for command in [
        Command::SessionExpired { charged: false, landing: NOWHERE },
        Command::SessionExpired { charged: true, landing: NOWHERE },
        Command::RegionLost(NOWHERE),
        Command::DrainHandBack(NOWHERE),
        Command::Unlawful(NOWHERE),
    ] {
        let stranded = change(&leased, command);
        assert_eq!(stranded.to, MissionState::Pending, "{command:?}");
        assert_eq!(stranded.reason, Some(Reason::Unplaceable(Unplaceable::NoHealthyPool)));
    }
}

#[test]
fn a_deadline_that_is_not_over_changes_nothing() {
    let later = Some(now() + TimeDelta::seconds(1));
    let leased = MissionFacts { run_until: later, ..mission(MissionState::Leased) };
    assert_eq!(refused(&leased, Command::RunLimit), "not_yet");
    let queued = MissionFacts { start_by: later, ..mission(MissionState::Queued) };
    assert_eq!(refused(&queued, Command::StartByPassed), "not_yet");
    assert_eq!(refused(&MissionFacts { start_by: None, ..queued }, Command::StartByPassed), "not_yet");
}

#[test]
fn what_waited_too_long_fails_with_the_reason_of_its_last_placement() {
    let pending = change(&mission(MissionState::Pending), Command::StartByPassed);
    assert_eq!(pending.reason.map(Reason::as_str), Some("no_serving_pool"));
    let queued = change(&mission(MissionState::Queued), Command::StartByPassed);
    assert_eq!(queued.reason, Some(Reason::StartByPassed));
}

#[test]
fn a_retry_starts_from_zero_and_its_epoch_goes_on() {
    for state in [MissionState::Failed, MissionState::Cancelled] {
        let facts = MissionFacts { attempts: 3, crashes: 2, moves: 4, ..mission(state) };
        let again = change(&facts, Command::Retry(Landing::Queued));
        assert_eq!((again.attempts, again.crashes, again.moves, again.epoch), (0, 0, 4, Epoch(6)));
        let stored = after(&facts, &again, "d");
        assert_eq!(refused(&stored, Command::Complete(proof(HOLDER, 5, "d"))), "lease_lost");
    }
}

#[test]
fn states_are_written_as_they_are_read() {
    for state in MissionState::ALL {
        assert_eq!(state.as_str().parse(), Ok(state));
        assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
    }
    assert_eq!("gone".parse::<MissionState>(), Err(UnknownState("gone".to_owned())));
}

fn any_session() -> impl Strategy<Value = SessionId> {
    prop_oneof![Just(HOLDER), Just(OTHER)]
}

fn any_command() -> impl Strategy<Value = Command<'static>> {
    let landing = || prop_oneof![Just(Landing::Queued), Just(NOWHERE)];
    let proof = || {
        (any_session(), 0_i64..12, prop_oneof![Just("d"), Just("other")])
            .prop_map(|(session, epoch, digest)| proof(session, epoch, digest))
    };
    prop_oneof![
        Just(Command::Place),
        Just(Command::Replace),
        Just(Command::Unplaceable(Unplaceable::NoServingPool)),
        (any_session(), any::<bool>()).prop_map(|(session, holds_nothing)| Command::Grant { session, holds_nothing }),
        proof().prop_map(Command::Complete),
        (proof(), any::<bool>()).prop_map(|(proof, retryable)| Command::Fail { proof, retryable }),
        (any_session(), 0_i64..12).prop_map(|(session, epoch)| Command::Release { session, epoch: Epoch(epoch) }),
        Just(Command::RunLimit),
        Just(Command::Unnamed),
        (any::<bool>(), landing()).prop_map(|(charged, landing)| Command::SessionExpired { charged, landing }),
        landing().prop_map(Command::RegionLost),
        landing().prop_map(Command::DrainHandBack),
        landing().prop_map(Command::Unlawful),
        Just(Command::StartByPassed),
        Just(Command::Cancel),
        landing().prop_map(Command::Retry),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// Whatever is asked in whatever order: epochs only grow, every loss of a lease raises them, counters keep their
    /// bounds, and who holds nothing is written down nowhere.
    #[test]
    fn no_order_of_commands_breaks_a_mission(commands in proptest::collection::vec(any_command(), 1..40)) {
        let mut facts = MissionFacts { epoch: Epoch::INITIAL, ..mission(MissionState::Queued) };
        for command in commands {
            let Ok(Step::Change(step)) = apply(&facts, &command, now() + TimeDelta::days(1)) else { continue };
            prop_assert_eq!(step.from, Some(facts.state));
            prop_assert!(step.epoch >= facts.epoch, "{:?} lowers the epoch", command);
            let holds = step.to == MissionState::Leased;
            prop_assert_eq!(matches!(step.holder, Holder::Set(_)), holds);
            prop_assert!(!holds || step.epoch > facts.epoch, "a grant has a new epoch");
            let ended_by_word = matches!(step.holder, Holder::Keep);
            let lost = facts.state == MissionState::Leased && !ended_by_word;
            prop_assert!(!lost || step.epoch > facts.epoch, "{:?} takes a lease and keeps its epoch", command);
            prop_assert!(step.attempts <= facts.max_attempts && step.crashes <= facts.max_crashes);
            prop_assert!(step.moves >= facts.moves);
            let retried = matches!(command, Command::Retry(_));
            prop_assert!(retried || (step.attempts >= facts.attempts && step.crashes >= facts.crashes));
            let waits_for_nothing = step.to == MissionState::Pending && step.reason.is_none();
            prop_assert!(!waits_for_nothing, "{:?} strands it without a reason", command);
            facts = after(&facts, &step, "d");
        }
    }
}
