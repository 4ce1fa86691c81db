//! Vectors from the letters of a text alone: signed feature hashing of the 3 to 5 letter pieces of its words. Lexical, not
//! semantic: texts are near where they share words, or parts of words, and never by meaning. Needs no file, no key and no
//! network.
//!
//! The hash is FNV-1a of 64 bits over the UTF-8 of a piece, finished by two xor-shifts around one multiplication, so that
//! its low bits are as good as its high ones. It is the same on every machine and part of `v1`: another hash, or other
//! pieces, are another space.

use std::collections::BTreeMap;
use std::future::{Future, ready};

use topology::ResidencyName;

use super::{DIMENSIONS, Embedder, Error, Space};
use crate::text::plain_words;

/// The shortest and the longest piece of a word, its two borders counted in.
const PIECES: std::ops::RangeInclusive<usize> = 3..=5;

/// Makes the vectors of `local:lex1536:v1`.
#[derive(Debug, Clone)]
pub struct Lexical {
    space: Space,
}

impl Lexical {
    /// The space's name.
    pub const SPACE: &'static str = "local:lex1536:v1";

    /// Ready at once.
    #[must_use]
    pub fn new() -> Self {
        Self { space: Space::new(Self::SPACE) }
    }

    /// The vector of a text, of length 1.
    #[must_use]
    pub fn vector(&self, text: &str) -> Vec<f32> {
        vector(text, DIMENSIONS)
    }
}

impl Default for Lexical {
    fn default() -> Self {
        Self::new()
    }
}

impl Embedder for Lexical {
    fn space(&self) -> &Space {
        &self.space
    }

    fn may_see(&self, _rule: Option<&ResidencyName>) -> bool {
        true
    }

    fn embed(&self, texts: &[String]) -> impl Future<Output = Result<Vec<Vec<f32>>, Error>> + Send {
        ready(Ok(texts.iter().map(|text| self.vector(text)).collect()))
    }
}

/// The vector of a text in so many dimensions, of length 1. A piece that comes often counts by the logarithm.
pub(super) fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let mut sums = vec![0.0_f64; dimensions];
    for (piece, count) in pieces(text) {
        let hash = hash(piece.as_bytes());
        let sign = if hash & 1 == 1 { 1.0 } else { -1.0 };
        let at = usize::try_from((hash >> 1) % dimensions as u64).expect("smaller than dimensions");
        sums[at] += sign * (1.0 + f64::from(count).ln());
    }
    // Without a word, or where all its pieces cancel out, a text still has a direction: all such texts the same.
    if sums.iter().all(|&sum| sum == 0.0) {
        sums[0] = 1.0;
    }
    normalized(&sums)
}

/// The same direction with length 1; the zero vector stays.
pub(super) fn normalized(vector: &[f64]) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
    vector.iter().map(|x| (x * scale) as f32).collect()
}

/// In a map that is ordered, so that sums of floating point numbers come out the same each time.
fn pieces(text: &str) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for word in plain_words(text) {
        let bordered: Vec<char> = std::iter::once('^').chain(word.chars()).chain(['$']).collect();
        for size in PIECES {
            for piece in bordered.windows(size) {
                *counts.entry(piece.iter().collect()).or_default() += 1;
            }
        }
    }
    counts
}

fn hash(bytes: &[u8]) -> u64 {
    let fnv = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let mixed = (fnv ^ (fnv >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    mixed ^ (mixed >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    }

    #[test]
    fn the_hash_is_the_one_that_vectors_are_stored_with() {
        // Reckoned by another program; a change here is a change of the space.
        assert_eq!(hash(b"^exe"), 0xdce7_b4a8_be08_1ac7);
        assert_eq!(hash("größe".as_bytes()), 0x6f99_85dd_bd2d_6b51);
    }

    #[test]
    fn a_vector_has_length_1_even_of_nothing() {
        for text in ["", "the of and", "one word", "größe — ünïcode", &"long ".repeat(9_000)] {
            let vector = Lexical::new().vector(text);
            assert_eq!(vector.len(), DIMENSIONS);
            assert!((cosine(&vector, &vector) - 1.0).abs() < 1e-5, "{text:.20}");
        }
    }

    #[test]
    fn texts_that_share_parts_of_words_are_nearer_than_others() {
        let asked = vector("unused imports in a module", DIMENSIONS);
        let near = cosine(&asked, &vector("module imports something and never uses it", DIMENSIONS));
        let far = cosine(&asked, &vector("passwords are compared in constant time", DIMENSIONS));
        assert!(near > far + 0.2, "near {near:.2}, far {far:.2}");
    }
}
