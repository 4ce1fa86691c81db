//! What memory is worth: missions with it beside those that went without, from the recall log.

use std::collections::{BTreeSet, HashMap};

use ::memory::model::MemoryId;
use ::memory::store::Shown;
use ::memory::store::recall::{Recalled, recalls_since};
use ::memory::store::row::memory_find;
use chrono::TimeDelta;
use scheduler_client::wire;
use topology::Specialization;

use super::Memory;
use super::sums::everywhere;
use crate::refusal::{Fault, Refusal};

/// A week.
const HOURS: u32 = 168;
/// Longest time that is looked back.
const MOST_HOURS: u32 = 2_160;
/// Lines of one home's log, at most.
const LINES: i64 = 20_000;

impl Memory {
    /// What memory was worth in the last so many hours. Counts alone leave a home, so every line is counted.
    pub async fn hit_rate(&self, hours: Option<u32>) -> Result<wire::MemoryHitRate, Refusal> {
        let hours = hours.unwrap_or(HOURS);
        if !(1..=MOST_HOURS).contains(&hours) {
            return Err(Refusal::invalid(Fault::Range, "/hours", format!("1 to {MOST_HOURS} hours")));
        }
        let view = self.views.current();
        let since = self.db.clock().await? - TimeDelta::hours(i64::from(hours));
        let all = Shown::under(view.topology.residency.keys());
        let db = &self.db;
        let homes = &view.topology.database.regions;
        let heard = everywhere(homes, |home| {
            let all = all.clone();
            async move { recalls_since(db, &home, since, &all, LINES).await }
        })
        .await?;
        let truncated = heard.said.iter().any(|lines| i64::try_from(lines.len()).is_ok_and(|lines| lines >= LINES));
        let lines: Vec<Recalled> = heard.said.into_iter().flatten().collect();
        let used: Vec<MemoryId> = lines.iter().flat_map(|line| line.used.iter().copied()).collect();
        let used: Vec<MemoryId> = used.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let kinds = everywhere(homes, |home| {
            let (all, used) = (all.clone(), used.clone());
            async move { memory_find(db, &home, &used, &all).await }
        })
        .await?;
        let kinds = kinds.said.into_iter().flatten().map(|one| (one.memory.id, one.memory.specialization)).collect();
        Ok(wire::MemoryHitRate { truncated, degraded: heard.degraded, ..worth(&lines, &kinds) })
    }
}

fn worth(lines: &[Recalled], kinds: &HashMap<MemoryId, Specialization>) -> wire::MemoryHitRate {
    let (with, without): (Vec<&Recalled>, Vec<&Recalled>) = lines.iter().partition(|line| line.with_memory);
    let shown = with.iter().filter(|line| !line.shown.is_empty()).count();
    let used = with.iter().filter(|line| !line.used.is_empty()).count();
    let of_others = |line: &&Recalled| -> BTreeSet<MemoryId> {
        let is_other = |id: &&MemoryId| kinds.get(*id).is_some_and(|kind| *kind != line.specialization);
        line.used.iter().filter(is_other).copied().collect()
    };
    let helped: BTreeSet<MemoryId> = with.iter().flat_map(of_others).collect();
    let helping = with.iter().filter(|line| !of_others(line).is_empty());
    let specializations: BTreeSet<&Specialization> = helping.map(|line| &line.specialization).collect();
    let (with_memory, without_memory) = (arm(&with), arm(&without));
    let lift = with_memory.mean_minutes.zip(without_memory.mean_minutes).filter(|(_, without)| *without > 0.0);
    wire::MemoryHitRate {
        shown: count(shown),
        used: count(used),
        with_memory,
        without_memory,
        lift: lift.map(|(with, without)| 1.0 - with / without),
        helped_others: count(helped.len()),
        specializations_helped: count(specializations.len()),
        truncated: false,
        degraded: Vec::new(),
    }
}

fn arm(lines: &[&Recalled]) -> wire::MemoryArm {
    let minutes: Vec<f64> = lines.iter().filter_map(|line| line.minutes).collect();
    let n = minutes.len() as f64;
    let mean = (!minutes.is_empty()).then(|| minutes.iter().sum::<f64>() / n);
    let margin = mean.filter(|_| minutes.len() > 1).map(|mean| {
        let variance = minutes.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / (n - 1.0);
        // The normal's 97.5 % point: the arms are large where anybody looks.
        1.96 * (variance / n).sqrt()
    });
    wire::MemoryArm {
        missions: count(lines.len()),
        succeeded: count(lines.iter().filter(|line| line.success).count()),
        mean_minutes: mean,
        mean_minutes_margin: margin,
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use topology::MissionId;
    use uuid::Uuid;

    use super::*;

    fn line(kind: &str, with_memory: bool, used: &[u128], minutes: f64) -> Recalled {
        let ids = |ids: &[u128]| ids.iter().map(|id| MemoryId(Uuid::from_u128(*id))).collect::<Vec<_>>();
        Recalled {
            mission: MissionId(Uuid::from_u128(9)),
            specialization: kind.parse().unwrap(),
            region: None,
            agent: "a".to_owned(),
            with_memory,
            shown: ids(used),
            used: ids(used),
            success: true,
            minutes: Some(minutes),
            at: Utc::now(),
        }
    }

    #[test]
    fn the_arms_are_compared_and_help_for_other_kinds_is_counted() {
        let kinds = HashMap::from([
            (MemoryId(Uuid::from_u128(1)), "writer".parse().unwrap()),
            (MemoryId(Uuid::from_u128(2)), "tester".parse().unwrap()),
        ]);
        let lines = [
            line("writer", true, &[1], 6.0),
            line("writer", true, &[2], 6.0),
            line("tester", true, &[], 9.0),
            line("writer", false, &[], 10.0),
            line("writer", false, &[], 10.0),
        ];
        let told = worth(&lines, &kinds);
        assert_eq!((told.shown, told.used, told.helped_others, told.specializations_helped), (2, 2, 1, 1));
        assert_eq!((told.with_memory.missions, told.without_memory.missions), (3, 2));
        assert!((told.lift.unwrap() - 0.3).abs() < 1e-9, "{:?}", told.lift);
        assert_eq!(told.without_memory.mean_minutes_margin, Some(0.0));
        assert_eq!(worth(&[], &kinds).lift, None);
    }
}
