//! Submits missions at a rate, from clients near every region, and writes down what was asked and answered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use scheduler_client::wire::{Origin, SubmitMission};
use scheduler_client::{Client, Config, Limits};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use topology::RegionName;

use super::edge::Order;
use super::shape::Shape;
use crate::drill::Load;
use crate::facts::{Facts, Life};
use crate::load::{Submits, now_us};

/// A client gives a scheduler that does not answer so long before it asks the next.
const LIMITS: Limits = Limits {
    attempt: Duration::from_secs(2),
    overall: Duration::from_secs(20),
    tries: 12,
    pause: Duration::from_millis(50),
    pause_max: Duration::from_secs(1),
};

/// Missions a second are not waited for longer than this at the end.
const LAST_ANSWERS: Duration = Duration::from_secs(25);

/// What is known, shared by whoever sees something.
pub(crate) type SharedFacts = Arc<Mutex<Facts>>;

/// Locks what is known.
pub(crate) fn lock(facts: &SharedFacts) -> MutexGuard<'_, Facts> {
    facts.lock().expect("no holder of this lock panics")
}

/// What the load needs of its world.
pub(crate) struct Setting {
    /// Name of the run; starts every key.
    pub(crate) run: String,
    /// What missions the world can have.
    pub(crate) shape: Shape,
    /// The load of the file.
    pub(crate) load: Load,
    /// Schedulers as clients see them.
    pub(crate) addresses: BTreeMap<RegionName, String>,
    /// Whose bearer token clients have, where schedulers want one.
    pub(crate) token: Option<String>,
    /// In which order they are tried.
    pub(crate) order: watch::Receiver<Order>,
    /// The history of submits.
    pub(crate) submits: Submits,
    /// What is known.
    pub(crate) facts: SharedFacts,
}

/// The running load.
#[derive(Debug)]
pub(crate) struct Running {
    per_second: watch::Sender<f64>,
    submitting: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    /// Starts to submit.
    pub(crate) fn start(setting: Setting) -> Self {
        let (per_second, rate) = watch::channel(setting.load.per_second);
        Self { per_second, submitting: tokio::spawn(submit(setting, rate)) }
    }

    /// Submits at another rate from now on.
    pub(crate) fn set_rate(&self, per_second: f64) {
        self.per_second.send_replace(per_second);
    }

    /// Submits nothing more, and waits for the last answers.
    ///
    /// # Errors
    /// Where the history could not be written.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        drop(self.per_second);
        self.submitting.await?
    }
}

async fn submit(setting: Setting, mut rate: watch::Receiver<f64>) -> anyhow::Result<()> {
    let setting = Arc::new(setting);
    let mut drawn = Drawn::new(&setting);
    let mut clients = Clients::default();
    let mut under_way: JoinSet<anyhow::Result<()>> = JoinSet::new();
    let mut due = Instant::now();
    loop {
        let per_second = *rate.borrow_and_update();
        due += Duration::from_secs_f64(1.0 / per_second.max(0.1));
        tokio::select! {
            () = tokio::time::sleep_until(due) => {}
            changed = rate.changed() => match changed {
                Ok(()) => { due = Instant::now(); continue }
                Err(_) => break,
            },
        }
        let ask = drawn.next(&setting);
        let client = clients.of(&setting, &ask.entry)?;
        let setting = Arc::clone(&setting);
        under_way.spawn(async move { ask.carry_out(&setting, &client).await });
        while let Some(done) = under_way.try_join_next() {
            done.expect("a submit does not panic")?;
        }
    }
    let rest = async {
        while let Some(done) = under_way.join_next().await {
            done.expect("a submit does not panic")?;
        }
        anyhow::Ok(())
    };
    // What is not answered by then stays without an end in the history: nobody knows.
    tokio::time::timeout(LAST_ANSWERS, rest).await.unwrap_or(Ok(()))
}

/// Clients by the order in which they try the regions.
#[derive(Default)]
struct Clients(BTreeMap<Vec<RegionName>, Client>);

impl Clients {
    fn of(&mut self, setting: &Setting, entry: &RegionName) -> anyhow::Result<Client> {
        let order = setting.order.borrow()[entry].clone();
        if let Some(client) = self.0.get(&order) {
            return Ok(client.clone());
        }
        let urls: Vec<String> = order.iter().filter_map(|region| setting.addresses.get(region).cloned()).collect();
        let client = Client::new(&Config::new(urls).token(setting.token.clone()).limits(LIMITS))?;
        self.0.insert(order, client.clone());
        Ok(client)
    }
}

/// Draws missions from the seed.
struct Drawn {
    rng: StdRng,
    regions: Vec<RegionName>,
    count: u64,
}

/// One submit.
struct Ask {
    entry: RegionName,
    mission: SubmitMission,
    allowed: Vec<String>,
}

impl Drawn {
    fn new(setting: &Setting) -> Self {
        let regions = setting.shape.places.keys().cloned().collect();
        Self { rng: StdRng::seed_from_u64(setting.load.seed), regions, count: 0 }
    }

    /// The next mission: regions in turn, so that the load is even; everything else is drawn.
    fn next(&mut self, setting: &Setting) -> Ask {
        let Setting { run, shape, load, .. } = setting;
        let entry = self.regions[(self.count % self.regions.len() as u64) as usize].clone();
        self.count += 1;
        let key = format!("{run}-{}", self.count);
        let bound = self.rng.random_bool(load.residency_share.clamp(0.0, 1.0));
        let priority = load.priorities[self.rng.random_range(0..load.priorities.len())];
        let kind = shape.kind_of(self.rng.random_range(0..shape.slots()));
        let rule = (bound && !kind.rules.is_empty())
            .then(|| kind.rules[self.rng.random_range(0..kind.rules.len())].to_string());
        let allowed = rule.as_deref().map(|rule| shape.allowed(rule)).unwrap_or_default();
        let mission = SubmitMission {
            origin: Some(Origin::At(shape.places[&entry])),
            residency: rule,
            priority,
            idempotency_key: Some(key),
            drill: Some(run.clone()),
            ..mission(kind.name.as_str())
        };
        Ask { entry, mission, allowed }
    }
}

fn mission(specialization: &str) -> SubmitMission {
    let body = json!({ "specialization": specialization, "title": "a drill's", "payload": {} });
    serde_json::from_value(body).expect("a mission needs no more than this")
}

impl Ask {
    async fn carry_out(self, setting: &Setting, client: &Client) -> anyhow::Result<()> {
        let life = lock(&setting.facts).submitted(Life {
            invoked_us: now_us(),
            entry: self.entry.to_string(),
            answered: None,
            priority: self.mission.priority,
            specialization: self.mission.specialization.clone(),
            allowed: self.allowed,
            first_region: None,
            runs: Vec::new(),
        });
        match setting.submits.submit(client, self.mission).await? {
            Ok(mission) => {
                let region = mission.pool.map(|pool| pool.region.to_string());
                lock(&setting.facts).accepted(life, now_us(), mission.id, region);
            }
            Err(_) => lock(&setting.facts).refused(life, now_us()),
        }
        Ok(())
    }
}
