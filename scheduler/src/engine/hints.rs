//! Hints to other schedulers that a pool has work.
//!
//! A commit here that queues work in another region is told to one scheduler there, which passes it to its peers of the
//! region; work of the own region is told to the own peers. Hints are gathered for 10 ms, are sent once, and nobody
//! waits for them: every waiting claim polls as well, so a lost hint costs latency only.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scheduler_client::wire::Wake;
use scheduler_client::{Client, Config, Limits};
use tokio::sync::{Notify, Semaphore};
use topology::{PoolId, RegionName, SchedulerId};

use super::{Engine, lock};
use crate::view::Peer;

/// Hints to one scheduler are at least so long apart.
const GATHER: Duration = Duration::from_millis(10);
/// A hint that takes longer is useless.
const LIMITS: Limits = Limits {
    attempt: Duration::from_millis(500),
    overall: Duration::from_millis(500),
    tries: 1,
    pause: Duration::from_millis(1),
    pause_max: Duration::from_millis(1),
};
/// Hints under way at a time; more are dropped.
const UNDER_WAY: usize = 64;
/// Clients that are kept; they are made anew when addresses have changed that often.
const CLIENTS: usize = 1_000;

/// Pools whose hints have not been sent yet.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    waiting: Mutex<Waiting>,
    more: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Told to one scheduler of the pool's region.
    afar: BTreeSet<PoolId>,
    /// Told to all other schedulers of the own region.
    near: BTreeSet<PoolId>,
}

impl Hints {
    /// Work was queued in these pools by this process.
    pub(super) fn tell<'a>(&self, own: &RegionName, pools: impl Iterator<Item = &'a PoolId>) {
        let mut waiting = lock(&self.waiting);
        for pool in pools {
            let group = if pool.region == *own { &mut waiting.near } else { &mut waiting.afar };
            if !group.contains(pool) {
                group.insert(pool.clone());
            }
        }
        drop(waiting);
        self.more.notify_one();
    }

    /// Passes what another region told to the own peers.
    fn pass(&self, pools: &[PoolId]) {
        lock(&self.waiting).near.extend(pools.iter().cloned());
        self.more.notify_one();
    }
}

impl Engine {
    /// A hint of another scheduler: lets the claims of these pools look at once, and passes it on within the region
    /// unless a peer of the region has sent it.
    pub fn hear(&self, hint: &Wake) {
        self.0.hub.wake(hint.pools.iter());
        if !hint.passed {
            self.0.hints.pass(&hint.pools);
        }
    }

    /// Sends hints until the scheduler stops. `token` is what this scheduler shows to others.
    pub async fn send_hints(self, own: SchedulerId, token: Option<String>) {
        let mut clients: HashMap<String, Client> = HashMap::new();
        let under_way = Arc::new(Semaphore::new(UNDER_WAY));
        loop {
            tokio::select! {
                () = self.0.hints.more.notified() => {}
                () = self.0.stop.cancelled() => return,
            }
            tokio::time::sleep(GATHER).await;
            let waiting = std::mem::take(&mut *lock(&self.0.hints.waiting));
            let view = self.0.views.current();
            for (address, hint) in addressed(&waiting, &view.peers, own, &self.0.region, rand::random()) {
                let Ok(permit) = Arc::clone(&under_way).try_acquire_owned() else {
                    metrics::counter!("scheduler_hints_dropped_total").increment(1);
                    continue;
                };
                let Some(client) = client(&mut clients, &address, token.as_ref()) else { continue };
                tokio::spawn(async move {
                    if let Err(error) = client.wake(&hint).await {
                        tracing::debug!(address, error = &error as &dyn std::error::Error, "a hint was lost");
                    }
                    drop(permit);
                });
            }
        }
    }
}

/// Who is told what. A pool of another region goes to one scheduler there, chosen by `choice`.
fn addressed(
    waiting: &Waiting,
    peers: &[Peer],
    own: SchedulerId,
    region: &RegionName,
    choice: u32,
) -> Vec<(String, Wake)> {
    let mut afar: BTreeMap<&RegionName, Vec<PoolId>> = BTreeMap::new();
    for pool in &waiting.afar {
        afar.entry(&pool.region).or_default().push(pool.clone());
    }
    let mut hints = Vec::new();
    for (region, pools) in afar {
        let there: Vec<&Peer> = peers.iter().filter(|peer| peer.region == *region).collect();
        if let Some(peer) = there.get(choice as usize % there.len().max(1)) {
            hints.push((peer.address.clone(), Wake { pools, passed: false }));
        }
    }
    if !waiting.near.is_empty() {
        let pools: Vec<PoolId> = waiting.near.iter().cloned().collect();
        let near = peers.iter().filter(|peer| peer.region == *region && peer.id != own);
        hints.extend(near.map(|peer| (peer.address.clone(), Wake { pools: pools.clone(), passed: true })));
    }
    hints
}

fn client(clients: &mut HashMap<String, Client>, address: &str, token: Option<&String>) -> Option<Client> {
    if let Some(client) = clients.get(address) {
        return Some(client.clone());
    }
    if clients.len() >= CLIENTS {
        clients.clear();
    }
    let config = Config::new([address]).token(token.cloned()).limits(LIMITS);
    let made = Client::new(&config)
        .inspect_err(|error| tracing::debug!(address, error = error as &dyn std::error::Error, "no hints there"))
        .ok()?;
    clients.insert(address.to_owned(), made.clone());
    Some(made)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn peer(region: &str, address: &str) -> Peer {
        Peer {
            id: SchedulerId::random(),
            region: region.parse().unwrap(),
            address: address.to_owned(),
            version: String::new(),
            topology_version: 1,
            at: DateTime::UNIX_EPOCH,
        }
    }

    fn pool(name: &str) -> PoolId {
        name.parse().unwrap()
    }

    #[test]
    fn another_region_is_told_once_and_the_own_peers_all() {
        let (hints, own_region) = (Hints::default(), "us-west".parse().unwrap());
        let pools = ["us-west/a", "eu/a", "eu/b", "nowhere/a", "eu/a"].map(pool);
        hints.tell(&own_region, pools.iter());
        let own = peer("us-west", "own");
        let id = own.id;
        let peers = [own, peer("us-west", "w2"), peer("us-west", "w3"), peer("eu", "e1"), peer("eu", "e2")];
        let waiting = lock(&hints.waiting);
        let told = addressed(&waiting, &peers, id, &own_region, 7);
        let near = Wake { pools: vec![pool("us-west/a")], passed: true };
        let afar = Wake { pools: vec![pool("eu/a"), pool("eu/b")], passed: false };
        assert_eq!(told, [("e2".to_owned(), afar), ("w2".to_owned(), near.clone()), ("w3".to_owned(), near)]);
    }

    #[test]
    fn a_hint_that_is_passed_on_stays_in_the_region() {
        let hints = Hints::default();
        hints.pass(&[pool("us-west/a")]);
        let peers = [peer("us-west", "w2"), peer("eu", "e1")];
        let own_region = "us-west".parse().unwrap();
        let told = addressed(&lock(&hints.waiting), &peers, SchedulerId::random(), &own_region, 0);
        assert_eq!(told, [("w2".to_owned(), Wake { pools: vec![pool("us-west/a")], passed: true })]);
    }
}
