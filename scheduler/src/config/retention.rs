//! How long what is over is kept.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::Error;

/// Longest time that anything is kept: ten years.
const LONGEST_H: u64 = 10 * 365 * 24;

/// Shortest time of an idempotency key: a client may repeat a request for so long.
const KEYS_H: u64 = 24;

/// How long the recall log is kept where nothing else is said: as far as the hit rate looks back.
const RECALLS_H: u64 = 2_160;

/// How long what is over is kept. All schedulers of a database should agree: whoever holds the duty takes rows away by
/// its own figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Finished missions and their events.
    pub missions: Duration,
    /// Idempotency keys, since they were first used; a mission that is still there keeps its key longer. Never less than
    /// `missions`, so that a key is also looked for where earlier topologies put it while its mission is there.
    pub keys: Duration,
    /// Ended sessions.
    pub sessions: Duration,
    /// Memories, since their missions ended; none = for ever.
    pub memories: Option<Duration>,
    /// Lines of the recall log.
    pub recalls: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        const WEEK: Duration = Duration::from_hours(7 * 24);
        Self {
            missions: WEEK,
            keys: WEEK,
            sessions: Duration::from_hours(24),
            memories: None,
            recalls: Duration::from_hours(RECALLS_H),
        }
    }
}

impl Retention {
    /// What the settings ask for, in hours; none = the default.
    ///
    /// # Errors
    /// [`Error::Kept`] for what is out of bounds.
    pub(super) fn of_hours(missions: Option<u64>, keys: Option<u64>, sessions: Option<u64>) -> Result<Self, Error> {
        let default = Self::default();
        let missions = missions.map_or(Ok(default.missions), |hours| within("--missions-kept-h", hours, 1))?;
        let shortest = (missions.as_secs() / 3_600).max(KEYS_H);
        let keys = within("--keys-kept-h", keys.unwrap_or(shortest), shortest)?;
        let sessions = sessions.map_or(Ok(default.sessions), |hours| within("--sessions-kept-h", hours, 1))?;
        Ok(Self { missions, keys, sessions, ..default })
    }

    /// These, with what the settings ask for the memory, in hours; none = the default.
    ///
    /// # Errors
    /// [`Error::Kept`] for what is out of bounds.
    pub(super) fn memory_of_hours(self, memories: Option<u64>, recalls: Option<u64>) -> Result<Self, Error> {
        let memories = memories.map(|hours| within("--memories-kept-h", hours, 1)).transpose()?;
        let recalls = within("--recalls-kept-h", recalls.unwrap_or(RECALLS_H), 1)?;
        Ok(Self { memories, recalls, ..self })
    }
}

fn within(flag: &'static str, hours: u64, shortest: u64) -> Result<Duration, Error> {
    let possible: RangeInclusive<u64> = shortest..=LONGEST_H;
    if possible.contains(&hours) {
        return Ok(Duration::from_hours(hours));
    }
    Err(Error::Kept { flag, hours, why: format!("it takes {shortest} to {LONGEST_H} hours") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_is_the_default() {
        assert_eq!(Retention::of_hours(None, None, None).unwrap(), Retention::default());
        assert_eq!(Retention::default().memory_of_hours(None, None).unwrap(), Retention::default());
        assert_eq!(Retention::default().memories, None, "memories are kept until somebody says how long");
    }

    #[test]
    fn a_key_lives_a_day_and_as_long_as_missions() {
        let keys = |missions, keys| {
            let kept = Retention::of_hours(missions, keys, None);
            kept.map(|kept| kept.keys.as_secs() / 3_600).map_err(|error| error.to_string())
        };
        assert_eq!(keys(Some(2), None), Ok(24));
        assert_eq!(keys(Some(100), None), Ok(100));
        assert_eq!(keys(Some(2), Some(24)), Ok(24));
        assert_eq!(keys(None, Some(200)), Ok(200));
        let refused = "--keys-kept-h cannot be 23: it takes 24 to 87600 hours";
        assert_eq!(keys(Some(2), Some(23)), Err(refused.to_owned()));
        let refused = "--keys-kept-h cannot be 99: it takes 100 to 87600 hours";
        assert_eq!(keys(Some(100), Some(99)), Err(refused.to_owned()));
    }

    #[test]
    fn nothing_is_kept_for_no_time_or_for_ever() {
        for hours in [0, LONGEST_H + 1, u64::MAX] {
            assert!(Retention::of_hours(Some(hours), None, None).is_err(), "{hours}");
            assert!(Retention::of_hours(None, None, Some(hours)).is_err(), "{hours}");
            assert!(Retention::of_hours(None, Some(hours), None).is_err(), "{hours}");
            assert!(Retention::default().memory_of_hours(Some(hours), None).is_err(), "{hours}");
            assert!(Retention::default().memory_of_hours(None, Some(hours)).is_err(), "{hours}");
        }
    }
}
