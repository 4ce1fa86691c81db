//! Reads figures from outside a deployment: from an address, a command or a scheduler.

use std::time::Duration;

use scheduler_client::Client;

use crate::drill::{Probe, Query};
use crate::local::LocalGauges;
use crate::{command, http, tier};

/// Longest run of a command that reads a figure; the runner's own limit is shorter as a rule.
const LIMIT: Duration = Duration::from_secs(30);

/// Reads figures.
pub struct Gauges {
    client: Option<Client>,
    missions: Option<LocalGauges>,
}

impl Gauges {
    pub(super) const fn new(client: Option<Client>, missions: Option<LocalGauges>) -> Self {
        Self { client, missions }
    }

    async fn serving(&self) -> Option<f64> {
        let regions = self.client.as_ref()?.regions().await.ok()?.regions;
        Some(regions.iter().filter(|region| region.serves).count() as f64)
    }
}

impl tier::Gauges for Gauges {
    async fn figure(&self, probe: &Probe) -> Option<f64> {
        match &probe.query {
            Query::HttpStatus { url } => http::get(url).await.ok().map(|(status, _)| f64::from(status)),
            Query::ExitCode { argv } => command::run(argv, LIMIT).await.ok()?.code.map(f64::from),
            Query::Number { argv } => {
                let number: f64 = command::run_well(argv, LIMIT).await.ok()?.out.trim().parse().ok()?;
                number.is_finite().then_some(number)
            }
            Query::ServingRegions => self.serving().await,
            // Where nothing is submitted these are refused before the drill starts.
            Query::SubmitSuccessRatio | Query::SubmitToLeasedP99Ms | Query::StrandedLeases | Query::OverdueMissions => {
                self.missions.as_ref()?.figure(probe).await
            }
        }
    }
}
