//! Decisions about missions on a page: the pure core places and judges, here both are put together.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use scheduler_core::lifecycle::{Command, Landing, MissionState, Step, apply};
use topology::{DatabaseRegion, PoolId};

use super::context::Context;
use crate::planted::planted;
use crate::store::sweep::{Change, MissionRow, Verdict};
use crate::view::{Ask, Placed, View};

/// Places the missions of one sweep. Each sees the ones before it, so that a batch does not herd.
pub(super) struct Placer {
    context: Arc<Context>,
    view: Mutex<View>,
    now: DateTime<Utc>,
}

/// Where a mission would go, or that the budget of that region is used up in this tick.
pub(super) enum Place {
    To(Box<Placed>),
    NoBudget,
}

impl Placer {
    pub(super) fn new(context: &Arc<Context>, view: &View, now: DateTime<Utc>) -> Arc<Self> {
        Arc::new(Self { context: Arc::clone(context), view: Mutex::new(view.clone()), now })
    }

    /// Places a mission. One whose origin cannot be read any more (a city of another world) starts from here.
    pub(super) fn place(&self, row: &MissionRow) -> Place {
        let views = &self.context.views;
        let origin = views
            .resolve(row.origin.as_ref(), None)
            .or_else(|_| views.resolve(None, None))
            .expect("the own place is always known");
        let ask = Ask {
            specialization: &row.specialization,
            origin: &origin,
            residency: planted!(ForgetResidency, None, row.residency.as_ref()),
            nonce: row.nonce,
        };
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        let placed = view.place(&ask);
        if let Some(pool) = &placed.pool {
            if !self.context.take_budget(&pool.region) {
                return Place::NoBudget;
            }
            if let Some(ix) = view.snapshot.world().pool_ix(pool) {
                view.snapshot.bump(ix, 1);
            }
        }
        Place::To(Box::new(placed))
    }

    /// Places a mission and applies the command that this makes.
    pub(super) fn move_by(&self, row: &MissionRow, command: impl FnOnce(Landing) -> Command<'static>) -> Verdict {
        match self.place(row) {
            Place::NoBudget => Verdict::Leave,
            Place::To(placed) => self.verdict(row, &command(placed.landing), Some(&placed), &placed.home),
        }
    }

    /// Applies a command. `placed` is where the mission goes; none = where it is, homed in `home`.
    pub(super) fn verdict(
        &self,
        row: &MissionRow,
        command: &Command<'_>,
        placed: Option<&Placed>,
        home: &DatabaseRegion,
    ) -> Verdict {
        let Ok(Step::Change(transition)) = apply(&row.facts, command, self.now) else { return Verdict::Leave };
        let goes = placed.filter(|_| !transition.to.is_finished());
        let region = match transition.to {
            MissionState::Pending => None,
            _ => goes.and_then(|placed| placed.pool.as_ref()).map(|pool| &pool.region).or(row.region.as_ref()),
        };
        Verdict::Change(Box::new(Change {
            transition,
            home: goes.map_or(home, |placed| &placed.home).clone(),
            region: region.cloned(),
            placement: goes.map(|placed| placed.explained.clone()),
        }))
    }

    /// Whether a mission is where it would be placed.
    pub(super) fn stays(row: &MissionRow, home: &DatabaseRegion, placed: &Placed) -> bool {
        let pool = row
            .region
            .as_ref()
            .map(|region| PoolId { region: region.clone(), specialization: row.specialization.clone() });
        placed.home == *home && placed.pool == pool
    }
}
