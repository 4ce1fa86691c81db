//! Faults and steps in words, for dry runs, journals and reports.

use std::fmt;

use topology::yaml::duration::show;

use super::{
    Direction, EdgeHealth, Endpoint, Fault, LinkSelector, OperatorVerb, ProcessKind, RegionSelector, StatementAnswer,
    StepKind, ToxicSpec,
};

impl fmt::Display for RegionSelector {
    /// As the file writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MostLeases => f.pad("most-leases"),
            Self::SecondMostLeases => f.pad("second-most-leases"),
            Self::Named(name) => f.pad(name.as_str()),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Region(region) => region.fmt(f),
            Self::Everyone => f.write_str("everybody else"),
            Self::Clients => f.write_str("the clients"),
            Self::Edge => f.write_str("the edge's monitor"),
            Self::Database => f.write_str("the database"),
        }
    }
}

impl fmt::Display for LinkSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, direction } = self;
        match direction {
            Direction::Both => write!(f, "between {from} and {to}"),
            Direction::Out => write!(f, "from {from} to {to}, not back"),
            Direction::In => write!(f, "from {to} to {from}, not back"),
        }
    }
}

impl fmt::Display for ToxicSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency { ms, jitter_ms: 0 } => write!(f, "{ms} ms late"),
            Self::Latency { ms, jitter_ms } => write!(f, "{ms} ms, give or take {jitter_ms} ms, late"),
            Self::Bandwidth { bytes_per_s } => write!(f, "{bytes_per_s} bytes a second"),
            Self::Stall => f.write_str("stalled"),
            Self::Blackhole => f.write_str("a black hole"),
            Self::Reset { after_ms } => write!(f, "reset after {after_ms} ms"),
            Self::Refuse => f.write_str("refused"),
            Self::HalfOpen => f.write_str("half open"),
            Self::SlowClose { ms } => write!(f, "closed {ms} ms late"),
        }
    }
}

impl fmt::Display for ProcessKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheduler => "the scheduler",
            Self::Agent => "the agents",
            Self::Region => "the scheduler and the agents",
        })
    }
}

impl fmt::Display for StatementAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SerializationFailure => "answered 40001",
            Self::AdminShutdown => "answered 57P01 and cut off",
            Self::Ambiguous => "carried out, their answers swallowed",
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partition { links } => write!(f, "nothing passes {links}"),
            Self::Toxic { links, toxic } => write!(f, "{toxic}: every link {links}"),
            Self::GatewayDown { region } => write!(f, "the gateway of {region} to the database is gone"),
            Self::Kill { process, region } => write!(f, "kill {process} of {region}"),
            Self::CrashLoop { region, every } => write!(f, "kill the scheduler of {region} every {}", show(*every)),
            Self::Pause { process, region } => write!(f, "stop {process} of {region} where they stand"),
            Self::RestartDatabase { down } => write!(f, "crash the database, start it again after {}", show(*down)),
            Self::Statements { name, answer, share } => {
                let which = if name == "*" { "statements that write" } else { name };
                write!(f, "{} % of {which} {answer}", share * 100.0)
            }
            Self::Verb { region, verb: OperatorVerb::Cordon } => write!(f, "cordon {region}"),
            Self::Verb { region, verb: OperatorVerb::Drain } => write!(f, "drain {region}"),
            Self::Edge { region, health: EdgeHealth::Red } => write!(f, "the edge hears that {region} is ill"),
            Self::Edge { region, health: EdgeHealth::Green } => write!(f, "the edge hears that {region} is well"),
            Self::Load { per_second } => write!(f, "submit {per_second} missions a second"),
            Self::SilenceInjector => f.write_str("the injector falls silent"),
        }
    }
}

impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => fault.fmt(f),
            Self::Command(command) => write!(f, "run {}", command.argv.join(" ")),
            Self::Undo(of) => write!(f, "undo {of}"),
            Self::Probe(probe) => write!(f, "look at {}", probe.name),
        }
    }
}
