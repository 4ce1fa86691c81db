//! Digests of what was asked. Pure.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// SHA-256 of the parts, each ended by a byte that no UTF-8 text has, as hex.
pub(crate) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0xff]);
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing into a String cannot fail");
        hex
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_do_not_run_together(a in ".*", b in ".+") {
            let joined = format!("{a}{b}");
            prop_assert_ne!(digest(&[&a, &b]), digest(&[&joined]));
            prop_assert_ne!(digest(&[&a, &b]), digest(&[&joined, ""]));
        }
    }
}
