//! `scheduler serve`: starts everything in order, and ends it in the opposite order.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use backoff::backoff::Backoff as _;
use sql::{Gateways, Lane};
use telemetry::LogFormat;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use topology::SchedulerId;
use topology::world::World;

use super::{Signals, Stop};
use crate::config::{Config, Settings};
use crate::control::Control;
use crate::engine::Engine;
use crate::figures;
use crate::http::{self, Gate, Server};
use crate::loops::{self, Loops};
use crate::memory::Memory;
use crate::state::{App, Parts};
use crate::view::{self, Views};

/// How long the database may take to answer at the start.
const DATABASE_PATIENCE: Duration = Duration::from_secs(60);

/// Between two sweeps of the metrics' buffers.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

/// Submits that are always let in together, however slow they are.
const GATE_LOWEST: usize = 96;

/// `scheduler serve`
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    settings: Settings,
    /// TOML file with the same names as these flags
    #[arg(long, env = "MERIDIAN_CONFIG")]
    config: Option<PathBuf>,
    /// End when standard input ends: for a parent that may die
    #[arg(long, hide = true)]
    stop_on_eof: bool,
}

pub(super) async fn run(args: Args, log_format: LogFormat) -> anyhow::Result<()> {
    let file = args.config.as_deref().map(Settings::read).transpose()?.unwrap_or_default();
    let config = args.settings.or(file).resolve(std::env::var("DATABASE_URL").ok())?;
    let telemetry = telemetry::start("scheduler", log_format)?;
    crate::planted::warn();
    let asked = stop_asked(args.stop_on_eof)?;
    let running = tokio::select! {
        started = Running::start(&config) => started?,
        why = asked.cancelled() => {
            let () = why;
            return Ok(());
        }
    };
    tracing::info!(address = %running.server.address, region = %config.region, dev = config.dev, "serving");
    asked.cancelled().await;
    tracing::info!(grace_s = config.grace.as_secs(), "stopping");
    running.stop(config.grace).await;
    telemetry.stop();
    Ok(())
}

/// Cancelled by SIGTERM, Ctrl-C, or the end of standard input.
fn stop_asked(on_eof: bool) -> anyhow::Result<CancellationToken> {
    let asked = CancellationToken::new();
    let mut signals = Signals::listen()?;
    let on_signal = asked.clone();
    tokio::spawn(async move {
        signals.asked().await;
        on_signal.cancel();
    });
    if on_eof {
        let on_end = asked.clone();
        tokio::spawn(async move {
            let mut input = tokio::io::stdin();
            let mut ignored = [0; 64];
            while matches!(input.read(&mut ignored).await, Ok(1..)) {}
            on_end.cancel();
        });
    }
    Ok(asked)
}

/// Everything that runs.
struct Running {
    server: Server,
    loops: Loops,
    gateways: Gateways,
    upkeep: tokio::task::JoinHandle<()>,
}

impl Running {
    async fn start(config: &Config) -> anyhow::Result<Self> {
        let listener = bind(config).await?;
        let metrics = figures::metrics();
        let world = read_world(config)?;
        let id = SchedulerId::random();
        let gateways = connect(config).await?;
        sql::migrate::check(&gateways.lane(Lane::Upkeep)).await.context("run `scheduler migrate` first")?;
        let view = view::Config {
            gateways: gateways.clone(),
            region: config.region.clone(),
            id,
            world,
            keys_kept: config.retention.keys,
        };
        let views = Arc::new(Views::start(view).await.context("the database has no topology that can be used")?);
        if views.current().topology.region(&config.region).is_none() {
            tracing::warn!(region = %config.region, "the topology in force has no such region");
        }
        let stopping = CancellationToken::new();
        let engine =
            Engine::new(&gateways, Arc::clone(&views), id, config.region.clone(), config.max_open, stopping.clone());
        let (patient, brief) = config.embeddings.embedders(&config.embeddings_may_see)?;
        let memory = Memory::new(
            gateways.lane(Lane::Submit),
            config.region.clone(),
            Arc::clone(&views),
            brief,
            config.memory_holdout.clone(),
            ::memory::recall::Settings { others: config.memory_homes, ..Default::default() },
        );
        let control = Control::new(gateways.clone(), Arc::clone(&views), id);
        let address = listener.local_addr()?;
        tokio::spawn(engine.clone().send_hints(id, config.peer_token.clone()));
        let waker = engine.clone();
        let loops = loops::spawn(loops::Deps {
            id,
            region: config.region.clone(),
            address: config.advertise.clone().unwrap_or_else(|| format!("http://{address}")),
            gateways: gateways.clone(),
            views: Arc::clone(&views),
            retention: config.retention,
            wake: Arc::new(move |pools| waker.wake(pools)),
            index: Some(::memory::work::indexer(patient, ::memory::text::terms)),
        });
        let upkeep = metrics.clone();
        let app = App::new(Parts {
            engine,
            control,
            memory,
            views,
            gateways: gateways.clone(),
            region: config.region.clone(),
            dev: config.dev,
            limits: config.limits,
            gate: Gate::new(GATE_LOWEST, config.limits.submits),
            metrics,
            streams: Arc::new(Semaphore::new(config.limits.streams)),
            stopping,
        });
        let server = http::serve(listener, app)?;
        let upkeep = tokio::spawn(async move {
            let mut tick = tokio::time::interval(METRICS_UPKEEP);
            loop {
                tick.tick().await;
                upkeep.run_upkeep();
            }
        });
        Ok(Self { server, loops, gateways, upkeep })
    }

    /// Stops accepting, drains, stops the loops, closes the pools: each within the bound.
    async fn stop(self, bound: Duration) {
        self.server.stop(bound).await;
        self.loops.stop(bound).await;
        self.upkeep.abort();
        if tokio::time::timeout(bound, self.gateways.close()).await.is_err() {
            tracing::warn!("database connections were still open at the end");
        }
    }
}

async fn bind(config: &Config) -> anyhow::Result<TcpListener> {
    match TcpListener::bind(config.listen).await {
        Ok(listener) => Ok(listener),
        Err(error) => {
            let taken = crate::dev::taken(&[config.listen]);
            let why = taken.into_iter().next().unwrap_or_else(|| error.to_string());
            Err(Stop::refused(format!("cannot listen on {}: {why}", config.listen)).into())
        }
    }
}

fn read_world(config: &Config) -> anyhow::Result<Option<Arc<World>>> {
    let Some(path) = &config.world else { return Ok(None) };
    let read = |path: &PathBuf| {
        std::fs::read_to_string(path).map_err(|error| Stop::usage(format!("cannot read {}: {error}", path.display())))
    };
    let world = read(path)?;
    let knowledge = config.knowledge.as_ref().map(read).transpose()?;
    let world = World::read(&world, knowledge.as_deref()).with_context(|| format!("{}", path.display()))?;
    Ok(Some(Arc::new(world)))
}

/// The gateways, as soon as one answers.
async fn connect(config: &Config) -> anyhow::Result<Gateways> {
    let mut pause = backoff::ExponentialBackoffBuilder::new()
        .with_initial_interval(Duration::from_millis(50))
        .with_max_interval(Duration::from_secs(2))
        .with_max_elapsed_time(Some(DATABASE_PATIENCE))
        .build();
    loop {
        let mut settings = sql::Config::from_urls(&config.databases).map_err(|e| Stop::usage(e.to_string()))?;
        settings = settings.call_timeout(config.statement_timeout);
        settings.application = format!("meridian scheduler {}", config.region);
        for lane in [&mut settings.lease, &mut settings.claim, &mut settings.submit] {
            lane.connections = config.connections;
        }
        let error = match Gateways::connect(settings).await {
            Ok(gateways) => return Ok(gateways),
            Err(error @ sql::Error::Permanent(_)) => return Err(error).context("the database refuses this program"),
            Err(error) => error,
        };
        let Some(rest) = pause.next_backoff() else { return Err(error).context("the database does not answer") };
        tracing::warn!(error = &error as &dyn std::error::Error, "waiting for the database");
        tokio::time::sleep(rest).await;
    }
}
