//! The control API's client.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Method, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::wire::{Beat, LinkSpec, LinksTold, OwnerTold, Problem, PutToxics, Removed};
use crate::http;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody knows whether it was done.
    #[error("the fault proxy at {address} does not answer")]
    Unreachable {
        /// Its address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// Nothing was done.
    #[error("the fault proxy refused: {} ({})", .0.detail, .0.code)]
    Refused(Problem),
    /// It is no fault proxy, or another version.
    #[error("the answer of {address} cannot be read")]
    Unreadable {
        /// Its address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

/// A client of one proxy. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Control {
    address: SocketAddr,
    client: reqwest::Client,
}

impl Control {
    /// A client of the proxy whose control API listens there.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self { address, client: http::client() }
    }

    /// Where the control API listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Opens the links that are not there yet; answers where all of these listen.
    ///
    /// # Errors
    /// As [`Error`] says; so do all calls.
    pub async fn put_links(&self, links: &[LinkSpec]) -> Result<BTreeMap<String, SocketAddr>, Error> {
        self.call(Method::PUT, &["links"], Some(links)).await
    }

    /// Links, toxics, owners and figures.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub async fn links(&self) -> Result<LinksTold, Error> {
        self.call(Method::GET, &["links"], None::<&()>).await
    }

    /// Puts toxics on links, all from one instant on, which is over when this returns.
    ///
    /// # Errors
    /// As [`Error`] says; where it is refused, none was put.
    pub async fn put(&self, toxics: &PutToxics) -> Result<OwnerTold, Error> {
        self.call(Method::POST, &["toxics"], Some(toxics)).await
    }

    /// Removes one toxic; that there is none is no error.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub async fn remove(&self, owner: &str, name: &str) -> Result<Removed, Error> {
        self.call(Method::DELETE, &["toxics", owner, name], None::<&()>).await
    }

    /// Removes all toxics of an owner.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub async fn remove_all(&self, owner: &str) -> Result<Removed, Error> {
        self.call(Method::DELETE, &["toxics", owner], None::<&()>).await
    }

    /// Lets the owner's toxics live for so long from now on.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub async fn beat(&self, owner: &str, ttl: Duration) -> Result<OwnerTold, Error> {
        let beat = Beat { ttl_ms: u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX) };
        self.call(Method::POST, &["owners", owner, "beat"], Some(&beat)).await
    }

    /// Removes all toxics of everybody.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub async fn reset(&self) -> Result<Removed, Error> {
        self.call(Method::POST, &["reset"], None::<&()>).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&(impl Serialize + ?Sized)>,
    ) -> Result<T, Error> {
        let address = self.address;
        let mut request = self.client.request(method, self.url(path));
        if let Some(body) = body {
            request = request.json(body);
        }
        let unreachable = |source| Error::Unreachable { address, source };
        let answer = request.send().await.map_err(unreachable)?;
        let good = answer.status().is_success();
        let body = answer.bytes().await.map_err(unreachable)?;
        let unreadable = |source| Error::Unreadable { address, source };
        if good {
            return serde_json::from_slice(&body).map_err(unreadable);
        }
        Err(Error::Refused(serde_json::from_slice(&body).map_err(unreadable)?))
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = Url::parse(&format!("http://{}", self.address)).expect("an address is a host and a port");
        url.path_segments_mut().expect("http has a path").extend(path);
        url
    }
}
