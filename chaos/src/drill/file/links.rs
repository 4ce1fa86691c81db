//! Links between two ends, and what is done to their bytes.

use topology::yaml::{Code, Fields, Node, Reader};

use super::{Known, values};
use crate::drill::{Direction, Endpoint, LinkSelector, ToxicSpec};

/// The keys of every fault that is about links.
macro_rules! link_keys {
    ($($more:literal),*) => { &["type", "fault", "from", "to", "direction", $($more),*] };
}
pub(super) use link_keys;

const DIRECTIONS: [(&str, Direction); 3] = [("both", Direction::Both), ("out", Direction::Out), ("in", Direction::In)];

/// `from` must be there; without `to` it is everybody else, without `direction` both ways.
pub(super) fn links(reader: &mut Reader, block: &Fields<'_>, what: &str, known: &Known) -> Option<LinkSelector> {
    let from = block.required(reader, "from", what).and_then(|node| endpoint(reader, node, known));
    let to = match block.get("to") {
        Some(node) => endpoint(reader, node, known),
        None => Some(Endpoint::Everyone),
    };
    let direction = match block.get("direction") {
        Some(node) => reader.choice(node, "direction", &DIRECTIONS, |(word, _)| word).map(|at| at.value.1),
        None => Some(Direction::Both),
    };
    let links = LinkSelector { from: from?, to: to?, direction: direction? };
    if links.from == links.to {
        let hint = "`to` names the other end, or is left out for everybody else";
        reader.error(Code::CONFLICT, block.span, format!("{what} has the same end twice"), hint);
        return None;
    }
    Some(links)
}

fn endpoint(reader: &mut Reader, node: &Node, known: &Known) -> Option<Endpoint> {
    let text = reader.text(node, "an end of a link")?;
    match text {
        "*" => Some(Endpoint::Everyone),
        "clients" => Some(Endpoint::Clients),
        "edge" => Some(Endpoint::Edge),
        "database" => Some(Endpoint::Database),
        _ => values::region_in(reader, node, text, known).map(Endpoint::Region),
    }
}

/// What is done to the bytes of a link, by its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Toxic {
    Latency,
    Bandwidth,
    Stall,
    Blackhole,
    Reset,
    Refuse,
    HalfOpen,
    SlowClose,
}

impl Toxic {
    pub(super) const fn of(toxic: &ToxicSpec) -> Self {
        match toxic {
            ToxicSpec::Latency { .. } => Self::Latency,
            ToxicSpec::Bandwidth { .. } => Self::Bandwidth,
            ToxicSpec::Stall => Self::Stall,
            ToxicSpec::Blackhole => Self::Blackhole,
            ToxicSpec::Reset { .. } => Self::Reset,
            ToxicSpec::Refuse => Self::Refuse,
            ToxicSpec::HalfOpen => Self::HalfOpen,
            ToxicSpec::SlowClose { .. } => Self::SlowClose,
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Bandwidth => "bandwidth",
            Self::Stall => "stall",
            Self::Blackhole => "blackhole",
            Self::Reset => "reset",
            Self::Refuse => "refuse",
            Self::HalfOpen => "half_open",
            Self::SlowClose => "slow_close",
        }
    }

    pub(super) const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Latency => link_keys!("ms", "jitter_ms"),
            Self::Bandwidth => link_keys!("bytes_per_s"),
            Self::Reset => link_keys!("after_ms"),
            Self::SlowClose => link_keys!("ms"),
            Self::Stall | Self::Blackhole | Self::Refuse | Self::HalfOpen => link_keys!(),
        }
    }

    pub(super) fn read(self, reader: &mut Reader, block: &Fields<'_>) -> Option<ToxicSpec> {
        /// A minute is longer than anything waits.
        const MS: u32 = 60_000;
        let what = format!("the fault {}", self.as_str());
        let mut must = |key: &str, most: u32| {
            let node = block.required(reader, key, &what)?;
            reader.count(node, key, 0..=most).map(u64::from)
        };
        Some(match self {
            Self::Latency => {
                ToxicSpec::Latency { ms: must("ms", MS)?, jitter_ms: may(reader, block, "jitter_ms", MS)? }
            }
            Self::Bandwidth => ToxicSpec::Bandwidth { bytes_per_s: must("bytes_per_s", u32::MAX)? },
            Self::Stall => ToxicSpec::Stall,
            Self::Blackhole => ToxicSpec::Blackhole,
            Self::Reset => ToxicSpec::Reset { after_ms: may(reader, block, "after_ms", MS)? },
            Self::Refuse => ToxicSpec::Refuse,
            Self::HalfOpen => ToxicSpec::HalfOpen,
            Self::SlowClose => ToxicSpec::SlowClose { ms: must("ms", MS)? },
        })
    }
}

/// A whole number that is 0 where it is not written.
fn may(reader: &mut Reader, block: &Fields<'_>, key: &str, most: u32) -> Option<u64> {
    block.get(key).map_or(Some(0), |node| reader.count(node, key, 0..=most).map(u64::from))
}
