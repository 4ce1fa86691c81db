//! Free ports on loopback, outside the range that the system hands out by itself.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

use topology::RegionName;

/// Below Linux' and macOS' ephemeral ranges, so that no outgoing connection takes a port between look and use.
const FIRST: u16 = 20_000;
const LAST: u16 = 29_999;

/// Where the next look starts: a process never looks at one port twice, and two processes start apart.
static NEXT: AtomicU16 = AtomicU16::new(0);

/// Finds `count` different ports on which nothing listens.
///
/// # Errors
/// Where fewer are free.
pub fn free_ports(count: usize) -> anyhow::Result<Vec<u16>> {
    let span = LAST - FIRST + 1;
    let offset = u16::try_from(std::process::id() * 61 % u32::from(span)).expect("the remainder is below the span");
    let mut found = Vec::with_capacity(count);
    for _ in 0..span {
        if found.len() == count {
            return Ok(found);
        }
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % span;
        let port = FIRST + (offset + step) % span;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            found.push(port);
        }
    }
    anyhow::bail!("fewer than {count} free ports between {FIRST} and {LAST}")
}

/// Two for each region, for its scheduler and its agent.
///
/// # Errors
/// As [`free_ports`].
pub fn of(regions: &[RegionName]) -> anyhow::Result<BTreeMap<RegionName, (u16, u16)>> {
    let free = free_ports(regions.len() * 2)?;
    Ok(regions.iter().cloned().zip(free.chunks_exact(2).map(|pair| (pair[0], pair[1]))).collect())
}
