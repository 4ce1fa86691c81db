//! The fault proxy of a local world: a process of its own, on every link, with a dead man's switch.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use topology::RegionName;

use super::links::{Link, Node, Way};
use crate::proxy::{Control, Direction, LinkKind, LinkSpec, PutToxics, Toxic, ToxicPut};
use crate::wait::wait_until;
use crate::world::Process;

/// Under which name a drill puts its toxics.
const OWNER: &str = "drill";
/// The proxy drops them when their owner has not been heard for so long.
pub(crate) const TTL: Duration = Duration::from_secs(3);
/// Between two beats.
const BEAT: Duration = Duration::from_millis(500);
/// How long the proxy may take to come up.
const PATIENCE: Duration = Duration::from_secs(10);

/// The proxy and its links.
#[derive(Debug)]
pub(crate) struct Proxies {
    control: Control,
    addresses: BTreeMap<Link, SocketAddr>,
    silent: Arc<AtomicBool>,
    beating: JoinHandle<()>,
    _process: Process,
}

/// What is to be put on one link.
pub(crate) struct Put {
    pub(crate) link: Link,
    pub(crate) way: Way,
    pub(crate) toxic: Toxic,
}

impl Proxies {
    /// Starts the proxy with these links.
    pub(crate) async fn start(
        links: &[Link],
        upstream: impl Fn(&Link) -> anyhow::Result<SocketAddr>,
        port: u16,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let arguments = ["proxy", "--stop-on-eof", "--control", &address.to_string()];
        let process = Process::start("chaos", &arguments, &folder.join("proxy.log"))?;
        let control = Control::new(address);
        let up = wait_until(PATIENCE, async || control.links().await.is_ok()).await;
        anyhow::ensure!(up, "the fault proxy did not come up; see proxy.log in {}", folder.display());
        let wanted: Vec<LinkSpec> = links.iter().map(|link| wanted(link, &upstream)).collect::<anyhow::Result<_>>()?;
        let told = control.put_links(&wanted).await.context("the fault proxy refused the world's links")?;
        let at = |link: &Link| Ok((link.clone(), *told.get(&link.to_string()).context("a link has no address")?));
        let addresses = links.iter().map(at).collect::<anyhow::Result<_>>()?;
        let silent = Arc::new(AtomicBool::new(false));
        let beating = tokio::spawn(beat(control.clone(), Arc::clone(&silent)));
        Ok(Self { control, addresses, silent, beating, _process: process })
    }

    /// Where a link listens.
    pub(crate) fn address(&self, link: &Link) -> anyhow::Result<SocketAddr> {
        self.addresses.get(link).copied().with_context(|| format!("the world has no link {link}"))
    }

    /// Every region's scheduler as this client sees it.
    pub(crate) fn urls_for(&self, client: &Node) -> impl Iterator<Item = (RegionName, String)> {
        self.addresses.iter().filter(move |(link, _)| link.client == *client).filter_map(|(link, address)| match &link
            .server
        {
            Node::Scheduler(region) => Some((region.clone(), format!("http://{address}"))),
            Node::Clients | Node::Edge | Node::Peers | Node::Agent(_) | Node::Gateway(_) => None,
        })
    }

    /// Puts toxics on links, all at one instant, under the name of a step.
    pub(crate) async fn put(&self, step: &str, all: Vec<Put>) -> anyhow::Result<()> {
        let ttl_ms = TTL.as_millis() as u64;
        let body = PutToxics { owner: OWNER.to_owned(), ttl_ms, toxics: gathered(step, all) };
        self.control.put(&body).await.context("the fault proxy refused the fault")?;
        Ok(())
    }

    /// Takes off what was put under the name of a step. What has expired is off already.
    pub(crate) async fn remove(&self, step: &str) -> anyhow::Result<()> {
        for name in self.toxics().await? {
            if name.strip_prefix(step).is_some_and(|rest| rest.starts_with('/')) {
                self.control.remove(OWNER, &name).await.context("the fault proxy did not take the fault back")?;
            }
        }
        Ok(())
    }

    /// Falls silent, or is heard again.
    pub(crate) fn silence(&self, silent: bool) {
        self.silent.store(silent, Ordering::Relaxed);
    }

    /// Names of the toxics that are on any link.
    pub(crate) async fn toxics(&self) -> anyhow::Result<std::collections::BTreeSet<String>> {
        let told = self.control.links().await.context("the fault proxy does not answer")?;
        Ok(told.links.into_iter().flat_map(|link| link.toxics).map(|toxic| toxic.name).collect())
    }

    /// Toxics that the dead man's switch has removed so far.
    pub(crate) async fn expired(&self) -> anyhow::Result<u64> {
        let told = self.control.links().await.context("the fault proxy does not answer")?;
        Ok(told.owners.iter().map(|owner| owner.expired).sum())
    }
}

impl Drop for Proxies {
    fn drop(&mut self) {
        self.beating.abort();
    }
}

async fn beat(control: Control, silent: Arc<AtomicBool>) {
    let mut tick = tokio::time::interval(BEAT);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if silent.load(Ordering::Relaxed) {
            continue;
        }
        if let Err(error) = control.beat(OWNER, TTL).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the fault proxy was not reached");
        }
    }
}

fn wanted(link: &Link, upstream: &impl Fn(&Link) -> anyhow::Result<SocketAddr>) -> anyhow::Result<LinkSpec> {
    let kind = match (&link.client, &link.server) {
        (_, Node::Gateway(_)) => LinkKind::Pgwire,
        (Node::Edge, _) => LinkKind::Http,
        (Node::Clients | Node::Peers | Node::Scheduler(_) | Node::Agent(_) | Node::Gateway(_), _) => LinkKind::Tcp,
    };
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    Ok(LinkSpec { name: link.to_string(), listen, upstream: upstream(link)?, kind })
}

/// One toxic for all links to which the same is done, so that it goes from all of them at one instant, too.
fn gathered(step: &str, all: Vec<Put>) -> Vec<ToxicPut> {
    let mut toxics: Vec<ToxicPut> = Vec::new();
    for Put { link, way, toxic } in all {
        let (direction, link) = (direction(way), link.to_string());
        match toxics.iter_mut().find(|other| other.direction == direction && other.toxic == toxic) {
            Some(same) => same.links.push(link),
            None => {
                toxics.push(ToxicPut { name: format!("{step}/{}", toxics.len()), links: vec![link], direction, toxic });
            }
        }
    }
    toxics
}

const fn direction(way: Way) -> Direction {
    match way {
        Way::Up => Direction::Up,
        Way::Down => Direction::Down,
        Way::Both => Direction::Both,
    }
}
