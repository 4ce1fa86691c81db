//! A throw-away database per test.

use crate::{Config, Gateways};

/// Database regions that a new test database knows.
pub const REGIONS: [&str; 5] = ["us-west-2", "us-east-1", "eu-west-1", "ap-northeast-1", "sa-east-1"];

/// A migrated database of its own, dropped with the value.
pub struct TestDb {}

impl TestDb {
    /// Clones the template.
    ///
    /// # Panics
    /// When no server can be had.
    pub async fn new() -> Self {
        todo!()
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        todo!()
    }

    /// Settings with one gateway and few connections.
    #[must_use]
    pub fn config(&self) -> Config {
        todo!()
    }

    /// Gateways to it.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn gateways(&self) -> Gateways {
        todo!()
    }

    /// Changes the database regions it knows.
    ///
    /// # Panics
    /// When the database refuses.
    pub async fn set_regions(&self, regions: &[&str]) {
        let _ = regions;
        todo!()
    }
}
