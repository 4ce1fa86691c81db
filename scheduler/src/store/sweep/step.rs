//! One step of a sweep: lock a page, decide, write.

use std::sync::Arc;

use scheduler_core::lifecycle::{MissionState, Transition};
use sql::{Batched, Db, Statement, ToSql};
use topology::{DatabaseRegion, MissionId, PoolId, RegionName};
use uuid::Uuid;

use super::page::{Found, MissionRow, Page, mission_row};
use crate::planted::planted;

pub(super) const MOVE: Batched =
    Batched::new(sql::statement!("mission_move", once, include_str!("../sql/mission_move.sql")));

/// A bound mission that is lawful under the new rules too: only its residency version changes.
pub(super) const CONFIRM: Statement = sql::statement!(
    "mission_confirm",
    once,
    "UPDATE missions SET residency_version = $2::INT8
     WHERE crdb_region = $1::TEXT::crdb_internal_region AND id = ANY ($3::UUID[])
         AND $2::INT8 = (SELECT residency_version FROM topology_versions ORDER BY version DESC LIMIT 1)"
);

/// What becomes of a mission on the page.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// Nothing now; a later tick sees it again.
    Leave,
    /// It stays where it is, under the current residency version.
    Confirm,
    /// It changes.
    Change(Box<Change>),
}

/// A transition with its destination.
#[derive(Debug, Clone)]
pub struct Change {
    /// What the lifecycle says.
    pub transition: Transition,
    /// Database region that homes the mission afterwards.
    pub home: DatabaseRegion,
    /// The region of its pool afterwards; none = pending.
    pub region: Option<RegionName>,
    /// What explains it, as JSON; none = what was stored stays.
    pub placement: Option<String>,
}

/// What a step did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Swept {
    /// What was on the page.
    pub found: Found,
    /// Missions that changed.
    pub moved: Vec<Moved>,
    /// Missions confirmed.
    pub confirmed: usize,
    /// The decisions were made under a residency version that is not current any more: read the topology and repeat.
    pub stale: bool,
}

/// A mission that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The mission.
    pub id: MissionId,
    /// Its state after.
    pub state: MissionState,
    /// Its pool after.
    pub pool: Option<PoolId>,
    /// Whether a drill submitted it.
    pub of_drill: bool,
}

/// What the decisions of a step were made under.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Residency version of the view.
    pub residency_version: i64,
    /// Topology version of the view.
    pub topology_version: i64,
    /// Who decides, as stored.
    pub actor: String,
}

/// Decides about one mission.
pub type Decide = Arc<dyn Fn(&MissionRow) -> Verdict + Send + Sync>;

/// Locks at most `limit` missions of a page, decides each, and writes what changes, all in one transaction.
///
/// # Errors
/// The database's. After [`sql::Error::Indeterminate`] the next tick sees what is left.
pub async fn sweep(
    db: &Db,
    home: &DatabaseRegion,
    page: &Page,
    limit: i64,
    terms: &Terms,
    decide: Decide,
) -> Result<Swept, sql::Error> {
    let job = &Job {
        home: home.to_string(),
        statement: page.statement(),
        params: page.params(home, limit),
        terms: terms.clone(),
        decide,
    };
    db.txn(page.statement().name, |txn| async move { job.run(&txn).await }).await
}

struct Job {
    home: String,
    statement: &'static Statement,
    params: Vec<Box<dyn ToSql + Sync + Send>>,
    terms: Terms,
    decide: Decide,
}

impl Job {
    async fn run(&self, txn: &sql::Txn) -> Result<Swept, sql::Error> {
        let params: Vec<&(dyn ToSql + Sync)> = self.params.iter().map(|p| &**p as &(dyn ToSql + Sync)).collect();
        let rows: Vec<MissionRow> = txn.query(self.statement, &params).await?.iter().filter_map(mission_row).collect();
        let mut swept = Swept {
            found: Found { rows: rows.len(), last: rows.last().map(|row| (row.submitted_at, row.id)) },
            ..Swept::default()
        };
        let mut batch = Batch::default();
        for row in &rows {
            match (self.decide)(row) {
                Verdict::Leave => {}
                Verdict::Confirm => batch.confirmed.push(row.id.0),
                Verdict::Change(change) => batch.push(row, *change),
            }
        }
        self.confirm(txn, &batch, &mut swept).await?;
        self.change(txn, &batch, &rows, &mut swept).await?;
        Ok(swept)
    }

    async fn confirm(&self, txn: &sql::Txn, batch: &Batch, swept: &mut Swept) -> Result<(), sql::Error> {
        if !batch.confirmed.is_empty() {
            let done = txn.execute(&CONFIRM, &[&self.home, &self.terms.residency_version, &batch.confirmed]).await?;
            swept.confirmed = usize::try_from(done).unwrap_or(usize::MAX);
            swept.stale |= done == 0;
        }
        Ok(())
    }

    async fn change(
        &self,
        txn: &sql::Txn,
        batch: &Batch,
        rows: &[MissionRow],
        swept: &mut Swept,
    ) -> Result<(), sql::Error> {
        if batch.ids.is_empty() {
            return Ok(());
        }
        let moved = txn
            .query(
                MOVE.for_rows(batch.ids.len()),
                &[
                    &self.home,
                    &self.terms.residency_version,
                    &self.terms.topology_version,
                    &self.terms.actor,
                    &batch.ids,
                    &batch.epochs,
                    &batch.from,
                    &batch.to,
                    &batch.next_epochs,
                    &batch.homes,
                    &batch.regions,
                    &batch.attempts,
                    &batch.crashes,
                    &batch.moves,
                    &batch.not_before,
                    &batch.reasons,
                    &batch.placements,
                    &batch.events,
                    &batch.holders,
                ],
            )
            .await?;
        swept.stale |= moved.is_empty();
        for row in &moved {
            let id = MissionId(row.get("id"));
            let (state, region): (&str, Option<&str>) = (row.get("state"), row.get("region"));
            let specialization = rows.iter().find(|row| row.id == id).map(|row| row.specialization.clone());
            let pool = region
                .and_then(|name| name.parse().ok())
                .zip(specialization)
                .map(|(region, specialization)| PoolId { region, specialization });
            if let Ok(state) = state.parse() {
                swept.moved.push(Moved { id, state, pool, of_drill: row.get("of_drill") });
            }
        }
        Ok(())
    }
}

/// The parameters of one write, a column each.
#[derive(Default)]
struct Batch {
    confirmed: Vec<Uuid>,
    ids: Vec<Uuid>,
    epochs: Vec<i64>,
    from: Vec<&'static str>,
    to: Vec<&'static str>,
    next_epochs: Vec<i64>,
    homes: Vec<String>,
    regions: Vec<Option<String>>,
    attempts: Vec<i64>,
    crashes: Vec<i64>,
    moves: Vec<i64>,
    not_before: Vec<Option<chrono::DateTime<chrono::Utc>>>,
    reasons: Vec<Option<&'static str>>,
    placements: Vec<Option<String>>,
    events: Vec<i64>,
    holders: Vec<Option<Uuid>>,
}

impl Batch {
    fn push(&mut self, row: &MissionRow, change: Change) {
        let next = change.transition;
        self.ids.push(row.id.0);
        self.epochs.push(row.facts.epoch.0);
        self.from.push(row.facts.state.as_str());
        self.to.push(next.to.as_str());
        self.next_epochs.push(planted!(
            MoveWithoutRaisingEpoch,
            if row.facts.state == MissionState::Leased { row.facts.epoch.0 } else { next.epoch.0 },
            next.epoch.0
        ));
        self.homes.push(change.home.to_string());
        self.regions.push(change.region.map(|region| region.to_string()));
        self.attempts.push(next.attempts.into());
        self.crashes.push(next.crashes.into());
        self.moves.push(next.moves.into());
        self.not_before.push(next.rest.not_before());
        self.reasons.push(next.reason.map(|reason| reason.as_str()));
        self.placements.push(change.placement);
        self.events.push(next.event.into());
        self.holders.push(row.facts.session.map(|session| session.0));
    }
}
