//! IPv4 network ranges such as `10.12.0.0/16`.

use crate::yaml::{At, Code, Node, Reader, shortened};
use std::net::Ipv4Addr;

/// A network range: its first address and the length of its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    first: u32,
    prefix: u32,
}

impl Range {
    const fn mask(prefix: u32) -> u32 {
        if prefix == 0 { 0 } else { u32::MAX << (32 - prefix) }
    }

    /// Whether the ranges share an address.
    pub(super) const fn overlaps(self, other: Self) -> bool {
        let mask = Self::mask(if self.prefix < other.prefix { self.prefix } else { other.prefix });
        self.first & mask == other.first & mask
    }

    /// Whether every address of the other range is in this one.
    pub(super) const fn contains(self, other: Self) -> bool {
        self.prefix <= other.prefix && self.overlaps(other)
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from_bits(self.first), self.prefix)
    }
}

/// Reads a range whose address is its first one.
pub(super) fn read(reader: &mut Reader, node: &Node, what: &str) -> Option<At<Range>> {
    let text = reader.text(node, what)?;
    let Some(range) = parse(text) else {
        let message = format!("{what} must be a network range, not `{}`", shortened(text));
        reader.error(Code::INVALID_VALUE, node.span, message, "such as 10.12.0.0/16, with a prefix of 8 to 28");
        return None;
    };
    let first = Range { first: range.first & Range::mask(range.prefix), ..range };
    if first != range {
        let message = format!("{what} begins inside the range");
        reader.error(Code::INVALID_VALUE, node.span, message, format!("write {first}"));
        return None;
    }
    Some(At { value: range, span: node.span })
}

fn parse(text: &str) -> Option<Range> {
    let (address, prefix) = text.split_once('/')?;
    let first = address.parse::<Ipv4Addr>().ok()?.to_bits();
    let digits = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
    let prefix = prefix.parse().ok().filter(|prefix| digits && (8..=28).contains(prefix))?;
    Some(Range { first, prefix })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_overlap_where_one_is_in_the_other() {
        let range = |text| parse(text).unwrap();
        assert!(range("10.0.0.0/8").overlaps(range("10.12.0.0/16")));
        assert!(range("10.0.0.0/8").contains(range("10.12.0.0/16")));
        assert!(!range("10.12.0.0/16").contains(range("10.0.0.0/8")));
        assert!(!range("10.12.0.0/16").overlaps(range("10.13.0.0/16")));
        for text in ["10.0.0.0", "10.0.0/8", "10.0.0.0/33", "10.0.0.0/7", "10.0.0.0/+16", "::/8", "10.0.0.0/"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
