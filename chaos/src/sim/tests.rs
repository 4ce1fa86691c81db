//! The tier against drills that it must pass, and against bugs that it must find.

mod drills;

use super::*;

#[test]
fn smoke() {
    let begun = std::time::Instant::now();
    let drill = drills::region_cut();
    let sim = Sim::new(&drill, 1, false);
    eprintln!("new {:?}", begun.elapsed());
    let outcome = sim.run();
    eprintln!("run {:?}", begun.elapsed());
    panic!("{outcome} {:?} {:?}", outcome.measures, outcome.check);
}
