//! Logs, spans and metrics of the process.

use std::io::IsTerminal as _;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::runtime::Tokio;
use opentelemetry_sdk::trace::SdkTracerProvider;
use opentelemetry_sdk::trace::span_processor_with_async_runtime::BatchSpanProcessor;
use sql::BreakerState;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use crate::state::App;

/// Upper bounds of latency buckets, in seconds: fine around the targets of DESIGN section 7.
const SECONDS: [f64; 16] =
    [0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.035, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0];

/// How logs look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

/// Flushes spans when it is dropped or stopped.
#[derive(Debug)]
pub struct Telemetry {
    spans: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Sends the spans that are left.
    pub fn stop(self) {
        if let Some(Err(error)) = self.spans.map(|provider| provider.shutdown()) {
            tracing::debug!(error = &error as &dyn std::error::Error, "spans were lost at the end");
        }
    }
}

/// Starts logs on standard error, by `RUST_LOG` (default `info`), and span export where `OTEL_EXPORTER_OTLP_ENDPOINT`
/// or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` asks for it. The other `OTEL_*` variables hold as the standard says.
///
/// # Errors
/// The exporter's variables cannot be used.
pub fn start(service: &'static str, format: LogFormat) -> anyhow::Result<Telemetry> {
    let spans = if exports_spans() { Some(exporter(service)?) } else { None };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let exported = spans.as_ref().map(|provider| {
        // Spans are taken from `info` on whatever the log says.
        tracing_opentelemetry::layer().with_tracer(provider.tracer(service)).with_filter(EnvFilter::new("info"))
    });
    tracing_subscriber::registry().with(exported).with(lines.with_filter(filter)).try_init()?;
    Ok(Telemetry { spans })
}

fn exports_spans() -> bool {
    let off = std::env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true"))
        || std::env::var("OTEL_TRACES_EXPORTER").is_ok_and(|value| value == "none");
    let asked = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]
        .iter()
        .any(|name| std::env::var(name).is_ok_and(|value| !value.is_empty()));
    asked && !off
}

fn exporter(service: &'static str) -> anyhow::Result<SdkTracerProvider> {
    let exporter = SpanExporter::builder().with_http().build()?;
    let batches = BatchSpanProcessor::builder(exporter, Tokio).build();
    // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win over the name given here.
    let named = std::env::var("OTEL_SERVICE_NAME").is_ok();
    let resource = Resource::builder();
    let resource = if named { resource } else { resource.with_service_name(service) };
    Ok(SdkTracerProvider::builder().with_span_processor(batches).with_resource(resource.build()).build())
}

/// The process's metrics. The first call makes them.
///
/// # Panics
/// Another recorder was installed before.
pub fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let handle = PrometheusBuilder::new()
                .set_buckets(&SECONDS)
                .expect("the list of buckets is not empty")
                .install_recorder()
                .expect("no other recorder is installed");
            describe();
            handle
        })
        .clone()
}

fn describe() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

    describe_counter!("scheduler_http_requests_total", "Requests by method, route and status");
    describe_histogram!("scheduler_http_request_seconds", Unit::Seconds, "Time from request to answer, by route");
    describe_counter!("scheduler_shed_total", "Requests that were shed, by lane");
    describe_gauge!("scheduler_gate_limit", "Submits that are let in together now, a batch counting by its size");
    describe_gauge!("scheduler_pool_missions", "Missions of a pool by state (queued, leased), as last published");
    describe_gauge!("scheduler_pool_sessions", "Live sessions of a pool, as last published");
    describe_gauge!("scheduler_pool_slots", "Slots of a pool's live sessions, as last published");
    describe_gauge!("scheduler_pool_unmet", "Missions refused only for want of a live session, by pool");
    describe_gauge!("scheduler_topology_version", "Version of the topology in force here");
    describe_gauge!("scheduler_view_age_seconds", Unit::Seconds, "Age of a part of what this scheduler knows");
    describe_gauge!("scheduler_gateway_breaker", "Breaker of a gateway: 0 closed, 1 half open, 2 open");
}

/// Brings the figures up to date that are read and not counted.
pub(crate) fn observe_gauges(app: &App) {
    let view = app.views.current();
    metrics::gauge!("scheduler_topology_version").set(count(view.topology_version));
    for (pool, load) in view.loads.iter() {
        let labels = [("region", pool.region.to_string()), ("specialization", pool.specialization.to_string())];
        metrics::gauge!("scheduler_pool_sessions", &labels).set(count(load.sessions));
        metrics::gauge!("scheduler_pool_slots", &labels).set(count(load.slots));
        metrics::gauge!("scheduler_pool_unmet", &labels).set(count(load.unmet));
        for (state, missions) in [("queued", load.queued), ("leased", load.leased)] {
            let [region, specialization] = labels.clone();
            metrics::gauge!("scheduler_pool_missions", &[region, specialization, ("state", state.to_owned())])
                .set(count(missions));
        }
    }
    metrics::gauge!("scheduler_gate_limit").set(app.gate.limit());
    let ages = app.views.ages();
    metrics::gauge!("scheduler_view_age_seconds", "part" => "topology").set(ages.topology.as_secs_f64());
    metrics::gauge!("scheduler_view_age_seconds", "part" => "regions").set(ages.regions.as_secs_f64());
    for (region, age) in &ages.loads {
        metrics::gauge!("scheduler_view_age_seconds", "part" => format!("loads {region}")).set(age.as_secs_f64());
    }
    for gateway in app.gateways.health() {
        let state = match gateway.breaker {
            BreakerState::Closed => 0.0,
            BreakerState::HalfOpen => 1.0,
            BreakerState::Open => 2.0,
        };
        metrics::gauge!("scheduler_gateway_breaker", "gateway" => gateway.name).set(state);
    }
}

/// A count as a gauge takes it; exact far beyond any count of missions.
#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
fn count(value: i64) -> f64 {
    value as f64
}
