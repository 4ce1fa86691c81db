//! The agent: a session after the other, until it is told to drain.
//!
//! | module | what |
//! | --- | --- |
//! | `session` | one session: heartbeats, what their answers take away, the fence |
//! | `drain` | its end on a wish |
//! | `claims` | long polls for free slots |
//! | `work` | one mission from its grant to its accepted result |
//! | `outbox` | results on their way to a scheduler |
//! | `offer` | which pools it offers, and with how many slots |

mod claims;
mod drain;
mod offer;
mod outbox;
mod recall;
mod session;
mod status;
mod work;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scheduler_client::{Client, Limits};
use tokio::sync::watch;
use topology::Specialization;

use crate::clock::Clock;
use crate::config::{Config, RunnerSettings};
use crate::history::History;
use crate::runner::{Command, Http, Ledger, Runner, Simulated};
use crate::spool::{self, Spool};

pub use status::Status;

/// How long an agent that ends waits for its last results to be accepted; what is left stays on disk.
const LAST_RESULTS: Duration = Duration::from_secs(5);

/// What the agent is told from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wish {
    /// Work.
    Run,
    /// Take nothing new, finish within the grace or hand back, then end.
    Drain,
    /// Hand back at once, then end.
    Leave,
}

/// Why an agent cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The addresses or the token make no client.
    #[error("no client of the schedulers")]
    Client(#[source] scheduler_client::Error),
    /// The spool folder.
    #[error("results cannot be kept")]
    Spool(#[source] spool::Error),
    /// The ledger or the history.
    #[error("the record {} cannot be opened", path.display())]
    Record {
        /// Where.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A runner.
    #[error("a runner cannot be made")]
    Runner(#[source] reqwest::Error),
    /// The spool's left-overs of runners.
    #[error("the work folder {} cannot be emptied", path.display())]
    Work {
        /// Where.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// One agent process.
#[derive(Clone)]
pub struct Agent(Arc<Inner>);

struct Inner {
    config: Config,
    client: Client,
    clock: Clock,
    runner: Runner,
    runners: BTreeMap<Specialization, Runner>,
    spool: Spool,
    outbox: outbox::Line,
    history: Option<History>,
    status: Mutex<Status>,
}

impl Agent {
    /// Makes an agent, and delivers in the background what an earlier one left in the spool.
    ///
    /// # Errors
    /// [`Error`].
    pub fn new(config: Config, clock: Clock) -> Result<Self, Error> {
        let token = config.token.as_ref().map(|token| token.0.clone());
        let client = Client::new(&scheduler_client::Config::new(config.schedulers.clone()).token(token))
            .map_err(Error::Client)?;
        let (spool, left) = Spool::open(&config.spool).map_err(Error::Spool)?;
        let ledger = open(config.ledger.as_deref(), Ledger::open)?.map(Arc::new);
        let history = open(config.history.as_deref(), History::open)?;
        let runner = make(&config.runner, ledger.as_ref())?;
        let own = config.runners.iter().map(|(name, own)| Ok((name.clone(), make(own, ledger.as_ref())?)));
        let runners = own.collect::<Result<_, Error>>()?;
        empty_work(&config)?;
        let status = Mutex::new(Status::new(&config));
        let agent = Self(Arc::new(Inner {
            config,
            client,
            clock,
            runner,
            runners,
            spool,
            outbox: outbox::Line::default(),
            history,
            status,
        }));
        if !left.is_empty() {
            tracing::info!(results = left.len(), "an earlier agent left finished results: delivering them");
        }
        for finished in left {
            let agent = agent.clone();
            tokio::spawn(async move { agent.deliver(finished).await });
        }
        Ok(agent)
    }

    /// Works until `wish` says otherwise and the drain is over.
    pub async fn run(&self, mut wish: watch::Receiver<Wish>) {
        loop {
            let session = tokio::select! {
                session = self.register() => session,
                // Without a session there is nothing to hand back.
                _ = wish.wait_for(|wish| *wish > Wish::Run) => break,
            };
            match session.serve(&mut wish).await {
                session::Over::Ended => tracing::warn!("the session has ended: registering anew"),
                session::Over::Drained => break,
            }
        }
        self.update(|status| status.session = None);
        let waited = tokio::time::timeout(LAST_RESULTS, async {
            while self.0.spool.holds_any() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        if waited.await.is_err() {
            tracing::warn!("finished results stay on disk for the next agent");
        }
    }

    /// How the agent is.
    #[must_use]
    pub fn status(&self) -> Status {
        self.0.status.lock().expect("no holder of this lock panics").clone()
    }

    fn update(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.0.status.lock().expect("no holder of this lock panics"));
    }

    fn config(&self) -> &Config {
        &self.0.config
    }

    fn runner(&self, specialization: &Specialization) -> &Runner {
        self.0.runners.get(specialization).unwrap_or(&self.0.runner)
    }

    /// A client that gives up soon: for what is worthless later, such as progress and hand-backs.
    fn brief(&self, overall: Duration) -> Client {
        let attempt = overall / 2;
        self.0.client.with_limits(Limits { attempt, overall, tries: 4, ..self.0.client.limits() })
    }
}

/// Opens a record that is asked for.
fn open<T>(path: Option<&Path>, open: impl Fn(&Path) -> std::io::Result<T>) -> Result<Option<T>, Error> {
    path.map(|path| open(path).map_err(|source| Error::Record { path: path.to_owned(), source })).transpose()
}

fn make(settings: &RunnerSettings, ledger: Option<&Arc<Ledger>>) -> Result<Runner, Error> {
    Ok(match settings {
        RunnerSettings::Command(settings) => Runner::Command(Command::new(settings.clone())),
        RunnerSettings::Http(settings) => Runner::Http(Http::new(settings.clone()).map_err(Error::Runner)?),
        RunnerSettings::Simulated(settings) => Runner::Simulated(Simulated::new(*settings, ledger.cloned())),
    })
}

/// Removes the folders that runs of a killed agent left behind, and nothing else that the work folder may hold.
/// Nobody else uses them: the spool is locked.
fn empty_work(config: &Config) -> Result<(), Error> {
    for settings in std::iter::once(&config.runner).chain(config.runners.values()) {
        let RunnerSettings::Command(settings) = settings else { continue };
        Command::remove_left_overs(&settings.work)
            .map_err(|source| Error::Work { path: settings.work.clone(), source })?;
    }
    Ok(())
}
