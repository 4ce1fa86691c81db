//! `scheduler events`: follows `/v1/events`.

use serde_json::{Value, json};

use super::remote::Remote;
use super::{Output, Stop};

/// `scheduler events`
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    remote: Remote,
}

/// Prints events as they come, with all that the scheduler wrote of them.
pub(super) async fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    let mut events = args.remote.client()?.events().await?;
    while let Some(event) = events.next_raw().await? {
        let data: Value = serde_json::from_str(&event.data).unwrap_or(Value::Null);
        output.line(&json!({ "event": event.name, "data": data }), &format!("{:10} {}", event.name, event.data))?;
    }
    // Whoever follows wants to know that what comes next is not shown any more.
    Err(Stop::refused("the scheduler ended the stream").into())
}
