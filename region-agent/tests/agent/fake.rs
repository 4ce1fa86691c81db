//! A scheduler in memory: one pool's worth of sessions, leases and results, with switches for what goes wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use scheduler_client::wire::{Claim, Grant, Heartbeat, LeaseName, MissionResult, Problem, RegisterSession, Results};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use topology::{Epoch, MissionId, SessionId};

/// The clocks of every session here.
pub(crate) const TTL: Duration = Duration::from_millis(1_500);
pub(crate) const HEARTBEAT: Duration = Duration::from_millis(150);
const MARGIN: Duration = Duration::from_millis(300);

/// What an agent said about a mission.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    pub(crate) mission: MissionId,
    pub(crate) epoch: i64,
    pub(crate) session: SessionId,
    pub(crate) verb: String,
    pub(crate) body: Value,
    /// Whether the lease was still the speaker's.
    pub(crate) accepted: bool,
}

/// A mission that waits.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub(crate) mission: MissionId,
    pub(crate) pool: String,
    pub(crate) payload: Value,
    pub(crate) run_limit_ms: i64,
    pub(crate) alone: bool,
    /// The grant says a number so much lower than the last one heard.
    pub(crate) stale_by: i64,
    pub(crate) drill: Option<String>,
}

impl Waiting {
    pub(crate) fn new(pool: &str) -> Self {
        Self {
            mission: MissionId::random(),
            pool: pool.to_owned(),
            payload: json!({}),
            run_limit_ms: 60_000,
            alone: false,
            stale_by: 0,
            drill: None,
        }
    }

    pub(crate) fn of_drill(run: &str) -> Self {
        Self { drill: Some(run.to_owned()), ..Self::new("a") }
    }
}

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) pools: BTreeMap<String, i64>,
    pub(crate) registrations: u32,
    pub(crate) seq: i64,
    pub(crate) heard: Instant,
    pub(crate) ended: bool,
    pub(crate) draining: bool,
    pub(crate) holds: BTreeSet<LeaseName>,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// Heartbeats get 503.
    pub(crate) heartbeats: bool,
    /// Heartbeats arrive and are not answered.
    pub(crate) deafens: bool,
    /// Heartbeats get `unheard` once.
    pub(crate) unheard: bool,
    /// Results get 503.
    pub(crate) results: bool,
    /// Results get 403, as with a token that people have to mend.
    pub(crate) forbids: bool,
    /// Results wait until this is over.
    pub(crate) results_wait: bool,
    /// Results come one at a time only, as before there was a route for many.
    pub(crate) one_at_a_time: bool,
    /// Sessions that are silent for their ttl are ended.
    pub(crate) reaps: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) wished: BTreeMap<String, i64>,
    pub(crate) sessions: BTreeMap<SessionId, Session>,
    pub(crate) waiting: Vec<Waiting>,
    pub(crate) leases: BTreeMap<MissionId, (i64, SessionId)>,
    /// The heartbeat that a grant saw, and the mission, to grant it again.
    granted: BTreeMap<MissionId, (i64, Waiting)>,
    pub(crate) cancelled: BTreeSet<MissionId>,
    pub(crate) said: Vec<Said>,
    pub(crate) claims: u64,
    /// Numbers of all heartbeats that came, each with the one that the agent last got an answer to.
    pub(crate) heard: Vec<(i64, Option<i64>)>,
    /// How many results each request brought.
    pub(crate) requests: Vec<usize>,
    /// How many requests with results got 503 or 403.
    pub(crate) turned_away: usize,
    pub(crate) authorization: Option<String>,
    pub(crate) faults: Faults,
}

impl Tables {
    /// What was said of a mission, but for progress.
    pub(crate) fn results(&self, mission: MissionId) -> Vec<Said> {
        self.said.iter().filter(|said| said.mission == mission && said.verb != "progress").cloned().collect()
    }

    /// What two heartbeats did not name goes back.
    fn take_back_unnamed(&mut self, id: SessionId) {
        let session = &self.sessions[&id];
        let (seq, holds) = (session.seq, session.holds.clone());
        let unnamed = |mission: &MissionId, granted_seq: i64| {
            self.leases.get(mission).is_some_and(|(_, holder)| *holder == id)
                && seq >= granted_seq + 2
                && !holds.iter().any(|name| name.mission == *mission)
        };
        let back: Vec<_> = self.granted.iter().filter(|(mission, (at, _))| unnamed(mission, *at)).collect();
        let back: Vec<_> = back.into_iter().map(|(_, (_, waiting))| waiting.clone()).collect();
        for waiting in back {
            self.granted.remove(&waiting.mission);
            self.leases.entry(waiting.mission).and_modify(|lease| *lease = (lease.0 + 1, SessionId::random()));
            self.waiting.push(waiting);
        }
    }

    pub(crate) fn live(&self) -> Vec<SessionId> {
        self.sessions.iter().filter(|(_, session)| !session.ended).map(|(id, _)| *id).collect()
    }
}

/// The scheduler; several listeners may serve the same tables.
#[derive(Clone)]
pub(crate) struct Fake(Arc<Mutex<Tables>>);

/// One listener, on a runtime of its own: when it stops, its connections are cut.
pub(crate) struct Listener {
    pub(crate) url: String,
    hangs: Arc<AtomicBool>,
    runtime: Option<Runtime>,
}

impl Listener {
    /// From now on nothing is answered, not even what was asked before.
    pub(crate) fn hang(&self) {
        self.hangs.store(true, Ordering::SeqCst);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Fake {
    pub(crate) fn new(wished: &[(&str, i64)]) -> Self {
        let wished = wished.iter().map(|(pool, slots)| ((*pool).to_owned(), *slots)).collect();
        Self(Arc::new(Mutex::new(Tables { wished, ..Tables::default() })))
    }

    pub(crate) fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap()
    }

    pub(crate) fn listen(&self) -> Listener {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new()
            .route("/v1/pools", get(pools))
            .route("/agent/v1/sessions", post(register))
            .route("/agent/v1/sessions/{id}/heartbeat", put(heartbeat))
            .route("/agent/v1/sessions/{id}/claim", post(claim))
            .route("/agent/v1/sessions/{id}/end", post(end))
            .route("/agent/v1/sessions/{id}/results", post(results))
            .route("/agent/v1/missions/{id}/{verb}", post(about_lease))
            .with_state(self.clone());
        let hangs = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&hangs);
        let routes = routes.layer(middleware::from_fn(move |request, next: Next| {
            let seen = Arc::clone(&seen);
            async move {
                let answer = next.run(request).await;
                if seen.load(Ordering::SeqCst) { std::future::pending().await } else { answer }
            }
        }));
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            axum::serve(listener, routes).await
        });
        Listener { url, hangs, runtime: Some(runtime) }
    }

    pub(crate) fn submit(&self, waiting: Waiting) -> MissionId {
        let mission = waiting.mission;
        self.tables().waiting.push(waiting);
        mission
    }

    /// Notes a heartbeat; true = it is not answered.
    fn leaves_unanswered(&self, beat: &Heartbeat) -> bool {
        let mut tables = self.tables();
        tables.heard.push((beat.seq, beat.heard));
        tables.faults.deafens
    }

    /// Takes a mission away from whoever holds it.
    pub(crate) fn move_away(&self, mission: MissionId) {
        if let Some((epoch, session)) = self.tables().leases.get_mut(&mission) {
            *epoch += 1;
            *session = SessionId::random();
        }
    }
}

type Answer = Result<Json<Value>, Response>;

fn problem(status: u16, code: &str) -> Problem {
    Problem {
        kind: format!("urn:meridian:problem:{code}"),
        code: code.to_owned(),
        status,
        title: code.to_owned(),
        detail: code.to_owned(),
        pointer: None,
        extra: None,
    }
}

fn refuse(status: u16, code: &str) -> Response {
    (StatusCode::from_u16(status).unwrap(), Json(problem(status, code))).into_response()
}

async fn pools(State(fake): State<Fake>) -> Json<Value> {
    let tables = fake.tables();
    let pools = tables.wished.iter().map(|(pool, wished)| {
        json!({
            "pool": {"region": "us-west", "specialization": pool}, "role": "primary", "wished_slots": wished,
            "slots": 0, "queued": 0, "leased": 0, "unmet": 0, "service_ms": 0, "age_ms": 0
        })
    });
    Json(json!({ "pools": pools.collect::<Vec<_>>() }))
}

async fn register(State(fake): State<Fake>, headers: HeaderMap, Json(body): Json<RegisterSession>) -> Answer {
    let mut tables = fake.tables();
    tables.authorization = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let pools = body.pools.iter().map(|offer| (offer.specialization.to_string(), offer.slots)).collect();
    let wished = tables.wished.clone();
    let session = tables.sessions.entry(body.id).or_insert_with(|| Session {
        pools: BTreeMap::new(),
        registrations: 0,
        seq: 0,
        heard: Instant::now(),
        ended: false,
        draining: false,
        holds: BTreeSet::new(),
    });
    if session.ended {
        return Err(refuse(409, "session_ended"));
    }
    session.pools = pools;
    session.registrations += 1;
    Ok(Json(json!({
        "id": body.id, "session_ttl_ms": TTL.as_millis() as u64, "heartbeat_ms": HEARTBEAT.as_millis() as u64,
        "margin_ms": MARGIN.as_millis() as u64, "wished": wished
    })))
}

async fn heartbeat(State(fake): State<Fake>, Path(id): Path<SessionId>, Json(body): Json<Heartbeat>) -> Answer {
    if fake.leaves_unanswered(&body) {
        return std::future::pending().await;
    }
    let mut tables = fake.tables();
    if std::mem::take(&mut tables.faults.unheard) {
        return Err(refuse(503, "unheard"));
    }
    if tables.faults.heartbeats {
        return Err(refuse(503, "indeterminate"));
    }
    let reaps = tables.faults.reaps;
    let (wished, leases, cancelled) = (tables.wished.clone(), tables.leases.clone(), tables.cancelled.clone());
    let Some(session) = tables.sessions.get_mut(&id) else { return Err(refuse(404, "session_not_found")) };
    session.ended |= reaps && session.heard.elapsed() > TTL;
    if session.ended {
        return Err(refuse(409, "session_ended"));
    }
    if body.seq <= session.seq {
        return Err(refuse(409, "stale_heartbeat"));
    }
    (session.seq, session.heard, session.draining) = (body.seq, Instant::now(), body.draining);
    session.holds = body.holds.iter().copied().collect();
    tables.take_back_unnamed(id);
    let called_off: Vec<_> = body.holds.iter().filter(|name| cancelled.contains(&name.mission)).collect();
    let is_lost = |name: &&LeaseName| leases.get(&name.mission) != Some(&(name.epoch.0, id));
    let lost: Vec<_> = body.holds.iter().filter(is_lost).filter(|name| !called_off.contains(name)).collect();
    Ok(Json(json!({ "seq": body.seq, "lost": lost, "cancelled": called_off, "wished": wished })))
}

async fn claim(State(fake): State<Fake>, Path(id): Path<SessionId>, Json(body): Json<Claim>) -> Answer {
    fake.tables().claims += 1;
    let end = Instant::now() + Duration::from_millis(body.wait_ms.unsigned_abs());
    loop {
        let grants = fake.grant(id, &body).map_err(|(status, code)| refuse(status, code))?;
        if !grants.is_empty() || Instant::now() >= end {
            return Ok(Json(json!({ "grants": grants })));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

impl Fake {
    fn grant(&self, id: SessionId, claim: &Claim) -> Result<Vec<Grant>, (u16, &'static str)> {
        let mut tables = self.tables();
        let session = tables.sessions.get(&id).ok_or((404, "session_not_found"))?;
        if session.ended {
            return Err((409, "session_ended"));
        }
        let (seq, draining) = (session.seq, session.draining);
        let offered = session.pools.clone();
        let mut free: BTreeMap<String, i64> = claim.free.iter().map(|(name, n)| (name.to_string(), *n)).collect();
        free.retain(|name, _| offered.contains_key(name));
        let mut grants = Vec::new();
        let waiting = std::mem::take(&mut tables.waiting);
        for mission in waiting {
            let slots = free.get_mut(&mission.pool).filter(|slots| **slots > 0 && !draining);
            let Some(slots) = slots else {
                tables.waiting.push(mission);
                continue;
            };
            *slots -= 1;
            let epoch = tables.leases.get(&mission.mission).map_or(1, |(epoch, _)| epoch + 1);
            tables.leases.insert(mission.mission, (epoch, id));
            tables.granted.insert(mission.mission, (seq, mission.clone()));
            grants.push(Grant {
                mission: mission.mission,
                epoch: Epoch(epoch),
                home: "us-west-2".to_owned(),
                specialization: mission.pool.parse().unwrap(),
                title: "t".to_owned(),
                payload: mission.payload,
                attempt: 1,
                run_limit_ms: mission.run_limit_ms,
                seq: seq - mission.stale_by,
                alone: mission.alone,
                traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
                drill: mission.drill,
            });
        }
        Ok(grants)
    }
}

async fn end(State(fake): State<Fake>, Path(id): Path<SessionId>) -> Answer {
    let mut tables = fake.tables();
    let session = tables.sessions.get_mut(&id).ok_or_else(|| refuse(404, "session_not_found"))?;
    session.ended = true;
    Ok(Json(json!({})))
}

async fn about_lease(
    State(fake): State<Fake>,
    Path((mission, verb)): Path<(MissionId, String)>,
    Json(body): Json<Value>,
) -> Answer {
    if verb != "progress" {
        fake.take_results(1).await?;
    }
    fake.tables().say(mission, &verb, &body).map(Json).map_err(|(status, code)| refuse(status, code))
}

async fn results(State(fake): State<Fake>, Path(id): Path<SessionId>, Json(body): Json<Results>) -> Answer {
    if fake.tables().faults.one_at_a_time {
        return Err(refuse(404, "unknown_path"));
    }
    fake.take_results(body.results.len()).await?;
    let mut tables = fake.tables();
    let answers = body.results.into_iter().map(|MissionResult { mission, word }| {
        assert_eq!(word.lease().session, id, "the path names the session");
        let said = serde_json::to_value(&word).unwrap();
        match tables.say(mission, word.verb(), &said[word.verb()]) {
            Ok(answer) => json!({ "accepted": answer }),
            Err((status, code)) => json!({ "refused": problem(status, code) }),
        }
    });
    Ok(Json(json!({ "results": answers.collect::<Vec<_>>() })))
}

impl Fake {
    /// Lets a request with results in, when it may.
    async fn take_results(&self, n: usize) -> Result<(), Response> {
        while self.tables().faults.results_wait {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut tables = self.tables();
        if tables.faults.results || tables.faults.forbids {
            tables.turned_away += 1;
            let (status, code) = if tables.faults.forbids { (403, "forbidden") } else { (503, "indeterminate") };
            return Err(refuse(status, code));
        }
        tables.requests.push(n);
        Ok(())
    }
}

impl Tables {
    fn say(&mut self, mission: MissionId, verb: &str, body: &Value) -> Result<Value, (u16, &'static str)> {
        let epoch = body["epoch"].as_i64().unwrap();
        let session: SessionId = body["session"].as_str().unwrap().parse().unwrap();
        let lost = self.leases.get(&mission) != Some(&(epoch, session));
        let (verb, body) = (verb.to_owned(), body.clone());
        self.said.push(Said { mission, epoch, session, verb: verb.clone(), body, accepted: !lost });
        if lost {
            return Err((409, "lease_lost"));
        }
        let state = match verb.as_str() {
            "complete" => "succeeded",
            "fail" => "failed",
            "release" => "queued",
            _ => "leased",
        };
        if verb != "progress" {
            self.leases.remove(&mission);
        }
        Ok(json!({ "state": state, "epoch": epoch }))
    }
}
