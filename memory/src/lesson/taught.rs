//! What a memory teaches, and the evidence of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use topology::{ResidencyName, Specialization};
use uuid::Uuid;

use super::Counts;
use crate::model::{Memory, MemoryId};
use crate::rank::helped;
use crate::text::terms;

/// Ids of lessons are computed in this namespace.
const NAMESPACE: Uuid = Uuid::from_u128(0x6c65_7373_6f6e_4d65_a269_6469_616e_0001);
/// Longest lesson, in characters.
const LONGEST: usize = 300;
/// Words that a lesson is known by, at most.
const PATTERNS: usize = 8;

/// What a memory teaches, without its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taught {
    /// Computed from the memory and the rule, so that it is the same in every home.
    pub id: Uuid,
    /// The memory that taught it.
    pub memory: MemoryId,
    /// Kind of agent that it is for.
    pub specialization: Specialization,
    /// What to do, or to avoid, in a sentence or two.
    pub lesson: String,
    /// Words of missions that it applies to.
    pub patterns: Vec<String>,
    /// Whether it is what to avoid: the memory failed more often than not.
    pub avoid: bool,
    /// The rule that its evidence is under.
    pub residency: Option<ResidencyName>,
}

/// A lesson with its evidence in one home under one rule, or with all that may be told: see [`added`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lesson {
    /// What it says.
    pub taught: Taught,
    /// Missions that used the memory and succeeded.
    pub succeeded: i64,
    /// Missions that used the memory and failed.
    pub failed: i64,
    /// When its evidence was last counted.
    pub updated_at: DateTime<Utc>,
}

impl Lesson {
    /// Its evidence.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        Counts { applied: self.succeeded + self.failed, succeeded: self.succeeded }
    }
}

/// The id of what a memory teaches, as far as its evidence is under a rule.
#[must_use]
pub fn lesson_id(memory: MemoryId, rule: Option<&ResidencyName>) -> Uuid {
    let name = format!("{}/{}", memory.0, rule.map_or("", |rule| rule.as_str()));
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

/// What a memory teaches missions under a rule; none where it does not tell what was done. `having` says how many memories
/// have a word.
#[must_use]
pub fn taught(memory: &Memory, rule: Option<&ResidencyName>, having: &HashMap<String, u64>) -> Option<Taught> {
    let lesson = sentence(memory.solution.as_deref()?);
    (!lesson.is_empty()).then(|| Taught {
        id: lesson_id(memory.id, rule),
        memory: memory.id,
        specialization: memory.specialization.clone(),
        lesson,
        patterns: pattern_words(&terms(&memory.text()), having),
        avoid: !helped(memory),
        residency: rule.cloned(),
    })
}

/// Adds up the rows of each lesson: of what was told of it last, the words; of all, the evidence.
#[must_use]
pub fn added(rows: impl IntoIterator<Item = Lesson>) -> Vec<Lesson> {
    let mut all: BTreeMap<MemoryId, Lesson> = BTreeMap::new();
    for row in rows {
        let memory = row.taught.memory;
        let Some(sum) = all.get_mut(&memory) else {
            all.insert(memory, row);
            continue;
        };
        let (succeeded, failed) = (sum.succeeded + row.succeeded, sum.failed + row.failed);
        if (row.updated_at, row.taught.id) > (sum.updated_at, sum.taught.id) {
            *sum = row;
        }
        (sum.succeeded, sum.failed) = (succeeded, failed);
    }
    all.into_values()
        .map(|mut lesson| {
            lesson.taught.id = lesson_id(lesson.taught.memory, None);
            lesson
        })
        .collect()
}

/// The rarest words of a problem, of equally rare ones those that come first. A word that no other memory has comes last: it
/// may be a slip of the pen, and is in no question either.
fn pattern_words(terms: &[String], having: &HashMap<String, u64>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let once = terms.iter().filter(|word| seen.insert(*word));
    let mut known: Vec<(bool, u64, &String)> = once
        .filter_map(|word| having.get(word).map(|&count| (count <= 1, count, word)))
        .filter(|&(_, count, _)| count > 0)
        .collect();
    known.sort_by_key(|&(is_lone, count, _)| (is_lone, count));
    known.into_iter().take(PATTERNS).map(|(.., word)| word.clone()).collect()
}

/// The beginning of a text on one line: as many whole sentences as there is room for, else as many words.
fn sentence(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((end, _)) = line.char_indices().nth(LONGEST) else { return line };
    let room = &line[..end];
    if let Some(at) = [". ", "! ", "? "].iter().filter_map(|stop| room.rfind(stop)).max() {
        return room[..=at].to_owned();
    }
    let words = room.rfind(' ').map_or(room, |at| &room[..at]);
    format!("{words} ...")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::memory;

    fn having(words: &[(&str, u64)]) -> HashMap<String, u64> {
        words.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect()
    }

    #[test]
    fn a_lesson_is_the_beginning_of_what_was_done() {
        let long = format!("First this. Then {}.", "that and that ".repeat(40));
        let endless = "again ".repeat(80);
        let cut = format!("{} ...", "again ".repeat(50).trim_end());
        for (solution, said) in [
            ("  Use\n  SSH.  ", "Use SSH."),
            (long.as_str(), "First this."),
            (endless.as_str(), cut.as_str()),
            (&"ä".repeat(400), &format!("{} ...", "ä".repeat(300))),
        ] {
            assert_eq!(sentence(solution), said);
        }
        let silent = |solution: Option<&str>| Memory { solution: solution.map(str::to_owned), ..memory(1, true) };
        assert_eq!(taught(&silent(None), None, &having(&[])), None);
        assert_eq!(taught(&silent(Some(" \n")), None, &having(&[])), None);
    }

    #[test]
    fn a_lesson_is_known_by_the_rarest_words_of_its_problem_that_others_have_too() {
        let mut it = memory(1, true);
        it.title = "telnet password wire tpyo everywhere".to_owned();
        it.description = "zebra yak telnet apple".to_owned();
        let of_all: Vec<(&str, u64)> = vec![
            ("telnet", 2),
            ("password", 3),
            ("wire", 4),
            ("tpyo", 1),
            ("everywher", 90),
            ("zebra", 4),
            ("appl", 1),
        ];
        let it = taught(&it, None, &having(&of_all)).unwrap();
        assert_eq!(it.patterns, ["telnet", "password", "wire", "zebra", "everywher", "tpyo", "appl"]);
    }

    #[test]
    fn what_failed_more_often_than_not_is_what_to_avoid() {
        let of = |succeeded, success| {
            let evidence = Memory { evidence: 3, evidence_succeeded: succeeded, ..memory(1, success) };
            taught(&evidence, None, &having(&[])).unwrap().avoid
        };
        assert_eq!((of(3, true), of(1, true), of(0, false), of(2, false)), (false, true, true, false));
    }

    #[test]
    fn the_rows_of_a_lesson_are_added_up_and_its_last_words_stand() {
        let rule: ResidencyName = "eu".parse().unwrap();
        let row = |rule: Option<&ResidencyName>, succeeded, failed, seconds, lesson: &str| Lesson {
            taught: Taught { lesson: lesson.to_owned(), ..taught(&memory(1, true), rule, &having(&[])).unwrap() },
            succeeded,
            failed,
            updated_at: DateTime::from_timestamp(seconds, 0).unwrap(),
        };
        let other = Lesson { taught: taught(&memory(2, true), None, &having(&[])).unwrap(), ..row(None, 1, 0, 1, "") };
        let rows = [row(None, 2, 1, 5, "old"), row(Some(&rule), 1, 1, 9, "new"), other, row(None, 4, 0, 7, "older")];
        for turn in 0..rows.len() {
            let mut rows = rows.to_vec();
            rows.rotate_left(turn);
            let added = added(rows);
            assert_eq!(added.len(), 2);
            let sum = &added[0];
            assert_eq!((sum.succeeded, sum.failed, sum.taught.lesson.as_str()), (7, 2, "new"));
            assert_eq!(sum.taught.id, lesson_id(sum.taught.memory, None), "the same whatever may be told of it");
        }
        assert_ne!(row(None, 1, 1, 1, "").taught.id, row(Some(&rule), 1, 1, 1, "").taught.id);
    }
}
