//! Which missions go without memory, so that what it is worth can be measured.

use std::collections::BTreeMap;

use topology::{MissionId, PoolId};

/// Shares of missions, of all pools and of some.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Holdout {
    all: f64,
    pools: BTreeMap<PoolId, f64>,
}

impl Holdout {
    /// Reads `SHARE` and `REGION/SPECIALIZATION=SHARE`, each from 0 to 1.
    ///
    /// # Errors
    /// What cannot be read, and how it is written.
    pub fn read(texts: &[String]) -> Result<Self, String> {
        let mut holdout = Self::default();
        for text in texts {
            match text.split_once('=') {
                None => holdout.all = share(text)?,
                Some((pool, part)) => {
                    holdout.pools.insert(pool.parse().map_err(|_| mistake(text))?, share(part)?);
                }
            }
        }
        Ok(holdout)
    }

    /// Whether a mission goes without memory. That is drawn from its id, so that every scheduler says the same of it.
    pub(super) fn takes(&self, mission: MissionId, pool: Option<&PoolId>) -> bool {
        let share = pool.and_then(|pool| self.pools.get(pool)).unwrap_or(&self.all);
        // The low half of an id is random.
        let drawn = (mission.0.as_u128() & u128::from(u32::MAX)) as f64;
        drawn < share * f64::from(u32::MAX)
    }
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.trim().parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| mistake(text))
}

fn mistake(text: &str) -> String {
    format!("{text:?} is no share of missions without memory: write 0.1, or us-west/engineer-master=0.1")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn read(texts: &[&str]) -> Result<Holdout, String> {
        Holdout::read(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn about_the_share_goes_without_and_each_mission_always_the_same() {
        let holdout = read(&["0.3", "us-west/writer=0"]).unwrap();
        let missions: Vec<MissionId> = (0..2_000).map(|_| MissionId(Uuid::new_v4())).collect();
        let without = |pool: Option<&PoolId>| missions.iter().filter(|one| holdout.takes(**one, pool)).count();
        assert!((500..700).contains(&without(None)), "{} of 2,000", without(None));
        assert_eq!(without(None), without(None));
        assert_eq!(without(Some(&"us-west/writer".parse().unwrap())), 0);
        assert_eq!(without(Some(&"us-east/writer".parse().unwrap())), without(None));
    }

    #[test]
    fn what_is_no_share_is_told_with_how_one_is_written() {
        for wrong in ["1.5", "-0.1", "half", "writer=0.5", "us-west/writer=2"] {
            assert!(read(&[wrong]).unwrap_err().contains("write 0.1"), "{wrong}");
        }
    }
}
