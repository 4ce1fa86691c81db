//! The simulated agent behind the region-agents' HTTP runner. It knows what is behind each mission, as a person who reads
//! code would find out, and of what it is shown only whether that is the same. It never looks at a score.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::post;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;

/// Of the usual time, where something that is shown is about the same cause ...
const RIGHT: f64 = 0.6;
/// ... and where all that is shown is about others.
const WRONG: f64 = 1.3;

/// What a mission is about, and how long it usually takes.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) cause: usize,
    pub(crate) solution: String,
    pub(crate) work: Duration,
}

/// What came of a mission.
#[derive(Debug, Clone)]
pub(crate) struct Worked {
    pub(crate) number: usize,
    pub(crate) mission: Uuid,
    pub(crate) region: String,
    pub(crate) specialization: String,
    /// Causes of what it was shown, the first first.
    pub(crate) shown: Vec<usize>,
    /// Cause of the solution that was offered at once.
    pub(crate) offered: Option<usize>,
    pub(crate) took: Duration,
    pub(crate) ended: Instant,
}

struct Shared {
    tasks: Vec<Task>,
    /// Shows each mission what has nothing to do with it: memories of any missions before.
    shuffled: bool,
    /// Causes of missions, which are those of their memories.
    causes: Mutex<HashMap<Uuid, usize>>,
    random: Mutex<StdRng>,
    done: mpsc::UnboundedSender<Worked>,
}

/// Serves the agent on loopback, and says where.
pub(crate) async fn serve(
    tasks: Vec<Task>,
    shuffled: bool,
    seed: u64,
) -> anyhow::Result<(String, mpsc::UnboundedReceiver<Worked>)> {
    let (done, worked) = mpsc::unbounded_channel();
    let random = Mutex::new(StdRng::seed_from_u64(seed));
    let shared = Arc::new(Shared { tasks, shuffled, causes: Mutex::default(), random, done });
    let routes = Router::new().route("/", post(work)).layer(DefaultBodyLimit::max(1 << 20)).with_state(shared);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok((url, worked))
}

async fn work(State(shared): State<Arc<Shared>>, axum::Json(input): axum::Json<Value>) -> axum::Json<Value> {
    let began = Instant::now();
    let number = input["payload"]["number"].as_u64().expect("every mission has its number") as usize;
    let mission = id(&input["mission"]).expect("a mission has an id");
    let task = shared.tasks[number].clone();
    let ids: Vec<Uuid> =
        input["memory"]["hits"].as_array().into_iter().flatten().filter_map(|hit| id(&hit["id"])).collect();
    let shown = shared.shown(&ids);
    let used: Vec<Uuid> =
        ids.iter().zip(&shown).filter(|(_, cause)| **cause == task.cause).map(|(id, _)| *id).collect();
    let factor = match shown.is_empty() {
        true => 1.0,
        false if shown.contains(&task.cause) => RIGHT,
        false => WRONG,
    };
    let offered = id(&input["memory"]["proven"]["memory"]).map(|id| shared.cause(id));
    tokio::time::sleep(task.work.mul_f64(factor)).await;
    lock(&shared.causes).insert(mission, task.cause);
    let text = |key: &str| input[key].as_str().unwrap_or_default().to_owned();
    let worked = Worked {
        number,
        mission,
        region: text("region"),
        specialization: text("specialization"),
        shown,
        offered,
        took: began.elapsed(),
        ended: Instant::now(),
    };
    // Nobody listens any more once the run is over.
    let _ = shared.done.send(worked);
    axum::Json(json!({ "memory": { "solution": task.solution, "used": used } }))
}

impl Shared {
    /// The causes of what a mission is shown; in the control those of any earlier missions, as many.
    fn shown(&self, ids: &[Uuid]) -> Vec<usize> {
        if !self.shuffled {
            return ids.iter().map(|id| self.cause(*id)).collect();
        }
        let causes = lock(&self.causes);
        let mut all: Vec<(&Uuid, &usize)> = causes.iter().collect();
        all.sort_unstable();
        let mut random = lock(&self.random);
        ids.iter().map(|_| *all[random.random_range(0..all.len())].1).collect()
    }

    fn cause(&self, memory: Uuid) -> usize {
        *lock(&self.causes).get(&memory).expect("a memory is of a mission that ended")
    }
}

fn id(value: &Value) -> Option<Uuid> {
    value.as_str().and_then(|text| text.parse().ok())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
