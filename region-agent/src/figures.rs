//! What the process counts and measures.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Upper bounds of buckets in seconds: heartbeats take milliseconds, runs up to half an hour.
const SECONDS: [f64; 12] = [0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1_800.0];

/// The process's metrics. The first call makes them.
///
/// # Panics
/// Another recorder was installed before.
pub(crate) fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let builder = PrometheusBuilder::new().set_buckets(&SECONDS).expect("the list of buckets is not empty");
            let handle = builder.install_recorder().expect("no other recorder is installed");
            describe();
            handle
        })
        .clone()
}

fn describe() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

    describe_gauge!("region_agent_held", "Missions that the session holds");
    describe_counter!("region_agent_results_total", "Results by what became of them (succeeded, failed, refused)");
    describe_counter!("region_agent_unstarted_total", "Grants that were handed back unstarted, by reason");
    describe_counter!("region_agent_fences_total", "Times that runners were stopped for want of a heartbeat's answer");
    describe_counter!("region_agent_heartbeats_unanswered_total", "Heartbeats without an answer");
    describe_histogram!("region_agent_heartbeat_seconds", Unit::Seconds, "Time from heartbeat to answer");
    describe_histogram!("region_agent_run_seconds", Unit::Seconds, "Time that runners took, by how they ended");
}
