//! Heartbeats: renewed in batches, each answered with what became of the leases that it names.

mod audit;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use scheduler_client::wire::{self, LeaseName};
use sql::Db;
use tokio::sync::broadcast;
use topology::{DatabaseRegion, MissionId, Scheduling, SessionId};

use self::audit::{Audit, audit};
use super::claims::Hub;
use super::coalescer::Batch;
use super::sessions::{KnownSession, wished};
use super::{Change, Engine, convert};
use crate::planted::planted;
use crate::refusal::{Fault, Refusal};
use crate::store::heartbeat::heartbeat_renew;
use crate::store::mission::{HeldLease, ReleaseRow, mission_fates, mission_leases, mission_release};
use crate::store::session::session_find;

/// Most leases that one session may name: its pools times their slots are bounded far below.
const HOLDS: usize = 50_000;

/// A heartbeat on its way into a batch.
#[derive(Debug, Clone)]
pub(crate) struct Beat {
    pub(crate) session: SessionId,
    pub(crate) seq: i64,
    pub(crate) holds: BTreeSet<LeaseName>,
}

/// What a heartbeat is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pulse {
    /// The session lives.
    Renewed { lost: Vec<LeaseName>, cancelled: Vec<LeaseName> },
    /// It was not renewed: ended, unknown, or a greater number was heard.
    Refused,
}

/// Renews sessions of one home.
pub(crate) struct Heartbeats {
    pub(crate) db: Db,
    pub(crate) actor: String,
    pub(crate) hub: Arc<Hub>,
    pub(crate) changes: broadcast::Sender<Change>,
}

impl Batch for Heartbeats {
    type Key = DatabaseRegion;
    type Item = Beat;
    type Answer = Pulse;
    const NAME: &'static str = "heartbeat";

    fn bytes(item: &Beat) -> usize {
        64 + item.holds.len() * 24
    }

    async fn run(&self, home: &DatabaseRegion, items: &[&Beat]) -> Result<Vec<Pulse>, sql::Error> {
        // The same session twice in one batch: the statement gets the greatest number once.
        let mut numbers: HashMap<SessionId, i64> = HashMap::new();
        for beat in items {
            let number = numbers.entry(beat.session).or_insert(beat.seq);
            *number = (*number).max(beat.seq);
        }
        let mut beats: Vec<(SessionId, i64)> = numbers.into_iter().collect();
        // Ordered, so that two batches never wait for each other's rows.
        beats.sort_unstable();
        let live = heartbeat_renew(&self.db, home, &beats).await?;
        // From here on the sessions are renewed; what cannot be read now is told by the next heartbeat.
        let held = mission_leases(&self.db, home, &live).await;
        let held = held.inspect_err(|error| warn("leases", error)).ok();
        let live: BTreeSet<SessionId> = live.into_iter().collect();
        let audits: Vec<Option<Audit>> = items
            .iter()
            .map(|beat| {
                let known = live.contains(&beat.session);
                known.then(|| held.as_ref().map_or_else(Audit::default, |held| audit(beat, held)))
            })
            .collect();
        self.put_back(home, items, &audits).await;
        Ok(self.tell(home, items, audits).await)
    }
}

impl Heartbeats {
    /// Puts back what its holder has not named in two heartbeats.
    async fn put_back(&self, home: &DatabaseRegion, items: &[&Beat], audits: &[Option<Audit>]) {
        let unnamed = items.iter().zip(audits).flat_map(|(beat, audit)| {
            audit.iter().flat_map(|audit| &audit.unnamed).map(|lease: &HeldLease| ReleaseRow {
                key: lease.key,
                reason: "unnamed".to_owned(),
                actor: self.actor.clone(),
                unnamed_by: Some(beat.seq),
            })
        });
        let unnamed: Vec<ReleaseRow> = planted!(IgnoreUnnamedLease, Vec::new(), unnamed.collect());
        if unnamed.is_empty() {
            return;
        }
        match mission_release(&self.db, home, &unnamed.iter().collect::<Vec<_>>()).await {
            Ok(released) => {
                metrics::counter!("scheduler_unnamed_leases_total").increment(released.len() as u64);
                for lease in released {
                    let pool = convert::pool(lease.region.as_deref(), &lease.specialization);
                    let state = wire::MissionState::Queued;
                    let _ = self.changes.send(Change { mission: lease.key.mission, state, pool: pool.clone() });
                    self.hub.queued(pool.iter());
                }
            }
            Err(error) => warn("unnamed", &error),
        }
    }

    /// Tells each session which of its names are lost or cancelled.
    async fn tell(&self, home: &DatabaseRegion, items: &[&Beat], audits: Vec<Option<Audit>>) -> Vec<Pulse> {
        let gone: BTreeSet<MissionId> =
            audits.iter().flatten().flat_map(|audit| &audit.gone).map(|name| name.mission).collect();
        let gone: Vec<MissionId> = gone.into_iter().collect();
        let fates = if gone.is_empty() { Ok(Vec::new()) } else { mission_fates(&self.db, home, &gone).await };
        let fates = fates.inspect_err(|error| warn("fates", error)).ok();
        let told = items.iter().zip(audits).map(|(beat, audit)| match (audit, &fates) {
            (None, _) => Pulse::Refused,
            (Some(_), None) => Pulse::Renewed { lost: Vec::new(), cancelled: Vec::new() },
            (Some(audit), Some(fates)) => {
                let (lost, cancelled) = audit.verdict(beat.session, fates);
                Pulse::Renewed { lost, cancelled }
            }
        });
        told.collect()
    }
}

fn warn(part: &'static str, error: &sql::Error) {
    tracing::warn!(part, error = error as &dyn std::error::Error, "a heartbeat is answered without a part");
}

impl Engine {
    /// Renews a session, and tells it which of the leases that it names are lost or cancelled.
    pub async fn heartbeat(&self, session: SessionId, beat: wire::Heartbeat) -> Result<wire::HeartbeatAnswer, Refusal> {
        check_beat(&beat)?;
        let known = match self.known(session).await {
            Ok(known) => known,
            Err(Refusal::SessionNotFound) => return Err(unknown()),
            Err(other) => return Err(other),
        };
        if let Some(reason) = known.ended {
            return Err(Refusal::SessionEnded { reason });
        }
        if let Some(heard) = beat.heard
            && is_deaf(beat.seq, heard, &self.0.views.current().topology.scheduling)
        {
            metrics::counter!("scheduler_unheard_heartbeats_total").increment(1);
            // An agent that hears has heard this, and its next heartbeat is renewed. It is said by those alone who hear the
            // database: what else is said in a deaf region shows nothing.
            return Err(self.explain_silence(session, known, beat.seq, Refusal::Unheard { heard }).await);
        }
        let item = Beat { session, seq: beat.seq, holds: beat.holds.into_iter().collect() };
        let (lost, cancelled) = match self.0.heartbeats.push(&known.home, item).await? {
            Pulse::Renewed { lost, cancelled } => (lost, cancelled),
            Pulse::Refused => return Err(self.explain_silence(session, known, beat.seq, Refusal::Unavailable).await),
        };
        let view = self.0.views.current();
        let drain_until = view.regions.get(&known.region).and_then(|facts| facts.drain_until);
        Ok(wire::HeartbeatAnswer { seq: beat.seq, lost, cancelled, wished: wished(&view, &known.region), drain_until })
    }

    /// Finds out why a heartbeat renewed nothing: where the database knows of no reason, it is `otherwise`.
    async fn explain_silence(&self, session: SessionId, known: KnownSession, seq: i64, otherwise: Refusal) -> Refusal {
        let found = match session_find(&self.0.lease, &known.home, &[session]).await {
            Ok(found) => found,
            Err(error) => return error.into(),
        };
        let Some(row) = found.into_iter().next() else { return unknown() };
        if let Some(reason) = row.ended {
            self.remember(session, KnownSession { ended: Some(reason.clone()), ..known });
            return Refusal::SessionEnded { reason };
        }
        match row.seq {
            Some(heard) if heard > seq => Refusal::StaleHeartbeat { seq: heard },
            _ => otherwise,
        }
    }
}

fn unknown() -> Refusal {
    Refusal::SessionEnded { reason: "unknown".to_owned() }
}

/// Whether a session has heard of no renewal for as many heartbeats as a session lives: then it is fenced, and to renew it would
/// keep its leases from everybody for as long as it speaks.
fn is_deaf(seq: i64, heard: i64, clocks: &Scheduling) -> bool {
    let unheard = u128::from(seq.saturating_sub(heard).max(0).unsigned_abs());
    unheard * clocks.heartbeat.as_millis() >= clocks.session_ttl.as_millis()
}

fn check_beat(beat: &wire::Heartbeat) -> Result<(), Refusal> {
    super::check::range("/seq", beat.seq, 1, i64::MAX - 2)?;
    super::check::range("/heard", beat.heard.unwrap_or(0), 0, i64::MAX)?;
    if beat.holds.len() > HOLDS {
        let detail = format!("a session holds at most {HOLDS} leases, not {}", beat.holds.len());
        return Err(Refusal::invalid(Fault::Count, "/holds", detail));
    }
    Ok(())
}
