//! Names that look like a mistyped one.

/// Most suggestions that a hint shows.
const MOST: usize = 3;

/// Up to three of the candidates that look most like `text`, best first; empty when none is near. Letter case does not
/// matter. Near = the edit distance (insert, delete, replace, swap of neighbours) is at most a third of the length.
#[must_use]
pub fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted: Vec<char> = text.to_lowercase().chars().collect();
    let mut scored: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter_map(|candidate| {
            let other: Vec<char> = candidate.to_lowercase().chars().collect();
            let most = (wanted.len().max(other.len()) / 3).max(1);
            (wanted.len().abs_diff(other.len()) <= most)
                .then(|| (edits(&wanted, &other), candidate))
                .filter(|(edits, _)| *edits <= most)
        })
        .collect();
    scored.sort_unstable();
    scored.dedup();
    scored.into_iter().take(MOST).map(|(_, candidate)| candidate).collect()
}

/// Optimal string alignment distance.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_of_neighbours_is_one_edit() {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        assert_eq!(edits(&chars("westeurope"), &chars("westeuroep")), 1);
        assert_eq!(edits(&chars(""), &chars("abc")), 3);
        assert_eq!(edits(&chars("kitten"), &chars("sitting")), 3);
    }

    #[test]
    fn what_is_far_from_everything_has_no_suggestion() {
        assert_eq!(nearest("us-esat-1", ["us-east-1", "us-east-2", "eu-west-1"]), ["us-east-1", "us-east-2"]);
        assert!(nearest("atlantis", ["us-east-1", "eu-west-1"]).is_empty());
    }
}
