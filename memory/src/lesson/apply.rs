//! Which lessons apply to a question, and what is told of them.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::{Confidence, Lesson};
use crate::text::{overlap, term_set};

/// Lessons that are told, at most.
const TOLD: usize = 2;
/// The least share of a lesson's words that a question has where it applies ...
const SHARE: f64 = 0.5;
/// ... and the least number of them; a lesson that has fewer needs all.
const WORDS: usize = 3;
/// Missions from which on a lesson is told.
const MISSIONS: i64 = 2;
/// The least probability of what is told: that it helps, or that it does not.
const BELIEVED: f64 = 0.6;
/// Lessons whose words overlap by so much tell the same.
const TWINS: f64 = 0.8;

/// A lesson that applies.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// The lesson, with all evidence that may be told.
    pub lesson: Lesson,
    /// Whether it is what to avoid: its memory failed, or most missions that used it did.
    pub avoid: bool,
    /// The words of it that the question has.
    pub words: Vec<String>,
    /// Their share of all its words.
    pub share: f64,
    /// How likely a mission that uses it is to succeed.
    pub confidence: Confidence,
}

/// The few lessons that apply to a question with these terms, the best first. A function of its arguments alone; the
/// lessons are [`super::added`] up.
#[must_use]
pub fn applied(lessons: &[Lesson], question: &BTreeSet<String>) -> Vec<Applied> {
    let mut found: Vec<Applied> = lessons.iter().filter_map(|lesson| of(lesson, question)).collect();
    found.sort_by_key(|one| (Reverse((weight(one) * 1e9) as u64), one.lesson.taught.id));
    let mut told: Vec<Applied> = Vec::new();
    for one in found {
        let words = term_set(&one.lesson.taught.lesson);
        let is_twin = |other: &Applied| overlap(&words, &term_set(&other.lesson.taught.lesson)) >= TWINS;
        if told.len() < TOLD && !told.iter().any(is_twin) {
            told.push(one);
        }
    }
    told
}

/// How well it fits times how far it is believed.
fn weight(one: &Applied) -> f64 {
    one.share * one.confidence.mean.max(1.0 - one.confidence.mean)
}

fn of(lesson: &Lesson, question: &BTreeSet<String>) -> Option<Applied> {
    let patterns = &lesson.taught.patterns;
    let words: Vec<String> = patterns.iter().filter(|word| question.contains(*word)).cloned().collect();
    let share = words.len() as f64 / patterns.len().max(1) as f64;
    if words.is_empty() || words.len() < WORDS.min(patterns.len()) || share < SHARE {
        return None;
    }
    let confidence = lesson.counts().confidence();
    if confidence.missions < MISSIONS {
        return None;
    }
    let avoid = avoid(lesson.taught.avoid, confidence.mean)?;
    Some(Applied { lesson: lesson.clone(), avoid, words, share, confidence })
}

/// Whether a lesson is what to avoid; none where nobody can say. That missions failed which knew what to avoid recommends
/// nothing.
fn avoid(memory_failed: bool, mean: f64) -> Option<bool> {
    if mean >= BELIEVED {
        Some(memory_failed)
    } else if mean <= 1.0 - BELIEVED && !memory_failed {
        Some(true)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use chrono::DateTime;

    use super::*;
    use crate::lesson::Taught;
    use crate::lesson::taught::taught;
    use crate::testing::memory;

    fn lesson(id: u128, patterns: &str, succeeded: i64, failed: i64) -> Lesson {
        let patterns = patterns.split_whitespace().map(str::to_owned).collect();
        let plain = taught(&memory(id, true), None, &HashMap::new()).unwrap();
        Lesson { taught: Taught { patterns, ..plain }, succeeded, failed, updated_at: DateTime::UNIX_EPOCH }
    }

    fn ask(lessons: &[Lesson], question: &str) -> Vec<(u128, bool)> {
        let told = applied(lessons, &question.split_whitespace().map(str::to_owned).collect());
        told.iter().map(|one| (one.lesson.taught.memory.0.as_u128(), one.avoid)).collect()
    }

    #[test]
    fn a_lesson_applies_to_a_question_that_has_enough_of_its_words() {
        let eight = lesson(1, "a b c d e f g h", 4, 0);
        let four = lesson(2, "i j k l", 4, 0);
        let two = lesson(3, "m n", 4, 0);
        let none = lesson(4, "", 4, 0);
        let all = [eight, four, two, none];
        for (question, wanted) in [
            ("a b c d x y", &[1][..]),
            ("a b c x y", &[]),
            ("i j k", &[2]),
            ("i j", &[]),
            ("m n", &[3]),
            ("m", &[]),
            ("", &[]),
        ] {
            let told: Vec<u128> = ask(&all, question).into_iter().map(|(id, _)| id).collect();
            assert_eq!(told, wanted, "{question:?}");
        }
    }

    #[test]
    fn what_is_told_follows_from_how_missions_went_that_used_it() {
        for (memory_failed, succeeded, failed, wanted) in [
            (false, 2, 0, Some(false)),
            (false, 1, 0, None),
            (false, 2, 2, None),
            (false, 0, 2, Some(true)),
            (false, 1, 5, Some(true)),
            (true, 3, 0, Some(true)),
            (true, 0, 3, None),
            (true, 1, 1, None),
        ] {
            let mut it = lesson(1, "a b c", succeeded, failed);
            it.taught.avoid = memory_failed;
            let told = ask(&[it], "a b c");
            assert_eq!(told.first().map(|(_, avoid)| *avoid), wanted, "{memory_failed} {succeeded} {failed}");
        }
    }

    #[test]
    fn two_are_told_at_most_the_best_first_and_none_twice() {
        let well = lesson(1, "a b c", 9, 0);
        let better = lesson(2, "a b c", 20, 0);
        let less = lesson(3, "a b c x", 9, 0);
        let mut twin = lesson(4, "a b c", 8, 0);
        twin.taught.lesson.clone_from(&better.taught.lesson);
        assert_eq!(ask(&[less.clone(), well.clone(), better, twin], "a b c"), [(2, false), (1, false)]);
        assert_eq!(ask(&[less, well], "a b c"), [(1, false), (3, false)]);
    }
}
