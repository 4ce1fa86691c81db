//! Which regions a fault is about, and whether it takes their agents away. Pure.

use topology::RegionName;

use crate::drill::{Endpoint, Fault, LinkSelector, ProcessKind, RegionSelector};

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
    use crate::drill::Direction;

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
    fn a_fault_is_named_as_far_as_its_regions_are_known() {
        let fault = cut(Endpoint::Everyone);
        assert_eq!(named(&fault, &|_| None), fault);
        let known = named(&fault, &|_| Some("us-west".parse().unwrap()));
        assert_eq!(known.to_string(), "nothing passes between us-west and everybody else");
        assert_eq!(regions(&fault), [&RegionSelector::MostLeases]);
    }
}
