//! What the blocks mean together: the blast radius, objectives that can be judged, faults that do something.

use topology::yaml::{At, Reader};

use super::{Written, codes};
use crate::drill::{Blast, Fault, Step, StepKind, TierName, ToxicSpec};

/// Reports what only shows when all blocks are read. Of blocks that could be read in part only, nothing is said.
pub(super) fn check(reader: &mut Reader, written: &Written) {
    if !written.is_world_whole {
        return;
    }
    load(reader, written);
    for step in &written.method.steps {
        effect(reader, written, step);
    }
    if written.method.is_whole {
        faults(reader, written);
        blast_radius(reader, written);
        judged(reader, written);
    }
}

/// A world must be able to carry the load while all is well.
fn load(reader: &mut Reader, written: &Written) {
    let (world, load) = (&written.world.value, &written.load.value);
    let starts_world = written.tiers.iter().any(|tier| *tier != TierName::Cluster);
    let mean_s = (world.run_ms.0 + world.run_ms.1) as f64 / 2000.0;
    let busy = load.per_second * mean_s;
    let slots = world.all_slots();
    if starts_world && busy >= f64::from(slots) {
        let message = format!("the load needs {busy:.0} slots in the mean, and the world has {slots}");
        reader.error(
            codes::OVERLOAD,
            written.load.span,
            message,
            "more slots, shorter runs, or fewer missions a second",
        );
    }
}

fn faults(reader: &mut Reader, written: &Written) {
    if !written.method.steps.iter().any(|step| step.value.has_undo()) {
        let hint = "add a step of type action, with a fault";
        reader.error(codes::NO_FAULT, written.method.span, "the method does nothing that could fail", hint);
    }
}

/// Reports a fault that changes nothing.
fn effect(reader: &mut Reader, written: &Written, step: &At<Step>) {
    let StepKind::Fault(fault) = &step.value.kind else { return };
    let why = match fault {
        Fault::Statements { share: 0.0, .. } => "a share of 0 hits no statement",
        Fault::Toxic { toxic: ToxicSpec::Latency { ms: 0, jitter_ms: 0 }, .. } => "a latency of 0 ms is none",
        Fault::Toxic { toxic: ToxicSpec::SlowClose { ms: 0 }, .. } => "a close that comes 0 ms late is in time",
        Fault::Load { per_second } if *per_second == written.load.value.per_second => "this is the load of the file",
        Fault::Partition { .. }
        | Fault::Toxic { .. }
        | Fault::GatewayDown { .. }
        | Fault::Kill { .. }
        | Fault::CrashLoop { .. }
        | Fault::Pause { .. }
        | Fault::RestartDatabase { .. }
        | Fault::Statements { .. }
        | Fault::Verb { .. }
        | Fault::Edge { .. }
        | Fault::Load { .. }
        | Fault::SilenceInjector => return,
    };
    let message = format!("the step `{}` has no effect: {why}", step.value.name);
    reader.error(codes::NO_EFFECT, step.span, message, None);
}

fn blast_radius(reader: &mut Reader, written: &Written) {
    let Some(At { value: radius, span }) = &written.blast_radius else { return };
    let regions = written.world.value.regions;
    let blast = Blast::of(written.method.steps.iter().map(|step| &step.value), regions);
    let peak = written.method.steps.iter().find(|step| Some(&step.value.name) == blast.peak.as_ref());
    if let Some(step) = peak.filter(|_| blast.regions_at_a_time > radius.regions_max) {
        let (hit, may) = (blast.regions_at_a_time, radius.regions_max);
        let message = format!("with `{}`, {hit} regions are under fault at a time; {may} may be", step.value.name);
        let hint = "undo an earlier step before it, or raise blast_radius.regions_max";
        reader.error(codes::BLAST_RADIUS, step.span, message, hint);
    }
    let left = regions - blast.regions_named;
    if left < radius.min_healthy_regions {
        let message = format!("faults name {} of {regions} regions, which leaves {left}", blast.regions_named);
        reader.error(codes::BLAST_RADIUS, *span, message, "name fewer, or lower it");
    }
}

/// Reports objectives that this method can never be judged by.
fn judged(reader: &mut Reader, written: &Written) {
    let kinds = || written.method.steps.iter().map(|step| &step.value.kind);
    let mut priorities = written.load.value.priorities.clone();
    priorities.dedup();
    let unjudged = [
        ("detection_s", !kinds().any(StepKind::may_lose_region), "no fault of this method takes a whole region away"),
        ("rpo_s", !kinds().any(StepKind::touches_database), "no fault of this method touches the database"),
        ("priority_inversions", priorities.len() < 2, "all missions have one priority"),
    ];
    for (key, never, why) in unjudged {
        if let Some(at) = written.objectives_at.get(key).filter(|_| never) {
            let message = format!("{key} can never be judged: {why}");
            reader.error(codes::NOT_JUDGED, at.span, message, "remove it: what is not named is still measured");
        }
    }
}
