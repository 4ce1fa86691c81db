//! What the model cannot do, said before it starts.

use crate::drill::{Drill, Endpoint, Fault, LinkSelector, Query, RegionSelector, StepKind, ToxicSpec};

/// Why the tier `sim` cannot do a fault; none where it can.
#[must_use]
pub fn refuses(fault: &Fault) -> Option<String> {
    match fault {
        Fault::Edge { .. } => Some("no edge is modelled: there is no monitor to tell anything".to_owned()),
        Fault::SilenceInjector => Some("whoever injects faults is part of the model and cannot fall silent".to_owned()),
        Fault::Toxic { toxic: ToxicSpec::HalfOpen | ToxicSpec::SlowClose { .. }, .. } => {
            Some("the model sends messages and keeps no connections".to_owned())
        }
        Fault::Partition { links } | Fault::Toxic { links, .. } => of_links(links),
        Fault::GatewayDown { .. }
        | Fault::Kill { .. }
        | Fault::CrashLoop { .. }
        | Fault::Pause { .. }
        | Fault::RestartDatabase { .. }
        | Fault::Statements { .. }
        | Fault::Verb { .. }
        | Fault::Load { .. } => None,
    }
}

fn of_links(links: &LinkSelector) -> Option<String> {
    match (&links.from, &links.to) {
        (Endpoint::Edge, _) | (_, Endpoint::Edge) => Some("no edge is modelled: it has no links".to_owned()),
        (Endpoint::Everyone, Endpoint::Everyone) => Some("one end of a link must be somebody".to_owned()),
        (
            Endpoint::Region(_) | Endpoint::Everyone | Endpoint::Clients | Endpoint::Database,
            Endpoint::Region(_) | Endpoint::Everyone | Endpoint::Clients | Endpoint::Database,
        ) => None,
    }
}

/// Everything of a drill that the tier `sim` cannot do, each with the name of its step or probe. Empty is good.
#[must_use]
pub fn refusals(drill: &Drill) -> Vec<String> {
    let mut refusals = Vec::new();
    for step in &drill.method {
        let why = match &step.kind {
            StepKind::Fault(fault) => refuses(fault).or_else(|| unknown_region(drill, fault)),
            StepKind::Command(_) => Some("commands are for deployments".to_owned()),
            StepKind::Probe(probe) => unknown_query(&probe.query),
            StepKind::Undo(_) => None,
        };
        refusals.extend(why.map(|why| format!("{}: {why}", step.name)));
    }
    for probe in &drill.hypothesis.probes {
        refusals.extend(unknown_query(&probe.query).map(|why| format!("{}: {why}", probe.name)));
    }
    refusals
}

fn unknown_query(query: &Query) -> Option<String> {
    match query {
        Query::HttpStatus { .. } | Query::ExitCode { .. } | Query::Number { .. } => {
            Some("the model has nothing outside itself to ask".to_owned())
        }
        Query::SubmitSuccessRatio
        | Query::SubmitToLeasedP99Ms
        | Query::StrandedLeases
        | Query::OverdueMissions
        | Query::ServingRegions => None,
    }
}

fn unknown_region(drill: &Drill, fault: &Fault) -> Option<String> {
    let setup = super::setup::Setup::new(drill);
    let unknown = regions_of(fault).into_iter().find_map(|selector| match selector {
        RegionSelector::Named(name) if setup.site(name).is_none() => Some(name),
        RegionSelector::Named(_) | RegionSelector::MostLeases | RegionSelector::SecondMostLeases => None,
    });
    unknown.map(|name| format!("the world has no region {name}"))
}

/// The regions that a fault names.
pub(super) fn regions_of(fault: &Fault) -> Vec<&RegionSelector> {
    match fault {
        Fault::Partition { links } | Fault::Toxic { links, .. } => {
            let ends = [&links.from, &links.to].into_iter();
            ends.filter_map(|end| if let Endpoint::Region(region) = end { Some(region) } else { None }).collect()
        }
        Fault::GatewayDown { region }
        | Fault::Kill { region, .. }
        | Fault::CrashLoop { region, .. }
        | Fault::Pause { region, .. }
        | Fault::Verb { region, .. }
        | Fault::Edge { region, .. } => vec![region],
        Fault::RestartDatabase { .. } | Fault::Statements { .. } | Fault::Load { .. } | Fault::SilenceInjector => {
            Vec::new()
        }
    }
}
