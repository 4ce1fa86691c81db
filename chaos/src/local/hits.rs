//! Which regions a fault is about, and whether it takes their agents away. Pure.

use topology::RegionName;

use crate::drill::{
    Direction, EdgeHealth, Endpoint, Fault, LinkSelector, OperatorVerb, ProcessKind, RegionSelector, StatementAnswer,
    ToxicSpec,
};

/// The regions of a fault, in words of the file.
#[must_use]
pub fn regions(fault: &Fault) -> Vec<&RegionSelector> {
    match fault {
        Fault::Partition { links } | Fault::Toxic { links, .. } => ends(links),
        Fault::GatewayDown { region }
        | Fault::Kill { region, .. }
        | Fault::CrashLoop { region, .. }
        | Fault::Pause { region, .. }
        | Fault::Verb { region, .. }
        | Fault::Edge { region, .. } => vec![region],
        Fault::RestartDatabase { .. } | Fault::Statements { .. } | Fault::Load { .. } | Fault::SilenceInjector => {
            vec![]
        }
    }
}

fn ends(links: &LinkSelector) -> Vec<&RegionSelector> {
    [&links.from, &links.to]
        .into_iter()
        .filter_map(|end| match end {
            Endpoint::Region(region) => Some(region),
            Endpoint::Everyone | Endpoint::Clients | Endpoint::Edge | Endpoint::Database => None,
        })
        .collect()
}

/// Whether the agents of its regions are out of reach, or gone, while it lasts: their leases have to move.
#[must_use]
pub fn takes_leases(fault: &Fault) -> bool {
    match fault {
        Fault::Partition { links } => links.from == Endpoint::Everyone || links.to == Endpoint::Everyone,
        Fault::Kill { process, .. } | Fault::Pause { process, .. } => match process {
            ProcessKind::Agent | ProcessKind::Region => true,
            ProcessKind::Scheduler => false,
        },
        Fault::Toxic { .. }
        | Fault::GatewayDown { .. }
        | Fault::CrashLoop { .. }
        | Fault::RestartDatabase { .. }
        | Fault::Statements { .. }
        | Fault::Verb { .. }
        | Fault::Edge { .. }
        | Fault::Load { .. }
        | Fault::SilenceInjector => false,
    }
}

/// A fault for people: `partition most-leases - * both ways`.
#[must_use]
pub fn told(fault: &Fault, resolve: &dyn Fn(&RegionSelector) -> Option<RegionName>) -> String {
    let name = |region: &RegionSelector| match (region, resolve(region)) {
        (_, Some(region)) => region.to_string(),
        (RegionSelector::MostLeases, None) => "the region with the most leases".to_owned(),
        (RegionSelector::SecondMostLeases, None) => "the region with the second most leases".to_owned(),
        (RegionSelector::Named(region), None) => region.to_string(),
    };
    let end = |end: &Endpoint| match end {
        Endpoint::Region(region) => name(region),
        Endpoint::Everyone => "everybody else".to_owned(),
        Endpoint::Clients => "clients".to_owned(),
        Endpoint::Edge => "the edge".to_owned(),
        Endpoint::Database => "the database".to_owned(),
    };
    let links = |links: &LinkSelector| {
        let way = match links.direction {
            Direction::Both => "both ways",
            Direction::Out => "outbound",
            Direction::In => "inbound",
        };
        format!("between {} and {}, {way}", end(&links.from), end(&links.to))
    };
    match fault {
        Fault::Partition { links: cut } => format!("nothing passes {}", links(cut)),
        Fault::Toxic { links: bad, toxic } => format!("{} {}", toxic_told(toxic), links(bad)),
        Fault::GatewayDown { region } => format!("the database gateway of {} is gone", name(region)),
        Fault::Kill { process, region } => format!("{} of {} dies", process_told(*process), name(region)),
        Fault::CrashLoop { region, every } => {
            format!("the scheduler of {} dies every {:.1} s", name(region), every.as_secs_f64())
        }
        Fault::Pause { process, region } => format!("{} of {} stands still", process_told(*process), name(region)),
        Fault::RestartDatabase { down } => format!("the database crashes and is away for {:.1} s", down.as_secs_f64()),
        Fault::Statements { name, answer, share } => {
            let what = if name == "*" { "of the statements that write" } else { name.as_str() };
            format!("{:.0} % {what} are answered {}", share * 100.0, answer_told(*answer))
        }
        Fault::Verb { region, verb } => format!("an operator says {} to {}", verb_told(*verb), name(region)),
        Fault::Edge { region, health } => format!("the edge sees {} as {}", name(region), health_told(*health)),
        Fault::Load { per_second } => format!("{per_second} missions a second are submitted"),
        Fault::SilenceInjector => "whoever injects the faults falls silent".to_owned(),
    }
}

const fn process_told(process: ProcessKind) -> &'static str {
    match process {
        ProcessKind::Scheduler => "the scheduler",
        ProcessKind::Agent => "the agent",
        ProcessKind::Region => "everything",
    }
}

const fn answer_told(answer: StatementAnswer) -> &'static str {
    match answer {
        StatementAnswer::SerializationFailure => "40001",
        StatementAnswer::AdminShutdown => "57P01",
        StatementAnswer::Ambiguous => "by nothing, though they are carried out",
    }
}

const fn verb_told(verb: OperatorVerb) -> &'static str {
    match verb {
        OperatorVerb::Cordon => "cordon",
        OperatorVerb::Drain => "drain",
    }
}

const fn health_told(health: EdgeHealth) -> &'static str {
    match health {
        EdgeHealth::Red => "ill though it is well",
        EdgeHealth::Green => "well though nobody reaches it",
    }
}

fn toxic_told(toxic: &ToxicSpec) -> String {
    use ToxicSpec::{Bandwidth, Blackhole, HalfOpen, Latency, Refuse, Reset, SlowClose, Stall};
    match toxic {
        Latency { ms, jitter_ms } => format!("{ms} ms late (+- {jitter_ms} ms)"),
        Bandwidth { bytes_per_s } => format!("{bytes_per_s} bytes a second"),
        Stall => "stalled".to_owned(),
        Blackhole => "swallowed".to_owned(),
        Reset { after_ms } => format!("reset after {after_ms} ms"),
        Refuse => "refused".to_owned(),
        HalfOpen => "half open".to_owned(),
        SlowClose { ms } => format!("closed {ms} ms late"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(to: Endpoint) -> Fault {
        let from = Endpoint::Region(RegionSelector::MostLeases);
        Fault::Partition { links: LinkSelector { from, to, direction: Direction::Both } }
    }

    #[test]
    fn a_region_loses_its_leases_only_where_its_agents_are_out_of_reach() {
        let region = RegionSelector::MostLeases;
        let kill = |process| Fault::Kill { process, region: region.clone() };
        assert!(takes_leases(&cut(Endpoint::Everyone)) && !takes_leases(&cut(Endpoint::Clients)));
        assert!(takes_leases(&kill(ProcessKind::Agent)) && !takes_leases(&kill(ProcessKind::Scheduler)));
    }

    #[test]
    fn a_fault_is_told_with_the_region_as_far_as_it_is_known() {
        let unknown = told(&cut(Endpoint::Everyone), &|_| None);
        assert_eq!(unknown, "nothing passes between the region with the most leases and everybody else, both ways");
        let known = told(&cut(Endpoint::Everyone), &|_| Some("us-west".parse().unwrap()));
        assert_eq!(known, "nothing passes between us-west and everybody else, both ways");
        assert_eq!(regions(&cut(Endpoint::Everyone)), [&RegionSelector::MostLeases]);
    }
}
