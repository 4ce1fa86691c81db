//! Links, toxics and owners: what the control API changes. A change is one step for all links that it is about.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::link::{self, Link, Watched};
use super::orders::{Active, Orders};
use super::refusal::{LONGEST_MS, Refusal, impossible};
use super::timer::at;
use super::wire::{LinkSpec, LinksTold, OwnerTold, PutToxics, ToxicPut, ToxicTold};

/// The state of a proxy.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// The orders of each link: one value, so that they change for all at once.
    orders: watch::Sender<Vec<Arc<Orders>>>,
    inner: Mutex<Inner>,
    /// Told when a deadline may have changed.
    deadlines: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    links: Vec<Arc<Link>>,
    toxics: Vec<Placed>,
    owners: BTreeMap<String, Owner>,
    version: u64,
    doors: JoinSet<()>,
}

/// A toxic on its links.
#[derive(Debug)]
struct Placed {
    owner: String,
    name: String,
    links: BTreeMap<usize, Active>,
}

/// Somebody who puts toxics.
#[derive(Debug, Default)]
struct Owner {
    /// When its toxics go.
    deadline: Option<Instant>,
    /// Toxics that went because it was not heard.
    expired: u64,
}

/// A change that doors have yet to obey.
#[must_use = "doors obey a little later"]
pub(super) struct Changed {
    links: Vec<Arc<Link>>,
    version: u64,
    /// Toxics that were removed.
    pub(super) removed: usize,
}

impl Changed {
    /// Waits until every door obeys.
    pub(super) async fn everywhere(self) -> usize {
        for link in &self.links {
            link.obeys(self.version).await;
        }
        self.removed
    }
}

impl Table {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the links that are not there yet; returns where all of these listen. Nothing is opened where one cannot be.
    pub(super) fn put_links(&self, specs: Vec<LinkSpec>) -> Result<BTreeMap<String, SocketAddr>, Refusal> {
        let mut inner = self.inner();
        let mut addresses = BTreeMap::new();
        let mut opened = Vec::new();
        for spec in specs {
            let name = spec.name.clone();
            let address = match inner.links.iter().find(|link| link.spec.name == name) {
                Some(link) if link.spec == spec => link.address,
                None if !addresses.contains_key(&name) => {
                    let (link, listener) = open(spec, inner.links.len() + opened.len())?;
                    let address = link.address;
                    opened.push((Arc::new(link), listener));
                    address
                }
                Some(_) | None => return Err(Refusal::LinkTaken(name)),
            };
            addresses.insert(name, address);
        }
        self.orders.send_modify(|all| all.extend(opened.iter().map(|_| Arc::default())));
        for (link, listener) in opened {
            let watched = Watched::new(self.orders.subscribe(), link.index);
            inner.doors.spawn(link::serve(Arc::clone(&link), listener, watched));
            inner.links.push(link);
        }
        Ok(addresses)
    }

    /// Puts toxics, all or none. One that is put again under its name takes the place of the former one.
    pub(super) fn put(&self, put: PutToxics) -> Result<(Changed, OwnerTold), Refusal> {
        let deadline = deadline(put.ttl_ms)?;
        let mut inner = self.inner();
        let placed = inner.place(&put)?;
        let names: BTreeSet<&str> = placed.iter().map(|placed| placed.name.as_str()).collect();
        let former = |toxic: &Placed| toxic.owner == put.owner && names.contains(toxic.name.as_str());
        let mut touched = inner.take(former);
        touched.extend(placed.iter().flat_map(|placed| placed.links.keys()));
        inner.toxics.extend(placed);
        inner.owners.entry(put.owner.clone()).or_default().deadline = Some(deadline);
        let changed = self.change(&mut inner, &touched, 0);
        self.deadlines.notify_one();
        Ok((changed, inner.owner_told(&put.owner)))
    }

    /// Removes the toxics of an owner, or one of them; without an owner, all that there are.
    pub(super) fn remove(&self, owner: Option<&str>, name: Option<&str>) -> Changed {
        let mut inner = self.inner();
        let before = inner.toxics.len();
        let touched = inner
            .take(|toxic| owner.is_none_or(|owner| toxic.owner == owner) && name.is_none_or(|name| toxic.name == name));
        let removed = before - inner.toxics.len();
        self.change(&mut inner, &touched, removed)
    }

    /// An owner was heard.
    pub(super) fn beat(&self, owner: &str, ttl_ms: u64) -> Result<OwnerTold, Refusal> {
        let deadline = deadline(ttl_ms)?;
        let mut inner = self.inner();
        inner.owners.entry(owner.to_owned()).or_default().deadline = Some(deadline);
        self.deadlines.notify_one();
        Ok(inner.owner_told(owner))
    }

    /// Everything as it is.
    pub(super) fn told(&self) -> LinksTold {
        let inner = self.inner();
        let mut links: Vec<_> = inner.links.iter().map(|link| link.told(inner.toxics_told(link.index))).collect();
        links.sort_by(|a, b| a.name.cmp(&b.name));
        LinksTold { links, owners: inner.owners.keys().map(|owner| inner.owner_told(owner)).collect() }
    }

    /// Removes the toxics of owners who are not heard, for as long as it is polled.
    pub(super) async fn watch_owners(&self) {
        loop {
            let next = self.inner().owners.values().filter_map(|owner| owner.deadline).min();
            tokio::select! {
                () = self.deadlines.notified() => {}
                () = at(next) => self.expire(Instant::now()),
            }
        }
    }

    fn expire(&self, now: Instant) {
        let mut inner = self.inner();
        let silent = |owner: &Owner| owner.deadline.is_some_and(|deadline| deadline <= now);
        let silent: Vec<String> =
            inner.owners.iter().filter(|(_, owner)| silent(owner)).map(|(name, _)| name.clone()).collect();
        let mut touched = BTreeSet::new();
        for name in silent {
            let before = inner.toxics.len();
            touched.extend(inner.take(|toxic| toxic.owner == name));
            let removed = (before - inner.toxics.len()) as u64;
            let owner = inner.owners.entry(name).or_default();
            owner.deadline = None;
            owner.expired += removed;
        }
        // Doors open by themselves; nobody waits for an answer here.
        drop(self.change(&mut inner, &touched, 0));
    }

    /// Brings into force what the toxics of these links come to, in one step.
    fn change(&self, inner: &mut Inner, touched: &BTreeSet<usize>, removed: usize) -> Changed {
        inner.version += 1;
        let version = inner.version;
        let orders = |link: &usize| {
            let active = inner.toxics.iter().filter_map(|toxic| toxic.links.get(link));
            (*link, Arc::new(Orders::of(version, active)))
        };
        let new: Vec<(usize, Arc<Orders>)> = touched.iter().map(orders).collect();
        self.orders.send_modify(|all| new.into_iter().for_each(|(link, orders)| all[link] = orders));
        Changed { links: touched.iter().map(|link| Arc::clone(&inner.links[*link])).collect(), version, removed }
    }

    /// Closes all links.
    pub(super) fn close(&self) {
        self.inner().doors.abort_all();
    }
}

impl Inner {
    /// Makes of a call's toxics what can be put, or says why one cannot.
    fn place(&self, put: &PutToxics) -> Result<Vec<Placed>, Refusal> {
        let since = Instant::now();
        let mut names = BTreeSet::new();
        put.toxics
            .iter()
            .map(|toxic| {
                if !names.insert(&toxic.name) {
                    return Err(Refusal::NamedTwice(toxic.name.clone()));
                }
                let active = |index| Active::new(since, toxic.direction, toxic.toxic.clone(), index as u64);
                let links = toxic.links.iter().map(|link| self.find(link, toxic).map(|index| (index, active(index))));
                let links = links.collect::<Result<_, _>>()?;
                Ok(Placed { owner: put.owner.clone(), name: toxic.name.clone(), links })
            })
            .collect()
    }

    /// The link of this name, where it can do this toxic.
    fn find(&self, name: &str, toxic: &ToxicPut) -> Result<usize, Refusal> {
        let link = self.links.iter().find(|link| link.spec.name == name);
        let link = link.ok_or_else(|| Refusal::UnknownLink(name.to_owned()))?;
        match impossible(link.spec.kind, toxic.direction, &toxic.toxic) {
            Some(why) => Err(Refusal::Impossible { toxic: toxic.name.clone(), link: name.to_owned(), why }),
            None => Ok(link.index),
        }
    }

    /// Takes toxics out; returns the links that they were on.
    fn take(&mut self, which: impl Fn(&Placed) -> bool) -> BTreeSet<usize> {
        self.toxics.extract_if(.., |toxic| which(toxic)).flat_map(|toxic| toxic.links.into_keys()).collect()
    }

    fn toxics_told(&self, link: usize) -> Vec<ToxicTold> {
        let on_link = self.toxics.iter().filter_map(|placed| Some((placed, placed.links.get(&link)?)));
        let told = |(placed, active): (&Placed, &Active)| ToxicTold {
            owner: placed.owner.clone(),
            name: placed.name.clone(),
            direction: active.direction,
            toxic: active.toxic.clone(),
        };
        on_link.map(told).collect()
    }

    fn owner_told(&self, owner: &str) -> OwnerTold {
        OwnerTold {
            owner: owner.to_owned(),
            toxics: self.toxics.iter().filter(|toxic| toxic.owner == owner).count(),
            expired: self.owners.get(owner).map_or(0, |owner| owner.expired),
        }
    }
}

/// Opens a link on loopback.
fn open(spec: LinkSpec, index: usize) -> Result<(Link, tokio::net::TcpListener), Refusal> {
    let (name, address) = (spec.name.clone(), spec.listen);
    if !address.ip().is_loopback() {
        return Err(Refusal::NotLoopback(address));
    }
    Link::open(spec, index).map_err(|source| Refusal::NoPort { link: name, address, source })
}

fn deadline(ttl_ms: u64) -> Result<Instant, Refusal> {
    if !(1..=LONGEST_MS).contains(&ttl_ms) {
        return Err(Refusal::NoTtl);
    }
    Ok(Instant::now() + Duration::from_millis(ttl_ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::ToxicSpec;
    use crate::proxy::wire::{Direction, LinkKind, Toxic};

    #[tokio::test]
    async fn a_change_is_over_when_every_door_obeys_and_not_before() {
        let table = Table::default();
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let spec = LinkSpec { name: "link".to_owned(), listen: address, upstream: address, kind: LinkKind::Tcp };
        let address = table.put_links(vec![spec]).unwrap()["link"];
        let toxic = ToxicPut {
            name: "refuse".to_owned(),
            links: vec!["link".to_owned()],
            direction: Direction::Both,
            toxic: Toxic::Bytes(ToxicSpec::Refuse),
        };
        let put = PutToxics { owner: "me".to_owned(), ttl_ms: 60_000, toxics: vec![toxic] };
        let (changed, _) = table.put(put).unwrap();
        let mut over = std::pin::pin!(changed.everywhere());
        // The door's task has not run: there is one thread, and nobody has waited.
        tokio::select! {
            biased;
            _ = &mut over => panic!("the door cannot have obeyed"),
            () = std::future::ready(()) => {}
        }
        over.await;
        let refused = tokio::net::TcpStream::connect(address).await.unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    }
}
