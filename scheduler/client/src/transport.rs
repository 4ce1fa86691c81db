//! One scheduler: a reqwest client of its own behind tower's timeout and concurrency limits, and its breaker.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, StatusCode, Url};
use tokio::time::Instant;
use tower::limit::ConcurrencyLimitLayer;
use tower::timeout::Timeout;
use tower::timeout::error::Elapsed;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceBuilder, ServiceExt};

use crate::breaker::{Breaker, Settings};
use crate::config::{Config, Endpoint};
use crate::error::{Cause, Error};

/// Longest answer; a page of 500 missions with their payloads fits.
const ANSWER_MAX: usize = 256 << 20;

/// How long a scheduler that did not answer is asked after the others.
const SUSPECT: Duration = Duration::from_secs(1);

/// How long a scheduler whose database does not answer is asked after the others, in that lane: twice as long every time,
/// up to the limit. Other than silence this costs more than time: a claim that such a scheduler cannot answer may hold
/// missions up.
const CUT_OFF: Duration = Duration::from_secs(1);
const CUT_OFF_MAX: Duration = Duration::from_secs(16);

/// How long after such a time it counts as every time.
const CUT_OFF_KEPT: Duration = Duration::from_secs(30);

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(1);

/// Who waits for whom: the lanes of one scheduler do not share places, so that long polls hold nothing else up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Heartbeats and results.
    Lease,
    /// Long polls.
    Claim,
    /// Everything else.
    Other,
}

/// What travels to a scheduler, whichever it is.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// With its query, from the root.
    pub(crate) path: String,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Option<Bytes>,
    pub(crate) lane: Lane,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    /// When the scheduler wants to be asked again: the seconds of Retry-After.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let seconds = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
    }
}

type Service = BoxCloneSyncService<reqwest::Request, Reply, Cause>;

/// One scheduler.
pub(crate) struct Peer {
    base: String,
    http: reqwest::Client,
    lanes: [Service; 3],
    pub(crate) breaker: Breaker,
    failed_at: Mutex<Option<Instant>>,
    cut_off: Mutex<[Option<CutOff>; 3]>,
}

/// Until when a scheduler is asked after the others, and for how long that was.
#[derive(Debug, Clone, Copy)]
struct CutOff {
    until: Instant,
    length: Duration,
}

impl CutOff {
    fn new(now: Instant, length: Duration) -> Self {
        Self { until: now + length, length }
    }
}

impl Peer {
    pub(crate) fn new(endpoint: &Endpoint, config: &Config) -> Result<Self, Error> {
        let url: Url = endpoint.url.parse().map_err(|e| Error::Config(format!("{:?}: {e}", endpoint.url)))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(Error::Config(format!("{:?} is not an http or https address", endpoint.url)));
        }
        let http = http(&url, config.token.as_deref())?;
        let base = url.as_str().trim_end_matches('/').to_owned();
        let lane = || {
            let limit = ConcurrencyLimitLayer::new(config.concurrency.max(1));
            let http = http.clone();
            let send = tower::service_fn(move |request| exchange(http.clone(), request));
            BoxCloneSyncService::new(ServiceBuilder::new().layer(limit).service(send))
        };
        let lanes = [lane(), lane(), lane()];
        let (failed_at, cut_off) = (Mutex::default(), Mutex::default());
        Ok(Self { breaker: Breaker::new(&base, Settings::default()), base, http, lanes, failed_at, cut_off })
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Whether its last try failed just now, or its database did not answer the last one of this lane: then it is asked
    /// after the others. Long before its breaker opens, a scheduler that hangs costs one call its time, not every call.
    pub(crate) fn is_suspect(&self, lane: Lane) -> bool {
        let cut_off = self.cut_off()[lane as usize];
        self.failed().is_some_and(|at| at.elapsed() < SUSPECT) || cut_off.is_some_and(|off| Instant::now() < off.until)
    }

    pub(crate) fn note(&self, answered: bool) {
        *self.failed() = (!answered).then(Instant::now);
    }

    /// Its database did not answer a call of this lane. A good answer in between changes nothing: what fails now and then
    /// is worse than what is a little farther away.
    pub(crate) fn note_cut_off(&self, lane: Lane) {
        let (now, cut_off) = (Instant::now(), &mut self.cut_off()[lane as usize]);
        *cut_off = match *cut_off {
            // Calls that were under way together say it once.
            Some(before) if now < before.until => Some(before),
            Some(before) if now < before.until + CUT_OFF_KEPT => {
                Some(CutOff::new(now, (before.length * 2).min(CUT_OFF_MAX)))
            }
            Some(_) | None => Some(CutOff::new(now, CUT_OFF)),
        };
    }

    fn cut_off(&self) -> MutexGuard<'_, [Option<CutOff>; 3]> {
        self.cut_off.lock().expect("no holder of this lock panics")
    }

    fn failed(&self) -> MutexGuard<'_, Option<Instant>> {
        self.failed_at.lock().expect("no holder of this lock panics")
    }

    /// Opens a stream: an answer whose body goes on. It takes no place in a lane and has no timeout of its own.
    pub(crate) async fn open(&self, path: &str) -> Result<reqwest::Response, reqwest::Error> {
        self.http.get(format!("{}{path}", self.base)).send().await
    }

    /// One try. Waits for a place in the lane, then for at most `timeout` for the whole answer.
    pub(crate) async fn attempt(&self, request: &Request, timeout: Duration) -> Result<Reply, Cause> {
        let url = format!("{}{}", self.base, request.path);
        let mut builder = self.http.request(request.method.clone(), url).header(ACCEPT, "application/json");
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(body) = &request.body {
            builder = builder.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        let built = builder.build().map_err(Cause::Broken)?;
        let lane = self.lanes[request.lane as usize].clone();
        Timeout::new(lane, timeout).oneshot(built).await.map_err(|error| cause(error, timeout))
    }
}

fn cause(error: BoxError, timeout: Duration) -> Cause {
    if error.is::<Elapsed>() {
        return Cause::Timeout(timeout);
    }
    *error.downcast::<Cause>().expect("a lane fails with a Cause, the timeout above it with Elapsed")
}

async fn exchange(http: reqwest::Client, request: reqwest::Request) -> Result<Reply, Cause> {
    let failed = |e: reqwest::Error| if e.is_connect() { Cause::Connect(e) } else { Cause::Broken(e) };
    let mut answer = http.execute(request).await.map_err(failed)?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > ANSWER_MAX {
            return Err(Cause::TooLarge(ANSWER_MAX));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply { status, headers, body: body.into() })
}

/// A client for one address: without a proxy on loopback, with rustls on ring.
fn http(url: &Url, token: Option<&str>) -> Result<reqwest::Client, Error> {
    let mut headers = HeaderMap::new();
    if let Some(token) = token {
        let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| Error::Config("the token has characters that no header can carry".to_owned()))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls_config(url.scheme() == "https"))
        .default_headers(headers)
        .connect_timeout(CONNECT)
        .tcp_nodelay(true)
        .pool_idle_timeout(Duration::from_secs(30))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("meridian/", env!("CARGO_PKG_VERSION")));
    if is_loopback(url) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|e| Error::Config(format!("no HTTP client: {e}")))
}

/// Whether an address is this machine, in any of its forms: such a one takes no proxy.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.ends_with(".localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The TLS settings of every HTTP client here: rustls on ring, the system's roots.
///
/// `roots` false leaves them out, for addresses without TLS: reading them costs milliseconds at start.
#[must_use]
pub fn tls_config(roots: bool) -> rustls::ClientConfig {
    let mut store = rustls::RootCertStore::empty();
    if roots {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(%error, "a root certificate of the system cannot be read");
        }
        store.add_parsable_certificates(found.certs);
    }
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has the default protocol versions")
        .with_root_certificates(store)
        .with_no_client_auth()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_in_all_its_forms_takes_no_proxy() {
        let cases = [
            ("http://127.0.0.1:7700", true),
            ("http://127.8.9.1", true),
            ("http://[::1]:80", true),
            ("http://localhost:1", true),
            ("http://10.0.0.1", false),
            ("https://example.org", false),
        ];
        for (url, wanted) in cases {
            assert_eq!(is_loopback(&url.parse().unwrap()), wanted, "{url}");
        }
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        for url in ["", "7700", "ftp://host", "http://"] {
            let endpoint = Endpoint { url: url.to_owned(), at: None };
            assert!(Peer::new(&endpoint, &Config::new([url])).is_err(), "{url:?}");
        }
    }
}
