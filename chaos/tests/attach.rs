//! Drills on a world that was up before them, as of `make up`: the programs `scheduler`, `region-agent` and `chaos` as
//! people run them. The first two must have been built, as `make test` does.

#[path = "attach/bed.rs"]
mod bed;

use chaos::undo::{UndoLine, log};
use chaos::wait::wait_until;
use nix::sys::signal::Signal;

use bed::{Bed, PATIENCE};

/// A region's agent is killed, then another's stands still; each is brought back in the method.
const KILL_AND_PAUSE: &str = "
title: Kill an agent, then stop another
description: The smallest drill for a world that is up.
tiers: [local]
load: { per_second: 12, warm_s: 2, steady_s: 2 }
objectives: { lost: 0, duplicated: 0, overlap: 0 }
blast_radius: { regions_max: 1, min_healthy_regions: 1 }
steady-state-hypothesis:
  title: missions are taken
  probes:
    - { name: taken, tolerance: { min: 0.9 }, provider: { type: sli, query: submit_success_ratio, window_s: 2 } }
method:
  - type: action
    name: kill
    provider: { type: fault, fault: kill, target: agent@most-leases }
    pauses: { after: 2s }
  - { type: action, name: revive, provider: { type: undo, of: kill } }
  - type: action
    name: sleep
    provider: { type: fault, fault: pause, target: agent@second-most-leases }
    pauses: { after: 2s }
  - { type: action, name: wake, provider: { type: undo, of: sleep } }
after: { soak_s: 1 }
";

/// Two faults that last until somebody undoes them.
const PAUSE_AND_CORDON: &str = "
title: Stop a region where it stands and cordon another
description: Held until the drill is broken off.
tiers: [local]
load: { per_second: 5, warm_s: 1, steady_s: 1 }
blast_radius: { regions_max: 2, min_healthy_regions: 1 }
steady-state-hypothesis:
  title: missions are taken
  probes:
    - { name: taken, tolerance: { min: 0 }, provider: { type: sli, query: submit_success_ratio, window_s: 2 } }
method:
  - { type: action, name: sleep, provider: { type: fault, fault: pause, target: region@us-west } }
  - type: action
    name: hold
    provider: { type: fault, fault: cordon, region: asia-east }
    pauses: { after: 10m }
";

#[tokio::test(flavor = "multi_thread")]
async fn drills_on_a_world_that_is_up_leave_it_as_it_was_found() {
    let bed = Bed::up().await;
    what_cannot_be_done_is_refused_at_once(&bed);
    a_drill_passes_and_everything_runs_again(&bed);
    nothing_is_left_of_a_drill_that_is_killed(&bed).await;
}

fn what_cannot_be_done_is_refused_at_once(bed: &Bed) {
    let before = bed.world();
    for dry in [&["--dry-run"][..], &[]] {
        let refused = bed.chaos(&[&["drill", "region-cut", "--attach", &bed.url()], dry].concat());
        assert_eq!(refused.code, Some(3), "{}", refused.text);
        for told in
            ["possible here: kill, pause, cordon, drain, load", "partition, latency", "\n  cut: needs the fault proxy"]
        {
            assert!(refused.text.contains(told), "{told:?} is not in\n{}", refused.text);
        }
        assert!(!refused.text.contains("\n  kill: "), "{}", refused.text);
    }
    assert_eq!(bed.world(), before);
    assert!(!bed.path("state/runs").exists(), "a drill that is refused has no folder");
    let elsewhere = bed.chaos(&["drill", "agent-zombie", "--attach", "http://127.0.0.1:1"]);
    assert_eq!((elsewhere.code, elsewhere.text.contains("nothing answers")), (Some(3), true), "{}", elsewhere.text);
}

fn a_drill_passes_and_everything_runs_again(bed: &Bed) {
    let before = bed.world();
    let file = bed.write("kill-and-pause.yaml", KILL_AND_PAUSE);
    let dry = bed.chaos(&["drill", &file, "--attach", &bed.url(), "--dry-run"]);
    assert_eq!((dry.code, dry.text.contains("undo the world starts again what fell")), (Some(0), true), "{}", dry.text);
    assert_eq!(bed.world(), before);

    let out = bed.path("out").to_string_lossy().into_owned();
    let ran = bed.chaos(&["drill", &file, "--attach", &bed.url(), "--out", &out]);
    assert_eq!(ran.code, Some(0), "{}", ran.text);
    assert!(ran.text.contains("PASS") && ran.text.contains("Database of the attached world"), "{}", ran.text);
    let after = bed.world();
    assert!(bed.all_run() && after.keeper == before.keeper, "{after:?}");
    let agents = |world: &scheduler_client::local::World| -> Vec<_> {
        world.regions.iter().flat_map(|region| region.agents.clone()).collect()
    };
    let same = agents(&before).iter().filter(|agent| agents(&after).contains(agent)).count();
    assert_eq!(same, 2, "one agent of three was killed and started again");

    let journal = bed.journal("out/kill-and-pause/journal.json");
    assert!(
        journal.check.acknowledged > 40 && journal.check.unwatched == journal.check.acknowledged,
        "{:?}",
        journal.check
    );
    let judged = |name: &str| journal.judged.iter().find(|one| one.objective == name).unwrap();
    assert_eq!((judged("lost").kept, judged("duplicated").kept, judged("overlap").kept), (Some(true), None, None));
    let checked = bed.chaos(&["check", &format!("{out}/kill-and-pause"), "--without-runners"]);
    assert_eq!((checked.code, checked.text.contains("not judged")), (Some(0), true), "{}", checked.text);
}

/// `kill -9` of the drill's process: its guard undoes what it did.
async fn nothing_is_left_of_a_drill_that_is_killed(bed: &Bed) {
    let file = bed.write("pause-and-cordon.yaml", PAUSE_AND_CORDON);
    let mut drill = bed.start(&["drill", &file, "--attach", &bed.url()]);
    let hurt = wait_until(PATIENCE, async || bed.still().len() == 2 && bed.cordoned().await == ["asia-east"]).await;
    assert!(hurt, "{}", bed.said());
    let note = bed.registry().notes().unwrap().remove(0);
    let busy = bed.chaos(&["drill", &file, "--attach", &bed.url()]);
    assert_eq!(busy.code, Some(3), "{}", busy.text);

    bed::signal(note.pid, Signal::SIGKILL);
    drill.wait().unwrap();
    let is_over = async || log::lines(&note.log()).unwrap().contains(&UndoLine::Over);
    assert!(wait_until(PATIENCE, is_over).await, "{}", bed.said());
    assert!(bed.still().is_empty() && bed.all_run());
    assert_eq!(bed.cordoned().await, [""; 0]);
}
