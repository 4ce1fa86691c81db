//! The final table: where missions went, and how long they waited.

use std::collections::BTreeMap;

use scheduler_client::wire::{Mission, MissionState};
use serde::Serialize;
use topology::PoolId;

use crate::cli::table;

/// What became of the missions of a world.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Report {
    /// By pool; missions without one are left out.
    pools: Vec<PoolLine>,
    /// Missions by state.
    states: BTreeMap<MissionState, usize>,
    /// All missions.
    missions: usize,
    /// Half of the missions were leased within so many milliseconds of their submit.
    p50_ms: Option<i64>,
    /// 99 of 100 were.
    p99_ms: Option<i64>,
    /// Schedulers, the first region's first.
    addresses: Vec<String>,
}

/// One pool's share.
#[derive(Debug, Clone, Serialize)]
struct PoolLine {
    pool: PoolId,
    missions: usize,
    succeeded: usize,
}

impl Report {
    pub(super) fn of(missions: &[Mission], addresses: Vec<String>) -> Self {
        let mut pools: BTreeMap<PoolId, (usize, usize)> = BTreeMap::new();
        let mut states: BTreeMap<MissionState, usize> = BTreeMap::new();
        for mission in missions {
            *states.entry(mission.state).or_default() += 1;
            if let Some(pool) = &mission.pool {
                let (all, succeeded) = pools.entry(pool.clone()).or_default();
                *all += 1;
                *succeeded += usize::from(mission.state == MissionState::Succeeded);
            }
        }
        let mut waits: Vec<i64> = missions
            .iter()
            .filter_map(|mission| Some((mission.leased_at? - mission.submitted_at).num_milliseconds()))
            .collect();
        waits.sort_unstable();
        let line = |(pool, (missions, succeeded))| PoolLine { pool, missions, succeeded };
        Self {
            pools: pools.into_iter().map(line).collect(),
            states,
            missions: missions.len(),
            p50_ms: percentile(&waits, 50),
            p99_ms: percentile(&waits, 99),
            addresses,
        }
    }

    /// For people.
    pub(super) fn render(&self) -> String {
        let rows = self.pools.iter().map(|line| {
            vec![
                line.pool.region.to_string(),
                line.pool.specialization.to_string(),
                line.missions.to_string(),
                line.succeeded.to_string(),
            ]
        });
        let mut text = String::new();
        if !self.pools.is_empty() {
            text.push_str(&table(&["REGION", "POOL", "MISSIONS", "SUCCEEDED"], rows));
            text.push_str("\n\n");
        }
        let states: Vec<String> = self
            .states
            .iter()
            .map(|(state, count)| format!("{count} {}", format!("{state:?}").to_ascii_lowercase()))
            .collect();
        text.push_str(&format!("{} missions: {}\n", self.missions, states.join(", ")));
        if let (Some(p50), Some(p99)) = (self.p50_ms, self.p99_ms) {
            text.push_str(&format!("submit to last lease: p50 {p50} ms, p99 {p99} ms\n"));
        }
        text.push_str(&format!("look at {}\n", self.addresses.first().map_or("", String::as_str)));
        for other in self.addresses.iter().skip(1) {
            text.push_str(&format!("        {other}\n"));
        }
        text
    }
}

/// The nearest-rank percentile of sorted values.
fn percentile(sorted: &[i64], percent: usize) -> Option<i64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_seen() {
        let sorted: Vec<i64> = (1..=100).collect();
        assert_eq!(percentile(&sorted, 50), Some(50));
        assert_eq!(percentile(&sorted, 99), Some(99));
        assert_eq!(percentile(&[7], 99), Some(7));
        assert_eq!(percentile(&[], 50), None);
    }
}
