//! What a step can reach, and so which objectives it can be judged by.

use super::{Fault, LinkSelector, ProcessKind, StepKind};

impl StepKind {
    /// Whether survivors may call a region down for it.
    #[must_use]
    pub fn may_lose_region(&self) -> bool {
        let of_region = |links: &LinkSelector| [&links.from, &links.to].iter().any(|end| end.region().is_some());
        match self {
            Self::Fault(fault) => match fault {
                Fault::Partition { links } | Fault::Toxic { links, .. } => of_region(links),
                Fault::Kill { process, .. } | Fault::Pause { process, .. } => *process == ProcessKind::Region,
                Fault::GatewayDown { .. } => true,
                Fault::CrashLoop { .. }
                | Fault::RestartDatabase { .. }
                | Fault::Statements { .. }
                | Fault::Verb { .. }
                | Fault::Edge { .. }
                | Fault::Load { .. }
                | Fault::SilenceInjector => false,
            },
            Self::Command(command) => command.region.is_some(),
            Self::Undo(_) | Self::Probe(_) => false,
        }
    }

    /// Whether it touches the database itself, or what that answers, so that an acknowledged write could be missing.
    /// A link that is cut does not: what was not acknowledged is not promised. Of a command nobody knows.
    #[must_use]
    pub const fn touches_database(&self) -> bool {
        match self {
            Self::Fault(fault) => match fault {
                Fault::RestartDatabase { .. } | Fault::Statements { .. } => true,
                Fault::Partition { .. }
                | Fault::Toxic { .. }
                | Fault::GatewayDown { .. }
                | Fault::Kill { .. }
                | Fault::CrashLoop { .. }
                | Fault::Pause { .. }
                | Fault::Verb { .. }
                | Fault::Edge { .. }
                | Fault::Load { .. }
                | Fault::SilenceInjector => false,
            },
            Self::Command(_) => true,
            Self::Undo(_) | Self::Probe(_) => false,
        }
    }
}
