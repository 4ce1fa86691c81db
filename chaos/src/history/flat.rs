//! How a line of operations is read: all fields side by side. Serde's own way for a flattened, tagged call keeps every
//! line as a tree first, which takes several times as long; histories have millions of lines.

use serde::Deserialize;
use topology::{Epoch, MissionId, SessionId};

use super::{Call, Op, OpKind};

#[derive(Deserialize)]
pub(super) struct Flat {
    at_us: i64,
    op: u64,
    #[serde(rename = "type")]
    kind: OpKind,
    call: Name,
    error: Option<String>,
    key: Option<String>,
    mission: Option<MissionId>,
    priority: Option<i32>,
    residency: Option<String>,
    #[serde(default)]
    allowed: Vec<String>,
    epoch: Option<Epoch>,
    session: Option<SessionId>,
    outcome: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Name {
    Submit,
    Complete,
    Fail,
}

/// A field that this call must have.
#[derive(Debug, thiserror::Error)]
#[error("missing field `{0}`")]
pub(super) struct Missing(&'static str);

fn need<T>(field: Option<T>, name: &'static str) -> Result<T, Missing> {
    field.ok_or(Missing(name))
}

impl TryFrom<Flat> for Op {
    type Error = Missing;

    fn try_from(line: Flat) -> Result<Self, Missing> {
        let (mission, epoch, session) = (line.mission, line.epoch, line.session);
        let call = match line.call {
            Name::Submit => Call::Submit {
                key: need(line.key, "key")?,
                mission,
                priority: need(line.priority, "priority")?,
                residency: line.residency,
                allowed: line.allowed,
            },
            Name::Complete => Call::Complete {
                mission: need(mission, "mission")?,
                epoch: need(epoch, "epoch")?,
                session: need(session, "session")?,
                outcome: need(line.outcome, "outcome")?,
            },
            Name::Fail => Call::Fail {
                mission: need(mission, "mission")?,
                epoch: need(epoch, "epoch")?,
                session: need(session, "session")?,
            },
        };
        Ok(Self { at_us: line.at_us, op: line.op, kind: line.kind, call, error: line.error })
    }
}
