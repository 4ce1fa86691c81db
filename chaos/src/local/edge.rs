//! The edge of a world on this machine: asks every region's health endpoint as a load balancer's monitor would, and says in which
//! order clients try the regions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use topology::{Position, RegionName};

/// Time between two looks at a region. Cloudflare's shortest is 10 s: a local world has no time for that.
const EVERY: Duration = Duration::from_secs(1);
/// How long a look may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// Looks in a row that change the mind.
const IN_A_ROW: u32 = 2;

/// For each region, the regions that its clients try, in this order.
pub(crate) type Order = BTreeMap<RegionName, Vec<RegionName>>;

/// Where the regions are.
pub(crate) type Places = BTreeMap<RegionName, Position>;

/// The monitor. It ends with the value.
#[derive(Debug)]
pub(crate) struct Edge {
    order: watch::Receiver<Order>,
    looking: JoinHandle<()>,
}

impl Edge {
    /// Starts to look at the health endpoints, one a region.
    pub(crate) fn start(places: Places, health: BTreeMap<RegionName, String>) -> Self {
        let (tell, order) = watch::channel(distances(&places));
        Self { order, looking: tokio::spawn(look(places, health, tell)) }
    }

    /// The order, as it changes.
    pub(crate) fn order(&self) -> watch::Receiver<Order> {
        self.order.clone()
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

async fn look(places: Places, health: BTreeMap<RegionName, String>, tell: watch::Sender<Order>) {
    let mut minds: BTreeMap<RegionName, Mind> = places.keys().map(|name| (name.clone(), Mind::default())).collect();
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let looks = health.iter().map(|(region, url)| async move {
            let answer = tokio::time::timeout(PATIENCE, crate::http::get(url)).await;
            (region, matches!(answer, Ok(Ok((200, _)))))
        });
        for (region, green) in futures_util::future::join_all(looks).await {
            minds.entry(region.clone()).or_default().saw(green);
        }
        let red = minds.iter().filter(|(_, mind)| mind.red).map(|(region, _)| region.clone()).collect();
        let now = order(&places, &red);
        tell.send_if_modified(|old| {
            let changed = *old != now;
            *old = now;
            changed
        });
    }
}

/// What the monitor thinks of a region.
#[derive(Debug, Default)]
struct Mind {
    red: bool,
    against: u32,
}

impl Mind {
    fn saw(&mut self, green: bool) {
        self.against = if green == self.red { self.against + 1 } else { 0 };
        if self.against >= IN_A_ROW {
            self.red = !self.red;
            self.against = 0;
        }
    }
}

/// For each region, all regions by distance, itself first.
pub(crate) fn distances(places: &Places) -> Order {
    order(places, &BTreeSet::new())
}

/// Green regions by distance, then the red ones by distance: where all are red, all are tried.
fn order(places: &Places, red: &BTreeSet<RegionName>) -> Order {
    let sorted = |here: &Position| {
        let mut all: Vec<RegionName> = places.keys().cloned().collect();
        let metres = |there: &RegionName| (here.distance_km(places[there]) * 1e3) as u64;
        all.sort_by_cached_key(|there| (red.contains(there), metres(there), there.clone()));
        all
    };
    places.iter().map(|(region, here)| (region.clone(), sorted(here))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[&str]) -> Vec<RegionName> {
        all.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn red_regions_come_last_and_the_rest_by_distance() {
        let at = [
            ("us-west", 45.5, -122.7),
            ("europe-west", 53.3, -6.3),
            ("asia-east", 35.7, 139.7),
            ("us-east", 38.9, -77.4),
        ];
        let places = at.map(|(name, lat, lng)| (name.parse().unwrap(), Position::new(lat, lng).unwrap()));
        let (places, here) = (Places::from(places), names(&["us-west"]).remove(0));
        assert_eq!(distances(&places)[&here], names(&["us-west", "us-east", "europe-west", "asia-east"]));
        let red = order(&places, &[here.clone()].into());
        assert_eq!(red[&here], names(&["us-east", "europe-west", "asia-east", "us-west"]));
    }

    #[test]
    fn one_look_changes_no_mind() {
        let mut mind = Mind::default();
        mind.saw(false);
        mind.saw(true);
        mind.saw(false);
        assert!(!mind.red);
        mind.saw(false);
        assert!(mind.red);
        mind.saw(true);
        assert!(mind.red);
        mind.saw(true);
        assert!(!mind.red);
    }
}
