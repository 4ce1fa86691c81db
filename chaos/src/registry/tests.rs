use super::*;
use crate::undo::{Log, UndoLine};

fn registry() -> (tempfile::TempDir, Registry) {
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::new(Some(dir.path()));
    (dir, registry)
}

fn note(registry: &Registry, run: &str, world: &str) -> Note {
    Note::here(run, "region-cut", world, &registry.folder_of(run), 1)
}

/// The note of a process that has died.
fn dead(registry: &Registry, run: &str, world: &str) -> Note {
    Note { pid: i32::MAX, began: Some("1".to_owned()), ..note(registry, run, world) }
}

#[test]
fn two_drills_on_one_world_exclude_each_other_and_own_worlds_run_side_by_side() {
    let (_dir, registry) = registry();
    let first = registry.enter(&note(&registry, "one", "http://a")).unwrap();
    let second = registry.enter(&note(&registry, "two", "http://a"));
    assert!(matches!(second, Err(Error::Busy { ref run, .. }) if run == "one"), "{second:?}");
    registry.enter(&note(&registry, "three", "three")).unwrap();
    first.leave().unwrap();
    registry.enter(&note(&registry, "two", "http://a")).unwrap();
    let runs: Vec<String> = registry.notes().unwrap().into_iter().map(|note| note.run).collect();
    assert_eq!(runs, ["three", "two"]);
}

#[test]
fn a_drill_that_died_is_in_the_way_until_it_is_undone() {
    let (_dir, registry) = registry();
    let died = dead(&registry, "one", "http://a");
    registry.enter(&died).unwrap();
    let mut log = Log::create(&died.folder).unwrap();
    log.append(&UndoLine::Planned { step: "cut".to_owned(), undo: Vec::new() }).unwrap();
    let next = note(&registry, "two", "http://a");
    assert!(matches!(registry.enter(&next), Err(Error::LeftOver { ref run, .. }) if run == "one"));
    log.append(&UndoLine::Undone { step: "cut".to_owned() }).unwrap();
    registry.enter(&next).unwrap();
    assert_eq!(registry.notes().unwrap(), [next], "what is dead and undone is forgotten");
}

#[test]
fn nothing_begins_while_the_stop_file_is_there() {
    let (_dir, registry) = registry();
    registry.stop(Some("one"), "noon").unwrap();
    let refused = registry.enter(&note(&registry, "two", "http://a")).unwrap_err();
    assert_eq!(refused.to_string(), "drills are stopped since noon: `chaos clear` lets new ones begin");
    assert!(registry.clear().unwrap());
    assert!(!registry.clear().unwrap());
    registry.enter(&note(&registry, "two", "http://a")).unwrap();
}

#[test]
fn the_stop_file_means_the_runs_that_it_names() {
    let (_dir, registry) = registry();
    assert!(!registry.stops("one"));
    registry.stop(Some("one"), "noon").unwrap();
    assert!(registry.stops("one") && !registry.stops("two"));
    registry.stop(None, "later").unwrap();
    assert!(registry.stops("two"));
}
