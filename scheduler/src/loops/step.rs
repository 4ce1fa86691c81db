//! One batch of a page: what is decided is written, counted, and told to who waits for it.

use topology::DatabaseRegion;

use super::context::Context;
use super::reap::BATCH;
use crate::refusal::Refusal;
use crate::store::sweep::{Decide, Page, sweep};
use crate::view::View;

/// What a batch left of its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing, or nothing that could be moved now.
    Done,
    /// There may be more that can be moved now.
    Left,
    /// Everything: the decisions were made under rules that are not in force any more. The view is fresh again.
    Stale,
}

impl Context {
    /// Decides and writes one batch of a page under a view. `why` labels what was moved in the metrics.
    ///
    /// # Errors
    /// The database's; the next tick sees what is left.
    pub(super) async fn step(
        &self,
        view: &View,
        home: &DatabaseRegion,
        page: &Page,
        why: &'static str,
        decide: Decide,
    ) -> Result<Step, Refusal> {
        let swept = sweep(&self.upkeep, home, page, BATCH, &self.terms(view), decide).await?;
        self.note_moved(&swept, why);
        if swept.confirmed > 0 {
            self.wake_homed(view, home);
        }
        if swept.stale {
            self.views.refresh_now().await?;
            return Ok(Step::Stale);
        }
        // A full batch of which nothing could be changed would come again as it is.
        let changed = swept.confirmed > 0 || !swept.moved.is_empty();
        Ok(if changed && swept.found.rows as i64 == BATCH { Step::Left } else { Step::Done })
    }
}
