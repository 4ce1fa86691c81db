//! `placement_per_s`: decisions a second on one core, 16 regions x 64 specializations, every pool a candidate.
//!
//! Prints one JSON line. Origins, specializations, residency and nonces differ from decision to
//! decision; each decision counts itself into the snapshot, as a scheduler does.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use scheduler_core::health::{RAMP_FULL, RegionHealth, Verb};
use scheduler_core::placement::{
    PoolIx, PoolLoad, RegionStanding, Request, ResolvedOrigin, Snapshot, World, choose, place,
};
use scheduler_core::testing::{add_residency, full, name, specialization};
use topology::Position;
use topology::latency::LatencyTable;

const REGIONS: usize = 16;
const SPECIALIZATIONS: usize = 64;
const TARGET: f64 = 1_000_000.0;
const ROUNDS: usize = 5;

fn main() {
    let snapshot = busy_world();
    let requests = requests();
    let hot = |request: &Request, snapshot: &Snapshot| choose(request, snapshot).expect("every region is up");
    let mut rates: Vec<f64> = (0..ROUNDS).map(|_| rate(&requests, snapshot.clone(), hot)).collect();
    rates.sort_by(f64::total_cmp);
    let median = rates[ROUNDS / 2];
    let explained = rate(&requests, snapshot, explain);
    let line = serde_json::json!({
        "bench": "placement_per_s",
        "value": median.round(),
        "unit": "1/s",
        "target": TARGET,
        "met": median >= TARGET,
        "rounds": rates.iter().map(|rate| rate.round()).collect::<Vec<_>>(),
        "explained_per_s": explained.round(),
        "regions": REGIONS,
        "specializations": SPECIALIZATIONS,
        "clock": if cpu_time().is_some() { "cpu" } else { "wall" },
    });
    writeln!(std::io::stdout(), "{line}").expect("standard output takes a line");
}

/// Decisions a second of the core's time, over about half a second.
fn rate(requests: &[Request], mut snapshot: Snapshot, decide: impl Fn(&Request, &Snapshot) -> PoolIx) -> f64 {
    let (start, cpu) = (Instant::now(), cpu_time());
    let mut decisions = 0_u64;
    while start.elapsed() < Duration::from_millis(500) {
        for request in requests {
            let pool = decide(request, &snapshot);
            snapshot.bump(pool, 1);
        }
        // What was queued runs and leaves, so that the world does not fill up over the rounds.
        for request in requests {
            let pool = decide(request, &snapshot);
            snapshot.bump(pool, -1);
        }
        decisions += 2 * requests.len() as u64;
    }
    let wall = start.elapsed();
    let spent = cpu.zip(cpu_time()).map_or(wall, |(before, after)| after - before);
    decisions as f64 / spent.as_secs_f64()
}

/// The decision as a submit makes it: with its explanation, as the text that the mission's row keeps.
fn explain(request: &Request, snapshot: &Snapshot) -> PoolIx {
    let placement = place(request, snapshot);
    let stored = serde_json::to_string(&placement.stored()).expect("a placement is JSON");
    std::hint::black_box(stored);
    let chosen = placement.chosen.expect("every region is up");
    snapshot.world().pool_ix(&chosen.pool).expect("the chosen pool is of this world")
}

/// Time that this thread has had a core, where the system tells (Linux): a busy machine does not count against us.
fn cpu_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

fn busy_world() -> Snapshot {
    let mut topology = full(REGIONS, SPECIALIZATIONS);
    add_residency(&mut topology, "eu", &["europe-west", "europe-central", "europe-north"]);
    let mut snapshot = Snapshot::new(Arc::new(World::new(&topology, &LatencyTable::default())));
    for region in &topology.regions {
        let standing = RegionStanding { verb: Verb::None, health: RegionHealth::Up, ramp_permille: RAMP_FULL };
        snapshot.set_region(&region.name, standing);
    }
    for (at, pool) in topology.pools.iter().enumerate() {
        let leased = (at as i64 * 7) % 24;
        let load = PoolLoad { sessions: 2, slots: 20, leased, queued: leased / 4, service_us: 900_000, live: true };
        snapshot.set_load(&pool.id, load);
    }
    snapshot
}

fn requests() -> Vec<Request> {
    (0..4_096_u64)
        .map(|at| {
            let word = at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let lat = (word >> 40) as f64 / (1_u64 << 24) as f64 * 130.0 - 60.0;
            let lng = (word & 0xff_ffff) as f64 / (1_u64 << 24) as f64 * 360.0 - 180.0;
            Request {
                specialization: specialization(at as usize % SPECIALIZATIONS),
                residency: (at % 4 == 0).then(|| name("eu")),
                origin: ResolvedOrigin::at(Position::new(lat, lng).expect("the figures are on the globe")),
                nonce: word as i64,
                dark: false,
            }
        })
        .collect()
}
