//! Logs, spans and metrics of the process.

use std::io::IsTerminal;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::runtime::Tokio;
use opentelemetry_sdk::trace::SdkTracerProvider;
use opentelemetry_sdk::trace::span_processor_with_async_runtime::BatchSpanProcessor;
use scheduler_client::wire::Grant;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

/// Upper bounds of buckets in seconds: heartbeats take milliseconds, runs up to half an hour.
const SECONDS: [f64; 12] = [0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1_800.0];

/// How logs look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

/// Sends the spans that are left when it is stopped.
#[derive(Debug)]
pub struct Telemetry(Option<SdkTracerProvider>);

impl Telemetry {
    /// Sends the spans that are left.
    pub fn stop(self) {
        if let Some(Err(error)) = self.0.map(|provider| provider.shutdown()) {
            tracing::debug!(error = &error as &dyn std::error::Error, "spans were lost at the end");
        }
    }
}

/// Starts logs on standard error, by `RUST_LOG` (default `info`), and span export where the standard `OTEL_*`
/// variables name an endpoint.
///
/// # Errors
/// The exporter's variables cannot be used, or logs were started before.
pub fn start(format: LogFormat) -> anyhow::Result<Telemetry> {
    const SERVICE: &str = "region-agent";
    let spans = if exports_spans() { Some(exporter(SERVICE)?) } else { None };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_ansi(colours).with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let exported = spans.as_ref().map(|provider| {
        tracing_opentelemetry::layer().with_tracer(provider.tracer(SERVICE)).with_filter(EnvFilter::new("info"))
    });
    tracing_subscriber::registry().with(exported).with(lines.with_filter(filter)).try_init()?;
    Ok(Telemetry(spans))
}

fn exports_spans() -> bool {
    let is = |name: &str, wanted: &str| std::env::var(name).is_ok_and(|value| value.eq_ignore_ascii_case(wanted));
    let asked = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]
        .iter()
        .any(|name| std::env::var(name).is_ok_and(|value| !value.is_empty()));
    asked && !is("OTEL_SDK_DISABLED", "true") && !is("OTEL_TRACES_EXPORTER", "none")
}

fn exporter(service: &'static str) -> anyhow::Result<SdkTracerProvider> {
    let exporter = SpanExporter::builder().with_http().build()?;
    let batches = BatchSpanProcessor::builder(exporter, Tokio).build();
    let resource = Resource::builder();
    let named = std::env::var("OTEL_SERVICE_NAME").is_ok();
    let resource = if named { resource } else { resource.with_service_name(service) };
    Ok(SdkTracerProvider::builder().with_span_processor(batches).with_resource(resource.build()).build())
}

/// The span of one mission, below the span of its submit.
pub(crate) fn mission_span(grant: &Grant) -> Span {
    let span = tracing::info_span!("mission", mission = %grant.mission, epoch = %grant.epoch);
    if let Some(traceparent) = &grant.traceparent {
        let carrier = std::collections::HashMap::from([("traceparent".to_owned(), traceparent.clone())]);
        // Without an exporter there is nothing to attach to.
        let _ = span.set_parent(TraceContextPropagator::new().extract(&carrier));
    }
    span
}

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
