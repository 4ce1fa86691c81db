//! In which order steps are undone. Pure.

/// The places of the steps that are not undone yet, the one that began last first. `undone` tells it of each step in the
/// order in which they began.
#[must_use]
pub fn undo_order(undone: &[bool]) -> Vec<usize> {
    (0..undone.len()).rev().filter(|place| !undone[*place]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_undone_is_undone_last_first() {
        let cases: [(&[bool], &[usize]); 5] = [
            (&[], &[]),
            (&[false], &[0]),
            (&[false, false, false], &[2, 1, 0]),
            (&[false, true, false], &[2, 0]),
            (&[true, true], &[]),
        ];
        for (undone, expected) in cases {
            assert_eq!(undo_order(undone), expected, "{undone:?}");
        }
    }
}
