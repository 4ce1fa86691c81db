//! Hashes that are the same in every process and release. Not for adversaries.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map whose keys the topology wrote: nobody can choose them to collide.
pub(crate) type NameMap<K, V> = HashMap<K, V, BuildHasherDefault<Fnv>>;

/// FNV-1a, 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// Mixed once more: the plain sum keeps its entropy in the low bits.
    fn finish(&self) -> u64 {
        mix(self.0)
    }
}

/// The finalizer of splitmix64 (Steele, Lea, Flood 2014): every bit of the input reaches every bit of the output.
pub(crate) const fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nonces are stored, and watchers must agree across versions: these values may never change.
    #[test]
    fn hashes_are_those_of_their_papers() {
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf, "first output of splitmix64 from seed 0");
        let mut hash = Fnv::default();
        hash.write(b"foobar");
        assert_eq!(hash.0, 0x8594_4171_f739_67e8, "test vector of FNV-1a");
        assert_eq!(hash.finish(), mix(0x8594_4171_f739_67e8));
    }
}
