//! Undoes what was begun, with patience, and writes down what is undone.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::Event;
use super::course::Course;
use super::method::{bound, chain};
use crate::tier::Tier;
use crate::undo::UndoLine;

/// Between two tries of one undo.
const PAUSE: Duration = Duration::from_secs(1);

impl<T: Tier> Course<'_, T> {
    /// Undoes everything that is not undone. A step that cannot be keeps none of the others from it.
    pub(super) async fn heal(&mut self) {
        for step in self.drill.undo_order() {
            let place = self.begun.iter().position(|begun| begun.step.name == step.name && !begun.undone);
            let Some(place) = place else { continue };
            if let Err(why) = self.undo(place).await {
                self.undo_failures.push(format!("{} is not undone: {why}", self.begun[place].step.name));
            }
        }
    }

    /// Undoes one step, by its place among those that were begun.
    pub(super) async fn undo(&mut self, place: usize) -> Result<(), String> {
        let step = self.begun[place].step;
        let bound = bound(step, self.setup.limits.undo);
        let mut left = self.setup.limits.undo_tries.max(1);
        loop {
            left -= 1;
            let error = match timeout(bound, self.tier.undo(step)).await {
                Ok(Ok(())) => break,
                Ok(Err(error)) => chain(error),
                Err(_) => format!("no answer within {} s", bound.as_secs_f64()),
            };
            (self.setup.progress)(Event::NotUndone { step: &step.name, error: &error, left });
            if left == 0 {
                return Err(error);
            }
            sleep(PAUSE).await;
        }
        let begun = &mut self.begun[place];
        begun.undone = true;
        self.activities[begun.activity].undone_at_us = Some((self.setup.clock)());
        (self.setup.progress)(Event::Undone { step: &step.name });
        if let Err(error) = self.setup.log.append(&UndoLine::Undone { step: step.name.clone() }) {
            // The guard would undo it once more, which does no harm.
            self.undo_failures.push(format!(
                "{} is undone, but that could not be written down: {}",
                step.name,
                chain(error)
            ));
        }
        Ok(())
    }
}
