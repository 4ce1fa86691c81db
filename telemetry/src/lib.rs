#![doc = include_str!("../README.md")]

mod context;
mod spans;

use std::io::IsTerminal as _;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

pub use context::{continue_trace, traceparent};

/// How logs look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

/// Why there are no logs or spans.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The exporter's variables cannot be used.
    #[error("spans cannot be exported")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// Logs were started before.
    #[error("logs are started already")]
    Started(#[from] tracing_subscriber::util::TryInitError),
}

/// The process's logs and spans; [`Telemetry::stop`] ends them.
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
/// `service` is the name that collectors see unless `OTEL_SERVICE_NAME` gives another. Needs a tokio runtime.
///
/// # Errors
/// See [`Error`].
pub fn start(service: &'static str, format: LogFormat) -> Result<Telemetry, Error> {
    let spans = spans::exporter(service)?;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
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
