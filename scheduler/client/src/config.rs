//! Which schedulers to talk to, as whom, and for how long.

use std::fmt;
use std::time::Duration;

use topology::Position;

/// The settings of a client.
#[derive(Clone)]
pub struct Config {
    /// The schedulers. Those with a place are sorted by distance where [`Config::near`] is set; else the order holds.
    pub endpoints: Vec<Endpoint>,
    /// Where the caller stands.
    pub near: Option<Position>,
    /// Bearer token.
    pub token: Option<String>,
    /// How long and how often a call is tried.
    pub limits: Limits,
    /// Requests at a time to one scheduler, in each of the three lanes (leases, claims, everything else).
    pub concurrency: usize,
}

/// One scheduler.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// Base URL, such as `http://127.0.0.1:7700`.
    pub url: String,
    /// Where it stands.
    pub at: Option<Position>,
}

/// Explicit bounds of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest single try, connection and body included. A claim's wait comes on top.
    pub attempt: Duration,
    /// Longest call, all tries and pauses together. A claim's wait comes on top.
    pub overall: Duration,
    /// Most tries of a call.
    pub tries: u32,
    /// Pause after the first lap over the schedulers; it doubles, with a jitter of one half to three halves.
    pub pause: Duration,
    /// Longest pause.
    pub pause_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            attempt: Duration::from_secs(5),
            overall: Duration::from_secs(20),
            tries: 12,
            pause: Duration::from_millis(50),
            pause_max: Duration::from_secs(2),
        }
    }
}

impl Config {
    /// Schedulers in order of distance, the nearest first, with the default limits.
    pub fn new<U: Into<String>>(urls: impl IntoIterator<Item = U>) -> Self {
        let endpoints = urls.into_iter().map(|url| Endpoint { url: url.into(), at: None }).collect();
        Self { endpoints, near: None, token: None, limits: Limits::default(), concurrency: 256 }
    }

    /// With a bearer token.
    #[must_use]
    pub fn token(mut self, token: Option<String>) -> Self {
        self.token = token.filter(|text| !text.is_empty());
        self
    }

    /// With other limits.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// With the place of the caller: endpoints that say where they stand are tried by distance from it.
    #[must_use]
    pub const fn near(mut self, at: Option<Position>) -> Self {
        self.near = at;
        self
    }

    /// The endpoints in the order in which they are tried: by whole kilometres, without a place last, else as given.
    pub(crate) fn ordered(&self) -> Vec<Endpoint> {
        let mut endpoints = self.endpoints.clone();
        if let Some(near) = self.near {
            endpoints.sort_by_key(|endpoint| endpoint.at.map_or(u32::MAX, |at| near.distance_km(at) as u32));
        }
        endpoints
    }
}

/// Without the token.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("endpoints", &self.endpoints)
            .field("near", &self.near)
            .field("token", &self.token.as_ref().map(|_| "***"))
            .field("limits", &self.limits)
            .field("concurrency", &self.concurrency)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lat: f64, lng: f64) -> Option<Position> {
        Position::new(lat, lng).ok()
    }

    #[test]
    fn endpoints_are_tried_by_distance_and_those_without_a_place_last() {
        let mut config = Config::new(["http://nowhere", "http://tokyo", "http://dublin"]).near(at(51.5, -0.1));
        config.endpoints[1].at = at(35.7, 139.7);
        config.endpoints[2].at = at(53.3, -6.3);
        let order: Vec<_> = config.ordered().into_iter().map(|endpoint| endpoint.url).collect();
        assert_eq!(order, ["http://dublin", "http://tokyo", "http://nowhere"]);
    }

    #[test]
    fn debug_hides_the_token() {
        let config = Config::new(["http://x"]).token(Some("geheim".to_owned()));
        assert!(!format!("{config:?}").contains("geheim"));
    }
}
