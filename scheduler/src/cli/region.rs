//! `scheduler region`: what holds regions back, and the operator's verbs.

use clap::Subcommand;
use scheduler_client::wire::{RegionControl, RegionList};
use serde_json::Value;
use topology::RegionName;

use super::remote::Remote;
use super::{Output, table};

/// `scheduler region`
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the regions with topology state, operator's verb and health
    List,
    /// Let a region take nothing new; what runs goes on
    Cordon(Wish),
    /// Empty a region: finish or hand back
    Drain {
        #[command(flatten)]
        wish: Wish,
        /// Seconds after which what is left is handed back [default: 300]
        #[arg(long)]
        deadline_s: Option<i64>,
    },
    /// Take a cordon or drain back
    Uncordon(Wish),
}

#[derive(Debug, clap::Args)]
struct Wish {
    /// The region
    region: RegionName,
    /// Why; kept in the history
    #[arg(long, default_value = "")]
    reason: String,
}

impl Wish {
    fn body(&self, deadline_ms: Option<i64>) -> RegionControl {
        RegionControl { reason: self.reason.clone(), deadline_ms }
    }
}

pub(super) async fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    let client = args.remote.client()?;
    let changed = match args.verb {
        Verb::List => return output.answer(&client.regions().await?, list),
        Verb::Cordon(wish) => client.cordon(&wish.region, &wish.body(None)).await?,
        Verb::Drain { wish, deadline_s } => {
            let deadline_ms = deadline_s.map(|seconds| seconds.saturating_mul(1000));
            client.drain(&wish.region, &wish.body(deadline_ms)).await?
        }
        Verb::Uncordon(wish) => client.uncordon(&wish.region, &wish.body(None)).await?,
    };
    output.answer(&changed, |region| {
        let verb = word(&serde_json::to_value(region).unwrap_or_default()["verb"]);
        let name = word(&serde_json::to_value(region).unwrap_or_default()["name"]);
        format!("{name}: verb {verb}")
    })
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or("-").to_owned()
}

fn list(list: &RegionList) -> String {
    let rows = list.regions.iter().map(|region| {
        let value = serde_json::to_value(region).unwrap_or_default();
        let serves = match (&region.held_by, region.serves) {
            (_, true) => "yes".to_owned(),
            (Some(held_by), false) => format!("no: {held_by}"),
            (None, false) => "no".to_owned(),
        };
        vec![
            region.name.to_string(),
            region.cloud.clone(),
            region.database_region.clone(),
            word(&value["state"]),
            word(&value["verb"]),
            word(&value["health"]),
            serves,
            region.sessions.to_string(),
            region.slots.to_string(),
            region.queued.to_string(),
            region.leased.to_string(),
        ]
    });
    let head =
        ["REGION", "CLOUD", "DATABASE", "STATE", "VERB", "HEALTH", "SERVES", "SESSIONS", "SLOTS", "QUEUED", "LEASED"];
    let mut text = format!("{}\ntopology version {}\n\n", list.survive, list.topology_version);
    text.push_str(&table(&head, rows));
    if !list.degraded.is_empty() {
        text.push_str(&format!("\nnot fresh: {}", list.degraded.join(", ")));
    }
    text
}
