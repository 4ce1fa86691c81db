//! `scheduler events`: follows `/v1/events`.

use anyhow::Context as _;
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::Output;
use super::remote::Remote;

/// `scheduler events`
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    remote: Remote,
}

pub(super) async fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    let url = format!("{}/v1/events", args.remote.first());
    let client = reqwest::Client::builder().no_proxy().build().context("cannot make an HTTP client")?;
    let mut request = client.get(&url);
    if let Some(token) = args.remote.token() {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.map_err(|error| super::Stop::refused(format!("cannot reach {url}: {error}")))?;
    if !answer.status().is_success() {
        let text = answer.text().await.unwrap_or_default();
        return Err(super::Stop::refused(format!("{url} refused: {text}")).into());
    }
    let mut bytes = answer.bytes_stream();
    let mut events = Events::default();
    while let Some(chunk) = bytes.next().await {
        let chunk = chunk.map_err(|error| super::Stop::refused(format!("the stream ended: {error}")))?;
        for (name, data) in events.push(&chunk) {
            let value: Value = serde_json::from_str(&data).unwrap_or(Value::Null);
            output.line(&json!({ "event": name, "data": value }), &format!("{name:10} {data}"))?;
        }
    }
    Ok(())
}

/// Splits a stream of server-sent events.
#[derive(Debug, Default)]
struct Events {
    rest: Vec<u8>,
    name: String,
    data: String,
}

impl Events {
    fn push(&mut self, chunk: &[u8]) -> Vec<(String, String)> {
        self.rest.extend_from_slice(chunk);
        let mut whole = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            whole.extend(self.line(line.trim_end()));
        }
        whole
    }

    fn line(&mut self, line: &str) -> Option<(String, String)> {
        if line.is_empty() {
            let event = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
            return (!event.0.is_empty() || !event.1.is_empty()).then_some(event);
        }
        if let Some(name) = line.strip_prefix("event:") {
            name.trim().clone_into(&mut self.name);
        } else if let Some(data) = line.strip_prefix("data:") {
            self.data.push_str(data.trim());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_found_wherever_the_stream_is_cut() {
        let text = "event: mission\ndata: {\"a\":1}\n\n:\n\nevent: gap\ndata: {}\n\n";
        for cut in 0..text.len() {
            let mut events = Events::default();
            let mut found = events.push(&text.as_bytes()[..cut]);
            found.extend(events.push(&text.as_bytes()[cut..]));
            let wanted = [("mission".to_owned(), "{\"a\":1}".to_owned()), ("gap".to_owned(), "{}".to_owned())];
            assert_eq!(found, wanted, "cut at {cut}");
        }
    }
}
