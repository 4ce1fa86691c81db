//! `/v1/events`: changes as they happen, as hints. What is shown is reloaded, never computed from them.

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use serde::de::DeserializeOwned;

use super::Client;
use crate::error::{Cause, Error};
use crate::transport::Lane;
use crate::wire::{EventGap, EventMission, EventTopology};

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A mission changed.
    Mission(EventMission),
    /// Another topology is in force.
    Topology(EventTopology),
    /// A region changed.
    Regions(EventTopology),
    /// The reader was too slow: reload what is shown.
    Gap(EventGap),
    /// Of a kind that this client does not know.
    Other {
        /// Its kind.
        name: String,
        /// Its data, JSON by contract.
        data: String,
    },
}

/// One event as the scheduler wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEvent {
    /// Its kind.
    pub name: String,
    /// Its data, JSON by contract.
    pub data: String,
}

/// A stream of events. It ends with its connection: whoever follows asks again.
pub struct Events {
    bytes: BoxStream<'static, Result<Bytes, reqwest::Error>>,
    lines: Lines,
    ready: std::collections::VecDeque<RawEvent>,
}

impl Client {
    /// Follows the events of the nearest scheduler that answers.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn events(&self) -> Result<Events, Error> {
        let mut last = Error::Unreachable { tries: 0, cause: Cause::BreakersOpen };
        for (tries, peer) in (1..).zip(self.in_order(Lane::Other)) {
            let Some(permit) = peer.breaker.admit() else { continue };
            let answer = tokio::time::timeout(self.limits.attempt, peer.open("/v1/events")).await;
            peer.note(matches!(answer, Ok(Ok(_))));
            let cause = match answer {
                Ok(Ok(answer)) => {
                    permit.succeeded();
                    return Events::of(answer).await;
                }
                Ok(Err(error)) if error.is_connect() => Cause::Connect(error),
                Ok(Err(error)) => Cause::Broken(error),
                Err(_) => Cause::Timeout(self.limits.attempt),
            };
            permit.failed();
            last = Error::Unreachable { tries, cause };
        }
        Err(last)
    }
}

impl Events {
    async fn of(answer: reqwest::Response) -> Result<Self, Error> {
        let status = answer.status();
        if !status.is_success() {
            let body = answer.bytes().await.unwrap_or_default();
            return Err(super::refusal_of(status, &body, None));
        }
        let bytes = answer.bytes_stream().boxed();
        Ok(Self { bytes, lines: Lines::default(), ready: std::collections::VecDeque::new() })
    }

    /// The next event; none = the connection ended.
    ///
    /// # Errors
    /// [`Error::Unreachable`] where the connection broke.
    pub async fn next(&mut self) -> Result<Option<Event>, Error> {
        Ok(self.next_raw().await?.map(Event::from))
    }

    /// The next event with all that was written of it, for those who pass it on; none = the connection ended.
    ///
    /// # Errors
    /// As [`Events::next`].
    pub async fn next_raw(&mut self) -> Result<Option<RawEvent>, Error> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            match self.bytes.next().await {
                Some(Ok(chunk)) => self.ready.extend(self.lines.push(&chunk)),
                Some(Err(error)) => return Err(Error::Unreachable { tries: 1, cause: Cause::Broken(error) }),
                None => return Ok(None),
            }
        }
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").field("ready", &self.ready).finish_non_exhaustive()
    }
}

/// Server-sent events out of chunks that end anywhere.
#[derive(Debug, Default)]
struct Lines {
    rest: Vec<u8>,
    name: String,
    data: String,
}

impl Lines {
    fn push(&mut self, chunk: &[u8]) -> Vec<RawEvent> {
        self.rest.extend_from_slice(chunk);
        let mut whole = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            whole.extend(self.line(line.trim_end_matches(['\r', '\n'])));
        }
        whole
    }

    /// An empty line ends an event; a line that begins with a colon is a comment.
    fn line(&mut self, line: &str) -> Option<RawEvent> {
        if line.is_empty() {
            let (name, data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
            return (!data.is_empty()).then_some(RawEvent { name, data });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" if self.data.is_empty() => value.clone_into(&mut self.data),
            "data" => {
                self.data.push('\n');
                self.data.push_str(value);
            }
            _ => {}
        }
        None
    }
}

impl From<RawEvent> for Event {
    fn from(RawEvent { name, data }: RawEvent) -> Self {
        fn known<T: DeserializeOwned>(data: &str, as_event: fn(T) -> Event) -> Option<Event> {
            serde_json::from_str(data).ok().map(as_event)
        }
        let known = match name.as_str() {
            "mission" => known(&data, Self::Mission),
            "topology" => known(&data, Self::Topology),
            "regions" => known(&data, Self::Regions),
            "gap" => known(&data, Self::Gap),
            _ => None,
        };
        known.unwrap_or(Self::Other { name, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = ": hello\n\nevent: topology\ndata: {\"topology_version\": 3}\n\nevent: gap\r\ndata: {\"lost\":2}\r\n\
                          \r\nevent: news\ndata: a\ndata: b\n\nevent: cut\ndata: half";

    #[test]
    fn events_come_whole_wherever_the_chunks_end() {
        let wanted = vec![
            Event::Topology(EventTopology { topology_version: 3 }),
            Event::Gap(EventGap { lost: 2 }),
            Event::Other { name: "news".to_owned(), data: "a\nb".to_owned() },
        ];
        for size in [1, 2, 7, 1000] {
            let mut lines = Lines::default();
            let found: Vec<_> =
                STREAM.as_bytes().chunks(size).flat_map(|chunk| lines.push(chunk)).map(Event::from).collect();
            assert_eq!(found, wanted, "in chunks of {size}");
        }
    }
}
