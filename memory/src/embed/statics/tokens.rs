//! Word pieces by byte-pair merges, as the table's tokenizer makes them.

use std::collections::HashMap;

use serde::Deserialize;

use crate::text::MAX_TEXT_CHARS;

/// What stands for a space.
const SPACE: char = '\u{2581}';
/// Characters of a run without a space that are merged with one another: the work grows with their square.
const MAX_RUN: usize = 256;

#[derive(Deserialize)]
struct File {
    normalizer: serde_json::Value,
    pre_tokenizer: Option<serde_json::Value>,
    model: Model,
}

#[derive(Deserialize)]
struct Model {
    #[serde(rename = "type")]
    kind: String,
    byte_fallback: bool,
    vocab: HashMap<String, u32>,
    merges: Vec<String>,
}

/// The pieces, and which two are merged before which others.
#[derive(Debug)]
pub(super) struct Tokens {
    vocab: HashMap<String, u32>,
    /// Two pieces: their turn, and the piece they become.
    merges: HashMap<(u32, u32), (usize, u32)>,
    /// The pieces of bytes, for characters that have none of their own.
    bytes: Vec<u32>,
}

impl Tokens {
    /// Reads a tokenizer's file; only the one kind that the table comes with is understood.
    pub(super) fn parse(json: &[u8]) -> Result<Self, String> {
        let file: File = serde_json::from_slice(json).map_err(|error| format!("it cannot be read: {error}"))?;
        if file.normalizer != normalizer() || file.pre_tokenizer.is_some() {
            return Err("it prepares texts otherwise".into());
        }
        let Model { kind, byte_fallback, vocab, merges } = file.model;
        if kind != "BPE" || !byte_fallback {
            return Err("it is no byte-pair tokenizer that falls back to bytes".into());
        }
        let bytes = (0..=255)
            .map(|byte| {
                vocab.get(&format!("<0x{byte:02X}>")).copied().ok_or_else(|| format!("byte {byte} has no piece"))
            })
            .collect::<Result<_, _>>()?;
        let merges = merges
            .iter()
            .enumerate()
            .map(|(turn, merge)| {
                merge_of(merge, turn, &vocab).ok_or_else(|| format!("merge {merge:?} is of no pieces"))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { vocab, merges, bytes })
    }

    /// The pieces of a text.
    pub(super) fn of(&self, text: &str) -> Vec<u32> {
        if text.is_empty() {
            return Vec::new();
        }
        let marked: Vec<char> = std::iter::once(SPACE)
            .chain(text.chars().take(MAX_TEXT_CHARS).map(|c| if c == ' ' { SPACE } else { c }))
            .collect();
        // No piece goes on after a space that follows something else, so each run is merged by itself.
        let runs = marked.chunk_by(|&before, &c| c != SPACE || before == SPACE);
        runs.flat_map(|run| run.chunks(MAX_RUN)).flat_map(|run| self.merged(run)).collect()
    }

    fn merged(&self, run: &[char]) -> Vec<u32> {
        let mut pieces: Vec<u32> = run.iter().flat_map(|&c| self.of_char(c)).collect();
        while let Some((at, piece)) = self.next_merge(&pieces) {
            pieces[at] = piece;
            pieces.remove(at + 1);
        }
        pieces
    }

    /// Of all neighbours that may be merged, those whose turn is first, the leftmost of them.
    fn next_merge(&self, pieces: &[u32]) -> Option<(usize, u32)> {
        pieces
            .windows(2)
            .enumerate()
            .filter_map(|(at, pair)| self.merges.get(&(pair[0], pair[1])).map(|&(turn, piece)| (turn, at, piece)))
            .min()
            .map(|(_, at, piece)| (at, piece))
    }

    fn of_char(&self, c: char) -> Vec<u32> {
        let mut buffer = [0; 4];
        let text: &str = c.encode_utf8(&mut buffer);
        match self.vocab.get(text) {
            Some(&piece) => vec![piece],
            None => text.bytes().map(|byte| self.bytes[usize::from(byte)]).collect(),
        }
    }
}

/// A space before the text, and every space marked.
fn normalizer() -> serde_json::Value {
    let mark = SPACE.to_string();
    serde_json::json!({"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": mark},
        {"type": "Replace", "pattern": {"String": " "}, "content": mark},
    ]})
}

fn merge_of(merge: &str, turn: usize, vocab: &HashMap<String, u32>) -> Option<((u32, u32), (usize, u32))> {
    let (left, right) = merge.split_once(' ')?;
    let whole = vocab.get(&format!("{left}{right}"))?;
    Some(((*vocab.get(left)?, *vocab.get(right)?), (turn, *whole)))
}
