//! From facts and a command to what changes, or why nothing does.

use chrono::{DateTime, Utc};
use topology::{Epoch, SessionId};

use super::backoff::retry_delay;
use super::command::{Command, CommandKind, Landing};
use super::facts::MissionFacts;
use super::reason::Reason;
use super::state::MissionState;
use crate::placement::Unplaceable;

/// What a command does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The mission changes.
    Change(Transition),
    /// The same session brought the same result before: answer with what is stored.
    Repeated,
}

/// What changes in a mission's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// State before; none for a submit.
    pub from: Option<MissionState>,
    /// State after.
    pub to: MissionState,
    /// Fencing token after.
    pub epoch: Epoch,
    /// Failures after.
    pub attempts: i32,
    /// Crashes after.
    pub crashes: i32,
    /// Moves after.
    pub moves: i32,
    /// When it may be granted.
    pub rest: Rest,
    /// Who holds it after.
    pub holder: Holder,
    /// Stored as the mission's reason and the event's. None clears it.
    pub reason: Option<Reason>,
    /// Whether it writes a `mission_events` row; the straight path is told by the mission's own times.
    pub event: bool,
}

/// When a mission may be granted after a transition: what becomes of its `not_before`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// As it was.
    Keep,
    /// At once: the store writes a moment long past, so that a reader's slightly old clock never skips it.
    AtOnce,
    /// Not before this moment.
    Until(DateTime<Utc>),
}

impl Rest {
    /// What is written into `not_before`; none = it stays.
    #[must_use]
    pub const fn not_before(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Keep => None,
            Self::AtOnce => Some(DateTime::UNIX_EPOCH),
            Self::Until(at) => Some(at),
        }
    }
}

/// Who holds a mission after a transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// Who held it before stays written down.
    Keep,
    /// This session.
    Set(SessionId),
    /// Nobody.
    Clear,
}

/// Why a command changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The speaker does not hold the present lease.
    #[error("the lease is lost: the mission is {state} at epoch {epoch}")]
    LeaseLost {
        /// Where the mission stands.
        state: MissionState,
        /// Its fencing token.
        epoch: Epoch,
    },
    /// The mission was called off.
    #[error("the mission was cancelled")]
    MissionCancelled,
    /// The mission has ended.
    #[error("the mission has already {state}")]
    MissionFinished {
        /// How.
        state: MissionState,
    },
    /// The command makes no sense from there.
    #[error("a mission that is {state} cannot do that")]
    WrongState {
        /// Where the mission stands.
        state: MissionState,
    },
    /// Its time has not come: it rests, or its deadline has not passed.
    #[error("its time has not come")]
    NotYet,
    /// It crashed holders before, and the session holds other work.
    #[error("only a session that holds nothing may take it")]
    NotAlone,
}

impl Refusal {
    /// Stable code.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::LeaseLost { .. } => "lease_lost",
            Self::MissionCancelled => "mission_cancelled",
            Self::MissionFinished { .. } => "mission_finished",
            Self::WrongState { .. } => "wrong_state",
            Self::NotYet => "not_yet",
            Self::NotAlone => "not_alone",
        }
    }
}

/// The first transition: a new mission, placed or not.
#[must_use]
pub const fn submit(landing: Landing) -> Transition {
    let (to, reason) = match landing {
        Landing::Queued => (MissionState::Queued, None),
        Landing::Pending(why) => (MissionState::Pending, Some(Reason::Unplaceable(why))),
    };
    Transition {
        from: None,
        to,
        epoch: Epoch::INITIAL,
        attempts: 0,
        crashes: 0,
        moves: 0,
        rest: Rest::AtOnce,
        holder: Holder::Clear,
        reason,
        event: false,
    }
}

/// Applies a command at a moment of the database's clock.
///
/// # Errors
/// [`Refusal`] where the command changes nothing.
pub fn apply(mission: &MissionFacts, command: &Command<'_>, now: DateTime<Utc>) -> Result<Step, Refusal> {
    if repeats(mission, command) {
        return Ok(Step::Repeated);
    }
    if !command.kind().valid_from().contains(&mission.state) {
        return Err(wrong_state(mission, command.kind()));
    }
    let change = Change { mission, now };
    let transition = match *command {
        Command::Place => change.waits(Landing::Queued, Some(Reason::Placed)),
        Command::Replace => change.moves(Landing::Queued, Reason::Replaced),
        Command::Unplaceable(why) => change.strands(why),
        Command::Grant { session, holds_nothing } => change.grant(session, holds_nothing)?,
        Command::Complete(proof) => change.held(proof.session, proof.epoch)?.ends(MissionState::Succeeded, None),
        Command::Fail { proof, retryable } => {
            change.held(proof.session, proof.epoch)?.attempt_failed(Reason::AgentFailed, retryable)
        }
        Command::Release { session, epoch } => change.held(session, epoch)?.moves(Landing::Queued, Reason::Released),
        Command::RunLimit => change.after(mission.run_until)?.attempt_failed(Reason::RunLimit, true),
        Command::Unnamed => change.moves(Landing::Queued, Reason::Unnamed),
        Command::SessionExpired { charged: true, landing } => change.crashes(landing),
        Command::SessionExpired { charged: false, landing } => change.moves(landing, Reason::SessionExpired),
        Command::RegionLost(landing) => change.moves(landing, Reason::RegionLost),
        Command::DrainHandBack(landing) => change.moves(landing, Reason::Drain),
        Command::Unlawful(landing) => change.moves(landing, Reason::Unlawful),
        Command::StartByPassed => change.after(mission.start_by)?.start_by_passed(),
        Command::Cancel => change.taken_away(MissionState::Cancelled, Reason::Cancelled),
        Command::Retry(landing) => change.retry(landing),
    };
    Ok(Step::Change(transition))
}

/// Whether the session that ended the mission brings the same result again, because the first answer was lost.
fn repeats(mission: &MissionFacts, command: &Command<'_>) -> bool {
    let (ending, proof) = match command {
        Command::Complete(proof) => (MissionState::Succeeded, proof),
        Command::Fail { proof, .. } => (MissionState::Failed, proof),
        Command::Place
        | Command::Replace
        | Command::Unplaceable(_)
        | Command::Grant { .. }
        | Command::Release { .. }
        | Command::RunLimit
        | Command::Unnamed
        | Command::SessionExpired { .. }
        | Command::RegionLost(_)
        | Command::DrainHandBack(_)
        | Command::Unlawful(_)
        | Command::StartByPassed
        | Command::Cancel
        | Command::Retry(_) => return false,
    };
    mission.state == ending
        && mission.session == Some(proof.session)
        && mission.epoch == proof.epoch
        && mission.digest.as_deref() == Some(proof.digest)
}

/// What to answer to a command that is not valid from where the mission stands.
const fn wrong_state(mission: &MissionFacts, command: CommandKind) -> Refusal {
    let state = mission.state;
    match command {
        CommandKind::Complete | CommandKind::Fail | CommandKind::Release => match state {
            MissionState::Cancelled => Refusal::MissionCancelled,
            MissionState::Pending
            | MissionState::Queued
            | MissionState::Leased
            | MissionState::Succeeded
            | MissionState::Failed => Refusal::LeaseLost { state, epoch: mission.epoch },
        },
        CommandKind::Cancel if state.is_finished() => Refusal::MissionFinished { state },
        CommandKind::Place
        | CommandKind::Replace
        | CommandKind::Unplaceable
        | CommandKind::Grant
        | CommandKind::RunLimit
        | CommandKind::Unnamed
        | CommandKind::SessionExpired
        | CommandKind::RegionLost
        | CommandKind::DrainHandBack
        | CommandKind::Unlawful
        | CommandKind::StartByPassed
        | CommandKind::Cancel
        | CommandKind::Retry => Refusal::WrongState { state },
    }
}

/// A mission that is about to change, at a moment.
#[derive(Clone, Copy)]
struct Change<'a> {
    mission: &'a MissionFacts,
    now: DateTime<Utc>,
}

impl Change<'_> {
    /// Passes only for the present holder.
    fn held(self, session: SessionId, epoch: Epoch) -> Result<Self, Refusal> {
        let mission = self.mission;
        if mission.session == Some(session) && mission.epoch == epoch {
            Ok(self)
        } else {
            Err(Refusal::LeaseLost { state: mission.state, epoch: mission.epoch })
        }
    }

    /// Passes only when a deadline is over.
    fn after(self, deadline: Option<DateTime<Utc>>) -> Result<Self, Refusal> {
        match deadline {
            Some(deadline) if deadline < self.now => Ok(self),
            Some(_) | None => Err(Refusal::NotYet),
        }
    }

    /// As it is, going to a state; the base of every transition.
    const fn to(self, to: MissionState, reason: Option<Reason>) -> Transition {
        let mission = self.mission;
        Transition {
            from: Some(mission.state),
            to,
            epoch: mission.epoch,
            attempts: mission.attempts,
            crashes: mission.crashes,
            moves: mission.moves,
            rest: Rest::Keep,
            holder: Holder::Clear,
            reason,
            event: true,
        }
    }

    /// Waits where placement says, for `reason` if it has a pool.
    const fn waits(self, landing: Landing, reason: Option<Reason>) -> Transition {
        match landing {
            Landing::Queued => self.to(MissionState::Queued, reason),
            Landing::Pending(why) => self.to(MissionState::Pending, Some(Reason::Unplaceable(why))),
        }
    }

    /// Leaves its holder or its pool. The epoch rises, so whoever held or was about to take it has lost it.
    const fn moves(self, landing: Landing, reason: Reason) -> Transition {
        let base = self.waits(landing, Some(reason));
        Transition { epoch: base.epoch.next(), moves: base.moves.saturating_add(1), ..base }
    }

    /// No pool may take it. One that is pending already only learns the newest reason.
    const fn strands(self, why: Unplaceable) -> Transition {
        match self.mission.state {
            MissionState::Pending => Transition { event: false, ..self.waits(Landing::Pending(why), None) },
            MissionState::Queued
            | MissionState::Leased
            | MissionState::Succeeded
            | MissionState::Failed
            | MissionState::Cancelled => self.moves(Landing::Pending(why), Reason::Unplaceable(why)),
        }
    }

    fn grant(self, session: SessionId, holds_nothing: bool) -> Result<Transition, Refusal> {
        if self.mission.not_before > self.now {
            return Err(Refusal::NotYet);
        }
        if self.mission.alone() && !holds_nothing {
            return Err(Refusal::NotAlone);
        }
        let base = self.to(MissionState::Leased, None);
        Ok(Transition { epoch: base.epoch.next(), holder: Holder::Set(session), event: false, ..base })
    }

    /// Ends by its holder's word; who that was stays, so that the same word can be answered again.
    const fn ends(self, to: MissionState, reason: Option<Reason>) -> Transition {
        Transition { holder: Holder::Keep, event: reason.is_some(), ..self.to(to, reason) }
    }

    /// Ends against its holder's will: the epoch rises.
    const fn taken_away(self, to: MissionState, reason: Reason) -> Transition {
        let base = self.to(to, Some(reason));
        Transition { epoch: base.epoch.next(), ..base }
    }

    /// One attempt more; rests and goes back, or fails for good.
    fn attempt_failed(self, reason: Reason, retryable: bool) -> Transition {
        let attempts = self.mission.attempts.saturating_add(1);
        let base = if retryable && attempts < self.mission.max_attempts {
            let base = self.to(MissionState::Queued, Some(reason));
            Transition { epoch: base.epoch.next(), rest: Rest::Until(self.now + retry_delay(attempts)), ..base }
        } else if reason == Reason::AgentFailed {
            self.ends(MissionState::Failed, Some(reason))
        } else {
            self.taken_away(MissionState::Failed, reason)
        };
        Transition { attempts, ..base }
    }

    /// One crash more; goes back, or is poison.
    const fn crashes(self, landing: Landing) -> Transition {
        let crashes = self.mission.crashes.saturating_add(1);
        let base = if crashes >= self.mission.max_crashes {
            self.taken_away(MissionState::Failed, Reason::Poison)
        } else {
            self.moves(landing, Reason::SessionExpired)
        };
        Transition { crashes, moves: self.mission.moves.saturating_add(1), ..base }
    }

    /// Fails with the reason of its last placement, where that found no pool.
    const fn start_by_passed(self) -> Transition {
        let reason = match (self.mission.state, self.mission.reason) {
            (MissionState::Pending, Some(reason)) => reason,
            (_, _) => Reason::StartByPassed,
        };
        self.to(MissionState::Failed, Some(reason))
    }

    /// A new life with an epoch that goes on.
    const fn retry(self, landing: Landing) -> Transition {
        let base = self.waits(landing, Some(Reason::Retried));
        Transition { epoch: base.epoch.next(), attempts: 0, crashes: 0, rest: Rest::AtOnce, ..base }
    }
}
