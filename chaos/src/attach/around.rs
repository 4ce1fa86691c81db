//! What a drill has around it on a world that it did not start: load, and who looks at what becomes of it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;

use super::export;
use super::found::Found;
use super::watch::Watch;
use crate::checker;
use crate::drill::Drill;
use crate::facts::Facts;
use crate::history::Record;
use crate::load::Submits;
use crate::local::edge::Edge;
use crate::local::load::{Running, Setting, SharedFacts, lock};
use crate::local::outcome::Missions;
use crate::local::sample::{Places, Sample, Sampler};
use crate::measure::{Control, ControlKind};
use crate::world::HISTORY;

/// How long what is open may take to end when everything is undone and nothing more is submitted.
const SETTLE: Duration = Duration::from_secs(60);

/// Load, and who looks.
pub(crate) struct Around {
    pub(crate) facts: SharedFacts,
    pub(crate) sampler: Sampler,
    pub(crate) load: Running,
    watch: Watch,
    edge: Edge,
}

impl Around {
    /// Starts to submit and to look; the records go into the run's folder.
    pub(crate) fn start(drill: &Drill, found: &Found, run: &str, folder: &Path) -> anyhow::Result<Self> {
        let Found { schedulers, shape, token, client, .. } = found;
        let history = folder.join(HISTORY);
        std::fs::create_dir_all(&history).with_context(|| format!("could not make {}", history.display()))?;
        let facts: SharedFacts = Arc::new(Mutex::new(Facts::default()));
        let places = Places { database: None, schedulers: schedulers.clone(), token: token.clone() };
        let samples = Record::open(&folder.join("samples.jsonl"))?;
        let sampler = Sampler::start(places, Arc::clone(&facts), samples);
        let watch = Watch::start(client.clone(), run, Arc::clone(&facts));
        let health = schedulers.iter().map(|(region, url)| (region.clone(), format!("{url}/health"))).collect();
        let edge = Edge::start(shape.places.clone(), health);
        let load = Running::start(Setting {
            run: run.to_owned(),
            shape: shape.clone(),
            load: drill.load.clone(),
            addresses: schedulers.clone(),
            token: token.clone(),
            order: edge.order(),
            submits: Submits::open(&history, shape.rules.clone())?,
            facts: Arc::clone(&facts),
        });
        Ok(Self { facts, sampler, load, watch, edge })
    }

    /// Lets it go on for the file's times; answers when the steady state began.
    pub(crate) async fn warm(drill: &Drill) -> i64 {
        tokio::time::sleep(Duration::from_secs_f64(drill.load.warm_s)).await;
        let steady_us = crate::load::now_us();
        tokio::time::sleep(Duration::from_secs_f64(drill.load.steady_s)).await;
        steady_us
    }

    /// Submits nothing more, waits until what was submitted has ended, and judges it. Where the world does not tell it, or
    /// the records cannot be written, that is what is known.
    pub(crate) async fn end(self, found: &Found, run: &str, folder: &Path) -> Missions {
        let Self { facts, sampler, load, watch, edge } = self;
        let history = folder.join(HISTORY);
        let stopped = load.stop().await;
        watch.finish(SETTLE).await;
        drop(edge);
        let samples = sampler.finish();
        let facts = std::mem::take(&mut *lock(&facts));
        let judged = async {
            stopped?;
            let promised: BTreeSet<_> = facts.promised().collect();
            let moved_leases = export::write(&found.client, run, promised, &found.shape, &history).await?;
            let check = checker::check_without_runners(&history).context("the history cannot be judged")?;
            anyhow::Ok((moved_leases, check))
        };
        let judged = judged.await;
        let (moved_leases, check, unknown) = match judged {
            Ok((moved_leases, check)) => (moved_leases, check, None),
            Err(error) => (0, Missions::none().check, Some(format!("{error:#}"))),
        };
        Missions { control: control(&samples), facts, samples, moved_leases, check, unknown }
    }
}

/// What became of the regions, as the samples show it.
fn control(samples: &[Sample]) -> Vec<Control> {
    let mut all = Vec::new();
    for pair in samples.windows(2) {
        for (region, now) in &pair[1].regions {
            let what = match now.as_str() {
                "suspect" => ControlKind::Suspect,
                "down" => ControlKind::Down,
                "up" => ControlKind::Up,
                _ => continue,
            };
            if pair[0].regions.get(region).is_some_and(|before| before != now) {
                all.push(Control { at_us: pair[1].at_us, region: region.clone(), what });
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_of_a_region_is_read_from_one_look_to_the_next() {
        let looks = ["up", "suspect", "suspect", "down", "returning", "up"];
        let sample = |(n, state): (usize, &str)| Sample {
            at_us: i64::try_from(n).unwrap(),
            regions: [("us-west".to_owned(), state.to_owned())].into(),
            ..Sample::default()
        };
        let samples: Vec<Sample> = looks.into_iter().enumerate().map(sample).collect();
        let seen: Vec<_> = control(&samples).into_iter().map(|entry| (entry.at_us, entry.what)).collect();
        assert_eq!(seen, [(1, ControlKind::Suspect), (3, ControlKind::Down), (5, ControlKind::Up)]);
    }
}
