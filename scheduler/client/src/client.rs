//! The client: the walk over the schedulers, and one method a route.

mod agent;
mod control;
mod events;
mod memory;
mod missions;

pub use events::{Event, Events, RawEvent};

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::breaker::{BreakerState, Permit};
use crate::config::{Config, Limits};
use crate::error::{Cause, Error};
use crate::retry::Pauses;
use crate::transport::{Lane, Peer, Reply, Request};
use crate::wire::Problem;

/// Code of the refusal of a scheduler whose database does not answer.
const CUT_OFF: &str = "database_unavailable";

/// Codes of refusals that come before anything was done, so that every call may be repeated.
const NOTHING_DONE: [&str; 2] = ["overloaded", CUT_OFF];

/// A client of one or more schedulers. Cheap to clone; clones share connections and breakers.
#[derive(Clone)]
pub struct Client {
    peers: Arc<[Peer]>,
    limits: Limits,
    traceparent: Option<HeaderValue>,
}

/// Whether a call may be done twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeat {
    /// Doing it twice is the same as once.
    Safe,
    /// It is repeated only where it was certainly not done.
    Unsent,
}

/// One call before it is sent.
struct Call {
    request: Request,
    repeat: Repeat,
    /// Added to the limits: how long the scheduler may keep a long poll.
    wait: Duration,
}

/// What one try came to.
enum Step<T> {
    Done(Result<T, Error>),
    Again { error: Error, retry_after: Option<Duration> },
}

impl Client {
    /// A client of the schedulers of `config`.
    ///
    /// # Errors
    /// [`Error::Config`] where there is no address, one that is none, or a token that no header can carry.
    pub fn new(config: &Config) -> Result<Self, Error> {
        if config.endpoints.is_empty() {
            return Err(Error::Config("no scheduler address is given".to_owned()));
        }
        let peers = config.ordered().iter().map(|endpoint| Peer::new(endpoint, config)).collect::<Result<_, _>>()?;
        Ok(Self { peers, limits: config.limits, traceparent: None })
    }

    /// The same client with other limits.
    #[must_use]
    pub fn with_limits(&self, limits: Limits) -> Self {
        Self { limits, ..self.clone() }
    }

    /// The same client, whose calls carry a W3C traceparent. What no header can carry is left out.
    #[must_use]
    pub fn with_traceparent(&self, traceparent: Option<&str>) -> Self {
        let traceparent = traceparent.and_then(|text| HeaderValue::from_str(text).ok());
        Self { traceparent, ..self.clone() }
    }

    /// The limits of its calls.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// The schedulers in the order in which they are tried, with the state of their breakers.
    pub fn breakers(&self) -> impl Iterator<Item = (&str, BreakerState)> {
        self.peers.iter().map(|peer| (peer.base(), peer.breaker.state()))
    }

    /// The nearest first; those that failed just now last.
    fn in_order(&self, lane: Lane) -> impl Iterator<Item = &Peer> {
        let (suspect, others): (Vec<_>, Vec<_>) = self.peers.iter().partition(|peer| peer.is_suspect(lane));
        others.into_iter().chain(suspect)
    }

    /// Walks over the schedulers, lap after lap, until one answers or a limit is reached.
    async fn send<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        self.send_unless(call, |_| false).await
    }

    /// The same for answers that may say that the scheduler had better not be asked again at once.
    async fn send_unless<T: DeserializeOwned>(
        &self,
        mut call: Call,
        is_degraded: impl Fn(&T) -> bool,
    ) -> Result<T, Error> {
        if let Some(traceparent) = &self.traceparent {
            call.request.headers.push((HeaderName::from_static("traceparent"), traceparent.clone()));
        }
        let deadline = Instant::now() + self.limits.overall + call.wait;
        let mut pauses = Pauses::new(&self.limits);
        let mut tries = 0;
        // Before anything was sent: why not.
        let mut last = Error::Unreachable { tries: 0, cause: Cause::Overdue };
        loop {
            let mut asked = None;
            for peer in self.in_order(call.request.lane) {
                let left = deadline.saturating_duration_since(Instant::now());
                if tries == self.limits.tries || left.is_zero() {
                    return Err(last);
                }
                let Some(permit) = peer.breaker.admit() else {
                    if tries == 0 {
                        last = Error::Unreachable { tries, cause: Cause::BreakersOpen };
                    }
                    continue;
                };
                tries += 1;
                let timeout = left.min(self.limits.attempt + call.wait);
                let answer = attempt(peer, permit, &call.request, timeout).await;
                match step(answer, call.repeat, tries) {
                    Step::Done(result) => {
                        if result.as_ref().is_ok_and(&is_degraded) {
                            peer.note_cut_off(call.request.lane);
                        }
                        return result;
                    }
                    Step::Again { error, retry_after } => {
                        if error.code() == Some(CUT_OFF) {
                            peer.note_cut_off(call.request.lane);
                        }
                        asked = asked.max(retry_after);
                        last = error;
                    }
                }
            }
            let pause = pauses.next(asked);
            if Instant::now() + pause >= deadline {
                return Err(last);
            }
            tokio::time::sleep(pause).await;
        }
    }
}

/// One try at one scheduler, counted by its breaker.
async fn attempt(peer: &Peer, permit: Permit<'_>, request: &Request, timeout: Duration) -> Result<Reply, Cause> {
    let answer = peer.attempt(request, timeout).await.and_then(|reply| match reply.status {
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => Err(Cause::Gateway(reply.status)),
        _ => Ok(reply),
    });
    peer.note(answer.is_ok());
    match &answer {
        Ok(_) => permit.succeeded(),
        Err(_) => permit.failed(),
    }
    let outcome = match &answer {
        Ok(reply) => reply.status.as_str().to_owned(),
        Err(Cause::Timeout(_)) => "timeout".to_owned(),
        Err(Cause::Connect(_)) => "no_connection".to_owned(),
        Err(_) => "broken".to_owned(),
    };
    metrics::counter!("scheduler_client_tries_total", "scheduler" => peer.base().to_owned(), "outcome" => outcome)
        .increment(1);
    answer
}

/// What to do after a try.
fn step<T: DeserializeOwned>(answer: Result<Reply, Cause>, repeat: Repeat, tries: u32) -> Step<T> {
    let reply = match answer {
        Ok(reply) => reply,
        Err(cause) => {
            let again = repeat == Repeat::Safe || cause.unsent();
            let error = Error::Unreachable { tries, cause };
            return if again { Step::Again { error, retry_after: None } } else { Step::Done(Err(error)) };
        }
    };
    if reply.status.is_success() {
        return Step::Done(decode(&reply));
    }
    let retry_after = reply.retry_after();
    let error = refusal_of(reply.status, &reply.body, retry_after);
    let nothing_done = error.code().is_some_and(|code| NOTHING_DONE.contains(&code));
    let again = match reply.status {
        StatusCode::SERVICE_UNAVAILABLE => nothing_done || repeat == Repeat::Safe,
        StatusCode::TOO_MANY_REQUESTS => retry_after.is_some(),
        _ => false,
    };
    if again { Step::Again { error, retry_after } } else { Step::Done(Err(error)) }
}

fn decode<T: DeserializeOwned>(reply: &Reply) -> Result<T, Error> {
    let body: &[u8] = if reply.body.is_empty() { b"null" } else { &reply.body };
    serde_json::from_slice(body).map_err(|e| Error::Contract {
        status: reply.status.as_u16(),
        detail: format!("the answer does not parse: {e}"),
    })
}

fn refusal_of(status: StatusCode, body: &[u8], retry_after: Option<Duration>) -> Error {
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => Error::Problem { problem: Box::new(problem), retry_after },
        Err(_) => {
            let text = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
            Error::Contract { status: status.as_u16(), detail: format!("no problem document: {text:?}") }
        }
    }
}

impl Call {
    fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path.into(), None, Repeat::Safe)
    }

    fn with_body(method: Method, path: String, body: &impl Serialize, repeat: Repeat) -> Result<Self, Error> {
        let bytes = serde_json::to_vec(body).map_err(|e| Error::Config(format!("the body is no JSON: {e}")))?;
        Ok(Self::new(method, path, Some(bytes.into()), repeat))
    }

    fn new(method: Method, path: String, body: Option<Bytes>, repeat: Repeat) -> Self {
        let request = Request { method, path, headers: Vec::new(), body, lane: Lane::Other };
        Self { request, repeat, wait: Duration::ZERO }
    }

    fn lane(mut self, lane: Lane) -> Self {
        self.request.lane = lane;
        self
    }

    fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    fn header(mut self, name: &'static str, value: &str) -> Result<Self, Error> {
        let value =
            HeaderValue::from_str(value).map_err(|_| Error::Config(format!("{name} has forbidden characters")))?;
        self.request.headers.push((HeaderName::from_static(name), value));
        Ok(self)
    }
}

/// An answer whose body nobody needs.
#[derive(serde::Deserialize)]
#[serde(from = "serde::de::IgnoredAny")]
struct Nothing;

impl From<serde::de::IgnoredAny> for Nothing {
    fn from(_: serde::de::IgnoredAny) -> Self {
        Self
    }
}
