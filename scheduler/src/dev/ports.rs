//! Which ports the local world uses, and who sits on one that is taken.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// First port of the schedulers, unless `PORT_BASE` says otherwise.
pub(crate) const DEFAULT_BASE: u16 = 7700;

/// The database's port lies so far below the schedulers'.
const DATABASE_BELOW: u16 = 268;

/// The agents' ports lie so far above the schedulers'.
const AGENTS_ABOVE: u16 = 100;

/// Most regions of a local world: the schedulers' ports must end before the agents' begin.
pub(crate) const MAX_REGIONS: usize = AGENTS_ABOVE as usize;

/// All ports of a local world, counted from one base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ports {
    base: u16,
}

impl Ports {
    /// The ports from a base on; none where they would not all be between 1024 and 65535.
    pub(crate) fn from_base(base: u16) -> Option<Self> {
        let lowest = base.checked_sub(DATABASE_BELOW)?;
        base.checked_add(2 * AGENTS_ABOVE)?;
        (lowest >= 1024).then_some(Self { base })
    }

    /// The database.
    pub(crate) const fn database(self) -> u16 {
        self.base - DATABASE_BELOW
    }

    /// The scheduler of the region in this slot, counted from 0.
    pub(crate) fn scheduler(self, slot: usize) -> SocketAddr {
        loopback(self.base, slot)
    }

    /// The health port of the agents of the region in this slot.
    pub(crate) fn agent(self, slot: usize) -> SocketAddr {
        loopback(self.base + AGENTS_ABOVE, slot)
    }

    /// The base.
    pub(crate) const fn base(self) -> u16 {
        self.base
    }
}

fn loopback(base: u16, slot: usize) -> SocketAddr {
    let offset = u16::try_from(slot.min(MAX_REGIONS - 1)).expect("bounded by MAX_REGIONS");
    SocketAddr::from((Ipv4Addr::LOCALHOST, base + offset))
}

/// What sits on those addresses that are taken, one sentence each.
pub(crate) fn taken(addresses: &[SocketAddr]) -> Vec<String> {
    addresses.iter().filter(|address| TcpListener::bind(address).is_err()).map(|address| busy(*address)).collect()
}

fn busy(address: SocketAddr) -> String {
    match sql::local::port_owner(address.port()) {
        Some(owner) => format!("port {} is taken by {owner}", address.port()),
        None => format!("port {} is taken by a process that cannot be seen from here", address.port()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ports_of_the_default_base_are_those_of_the_handbook() {
        let ports = Ports::from_base(DEFAULT_BASE).unwrap();
        assert_eq!(ports.database(), 7432);
        assert_eq!(ports.scheduler(2).port(), 7702);
        assert_eq!(ports.agent(0).port(), 7800);
    }

    #[test]
    fn a_base_whose_ports_do_not_exist_is_refused() {
        for (base, fine) in [(1291, false), (1292, true), (65335, true), (65400, false), (0, false)] {
            assert_eq!(Ports::from_base(base).is_some(), fine, "{base}");
        }
    }

    #[test]
    fn a_taken_port_is_named_with_its_owner() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let told = taken(&[address]);
        assert_eq!(told.len(), 1);
        assert!(told[0].contains(&address.port().to_string()), "{told:?}");
        if cfg!(target_os = "linux") {
            assert!(told[0].contains(&std::process::id().to_string()), "{told:?}");
        }
    }
}
