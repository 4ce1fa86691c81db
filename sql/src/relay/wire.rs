//! As much of the PostgreSQL protocol as tells which statement runs and when its answer is complete. Messages are cut
//! out of whatever pieces the bytes come in.

mod statement;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

pub use statement::Text;

/// Length of a message's own length, which counts itself.
const LENGTH: usize = 4;
const CANCEL_REQUEST: u32 = 80_877_102;
const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;

/// One whole message: its type byte, which only the first ones of a client lack, its length and its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Type byte.
    pub kind: Option<u8>,
    /// All of it.
    pub bytes: Bytes,
}

impl Message {
    /// What comes after type and length.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.bytes[usize::from(self.kind.is_some()) + LENGTH..]
    }

    /// The number that a body of four bytes or more begins with.
    fn code(&self) -> Option<u32> {
        Some(u32::from_be_bytes(self.body().get(..4)?.try_into().expect("four bytes")))
    }
}

/// What a message of the client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// A session begins; `ReadyForQuery` ends the answer.
    Start,
    /// Encryption; the answer is one byte.
    Encrypt,
    /// Another session's statement is to be cancelled; there is no answer.
    Cancel,
    /// A prepared statement is run. None where it was prepared out of sight.
    Execute(Option<Arc<Text>>),
    /// A text is run; `ReadyForQuery` ends the answer.
    Query(Arc<Text>),
    /// One more message of those that `Sync` ends: a statement is prepared, bound, described, closed.
    Prepare,
    /// The end of messages that belong together; `ReadyForQuery` ends the answer.
    Sync,
    /// A function is called; `ReadyForQuery` ends the answer.
    Call,
    /// Whatever has no answer of its own: a password, copied rows, the end.
    Other,
}

/// Messages of the client.
#[derive(Debug, Default)]
pub struct Frontend {
    pending: BytesMut,
    started: bool,
    /// Texts by name of the prepared statement, and by portal.
    prepared: HashMap<Bytes, Arc<Text>>,
    portals: HashMap<Bytes, Arc<Text>>,
}

/// Messages of the server.
#[derive(Debug, Default)]
pub struct Backend {
    pending: BytesMut,
}

impl Frontend {
    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// The next whole message, with what it asks for.
    pub fn next_message(&mut self) -> Option<(Message, Request)> {
        let message = take(&mut self.pending, self.started)?;
        let request = match message.kind {
            Some(kind) => self.request(kind, &message),
            None => self.first(message.code()),
        };
        Some((message, request))
    }

    /// What has been pushed and is no whole message yet: all that there is where the rest is not this protocol.
    pub fn rest(&mut self) -> Bytes {
        self.pending.split().freeze()
    }

    /// Takes the next bytes; returns the names of the statements that they order to be run.
    pub(super) fn executed(&mut self, bytes: &[u8]) -> Vec<String> {
        self.push(bytes);
        let mut found = Vec::new();
        while let Some((_, request)) = self.next_message() {
            if let Request::Execute(Some(text)) | Request::Query(text) = request {
                found.push(text.name.clone());
            }
        }
        found
    }

    fn first(&mut self, code: Option<u32>) -> Request {
        match code {
            Some(SSL_REQUEST | GSS_REQUEST) => Request::Encrypt,
            Some(CANCEL_REQUEST) => Request::Cancel,
            _ => {
                self.started = true;
                Request::Start
            }
        }
    }

    fn request(&mut self, kind: u8, message: &Message) -> Request {
        let body = message.bytes.slice(1 + LENGTH..);
        match kind {
            b'P' => {
                let (name, text) = two(&body);
                self.prepared.insert(name, Arc::new(Text::read(&text)));
                Request::Prepare
            }
            b'B' => {
                let (portal, name) = two(&body);
                match self.prepared.get(&name) {
                    Some(text) => self.portals.insert(portal, Arc::clone(text)),
                    None => self.portals.remove(&portal),
                };
                Request::Prepare
            }
            b'C' => {
                let (name, _) = two(&body.slice(body.len().min(1)..));
                match body.first() {
                    Some(b'S') => self.prepared.remove(&name),
                    _ => self.portals.remove(&name),
                };
                Request::Prepare
            }
            b'D' | b'H' => Request::Prepare,
            b'E' => Request::Execute(self.portals.get(&two(&body).0).cloned()),
            b'Q' => Request::Query(Arc::new(Text::read(&two(&body).0))),
            b'S' => Request::Sync,
            b'F' => Request::Call,
            _ => Request::Other,
        }
    }
}

impl Backend {
    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// The next whole message.
    pub fn next_message(&mut self) -> Option<Message> {
        take(&mut self.pending, true)
    }

    /// The next byte: the answer to [`Request::Encrypt`].
    pub fn next_byte(&mut self) -> Option<Bytes> {
        (!self.pending.is_empty()).then(|| self.pending.split_to(1).freeze())
    }

    /// What has been pushed and is no whole message yet.
    pub fn rest(&mut self) -> Bytes {
        self.pending.split().freeze()
    }

    /// Takes the next bytes; whether they complete the answer to a request and nothing follows.
    pub(super) fn ready_for_query(&mut self, bytes: &[u8]) -> bool {
        self.push(bytes);
        let mut ready = false;
        while let Some(message) = self.next_message() {
            ready = message.kind == Some(b'Z');
        }
        ready && self.pending.is_empty()
    }
}

/// Takes one whole message off the front, with a type byte or without.
fn take(pending: &mut BytesMut, typed: bool) -> Option<Message> {
    let prefix = usize::from(typed);
    let length = pending.get(prefix..prefix + LENGTH)?;
    let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
    let end = prefix + length.max(LENGTH);
    if pending.len() < end {
        return None;
    }
    let bytes = pending.split_to(end).freeze();
    Some(Message { kind: typed.then(|| bytes[0]), bytes })
}

/// The first two texts of a body; each ends with a zero.
fn two(body: &Bytes) -> (Bytes, Bytes) {
    let mut parts = body.split(|byte| *byte == 0);
    let mut next = || parts.next().map_or_else(Bytes::new, |part| body.slice_ref(part));
    (next(), next())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(kind: Option<u8>, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + LENGTH).unwrap().to_be_bytes();
        kind.into_iter().chain(length).chain(body.iter().copied()).collect()
    }

    fn session() -> Vec<Vec<u8>> {
        vec![
            message(None, &SSL_REQUEST.to_be_bytes()),
            message(None, &[0, 3, 0, 0, b'u', 0, 0]),
            message(Some(b'P'), b"s1\0/* mission_claim */ SELECT 1\0\0\0"),
            message(Some(b'S'), b""),
            message(Some(b'B'), b"\0s1\0\0\0\0\0\0\0"),
            message(Some(b'E'), b"\0\0\0\0\0"),
            message(Some(b'Q'), b"/* clock_read */ SELECT now()\0"),
            message(Some(b'C'), b"Ss1\0"),
            message(Some(b'B'), b"\0s1\0\0\0\0\0\0\0"),
            message(Some(b'E'), b"\0\0\0\0\0"),
            message(Some(b'X'), b""),
        ]
    }

    #[test]
    fn executed_statements_are_known_by_their_names_however_the_bytes_are_cut() {
        for piece in [1, 3, 7, 1_000] {
            let mut frontend = Frontend::default();
            let bytes = session().concat();
            let found: Vec<String> = bytes.chunks(piece).flat_map(|chunk| frontend.executed(chunk)).collect();
            assert_eq!(found, ["mission_claim", "clock_read"], "pieces of {piece}");
        }
    }

    #[test]
    fn each_message_is_told_with_what_it_asks_for() {
        let mut frontend = Frontend::default();
        frontend.push(&session().concat());
        let told: Vec<Request> = std::iter::from_fn(|| frontend.next_message()).map(|(_, request)| request).collect();
        let claim = Arc::new(Text::read(b"/* mission_claim */ SELECT 1"));
        let clock = Arc::new(Text::read(b"/* clock_read */ SELECT now()"));
        use Request::{Encrypt, Execute, Other, Prepare, Query, Start, Sync};
        let wanted = [
            Encrypt,
            Start,
            Prepare,
            Sync,
            Prepare,
            Execute(Some(claim)),
            Query(clock),
            Prepare,
            Prepare,
            Execute(None),
            Other,
        ];
        assert_eq!(told, wanted);
    }

    #[test]
    fn an_answer_is_complete_with_ready_for_query_only() {
        let mut backend = Backend::default();
        assert!(!backend.ready_for_query(&message(Some(b'C'), b"Z\0")));
        let ready = message(Some(b'Z'), b"I");
        assert!(!backend.ready_for_query(&ready[..3]));
        assert!(backend.ready_for_query(&ready[3..]));
    }

    proptest! {
        #[test]
        fn messages_come_out_as_they_went_in_however_the_bytes_are_cut(
            bodies in proptest::collection::vec((any::<u8>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..20),
            cuts in proptest::collection::vec(1_usize..50, 1..40),
        ) {
            let sent: Vec<Vec<u8>> = bodies.iter().map(|(kind, body)| message(Some(*kind), body)).collect();
            let bytes = sent.concat();
            let mut backend = Backend::default();
            let (mut found, mut at, mut cuts) = (Vec::new(), 0, cuts.into_iter().cycle());
            while at < bytes.len() {
                let end = (at + cuts.next().expect("it never ends")).min(bytes.len());
                backend.push(&bytes[at..end]);
                at = end;
                found.extend(std::iter::from_fn(|| backend.next_message()).map(|message| message.bytes.to_vec()));
            }
            prop_assert_eq!(found, sent);
            prop_assert!(backend.rest().is_empty());
        }

        #[test]
        fn any_bytes_are_read_without_a_panic_and_without_loss(
            pieces in proptest::collection::vec(proptest::collection::vec(0_u8..8, 0..20), 0..20),
        ) {
            let mut frontend = Frontend::default();
            let mut passed = Vec::new();
            for piece in &pieces {
                frontend.push(piece);
                passed.extend(std::iter::from_fn(|| frontend.next_message()).flat_map(|(message, _)| message.bytes));
            }
            passed.extend(frontend.rest());
            prop_assert_eq!(passed, pieces.concat());
        }
    }
}
