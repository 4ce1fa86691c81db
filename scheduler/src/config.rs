//! Settings of a scheduler: flags, then `MERIDIAN_*` variables, then a TOML file, then defaults.

mod retention;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::memory::embed::{Choice, choice};
use ::memory::recall;
use serde::Deserialize;
use topology::{RegionName, ResidencyName};

use crate::memory::Holdout;

pub use retention::Retention;

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the settings file {0}")]
    Read(PathBuf, #[source] std::io::Error),
    /// The file is not what it should be.
    #[error("the settings file {0} is wrong")]
    Parse(PathBuf, #[source] toml::de::Error),
    /// A setting is needed and nowhere given.
    #[error("{flag} is needed: {why}")]
    Missing {
        /// The flag that gives it.
        flag: &'static str,
        /// What it is for.
        why: &'static str,
    },
    /// `--dev` switches off authentication, so nobody else may reach the port.
    #[error("--dev needs no tokens and is for loopback only, not for {0}")]
    DevBeyondLoopback(SocketAddr),
    /// What is over would be kept for too short or too long a time.
    #[error("{flag} cannot be {hours}: {why}")]
    Kept {
        /// The flag that gives it.
        flag: &'static str,
        /// What it gives.
        hours: u64,
        /// What is possible.
        why: String,
    },
    /// No way to make vectors.
    #[error("--embeddings: {0}")]
    Embeddings(choice::Unknown),
    /// No share of missions.
    #[error("--memory-holdout: {0}")]
    Holdout(String),
}

/// Settings as one source gives them; what it does not give is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// Region that this scheduler serves, as the topology names it
    #[arg(long, env = "MERIDIAN_REGION")]
    pub region: Option<RegionName>,
    /// Address to listen on [default: 127.0.0.1:7700]
    #[arg(long, env = "MERIDIAN_LISTEN")]
    pub listen: Option<SocketAddr>,
    /// Address under which other schedulers reach this one [default: http:// and the listening address]
    #[arg(long, env = "MERIDIAN_ADVERTISE")]
    pub advertise: Option<String>,
    /// Gateway of the database, repeated in order of distance, the local one first [default: `DATABASE_URL`]
    #[arg(long = "database-url", env = "MERIDIAN_DATABASE_URL", value_delimiter = ',', hide_env_values = true)]
    pub database_url: Vec<String>,
    /// World model (`world_state.json`) whose cities may be origins
    #[arg(long, env = "MERIDIAN_WORLD")]
    pub world: Option<PathBuf>,
    /// Its knowledge (`knowledge.json`)
    #[arg(long, env = "MERIDIAN_KNOWLEDGE", requires = "world")]
    pub knowledge: Option<PathBuf>,
    /// Loopback only: every request is an operator's, no tokens
    #[arg(long, env = "MERIDIAN_DEV", num_args = 0..=1, default_missing_value = "true")]
    pub dev: Option<bool>,
    /// Open missions that one submitter may have [default: no limit]
    #[arg(long, env = "MERIDIAN_MAX_OPEN")]
    pub max_open: Option<i64>,
    /// Share of missions that go without memory, to measure what memory is worth; of one pool as REGION/SPECIALIZATION=SHARE
    /// [default: 0]
    #[arg(long, env = "MERIDIAN_MEMORY_HOLDOUT", value_delimiter = ',')]
    #[serde(default)]
    pub memory_holdout: Vec<String>,
    /// Other database regions that one search of the memory asks, the nearest; 0 = the own alone [default: 4]
    #[arg(long, env = "MERIDIAN_MEMORY_HOMES")]
    pub memory_homes: Option<usize>,
    /// How vectors of memories are made: lexical, static:FOLDER, api:MODEL or api:MODEL@URL (its token is in
    /// `MERIDIAN_EMBED_TOKEN`); those of another space are not searched, see `memory reembed` [default: lexical]
    #[arg(long, env = "MERIDIAN_EMBEDDINGS")]
    pub embeddings: Option<String>,
    /// Residency rule whose texts the embeddings API may see, repeated; others under a rule are found by words alone, and
    /// a question for such a mission asks by words alone [default: none]
    #[arg(long, env = "MERIDIAN_EMBEDDINGS_MAY_SEE", value_delimiter = ',', value_name = "RULE")]
    #[serde(default)]
    pub embeddings_may_see: Vec<ResidencyName>,
    /// Submits, lists and other reads that are worked on at a time; more are shed [default: 512]
    #[arg(long, env = "MERIDIAN_MAX_SUBMITS")]
    pub max_submits: Option<usize>,
    /// Claims that wait or are worked on at a time; more are shed [default: 20000]
    #[arg(long, env = "MERIDIAN_MAX_CLAIMS")]
    pub max_claims: Option<usize>,
    /// Heartbeats and results that are worked on at a time; more are shed [default: 20000]
    #[arg(long, env = "MERIDIAN_MAX_LEASES")]
    pub max_leases: Option<usize>,
    /// Connections to the database for each of the three lanes [default: 4]
    #[arg(long, env = "MERIDIAN_CONNECTIONS")]
    pub connections: Option<usize>,
    /// Milliseconds after which one statement moves on to the next gateway [default: 500]
    #[arg(long, env = "MERIDIAN_STATEMENT_TIMEOUT_MS")]
    pub statement_timeout_ms: Option<u64>,
    /// Token that this scheduler shows to others when it hints at work, an agent's or operator's [default: none]
    #[arg(long, env = "MERIDIAN_PEER_TOKEN", hide_env_values = true)]
    pub peer_token: Option<String>,
    /// Hours that finished missions are kept, with their history [default: 168]
    #[arg(long, env = "MERIDIAN_MISSIONS_KEPT_H")]
    pub missions_kept_h: Option<u64>,
    /// Hours that idempotency keys are kept, at least 24 and at least as long as missions [default: as long as missions]
    #[arg(long, env = "MERIDIAN_KEYS_KEPT_H")]
    pub keys_kept_h: Option<u64>,
    /// Hours that ended sessions are kept [default: 24]
    #[arg(long, env = "MERIDIAN_SESSIONS_KEPT_H")]
    pub sessions_kept_h: Option<u64>,
    /// Hours that memories are kept, since their missions ended [default: for ever]
    #[arg(long, env = "MERIDIAN_MEMORIES_KEPT_H")]
    pub memories_kept_h: Option<u64>,
    /// Hours that the recall log is kept, by which it is reckoned what memory is worth [default: 2160, as far as
    /// `memory hit-rate` looks back]
    #[arg(long, env = "MERIDIAN_RECALLS_KEPT_H")]
    pub recalls_kept_h: Option<u64>,
    /// Seconds that open requests get when the scheduler stops [default: 10]
    #[arg(long, env = "MERIDIAN_GRACE_S")]
    pub grace_s: Option<u64>,
}

impl Settings {
    /// Reads a TOML file with the same names as the flags.
    ///
    /// # Errors
    /// The file cannot be read, or has a key that is no setting.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::Read(path.to_owned(), error))?;
        toml::from_str(&text).map_err(|error| Error::Parse(path.to_owned(), error))
    }

    /// What this source gives, else what `other` gives.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            region: self.region.or(other.region),
            listen: self.listen.or(other.listen),
            advertise: self.advertise.or(other.advertise),
            database_url: if self.database_url.is_empty() { other.database_url } else { self.database_url },
            world: self.world.or(other.world),
            knowledge: self.knowledge.or(other.knowledge),
            dev: self.dev.or(other.dev),
            max_open: self.max_open.or(other.max_open),
            memory_homes: self.memory_homes.or(other.memory_homes),
            embeddings: self.embeddings.or(other.embeddings),
            embeddings_may_see: if self.embeddings_may_see.is_empty() {
                other.embeddings_may_see
            } else {
                self.embeddings_may_see
            },
            memory_holdout: if self.memory_holdout.is_empty() { other.memory_holdout } else { self.memory_holdout },
            max_submits: self.max_submits.or(other.max_submits),
            max_claims: self.max_claims.or(other.max_claims),
            max_leases: self.max_leases.or(other.max_leases),
            connections: self.connections.or(other.connections),
            statement_timeout_ms: self.statement_timeout_ms.or(other.statement_timeout_ms),
            peer_token: self.peer_token.or(other.peer_token),
            missions_kept_h: self.missions_kept_h.or(other.missions_kept_h),
            keys_kept_h: self.keys_kept_h.or(other.keys_kept_h),
            sessions_kept_h: self.sessions_kept_h.or(other.sessions_kept_h),
            memories_kept_h: self.memories_kept_h.or(other.memories_kept_h),
            recalls_kept_h: self.recalls_kept_h.or(other.recalls_kept_h),
            grace_s: self.grace_s.or(other.grace_s),
        }
    }

    /// Fills in the defaults and checks the whole. `database_url` is `$DATABASE_URL`.
    ///
    /// # Errors
    /// No region or database is given, `--dev` would be reachable from elsewhere, or what is over is kept too shortly.
    pub fn resolve(self, database_url: Option<String>) -> Result<Config, Error> {
        let listen = self.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 7700)));
        let dev = self.dev.unwrap_or(false);
        if dev && !listen.ip().is_loopback() {
            return Err(Error::DevBeyondLoopback(listen));
        }
        let databases =
            if self.database_url.is_empty() { database_url.into_iter().collect() } else { self.database_url };
        if databases.is_empty() {
            return Err(Error::Missing {
                flag: "--database-url or DATABASE_URL",
                why: "the scheduler keeps everything in the database; `make db` starts a local one",
            });
        }
        let retention = Retention::of_hours(self.missions_kept_h, self.keys_kept_h, self.sessions_kept_h)?
            .memory_of_hours(self.memories_kept_h, self.recalls_kept_h)?;
        let region = self.region.ok_or(Error::Missing { flag: "--region", why: "a scheduler serves one region" })?;
        Ok(Config {
            region,
            listen,
            advertise: self.advertise,
            databases,
            world: self.world,
            knowledge: self.knowledge,
            dev,
            max_open: self.max_open,
            embeddings: self.embeddings.map_or(Ok(Choice::Lexical), |text| text.parse()).map_err(Error::Embeddings)?,
            embeddings_may_see: self.embeddings_may_see,
            memory_holdout: Holdout::read(&self.memory_holdout).map_err(Error::Holdout)?,
            memory_homes: self.memory_homes.unwrap_or_else(|| recall::Settings::default().others),
            limits: Limits {
                submits: self.max_submits.unwrap_or(512),
                claims: self.max_claims.unwrap_or(20_000),
                leases: self.max_leases.unwrap_or(20_000),
                ..Limits::default()
            },
            connections: self.connections.unwrap_or(4),
            statement_timeout: Duration::from_millis(self.statement_timeout_ms.unwrap_or(500)),
            retention,
            peer_token: self.peer_token,
            grace: Duration::from_secs(self.grace_s.unwrap_or(10)),
        })
    }
}

/// Settings that a scheduler can start with.
#[derive(Debug, Clone)]
pub struct Config {
    /// Region that it serves.
    pub region: RegionName,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Address for other schedulers, where it is not the listening one.
    pub advertise: Option<String>,
    /// Gateways in order of distance, never empty.
    pub databases: Vec<String>,
    /// World model whose cities may be origins.
    pub world: Option<PathBuf>,
    /// Its knowledge.
    pub knowledge: Option<PathBuf>,
    /// No tokens, loopback only.
    pub dev: bool,
    /// Open missions of one submitter.
    pub max_open: Option<i64>,
    /// How vectors of memories are made.
    pub embeddings: Choice,
    /// Residency rules whose texts an embeddings API may see.
    pub embeddings_may_see: Vec<ResidencyName>,
    /// Missions that go without memory.
    pub memory_holdout: Holdout,
    /// Other database regions that one search asks.
    pub memory_homes: usize,
    /// How much is let in.
    pub limits: Limits,
    /// Database connections of each lane.
    pub connections: usize,
    /// Longest wait for one statement at one gateway.
    pub statement_timeout: Duration,
    /// How long what is over is kept.
    pub retention: Retention,
    /// What this scheduler shows to others.
    pub peer_token: Option<String>,
    /// How long open requests may take at the end.
    pub grace: Duration,
}

/// How much is let in: the rest is shed with 503, each lane for itself.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Submits, lists, reads, control: shed first.
    pub submits: usize,
    /// Claims.
    pub claims: usize,
    /// Heartbeats and results: shed last.
    pub leases: usize,
    /// Open event streams.
    pub streams: usize,
    /// Largest body of a submit, in bytes.
    pub submit_body: usize,
    /// Largest body of anything else, in bytes.
    pub body: usize,
    /// Longest time for one request; a claim gets its wait on top.
    pub timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            submits: 512,
            claims: 20_000,
            leases: 20_000,
            streams: 64,
            submit_body: 16 << 20,
            body: 2 << 20,
            timeout: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete() -> Settings {
        Settings {
            region: Some("us-west".parse().unwrap()),
            database_url: vec!["postgres://one".into()],
            ..Settings::default()
        }
    }

    #[test]
    fn flags_win_over_the_file() {
        let file: Settings =
            toml::from_str("region = 'us-east'\nmax-submits = 7\ndatabase-url = ['postgres://two']").unwrap();
        let config = complete().or(file).resolve(None).unwrap();
        assert_eq!(config.region.as_str(), "us-west");
        assert_eq!(config.databases, ["postgres://one"]);
        assert_eq!(config.limits.submits, 7);
    }

    #[test]
    fn a_key_that_is_no_setting_is_refused() {
        assert!(toml::from_str::<Settings>("regoin = 'us-east'").is_err());
    }

    #[test]
    fn dev_is_for_loopback_only() {
        for (listen, fine) in
            [("127.0.0.1:7700", true), ("[::1]:7700", true), ("0.0.0.0:7700", false), ("10.0.0.1:1", false)]
        {
            let settings = Settings { listen: Some(listen.parse().unwrap()), dev: Some(true), ..complete() };
            assert_eq!(settings.resolve(None).is_ok(), fine, "{listen}");
        }
    }

    #[test]
    fn what_is_over_is_kept_as_long_as_a_flag_or_the_file_says() {
        let file: Settings =
            toml::from_str("missions-kept-h = 48\nsessions-kept-h = 3\nmemories-kept-h = 9000\nrecalls-kept-h = 24")
                .unwrap();
        let settings = Settings { missions_kept_h: Some(72), ..complete() };
        let kept = settings.or(file).resolve(None).unwrap().retention;
        assert_eq!([kept.missions, kept.keys, kept.sessions], [72, 72, 3].map(Duration::from_hours));
        assert_eq!(
            (kept.memories, kept.recalls),
            (Some(Duration::from_hours(9_000)), Duration::from_hours(24)),
            "a file may say it"
        );
        let settings = Settings { keys_kept_h: Some(23), ..complete() };
        assert!(matches!(settings.resolve(None), Err(Error::Kept { flag: "--keys-kept-h", .. })));
    }

    #[test]
    fn the_database_comes_from_its_variable_where_no_flag_names_it() {
        let settings = Settings { database_url: Vec::new(), ..complete() };
        assert!(settings.clone().resolve(None).is_err());
        assert_eq!(settings.resolve(Some("postgres://env".into())).unwrap().databases, ["postgres://env"]);
    }
}
