//! What operators do: topologies, regions, tokens. Every change is one compare-and-set with its history row.

mod apply;
mod bootstrap;
mod refusals;
mod regions;
#[cfg(test)]
mod tests;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use scheduler_client::wire;
use sql::{Db, Gateways, Lane};
use topology::{DatabaseRegion, SchedulerId};

use crate::refusal::Refusal;
use crate::store;
use crate::view::Views;

pub use bootstrap::{bootstrap, stored_topology};
use tokens::Known;
pub use tokens::create_token;

/// Longest time that one home may take to answer an operator's read.
const HOME_TIMEOUT: Duration = Duration::from_secs(2);

/// The service behind `/control/v1`, `/v1/regions` and `/v1/pools`. Cheap to clone.
#[derive(Clone)]
pub struct Control {
    gateways: Gateways,
    db: Db,
    views: Arc<Views>,
    id: SchedulerId,
    known: Known,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Control {
    /// The service of one scheduler.
    #[must_use]
    pub fn new(gateways: Gateways, views: Arc<Views>, id: SchedulerId) -> Self {
        let db = gateways.lane(Lane::Submit);
        Self { gateways, db, views, id, known: tokens::known() }
    }

    /// The topology in force, with its text.
    ///
    /// # Errors
    /// The database's.
    pub async fn topology(&self) -> Result<wire::TopologyVersion, Refusal> {
        let current = store::topology::topology_current(&self.db).await?;
        let version = current.map_or(0, |current| current.version);
        self.version(version).await
    }

    /// One version of the history, with its text.
    ///
    /// # Errors
    /// [`Refusal::VersionNotFound`], or the database's.
    pub async fn version(&self, version: i64) -> Result<wire::TopologyVersion, Refusal> {
        let found = store::topology::topology_read(&self.db, version).await?;
        found.map(shown).ok_or(Refusal::VersionNotFound { version })
    }

    /// The latest versions, newest first, without their texts.
    ///
    /// # Errors
    /// The database's.
    pub async fn history(&self, limit: i64) -> Result<wire::TopologyHistory, Refusal> {
        let versions = store::topology::topology_history(&self.db, limit).await?;
        Ok(wire::TopologyHistory { versions: versions.into_iter().map(shown).collect() })
    }

    /// The schedulers that are alive, and which version each of them runs.
    ///
    /// # Errors
    /// The database's, where its clock cannot be read.
    pub async fn schedulers(&self) -> Result<wire::SchedulerList, Refusal> {
        let view = self.views.current();
        let now = self.db.clock().await?;
        let since = now - view.topology.scheduling.down_after;
        let (mut peers, mut degraded) = (std::collections::BTreeMap::new(), Vec::new());
        for home in &view.topology.database.regions {
            match self.in_time(store::life::schedulers_read(&self.db, home, since)).await {
                // One that watches several homes beats in all of them.
                Some(found) => {
                    for peer in found {
                        if peers.get(&peer.id).is_none_or(|known: &store::life::Peer| known.at < peer.at) {
                            peers.insert(peer.id, peer);
                        }
                    }
                }
                None => degraded.push(home.to_string()),
            }
        }
        let mut schedulers: Vec<_> = peers
            .into_values()
            .map(|peer| wire::SchedulerView {
                id: peer.id,
                region: peer.region,
                address: peer.address,
                version: peer.version,
                topology_version: peer.topology_version,
                age_ms: (now - peer.at).num_milliseconds().max(0),
            })
            .collect();
        schedulers.sort_by(|a, b| (&a.region, a.id).cmp(&(&b.region, b.id)));
        Ok(wire::SchedulerList { schedulers, degraded })
    }

    /// Runs a read about one home with a time limit; none where it failed.
    async fn in_time<T>(&self, read: impl Future<Output = Result<T, sql::Error>>) -> Option<T> {
        tokio::time::timeout(HOME_TIMEOUT, read).await.ok()?.ok()
    }

    fn homes(&self) -> Vec<DatabaseRegion> {
        self.views.current().topology.database.regions.clone()
    }
}

/// A version as it is answered; one without a text has none.
fn shown(version: store::topology::Version) -> wire::TopologyVersion {
    wire::TopologyVersion {
        version: version.current.version,
        text: Some(version.text).filter(|text| !text.is_empty()),
        digest: version.digest,
        residency_version: version.current.residency_version,
        author: version.author,
        message: version.message,
        applied_at: version.applied_at,
    }
}
