//! What a log says is still to be undone. Pure.

use super::{Undo, UndoLine};

/// The steps that were begun and are not undone, the last one first. None where the run is over.
#[must_use]
pub fn pending(lines: &[UndoLine]) -> Vec<(String, Vec<Undo>)> {
    let mut begun: Vec<(String, Vec<Undo>)> = Vec::new();
    for line in lines {
        match line {
            UndoLine::Planned { step, undo } => begun.push((step.clone(), undo.clone())),
            UndoLine::Undone { step } => begun.retain(|(name, _)| name != step),
            UndoLine::Over => begun.clear(),
        }
    }
    begun.reverse();
    begun
}

/// The steps that a log says are undone, in the order in which they were.
#[must_use]
pub fn undone(lines: &[UndoLine]) -> Vec<String> {
    let undone = |line: &UndoLine| match line {
        UndoLine::Undone { step } => Some(step.clone()),
        UndoLine::Planned { .. } | UndoLine::Over => None,
    };
    lines.iter().filter_map(undone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(step: &str) -> UndoLine {
        UndoLine::Planned { step: step.to_owned(), undo: Vec::new() }
    }

    fn undone(step: &str) -> UndoLine {
        UndoLine::Undone { step: step.to_owned() }
    }

    #[test]
    fn what_was_begun_and_is_not_undone_is_pending_in_reverse_order() {
        let cases: [(&[UndoLine], &[&str]); 6] = [
            (&[], &[]),
            (&[planned("a")], &["a"]),
            (&[planned("a"), planned("b"), planned("c")], &["c", "b", "a"]),
            (&[planned("a"), planned("b"), undone("a"), planned("c")], &["c", "b"]),
            (&[planned("a"), undone("a")], &[]),
            (&[planned("a"), planned("b"), undone("b"), UndoLine::Over], &[]),
        ];
        for (lines, expected) in cases {
            let steps: Vec<String> = pending(lines).into_iter().map(|(step, _)| step).collect();
            assert_eq!(steps, expected, "{lines:?}");
        }
    }
}
