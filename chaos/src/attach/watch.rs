//! What becomes of a drill's missions, as the schedulers tell it: the runners of the world write nothing down.
//!
//! A run that began and was lost between two looks is not seen. What is seen has the database's times.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use scheduler_client::Client;
use scheduler_client::wire::{ListMissions, Mission, MissionState};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use topology::{Epoch, MissionId};

use crate::facts::Facts;
use crate::local::load::{SharedFacts, lock};
use crate::wait::wait_until;

/// Between two looks.
const EVERY: Duration = Duration::from_millis(250);
/// Missions of one page, the most that a scheduler gives.
const PAGE: i64 = 500;
/// Pages of one look at most.
const PAGES: usize = 40;
/// A mission may show so much later than its time of submit says.
const LATE: chrono::Duration = chrono::Duration::seconds(10);

/// Looks until it is finished or dropped.
pub(super) struct Watch {
    looking: JoinHandle<()>,
    looker: Arc<Mutex<Looker>>,
}

impl Watch {
    /// Starts to look at the missions of a run.
    pub(super) fn start(client: Client, run: &str, facts: SharedFacts) -> Self {
        let looker = Looker { client, run: run.to_owned(), book: Book::default(), facts };
        let looker = Arc::new(Mutex::new(looker));
        let again = Arc::clone(&looker);
        let looking = tokio::spawn(async move {
            let mut tick = tokio::time::interval(EVERY);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tick.tick().await;
                if let Err(error) = again.lock().await.look().await {
                    tracing::debug!(error = &error as &dyn std::error::Error, "the missions were not told");
                }
            }
        });
        Self { looking, looker }
    }

    /// Looks on until no mission that was seen is open, or the patience is over, and ends.
    pub(super) async fn finish(self, patience: Duration) {
        self.looking.abort();
        let mut looker = self.looker.lock().await;
        wait_until(patience, async || looker.look().await.is_ok() && looker.book.open.is_empty()).await;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

struct Looker {
    client: Client,
    run: String,
    book: Book,
    facts: SharedFacts,
}

impl Looker {
    /// Reads every mission that may have changed: newest first, back to the oldest that was open.
    async fn look(&mut self) -> Result<(), scheduler_client::Error> {
        let back_to = self.book.back_to();
        let mut query = ListMissions { drill: Some(self.run.clone()), limit: Some(PAGE), ..ListMissions::default() };
        for _ in 0..PAGES {
            let page = self.client.missions(&query).await?;
            for mission in &page.missions {
                self.book.take(mission, &mut lock(&self.facts));
            }
            let oldest = page.missions.last().map(|mission| mission.submitted_at);
            query.after = page.next;
            if query.after.is_none() || oldest < back_to {
                break;
            }
        }
        Ok(())
    }
}

/// What was seen of the missions. Pure.
#[derive(Debug, Default)]
struct Book {
    /// Of each mission that ran, its newest run.
    runs: HashMap<MissionId, Epoch>,
    /// Missions that have not ended, by their submit.
    open: BTreeSet<(DateTime<Utc>, MissionId)>,
    newest: Option<DateTime<Utc>>,
}

impl Book {
    /// Nothing before it changes any more; none where nothing was seen.
    fn back_to(&self) -> Option<DateTime<Utc>> {
        let settled = self.newest? - LATE;
        Some(self.open.first().map_or(settled, |(oldest, _)| settled.min(*oldest)))
    }

    fn take(&mut self, mission: &Mission, facts: &mut Facts) {
        self.newest = self.newest.max(Some(mission.submitted_at));
        let place = (mission.submitted_at, mission.id);
        match mission.state {
            MissionState::Pending | MissionState::Queued => {
                self.open.insert(place);
            }
            MissionState::Leased => {
                self.open.insert(place);
                self.began(mission, facts);
            }
            // A completion keeps the epoch of its lease; what ends otherwise may have a later one.
            MissionState::Succeeded => {
                self.open.remove(&place);
                self.began(mission, facts);
                self.ended(mission, facts);
            }
            MissionState::Failed | MissionState::Cancelled => {
                self.open.remove(&place);
                self.ended(mission, facts);
            }
        }
    }

    fn began(&mut self, mission: &Mission, facts: &mut Facts) {
        let (Some(pool), Some(at)) = (&mission.pool, mission.leased_at) else { return };
        if self.runs.insert(mission.id, mission.epoch) != Some(mission.epoch) {
            facts.began(mission.id, mission.epoch, pool.region.as_str(), at.timestamp_micros());
        }
    }

    fn ended(&self, mission: &Mission, facts: &mut Facts) {
        if let (Some(epoch), Some(at)) = (self.runs.get(&mission.id), mission.finished_at) {
            facts.ended(mission.id, *epoch, at.timestamp_micros());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::facts::Life;

    const SUBMITTED: &str = "2026-11-27T06:00:00Z";

    fn mission(state: &str, epoch: i64, region: &str) -> Mission {
        let leased = (state != "queued").then_some("2026-11-27T06:00:01Z");
        let finished = (state == "succeeded" || state == "failed").then_some("2026-11-27T06:00:03Z");
        let told = json!({
            "id": Uuid::from_u128(1), "state": state, "specialization": "writer", "title": "t", "submitter": "s",
            "origin": { "country": "JP" }, "priority": 5, "home": "h", "epoch": epoch, "attempts": 0, "crashes": 0,
            "moves": 0, "pool": { "region": region, "specialization": "writer" }, "submitted_at": SUBMITTED,
            "leased_at": leased, "finished_at": finished,
        });
        serde_json::from_value(told).unwrap()
    }

    /// What the facts know of the runs after these looks at one mission.
    fn runs(looks: &[Mission]) -> (Vec<(i64, String, bool)>, usize) {
        let (mut book, mut facts) = (Book::default(), Facts::default());
        let life = facts.submitted(Life {
            invoked_us: 0,
            entry: "us-west".to_owned(),
            answered: None,
            priority: 5,
            specialization: "writer".to_owned(),
            allowed: Vec::new(),
            first_region: None,
            runs: Vec::new(),
        });
        facts.accepted(life, 1, MissionId(Uuid::from_u128(1)), None);
        for look in looks {
            book.take(look, &mut facts);
        }
        let runs = facts.lives()[0].runs.iter();
        (runs.map(|run| (run.epoch.0, run.region.clone(), run.ended_us.is_some())).collect(), book.open.len())
    }

    #[test]
    fn a_run_is_known_from_its_lease_and_once_however_often_it_is_seen() {
        let leased = mission("leased", 1, "us-west");
        let looks = [mission("queued", 0, "us-west"), leased.clone(), leased, mission("succeeded", 1, "us-west")];
        assert_eq!(runs(&looks[..1]), (vec![], 1));
        assert_eq!(runs(&looks[..3]), (vec![(1, "us-west".to_owned(), false)], 1));
        assert_eq!(runs(&looks), (vec![(1, "us-west".to_owned(), true)], 0));
        assert_eq!(
            runs(&looks[3..]),
            (vec![(1, "us-west".to_owned(), true)], 0),
            "a short run is seen when it is over"
        );
    }

    #[test]
    fn a_move_is_another_run_and_a_failure_ends_the_newest() {
        let looks = [mission("leased", 1, "us-west"), mission("leased", 3, "us-east"), mission("failed", 4, "us-east")];
        let moved = vec![(1, "us-west".to_owned(), false), (3, "us-east".to_owned(), true)];
        assert_eq!(runs(&looks), (moved, 0));
    }

    #[test]
    fn a_look_goes_back_to_the_oldest_that_is_open_and_a_little_further_than_the_newest() {
        let (mut book, mut facts) = (Book::default(), Facts::default());
        assert_eq!(book.back_to(), None);
        let at: DateTime<Utc> = SUBMITTED.parse().unwrap();
        book.take(&mission("succeeded", 1, "us-west"), &mut facts);
        assert_eq!(book.back_to(), Some(at - LATE));
        let old = Mission {
            submitted_at: at - LATE * 3,
            id: MissionId(Uuid::from_u128(2)),
            ..mission("queued", 0, "us-west")
        };
        book.take(&old, &mut facts);
        assert_eq!(book.back_to(), Some(at - LATE * 3));
    }
}
