//! Which world stands at an address.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use reqwest::Url;
use scheduler_client::local::{self, World};
use scheduler_client::wire::RegionView;
use scheduler_client::{Client, Config, Limits, is_loopback};
use topology::config::{self, Engine};
use topology::{RegionName, Topology};

use super::possible::Possible;
use crate::local::shape::Shape;

/// Bounds of a call to its schedulers, of which some may be under a fault.
const LIMITS: Limits = Limits {
    attempt: Duration::from_secs(1),
    overall: Duration::from_secs(10),
    tries: 12,
    pause: Duration::from_millis(50),
    pause_max: Duration::from_secs(1),
};

/// A world that is up.
pub struct Found {
    /// Its address: the same whichever of its schedulers was named.
    pub url: String,
    /// What can be done to it.
    pub possible: Possible,
    /// Schedulers that are known, by region.
    pub(crate) schedulers: BTreeMap<RegionName, String>,
    /// Its regions as they were.
    pub(crate) regions: Vec<RegionView>,
    pub(crate) topology: Topology,
    pub(crate) text: String,
    pub(super) shape: Shape,
    /// Where it keeps its notes; none where its processes are not on this machine.
    pub(super) folder: Option<PathBuf>,
    pub(super) token: Option<String>,
    /// An operator's client.
    pub(super) client: Client,
}

/// Finds the world at an address. Its processes are known where it keeps its notes in `folder`, or in the usual folder of
/// the address's port. `token` is an operator's, where schedulers want one.
///
/// # Errors
/// Where nothing answers there, or it does not tell its regions and its topology.
pub async fn find(url: &str, folder: Option<&Path>, token: Option<&str>) -> anyhow::Result<Found> {
    let asked = Url::parse(url).with_context(|| format!("{url} is no address"))?;
    let noted = noted(&asked, folder)?;
    let url = url.trim_end_matches('/').to_owned();
    let token = token.filter(|token| !token.is_empty()).map(str::to_owned);
    let near = config_of([url.clone()], token.as_deref());
    let (url, schedulers, folder) = match noted {
        Some((folder, world)) => {
            let schedulers: BTreeMap<_, _> =
                world.regions.iter().map(|region| (region.region.clone(), region.address.clone())).collect();
            (world.regions[0].address.clone(), schedulers, Some(folder))
        }
        None => {
            let health = Client::new(&near)?.health().await.with_context(|| format!("nothing answers at {url}"))?;
            (url.clone(), BTreeMap::from([(health.region, url)]), None)
        }
    };
    Found::ask(url, schedulers, folder, token).await
}

/// The deployment of these schedulers. Those that do not answer now are not asked later either.
///
/// # Errors
/// Where none answers, or none tells the regions and the topology.
pub(crate) async fn deployed(urls: &[String], token: Option<&str>) -> anyhow::Result<Found> {
    let mut schedulers = BTreeMap::new();
    for url in urls {
        let url = url.trim_end_matches('/').to_owned();
        if let Ok(health) = Client::new(&config_of([url.clone()], token))?.health().await {
            schedulers.entry(health.region).or_insert(url);
        }
    }
    let url = schedulers.values().next().cloned();
    let url = url.with_context(|| format!("nothing answers at {}", urls.join(", ")))?;
    Found::ask(url, schedulers, None, token.map(str::to_owned)).await
}

impl Found {
    async fn ask(
        url: String,
        schedulers: BTreeMap<RegionName, String>,
        folder: Option<PathBuf>,
        token: Option<String>,
    ) -> anyhow::Result<Self> {
        let client = Client::new(&config_of(schedulers.values().cloned(), token.as_deref()))?;
        let list = client.regions().await.with_context(|| format!("{url} does not tell its regions"))?;
        let text = client.topology().await.with_context(|| format!("{url} does not tell its topology"))?.text;
        let text = text.context("its topology has no text")?;
        let topology = parsed(&text)?;
        let shape = Shape::of(&topology).context("no pool of its topology serves")?;
        Ok(Self {
            url,
            possible: Possible { here: folder.is_some() },
            schedulers,
            regions: list.regions,
            topology,
            text,
            shape,
            folder,
            token,
            client,
        })
    }
}

fn config_of(urls: impl IntoIterator<Item = String>, token: Option<&str>) -> Config {
    Config::new(urls).token(token.map(str::to_owned)).limits(LIMITS)
}

/// The topology of whichever engine.
fn parsed(text: &str) -> anyhow::Result<Topology> {
    let name = "the world's topology";
    let read = config::parse(text, name).or_else(|_| config::parse_for(text, name, Engine::CockroachDb));
    Ok(read.map_err(|findings| anyhow::anyhow!(findings.render(false)))?.topology)
}

/// The world on this machine that has a scheduler at this address, with its folder.
fn noted(url: &Url, folder: Option<&Path>) -> anyhow::Result<Option<(PathBuf, World)>> {
    let port = url.port_or_known_default();
    let known = match folder {
        Some(folder) => Some(std::path::absolute(folder)?),
        None => port.map(local::folder),
    };
    let world = known.and_then(|folder| World::read(&folder).map(|world| (folder, world)));
    let is_it = |world: &World| {
        let at = |address: &str| Url::parse(address).ok().and_then(|address| address.port());
        world.keeper.runs()
            && world.revival.is_some()
            && is_loopback(url)
            && world.regions.iter().any(|region| at(&region.address) == port)
    };
    Ok(world.filter(|(_, world)| is_it(world)))
}
