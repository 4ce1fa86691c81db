//! What happened in a run, as a digest that two equal runs share, and as lines where somebody wants to read them.

use super::time::{Us, seconds};

/// Everything that happened, folded into one number as it happens.
#[derive(Debug)]
pub(super) struct Trace {
    digest: u64,
    lines: Option<Vec<String>>,
}

impl Trace {
    /// Keeps lines only if asked: most runs are read by nobody.
    pub(super) fn new(keep: bool) -> Self {
        Self { digest: 0xcbf2_9ce4_8422_2325, lines: keep.then(Vec::new) }
    }

    /// Folds a number in: FNV-1a (draft-eastlake-fnv) over words in place of bytes, turned so that all bits take part.
    pub(super) fn fold(&mut self, word: u64) {
        self.digest = (self.digest ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
    }

    /// Notes something worth reading. Its words are in the digest whether or not the line is kept.
    pub(super) fn note(&mut self, at: Us, words: [u64; 3], line: impl FnOnce() -> String) {
        for word in words {
            self.fold(word);
        }
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{:>10.6} {}", seconds(at), line()));
        }
    }

    pub(super) fn finish(self) -> (u64, Vec<String>) {
        (self.digest, self.lines.unwrap_or_default())
    }
}
