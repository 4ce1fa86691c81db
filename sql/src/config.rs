//! Settings of the gateways.

use std::time::Duration;

use topology::DatabaseRegion;

/// What a call is for. Each lane has connections of its own, so that one kind of work never starves another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Heartbeats and results: never wait for anything else.
    Lease,
    /// Claims.
    Claim,
    /// Everything else that somebody waits for.
    Submit,
    /// Bounded background work with a longer time limit: retention, validation after an apply.
    Upkeep,
}

impl Lane {
    /// All lanes.
    pub const ALL: [Self; 4] = [Self::Lease, Self::Claim, Self::Submit, Self::Upkeep];

    /// Label in metrics and in the database's `application_name`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lease => "lease",
            Self::Claim => "claim",
            Self::Submit => "submit",
            Self::Upkeep => "upkeep",
        }
    }
}

/// One database endpoint.
#[derive(Clone)]
pub struct GatewayConfig {
    /// The database region it stands in, when known: its label in metrics and what [`crate::Db::query_in`] looks for.
    pub region: Option<DatabaseRegion>,
    /// `postgres://user:password@host:port/database?sslmode=..&sslrootcert=..`
    pub url: String,
}

/// Limits of one lane on each gateway.
#[derive(Debug, Clone, Copy)]
pub struct LaneConfig {
    /// Most connections to one gateway.
    pub connections: usize,
    /// Longest time of one statement, from taking a connection to the answer.
    pub call_timeout: Duration,
}

/// When a gateway's breaker opens, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct BreakerConfig {
    /// Failures in a row that open it.
    pub failures: u32,
    /// First pause before a probe; doubled with jitter by each failed probe.
    pub open_for: Duration,
    /// Longest pause before a probe.
    pub open_max: Duration,
}

/// Settings of [`crate::Gateways`].
#[derive(Clone)]
pub struct Config {
    /// In order of distance: the first is the local one.
    pub gateways: Vec<GatewayConfig>,
    /// Shown by the database as the name of the program.
    pub application: String,
    /// Limits of [`Lane::Lease`].
    pub lease: LaneConfig,
    /// Limits of [`Lane::Claim`].
    pub claim: LaneConfig,
    /// Limits of [`Lane::Submit`].
    pub submit: LaneConfig,
    /// Limits of [`Lane::Upkeep`].
    pub upkeep: LaneConfig,
    /// Longest time to open a connection. As short as a call where there is another gateway to go to, longer where
    /// there is none: a busy machine opens connections slowly, and giving up early would help nobody.
    pub connect_timeout: Duration,
    /// A connection older than this, give or take a tenth, is not used again.
    pub max_lifetime: Duration,
    /// The breakers.
    pub breaker: BreakerConfig,
}

impl Config {
    /// The defaults for gateways in order of distance. An entry is a URL, or `region=URL` where the database region
    /// is known.
    ///
    /// # Errors
    /// [`Invalid`] when the list is empty or an entry is not a database URL.
    pub fn from_urls<S: AsRef<str>>(urls: impl IntoIterator<Item = S>) -> Result<Self, Invalid> {
        let gateways = urls.into_iter().map(|url| GatewayConfig::parse(url.as_ref())).collect::<Result<Vec<_>, _>>()?;
        if gateways.is_empty() {
            return Err(Invalid::NoGateway);
        }
        let call_timeout = Duration::from_millis(500);
        let connect_timeout = if gateways.len() == 1 { call_timeout * 4 } else { call_timeout };
        Ok(Self {
            gateways,
            application: "meridian".to_owned(),
            lease: LaneConfig { connections: 4, call_timeout },
            claim: LaneConfig { connections: 4, call_timeout },
            submit: LaneConfig { connections: 8, call_timeout },
            upkeep: LaneConfig { connections: 6, call_timeout: Duration::from_secs(10) },
            connect_timeout,
            max_lifetime: Duration::from_secs(300),
            breaker: BreakerConfig {
                failures: 3,
                open_for: Duration::from_millis(500),
                open_max: Duration::from_secs(3),
            },
        })
    }

    /// Limits of a lane.
    #[must_use]
    pub const fn lane(&self, lane: Lane) -> LaneConfig {
        match lane {
            Lane::Lease => self.lease,
            Lane::Claim => self.claim,
            Lane::Submit => self.submit,
            Lane::Upkeep => self.upkeep,
        }
    }

    /// Sets the time limit of a call on the three lanes that somebody waits for.
    #[must_use]
    pub const fn call_timeout(mut self, limit: Duration) -> Self {
        self.lease.call_timeout = limit;
        self.claim.call_timeout = limit;
        self.submit.call_timeout = limit;
        self
    }
}

impl GatewayConfig {
    /// Reads `URL` or `region=URL`.
    ///
    /// # Errors
    /// [`Invalid::Url`] when the text is neither.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let (region, url) = match text.split_once('=') {
            Some((region, url)) if !region.contains(':') => {
                (Some(region.parse().map_err(|_| Invalid::Url { url: text.to_owned() })?), url)
            }
            _ => (None, text),
        };
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(Invalid::Url { url: text.to_owned() });
        }
        Ok(Self { region, url: url.to_owned() })
    }
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Invalid {
    /// The list of gateways is empty.
    #[error("no database URL is given")]
    NoGateway,
    /// Not `postgres://..` nor `region=postgres://..`.
    #[error("not a database URL")]
    Url {
        /// What was given. Not shown, for it may hold a password.
        url: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateways_are_read_in_order_with_their_regions() {
        let config = Config::from_urls(["us-west-2=postgres://a@h:1/d", "postgres://b@i:2/d?sslmode=require"]).unwrap();
        let read: Vec<_> = config
            .gateways
            .iter()
            .map(|one| (one.region.as_ref().map(DatabaseRegion::as_str), one.url.as_str()))
            .collect();
        assert_eq!(read, [(Some("us-west-2"), "postgres://a@h:1/d"), (None, "postgres://b@i:2/d?sslmode=require")]);
    }

    #[test]
    fn what_is_no_database_url_is_refused_without_showing_it() {
        for text in ["", "mysql://u:secret@h/d", "Not a region=postgres://u:secret@h/d", "us-west-2="] {
            let error = Config::from_urls([text]).err().expect(text);
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert!(matches!(Config::from_urls::<&str>([]), Err(Invalid::NoGateway)));
    }
}
