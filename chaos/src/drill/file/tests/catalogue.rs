//! The drills that come with the program.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::drill::file::fault::Word;
use crate::drill::file::keys;
use crate::drill::{Blast, Drill, PlantedBug, TierName, catalogue};

fn all() -> Vec<Drill> {
    let read = |drill: &catalogue::CatalogueDrill| {
        drill.read(&BTreeMap::new()).unwrap_or_else(|findings| panic!("{}", findings.render(false)))
    };
    catalogue::all().iter().map(read).collect()
}

fn is_oracle(drill: &Drill) -> bool {
    drill.tags.iter().any(|tag| tag == "oracle")
}

#[test]
fn every_drill_reads_under_its_name_and_keeps_to_its_blast_radius() {
    for (drill, listed) in all().iter().zip(catalogue::all()) {
        assert_eq!(drill.name, listed.name);
        assert_eq!(catalogue::find(&drill.name), Some(listed));
        let blast = Blast::of(&drill.method, drill.world.regions);
        assert!(blast.regions_at_a_time <= drill.blast_radius.regions_max, "{}: {blast:?}", drill.name);
        let untouched = drill.world.regions - blast.regions_named;
        assert!(untouched >= drill.blast_radius.min_healthy_regions, "{}: {blast:?}", drill.name);
        // A radius that is wider than the method would let a later edit slip through.
        assert_eq!(blast.regions_at_a_time, drill.blast_radius.regions_max, "{}", drill.name);
    }
}

#[test]
fn the_example_of_the_documentation_is_a_drill() {
    let documentation = include_str!("../../../../drills/README.md");
    let example = documentation.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next());
    let drill = super::good(example.expect("there is an example"));
    assert_eq!(drill.method.len(), 3);
}

#[test]
fn the_documentation_names_every_key_and_every_fault() {
    let documentation = include_str!("../../../../drills/README.md");
    let named =
        |word: &str| documentation.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').any(|w| w == word);
    let blocks = [keys::FILE, keys::WORLD, keys::LOAD, keys::OBJECTIVES, keys::BLAST_RADIUS, keys::ABORT, keys::STEP];
    let others = [keys::AFTER, keys::CONTEXT, keys::SLI, keys::HTTP, keys::PROCESS, keys::COMMAND, keys::UNDO];
    let faults = Word::ALL.iter().flat_map(|word| word.keys().iter().copied().chain([word.as_str()]));
    for word in blocks.iter().chain(&others).flat_map(|keys| keys.iter().copied()).chain(faults) {
        assert!(named(word), "`{word}` is not in drills/README.md");
    }
}

#[test]
fn the_folder_holds_the_catalogue_and_nothing_else() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/drills");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let yaml = files.filter(|path| path.extension().is_some_and(|kind| kind == "yaml"));
    let found: BTreeSet<String> = yaml.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    let listed: BTreeSet<String> = catalogue::all().iter().map(|drill| drill.name.to_owned()).collect();
    assert_eq!(found, listed);
    assert_eq!(listed.len(), catalogue::all().len(), "no name stands twice");
}

#[test]
fn every_planted_bug_has_its_drill_and_only_oracles_have_one() {
    let mut planted: Vec<PlantedBug> = all()
        .iter()
        .filter_map(|drill| {
            assert_eq!(is_oracle(drill), drill.world.planted_bug.is_some(), "{}", drill.name);
            let bug = drill.world.planted_bug?;
            assert_eq!(drill.name, format!("bug-{}", bug.as_str().replace('_', "-")));
            Some(bug)
        })
        .collect();
    planted.sort_unstable();
    let mut wanted = PlantedBug::ALL.to_vec();
    wanted.sort_unstable();
    assert_eq!(planted, wanted);
}

#[test]
fn every_drill_promises_that_nothing_is_lost_done_twice_or_done_late() {
    for drill in all() {
        let kept = &drill.objectives;
        assert_eq!((kept.lost, kept.duplicated, kept.overlap), (Some(0), Some(0), Some(0)), "{}", drill.name);
        assert!(drill.after.recheck_hypothesis && drill.after.residue_must_be_empty, "{}", drill.name);
        assert!(
            drill.abort.iter().any(|abort| matches!(abort.when, crate::drill::AbortWhen::After(_))),
            "{}",
            drill.name
        );
    }
}

/// Starting a world, settling at the end, and the checker.
const AROUND: Duration = Duration::from_secs(12);

#[test]
fn the_local_catalogue_fits_into_twenty_minutes() {
    let local = |oracle: bool| -> Vec<Drill> {
        let tier = all().into_iter().filter(|drill| drill.tiers.contains(&TierName::Local));
        tier.filter(|drill| is_oracle(drill) == oracle).collect()
    };
    let time = |drills: &[Drill]| drills.iter().map(|drill| drill.length() + AROUND).sum::<Duration>();
    let (drills, oracles) = (local(false), local(true));
    assert_eq!((drills.len(), oracles.len()), (18, 6));
    let all = time(&drills) + time(&oracles);
    assert!(all < Duration::from_secs(20 * 60), "{all:?}");
    for drill in drills {
        assert!(drill.length() + AROUND < Duration::from_secs(75), "{}: {:?}", drill.name, drill.length());
    }
}

#[test]
fn survivors_have_room_but_where_the_drill_is_about_that() {
    for drill in all().iter().filter(|drill| !drill.tiers.contains(&TierName::Cluster)) {
        let slots = drill.world.all_slots() / u32::try_from(drill.world.regions).unwrap();
        let left = slots * u32::try_from(drill.blast_radius.min_healthy_regions).unwrap();
        let mean_s = (drill.world.run_ms.0 + drill.world.run_ms.1) as f64 / 2000.0;
        let busy = drill.load.per_second * mean_s;
        assert_eq!(busy > f64::from(left) * 0.7, drill.name == "capacity-refused", "{}: {busy} of {left}", drill.name);
    }
}
