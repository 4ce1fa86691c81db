//! The links of a world, and which of them a fault is about. Pure.
//!
//! | link | carries |
//! | --- | --- |
//! | clients -> scheduler R | submits |
//! | edge -> scheduler R | the edge's health monitor |
//! | agent A -> scheduler B | sessions, claims, heartbeats, results, also where A is B |
//! | peers -> scheduler R | hints of other schedulers; a scheduler has one address for all, so these cannot be told apart |
//! | scheduler A -> gateway B | statements, also where A is B |
//!
//! A gateway has a near end in its region and a far end at the database. Its region being cut off means that it has lost
//! the database, for every scheduler that asks it, its own too.

use std::fmt;

use topology::RegionName;

use crate::drill::Direction;

/// One end of a link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// Whoever submits.
    Clients,
    /// The edge's health monitor.
    Edge,
    /// Schedulers that give hints.
    Peers,
    /// A region's scheduler.
    Scheduler(RegionName),
    /// A region's agent.
    Agent(RegionName),
    /// A region's gateway to the database.
    Gateway(RegionName),
}

/// A link from whoever connects to whoever listens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// Who connects.
    pub client: Node,
    /// Who listens.
    pub server: Node,
}

/// An end of a fault, with its region resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Everything of a region.
    Region(RegionName),
    /// Everybody outside the other end.
    Everyone,
    /// Whoever submits.
    Clients,
    /// The edge.
    Edge,
    /// The database.
    Database,
}

/// What a fault does to the bytes of a link, seen from the link's client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// What the client sends.
    Up,
    /// What the server sends.
    Down,
    /// Both.
    Both,
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clients => f.write_str("clients"),
            Self::Edge => f.write_str("edge"),
            Self::Peers => f.write_str("peers"),
            Self::Scheduler(region) => write!(f, "scheduler {region}"),
            Self::Agent(region) => write!(f, "agent {region}"),
            Self::Gateway(region) => write!(f, "gateway {region}"),
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.client, self.server)
    }
}

/// All links of a world of these regions.
#[must_use]
pub fn all(regions: &[RegionName]) -> Vec<Link> {
    let mut links = Vec::new();
    for here in regions {
        for client in [Node::Clients, Node::Edge, Node::Peers] {
            links.push(Link { client, server: Node::Scheduler(here.clone()) });
        }
        for there in regions {
            let (agent, scheduler) = (Node::Agent(here.clone()), Node::Scheduler(here.clone()));
            links.push(Link { client: agent, server: Node::Scheduler(there.clone()) });
            links.push(Link { client: scheduler, server: Node::Gateway(there.clone()) });
        }
    }
    links
}

/// The links between two ends, each with the way that is meant.
#[must_use]
pub fn between(links: &[Link], from: &End, to: &End, direction: Direction) -> Vec<(Link, Way)> {
    let (out, back) = match direction {
        Direction::Both => (Way::Both, Way::Both),
        Direction::Out => (Way::Up, Way::Down),
        Direction::In => (Way::Down, Way::Up),
    };
    let mut found = Vec::new();
    for link in links {
        if inside(&link.client, from, to) && inside(&link.server, to, from) {
            found.push((link.clone(), out));
        } else if inside(&link.client, to, from) && inside(&link.server, from, to) {
            found.push((link.clone(), back));
        }
    }
    found
}

/// The links that end at a region's gateway.
#[must_use]
pub fn to_gateway(links: &[Link], region: &RegionName) -> Vec<Link> {
    links.iter().filter(|link| link.server == Node::Gateway(region.clone())).cloned().collect()
}

/// The links that carry statements.
#[must_use]
pub fn statements(links: &[Link]) -> Vec<Link> {
    links.iter().filter(|link| matches!(link.server, Node::Gateway(_))).cloned().collect()
}

/// Whether a node is at an end; `other` is the end opposite.
fn inside(node: &Node, end: &End, other: &End) -> bool {
    match end {
        End::Region(region) => match node {
            Node::Scheduler(own) | Node::Agent(own) | Node::Gateway(own) => own == region,
            Node::Clients | Node::Edge | Node::Peers => false,
        },
        // The far end of every gateway is the database, which is outside of any region.
        End::Everyone => matches!(node, Node::Gateway(_)) || !inside(node, other, &End::Everyone),
        End::Clients => *node == Node::Clients,
        End::Edge => *node == Node::Edge,
        End::Database => matches!(node, Node::Gateway(_)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<RegionName> {
        ["a", "b", "c"].into_iter().map(|name| name.parse().unwrap()).collect()
    }

    fn told(from: &End, to: &End, direction: Direction) -> Vec<String> {
        let sign = |way| match way {
            Way::Up => "up",
            Way::Down => "down",
            Way::Both => "both",
        };
        let found = between(&all(&names()), from, to, direction);
        found.iter().map(|(link, way)| format!("{link} {}", sign(*way))).collect()
    }

    fn region(name: &str) -> End {
        End::Region(name.parse().unwrap())
    }

    #[test]
    fn a_world_of_three_has_27_links() {
        assert_eq!(all(&names()).len(), 27);
    }

    #[test]
    fn a_region_that_is_cut_off_loses_all_but_its_own_agents() {
        let cut = told(&region("a"), &End::Everyone, Direction::Both);
        let wanted = [
            "clients -> scheduler a both",
            "edge -> scheduler a both",
            "peers -> scheduler a both",
            "scheduler a -> gateway a both",
            "agent a -> scheduler b both",
            "scheduler a -> gateway b both",
            "agent a -> scheduler c both",
            "scheduler a -> gateway c both",
            "agent b -> scheduler a both",
            "scheduler b -> gateway a both",
            "agent c -> scheduler a both",
            "scheduler c -> gateway a both",
        ];
        assert_eq!(cut, wanted);
    }

    #[test]
    fn outbound_is_what_the_region_sends_whoever_connected() {
        let cut = told(&region("a"), &End::Everyone, Direction::Out);
        assert!(cut.contains(&"agent a -> scheduler b up".to_owned()), "{cut:?}");
        assert!(cut.contains(&"clients -> scheduler a down".to_owned()), "{cut:?}");
        assert!(cut.contains(&"scheduler a -> gateway a up".to_owned()), "{cut:?}");
        let heard = told(&region("a"), &End::Everyone, Direction::In);
        assert!(heard.contains(&"agent a -> scheduler b down".to_owned()), "{heard:?}");
        assert_eq!(cut.len(), heard.len());
    }

    #[test]
    fn two_regions_are_parted_without_a_third() {
        let cut = told(&region("a"), &region("b"), Direction::Both);
        assert_eq!(
            cut,
            [
                "agent a -> scheduler b both",
                "scheduler a -> gateway b both",
                "agent b -> scheduler a both",
                "scheduler b -> gateway a both"
            ]
        );
    }

    #[test]
    fn the_database_is_behind_every_gateway() {
        assert_eq!(told(&region("a"), &End::Database, Direction::Both).len(), 3, "what its scheduler asks");
        assert_eq!(told(&End::Clients, &region("b"), Direction::Both), ["clients -> scheduler b both"]);
        assert_eq!(to_gateway(&all(&names()), &"b".parse().unwrap()).len(), 3);
        assert_eq!(statements(&all(&names())).len(), 9);
    }
}
