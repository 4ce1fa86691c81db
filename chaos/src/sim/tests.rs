//! The tier against drills that it must pass, and against bugs that it must find.

mod drills;

use super::*;

/// Both cores of the smallest machine.
const JOBS: usize = 2;

#[test]
fn probe() {
    for drill in drills::all() {
        let begun = std::time::Instant::now();
        let sweep = sweep(&drill, 0..25, JOBS);
        println!("{} {:?}: {sweep}", drill.name, begun.elapsed());
        let o = run(&drill, 3);
        println!("   {:?} moved {} fenced {} lost attempts {}", o.measures, o.measures.moved_leases, o.check.fenced, o.check.lost_attempts);
    }
    panic!();
}
