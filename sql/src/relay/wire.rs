//! As much of the PostgreSQL protocol as tells which statement runs and when its answer is complete.

use std::collections::HashMap;

/// Length of a message without its type byte, which only the first message of a client lacks.
const LENGTH: usize = 4;
const SSL_REQUEST: i32 = 80_877_103;

/// Messages of the client, cut into whatever pieces.
#[derive(Default)]
pub(super) struct Frontend {
    pending: Vec<u8>,
    started: bool,
    /// Name of the statement's own comment by name of the prepared statement, and by portal.
    prepared: HashMap<Vec<u8>, String>,
    portals: HashMap<Vec<u8>, String>,
}

/// Messages of the server.
#[derive(Default)]
pub(super) struct Backend {
    pending: Vec<u8>,
}

impl Frontend {
    /// Takes the next bytes; returns the names of the statements that they order to be run.
    pub(super) fn executed(&mut self, bytes: &[u8]) -> Vec<String> {
        self.pending.extend_from_slice(bytes);
        let mut found = Vec::new();
        loop {
            if !self.started {
                let Some(first) = take(&mut self.pending, 0) else { return found };
                self.started = first.get(LENGTH..LENGTH * 2) != Some(&SSL_REQUEST.to_be_bytes());
                continue;
            }
            let Some(message) = take(&mut self.pending, 1) else { return found };
            found.extend(self.message(message[0], &message[1 + LENGTH..]));
        }
    }

    fn message(&mut self, kind: u8, body: &[u8]) -> Option<String> {
        let mut parts = body.split(|byte| *byte == 0);
        let first = parts.next().unwrap_or_default().to_vec();
        let second = parts.next().unwrap_or_default();
        match kind {
            b'P' => {
                self.prepared.insert(first, name(second));
                None
            }
            b'B' => {
                let statement = self.prepared.get(second).cloned().unwrap_or_default();
                self.portals.insert(first, statement);
                None
            }
            b'E' => self.portals.get(&first).cloned(),
            b'Q' => Some(name(&first)),
            _ => None,
        }
    }
}

impl Backend {
    /// Takes the next bytes; whether they complete the answer to a request and nothing follows.
    pub(super) fn ready_for_query(&mut self, bytes: &[u8]) -> bool {
        self.pending.extend_from_slice(bytes);
        let mut ready = false;
        while let Some(message) = take(&mut self.pending, 1) {
            ready = message[0] == b'Z';
        }
        ready && self.pending.is_empty()
    }
}

/// Takes one whole message off the front; its length stands after `prefix` bytes and counts itself.
fn take(pending: &mut Vec<u8>, prefix: usize) -> Option<Vec<u8>> {
    let length = pending.get(prefix..prefix + LENGTH)?;
    let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
    let end = prefix + length.max(LENGTH);
    (pending.len() >= end).then(|| pending.drain(..end).collect())
}

/// `mission_claim` of `/* mission_claim */ SELECT ..`.
fn name(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let comment = text.trim_start().strip_prefix("/*").and_then(|rest| rest.split("*/").next());
    comment.unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: Option<u8>, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + LENGTH).unwrap().to_be_bytes();
        kind.into_iter().chain(length).chain(body.iter().copied()).collect()
    }

    fn session() -> Vec<u8> {
        [
            message(None, &[0, 3, 0, 0, b'u', 0, 0]),
            message(Some(b'P'), b"s1\0/* mission_claim */ SELECT 1\0\0\0"),
            message(Some(b'S'), b""),
            message(Some(b'B'), b"\0s1\0\0\0\0\0\0\0"),
            message(Some(b'E'), b"\0\0\0\0\0"),
            message(Some(b'Q'), b"/* clock_read */ SELECT now()\0"),
        ]
        .concat()
    }

    #[test]
    fn executed_statements_are_known_by_their_names_however_the_bytes_are_cut() {
        for piece in [1, 3, 7, 1_000] {
            let mut frontend = Frontend::default();
            let found: Vec<String> = session().chunks(piece).flat_map(|chunk| frontend.executed(chunk)).collect();
            assert_eq!(found, ["mission_claim", "clock_read"], "pieces of {piece}");
        }
    }

    #[test]
    fn an_answer_is_complete_with_ready_for_query_only() {
        let mut backend = Backend::default();
        assert!(!backend.ready_for_query(&message(Some(b'C'), b"Z\0")));
        let ready = message(Some(b'Z'), b"I");
        assert!(!backend.ready_for_query(&ready[..3]));
        assert!(backend.ready_for_query(&ready[3..]));
    }
}
