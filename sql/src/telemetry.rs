//! The crate's metrics, in one place. They go to whatever recorder the program has installed.

/// Tells the recorder what each metric means.
pub(crate) fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_histogram!("sql_statement_seconds", "Time of a statement with its retries, by statement.");
    describe_counter!("sql_retries_total", "Tries after the first one, by statement or transaction.");
    describe_counter!("sql_failovers_total", "Calls that moved on to another gateway, by the gateway they left.");
    describe_counter!("sql_gateway_calls_total", "Tries, by gateway.");
    describe_counter!("sql_gateway_failures_total", "Tries that the gateway is to blame for, by gateway.");
    describe_counter!("sql_errors_total", "Failed calls, by statement and class.");
    describe_gauge!("sql_breaker_state", "0 closed, 1 half open, 2 open, by gateway.");
    describe_counter!("sql_breaker_changes_total", "Changes of a breaker, by gateway and new state.");
    describe_counter!("sql_breaker_probes_total", "Probes let through a half-open breaker, by gateway.");
    describe_counter!("sql_breaker_rejected_total", "Calls that a breaker kept away, by gateway.");
    describe_counter!("sql_connections_retired_total", "Connections closed because their lifetime was over.");
}
