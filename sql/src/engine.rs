//! The two databases, and everything that differs between them outside the schema's text.

use std::fmt;

/// Which database answers. Found by asking it, never configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// PostgreSQL 16 or later: one machine.
    Postgres,
    /// CockroachDB 25.4.17 or later: many regions.
    Cockroach,
}

impl Engine {
    /// Reads the answer of `SELECT version()`.
    #[must_use]
    pub fn of_version(version: &str) -> Self {
        if version.starts_with("CockroachDB") { Self::Cockroach } else { Self::Postgres }
    }

    /// The isolation under which every statement must be right, as startup options write it (a space is escaped).
    pub(crate) const fn isolation(self) -> &'static str {
        match self {
            Self::Postgres => r"read\ committed",
            Self::Cockroach => "serializable",
        }
    }

    /// Settings of every session that decide how statements are planned. PostgreSQL's default price of a random page is
    /// that of a disk with arms, at which it reads a whole table in place of a few hundred keys. Its vector index gives as
    /// many candidates as `ef_search` says and then filters; `iterative_scan` goes on until the page is full.
    #[must_use]
    pub const fn planner_settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Postgres => &[
                ("jit", "off"),
                ("random_page_cost", "1.1"),
                ("hnsw.ef_search", "120"),
                ("hnsw.iterative_scan", "relaxed_order"),
            ],
            Self::Cockroach => &[],
        }
    }

    /// What a read adds after its FROM clause to be served by replicas of the own region, a few seconds old.
    /// PostgreSQL has no such thing and reads fresh.
    #[must_use]
    pub const fn stale_read_clause(self) -> &'static str {
        match self {
            Self::Postgres => "",
            Self::Cockroach => " AS OF SYSTEM TIME follower_read_timestamp()",
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres => "postgres",
            Self::Cockroach => "cockroach",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_text_tells_the_engine() {
        let cases = [
            ("CockroachDB CCL v25.4.17 (x86_64-pc-linux-gnu)", Engine::Cockroach),
            ("PostgreSQL 18.6 on x86_64-pc-linux-gnu", Engine::Postgres),
        ];
        for (version, engine) in cases {
            assert_eq!(Engine::of_version(version), engine, "{version}");
        }
    }
}
