//! Which regions a fault is about, and whether it takes their agents away. Pure.

use topology::RegionName;

use super::database::NodeFault;
use crate::drill::{Direction, Drill, Endpoint, Fault, LinkSelector, ProcessKind, RegionSelector, StepKind};

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
    [&links.from, &links.to].into_iter().filter_map(Endpoint::region).collect()
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

/// What a fault does to the database node of its region, where regions have nodes: none where it leaves it alone. The
/// links between nodes cannot be cut one way.
#[must_use]
pub(crate) fn node(fault: &Fault) -> Option<(NodeFault, &RegionSelector)> {
    match fault {
        Fault::Kill { process: ProcessKind::Region, region } | Fault::GatewayDown { region } => {
            Some((NodeFault::Kill, region))
        }
        Fault::Pause { process: ProcessKind::Region, region } => Some((NodeFault::Pause, region)),
        Fault::Partition { links: LinkSelector { from, to, direction: Direction::Both } } => {
            let region = if *to == Endpoint::Everyone { from.region() } else { None };
            let region = region.or_else(|| if *from == Endpoint::Everyone { to.region() } else { None });
            region.map(|region| (NodeFault::Pause, region))
        }
        Fault::Kill { process: ProcessKind::Scheduler | ProcessKind::Agent, .. }
        | Fault::Pause { process: ProcessKind::Scheduler | ProcessKind::Agent, .. }
        | Fault::Partition { .. }
        | Fault::Toxic { .. }
        | Fault::CrashLoop { .. }
        | Fault::RestartDatabase { .. }
        | Fault::Statements { .. }
        | Fault::Verb { .. }
        | Fault::Edge { .. }
        | Fault::Load { .. }
        | Fault::SilenceInjector => None,
    }
}

/// Whether a drill has a fault that takes a database node away, where there are several.
pub(crate) fn takes_nodes(drill: &Drill) -> bool {
    let takes = |fault: &Fault| node(fault).is_some() || matches!(fault, Fault::RestartDatabase { .. });
    drill.method.iter().any(|step| matches!(&step.kind, StepKind::Fault(fault) if takes(fault)))
}

/// The same fault with the names of its regions, as far as they are known.
#[must_use]
pub fn named(fault: &Fault, resolve: &dyn Fn(&RegionSelector) -> Option<RegionName>) -> Fault {
    let mut named = fault.clone();
    let name = |region: &mut RegionSelector| {
        if let Some(known) = resolve(region) {
            *region = RegionSelector::Named(known);
        }
    };
    match &mut named {
        Fault::Partition { links } | Fault::Toxic { links, .. } => {
            for end in [&mut links.from, &mut links.to] {
                if let Endpoint::Region(region) = end {
                    name(region);
                }
            }
        }
        Fault::GatewayDown { region }
        | Fault::Kill { region, .. }
        | Fault::CrashLoop { region, .. }
        | Fault::Pause { region, .. }
        | Fault::Verb { region, .. }
        | Fault::Edge { region, .. } => name(region),
        Fault::RestartDatabase { .. } | Fault::Statements { .. } | Fault::Load { .. } | Fault::SilenceInjector => {}
    }
    named
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
    fn a_database_node_goes_with_its_region_but_not_where_only_one_way_is_cut() {
        let west = RegionSelector::MostLeases;
        assert_eq!(node(&cut(Endpoint::Everyone)), Some((NodeFault::Pause, &west)));
        assert_eq!(node(&cut(Endpoint::Clients)), None);
        assert_eq!(node(&Fault::GatewayDown { region: west.clone() }), Some((NodeFault::Kill, &west)));
        let links =
            LinkSelector { from: Endpoint::Region(west.clone()), to: Endpoint::Everyone, direction: Direction::Out };
        assert_eq!(node(&Fault::Partition { links }), None);
        let kill = |process| Fault::Kill { process, region: west.clone() };
        assert_eq!(node(&kill(ProcessKind::Region)), Some((NodeFault::Kill, &west)));
        assert_eq!(node(&kill(ProcessKind::Scheduler)), None);
    }

    #[test]
    fn a_fault_is_named_as_far_as_its_regions_are_known() {
        let fault = cut(Endpoint::Everyone);
        assert_eq!(named(&fault, &|_| None), fault);
        let known = named(&fault, &|_| Some("us-west".parse().unwrap()));
        assert_eq!(known.to_string(), "nothing passes between us-west and everybody else");
        assert_eq!(regions(&fault), [&RegionSelector::MostLeases]);
    }
}
