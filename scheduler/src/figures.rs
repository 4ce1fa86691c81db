//! What the process counts and measures.

mod missions;

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::state::App;

pub(crate) use missions::{finished, observe as observe_missions};

/// Upper bounds of latency buckets, in seconds: fine around the targets of DESIGN section 7.
const SECONDS: [f64; 16] =
    [0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.035, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0];

/// The same of placements, which take microseconds.
const PLACE_SECONDS: [f64; 8] = [0.000_001, 0.000_002, 0.000_005, 0.000_01, 0.000_05, 0.000_2, 0.001, 0.01];

/// Upper bounds of the rows of one statement.
const ROWS: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 1000.0];

/// The process's metrics. The first call makes them.
///
/// # Panics
/// Another recorder was installed before.
pub(crate) fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let handle = PrometheusBuilder::new()
                .set_buckets(&SECONDS)
                .and_then(|builder| builder.set_buckets_for_metric(full("scheduler_place_seconds"), &PLACE_SECONDS))
                .and_then(|builder| builder.set_buckets_for_metric(full("scheduler_batch_rows"), &ROWS))
                .expect("no list of buckets is empty")
                .install_recorder()
                .expect("no other recorder is installed");
            describe();
            handle
        })
        .clone()
}

fn full(name: &str) -> Matcher {
    Matcher::Full(name.to_owned())
}

fn describe() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

    describe_histogram!("scheduler_submit_seconds", Unit::Seconds, "Time of a submit, one mission or a batch");
    describe_histogram!("scheduler_place_seconds", Unit::Seconds, "Time of one placement decision");
    describe_histogram!("scheduler_submit_to_lease_seconds", Unit::Seconds, "Time from submit to lease, by pool");
    describe_histogram!("scheduler_run_seconds", Unit::Seconds, "Time from lease to end of a mission");
    describe_histogram!("scheduler_complete_seconds", Unit::Seconds, "Time of storing a mission's outcome");
    describe_histogram!("scheduler_loop_seconds", Unit::Seconds, "Time of one tick of a loop, by loop");
    describe_histogram!("scheduler_batch_rows", "Requests that one statement carried, by kind");
    describe_counter!("scheduler_batch_overloads_total", "Requests refused since too many of their kind waited");
    describe_counter!("scheduler_moves_total", "Missions that were taken from their holder or region, by reason");
    describe_counter!("scheduler_fenced_writes_total", "Writes refused since their lease was lost, by kind");
    describe_counter!("scheduler_unnamed_leases_total", "Leases put back since their holder does not name them");
    describe_counter!("scheduler_sessions_expired_total", "Sessions ended for their silence");
    describe_counter!("scheduler_region_health_changes_total", "Changes of a region's health, by region and state");
    describe_counter!("scheduler_cache_hits_total", "Answers from memory, by cache");
    describe_counter!("scheduler_stale_loads_total", "Decisions made with loads that were not fresh");
    describe_counter!("scheduler_loop_failures_total", "Ticks of a loop that failed, by loop");

    describe_counter!("scheduler_http_requests_total", "Requests by method, route and status");
    describe_histogram!("scheduler_http_request_seconds", Unit::Seconds, "Time from request to answer, by route");
    describe_histogram!("scheduler_loop_seconds", Unit::Seconds, "Time of one tick, by loop");
    describe_counter!("scheduler_loop_failures_total", "Ticks that failed, by loop and cause");
    describe_counter!("scheduler_sweep_failures_total", "Sweeps of a home that failed, by home and cause");
    describe_counter!("scheduler_beat_failures_total", "Own heartbeats that could not be written, by home");
    describe_counter!("scheduler_load_failures_total", "Counts of a region that failed");
    describe_counter!("scheduler_stale_loads_total", "Loads of a home that could not be read");
    describe_counter!("scheduler_reap_failures_total", "Looks for silent sessions that failed, by region");
    describe_counter!("scheduler_moves_total", "Missions moved by this scheduler's loops, by cause and state after");
    describe_counter!("scheduler_sessions_expired_total", "Sessions ended for their silence, by region");
    describe_counter!("scheduler_region_health_changes_total", "Changes of a region's health made by this scheduler");
    describe_counter!("scheduler_cache_hits_total", "Answers from memory instead of the database, by cache");
    describe_counter!("scheduler_retired_total", "Rows taken away by retention, by kind");
    describe_counter!("scheduler_shed_total", "Requests that were shed, by lane");
    describe_gauge!("scheduler_gate_limit", "Submits that are let in together now, a batch counting by its size");
    missions::describe();
    describe_gauge!("scheduler_pool_sessions", "Live sessions of a pool, as last published");
    describe_gauge!("scheduler_pool_slots", "Slots of a pool's live sessions, as last published");
    describe_gauge!("scheduler_pool_unmet", "Missions refused only for want of a live session, by pool");
    describe_gauge!("scheduler_topology_version", "Version of the topology in force here");
    describe_gauge!("scheduler_view_age_seconds", Unit::Seconds, "Age of a part of what this scheduler knows");
}

/// Brings the figures up to date that are read and not counted.
pub(crate) fn observe_gauges(app: &App) {
    let view = app.views.current();
    metrics::gauge!("scheduler_topology_version").set(count(view.topology_version));
    observe_missions(&app.views);
    metrics::gauge!("scheduler_gate_limit").set(app.gate.limit());
    let ages = app.views.ages();
    metrics::gauge!("scheduler_view_age_seconds", "part" => "topology").set(ages.topology.as_secs_f64());
    metrics::gauge!("scheduler_view_age_seconds", "part" => "regions").set(ages.regions.as_secs_f64());
    for (region, age) in &ages.loads {
        metrics::gauge!("scheduler_view_age_seconds", "part" => format!("loads {region}")).set(age.as_secs_f64());
    }
}

/// A count as a gauge takes it; exact far beyond any count of missions.
#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
fn count(value: i64) -> f64 {
    value as f64
}
