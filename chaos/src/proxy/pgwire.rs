//! Statements of PostgreSQL's protocol, answered badly without the two ends falling out of step.
//!
//! A statement that must not run is cut out of what the client sends, up to its `Sync`; the `Sync` goes on. So the server
//! itself ends the turn with `ReadyForQuery`, in its place among the answers, and the error is put before that. What was
//! sent before the execution (parse, bind, describe) is answered by the server, as it is when an execution fails.
//!
//! Once the two ends encrypt, nothing can be read and everything passes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use sql::relay::wire::{Backend, Frontend, Message, Request, Text};

use super::filter::{Counts, Taken};
use super::orders::Orders;
use crate::drill::StatementAnswer;

/// A `Sync` message.
const SYNC: &[u8] = b"S\0\0\0\x04";
/// The status in `ReadyForQuery` outside a transaction.
const IDLE: u8 = b'I';

/// What was asked and is not answered yet, in this order.
#[derive(Debug, Default)]
pub(super) struct Turns {
    waiting: VecDeque<Turn>,
    /// The status that the server told last.
    status: Option<u8>,
    /// Whether nothing can be read any more.
    unread: bool,
}

/// What one `ReadyForQuery` answers, or the one byte after a wish to encrypt.
#[derive(Debug, Default)]
struct Turn {
    encrypts: bool,
    /// Whether its last message was sent.
    complete: bool,
    /// Whether a statement of it was sent for execution.
    ran: bool,
    /// Whether one of its statements begins or ends a transaction.
    controls: bool,
    /// Whether the server answered with an error of its own.
    failed: bool,
    /// The statement that is answered badly.
    hit: Option<(String, StatementAnswer)>,
}

/// Reads what a client asks.
#[derive(Debug)]
pub(super) struct Asked {
    frontend: Frontend,
    turns: Arc<Mutex<Turns>>,
}

/// Reads what a server answers.
#[derive(Debug)]
pub(super) struct Answered {
    backend: Backend,
    turns: Arc<Mutex<Turns>>,
    over: bool,
}

fn locked(turns: &Mutex<Turns>) -> MutexGuard<'_, Turns> {
    turns.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Turn {
    const fn complete() -> Self {
        Self { encrypts: false, complete: true, ran: false, controls: false, failed: false, hit: None }
    }

    /// Whether what follows the statement must not reach the server.
    fn cuts(&self) -> bool {
        self.hit.as_ref().is_some_and(|(_, answer)| *answer != StatementAnswer::Ambiguous)
    }

    fn pass(&self) -> Pass {
        if self.cuts() { Pass::No } else { Pass::On }
    }
}

impl Turns {
    /// The turn that the next message belongs to.
    fn open(&mut self) -> &mut Turn {
        if self.waiting.back().is_none_or(|turn| turn.complete) {
            self.waiting.push_back(Turn::default());
        }
        self.waiting.back_mut().expect("one was just put there")
    }

    /// Notes that a statement is about to run in the open turn, and whether it is hit. Hit are only first statements of
    /// a turn which surely begins outside a transaction.
    fn run(&mut self, text: &Text, orders: &Orders) {
        let outside = self.status == Some(IDLE) && !self.waiting.iter().any(|turn| turn.controls);
        let turn = self.open();
        if outside && !turn.ran && !text.controls {
            let answer = orders.statements.iter().find_map(|rule| rule.draw(&text.name, text.writes));
            turn.hit = answer.map(|answer| (text.name.clone(), answer));
        }
        turn.ran = true;
        turn.controls |= text.controls;
    }

    /// What becomes of a message on its way to the server.
    fn ask(&mut self, request: &Request, orders: &Orders) -> Pass {
        match request {
            Request::Cancel | Request::Other => return Pass::On,
            Request::Encrypt => self.waiting.push_back(Turn { encrypts: true, ..Turn::complete() }),
            Request::Start | Request::Call => self.waiting.push_back(Turn::complete()),
            Request::Sync => self.open().complete = true,
            Request::Prepare | Request::Execute(None) => return self.open().pass(),
            Request::Execute(Some(text)) => {
                if !self.open().cuts() {
                    self.run(text, orders);
                }
                return self.open().pass();
            }
            Request::Query(text) => {
                self.run(text, orders);
                let turn = self.open();
                turn.complete = true;
                return if turn.cuts() { Pass::AsSync } else { Pass::On };
            }
        }
        Pass::On
    }
}

/// What becomes of a message.
enum Pass {
    /// It goes on.
    On,
    /// A mere `Sync` goes on in its place.
    AsSync,
    /// It does not go on.
    No,
}

impl Asked {
    /// A reader of a new connection.
    pub(super) fn new(turns: Arc<Mutex<Turns>>) -> Self {
        Self { frontend: Frontend::default(), turns }
    }

    /// Takes bytes in; returns what goes on.
    pub(super) fn take(&mut self, bytes: &[u8], orders: &Orders) -> BytesMut {
        let mut on = BytesMut::with_capacity(bytes.len());
        let mut turns = locked(&self.turns);
        self.frontend.push(bytes);
        while !turns.unread {
            let Some((message, request)) = self.frontend.next_message() else { return on };
            match turns.ask(&request, orders) {
                Pass::On => on.extend_from_slice(&message.bytes),
                Pass::AsSync => on.extend_from_slice(SYNC),
                Pass::No => {}
            }
        }
        on.extend_from_slice(&self.frontend.rest());
        on
    }

    /// What is no whole message yet.
    pub(super) fn rest(&mut self) -> Bytes {
        self.frontend.rest()
    }
}

impl Answered {
    /// A reader of a new connection.
    pub(super) fn new(turns: Arc<Mutex<Turns>>) -> Self {
        Self { backend: Backend::default(), turns, over: false }
    }

    /// Takes bytes in.
    pub(super) fn take(&mut self, bytes: &[u8], counts: &Counts) -> Taken {
        let mut taken = Taken { on: BytesMut::with_capacity(bytes.len()), ..Taken::default() };
        let mut turns = locked(&self.turns);
        self.backend.push(bytes);
        while !self.over && !turns.unread {
            if turns.waiting.front().is_some_and(|turn| turn.encrypts) {
                let Some(answer) = self.backend.next_byte() else { return taken };
                taken.on.extend_from_slice(&answer);
                turns.waiting.pop_front();
                turns.unread = answer[0] != b'N';
                continue;
            }
            let Some(message) = self.backend.next_message() else { return taken };
            self.over = answer(&mut turns, &message, &mut taken.on, counts);
            taken.hang_up = self.over;
        }
        if !self.over {
            taken.on.extend_from_slice(&self.backend.rest());
        }
        taken
    }

    /// What is no whole message yet.
    pub(super) fn rest(&mut self) -> Bytes {
        self.backend.rest()
    }
}

/// Passes a message of the server on, or what takes its place; whether the connection ends with it.
fn answer(turns: &mut Turns, message: &Message, on: &mut BytesMut, counts: &Counts) -> bool {
    let ready = message.kind == Some(b'Z');
    let mut turn = Turn::default();
    if ready {
        turns.status = message.body().first().copied();
        turn = turns.waiting.pop_front().unwrap_or_default();
    } else if let Some(front) = turns.waiting.front_mut() {
        front.failed |= message.kind == Some(b'E');
        if matches!(front.hit, Some((_, StatementAnswer::Ambiguous))) {
            return false;
        }
    }
    match turn.hit {
        Some((name, answer @ StatementAnswer::Ambiguous)) => {
            counts.statement(&name, answer);
            return true;
        }
        Some((name, answer @ StatementAnswer::SerializationFailure)) if !turn.failed => {
            counts.statement(&name, answer);
            on.extend_from_slice(&error("ERROR", "40001", "could not serialize access, says the fault proxy"));
        }
        Some((name, answer @ StatementAnswer::AdminShutdown)) if !turn.failed => {
            counts.statement(&name, answer);
            on.extend_from_slice(&error("FATAL", "57P01", "terminating connection, says the fault proxy"));
            return true;
        }
        Some((_, StatementAnswer::SerializationFailure | StatementAnswer::AdminShutdown)) | None => {}
    }
    on.extend_from_slice(&message.bytes);
    false
}

/// An `ErrorResponse`.
fn error(severity: &str, code: &str, message: &str) -> Vec<u8> {
    let body = format!("S{severity}\0V{severity}\0C{code}\0M{message}\0\0");
    let length = u32::try_from(4 + body.len()).expect("the texts are short");
    [b"E".as_slice(), &length.to_be_bytes(), body.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::time::Instant;

    use super::*;
    use crate::proxy::orders::Active;
    use crate::proxy::wire::{Direction, ProtocolToxic, Toxic};

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(4 + body.len()).unwrap().to_be_bytes();
        [&[kind], length.as_slice(), body].concat()
    }

    fn orders(answer: StatementAnswer) -> Orders {
        let toxic = ProtocolToxic::Statement { name: "bad".to_owned(), answer, share: 1.0, seed: 1 };
        Orders::of(1, &[Active::new(Instant::now(), Direction::Both, Toxic::Protocol(toxic), 0)])
    }

    /// A session: it asks to encrypt, starts, runs `bad` and then `good`. What the client says, and what must go on.
    fn asked() -> [(Vec<u8>, Vec<u8>); 3] {
        let encrypt = [0, 0, 0, 8, 4, 210, 22, 47].to_vec();
        let start = [0, 0, 0, 8, 0, 3, 0, 0].to_vec();
        let bad = [message(b'P', b"\0/* bad */ DELETE\0\0\0"), message(b'B', b"\0\0\0\0\0\0\0\0")].concat();
        let run = message(b'E', b"\0\0\0\0\0");
        let good = message(b'Q', b"/* good */ SELECT 1\0");
        let statements = [bad.clone(), run, SYNC.to_vec(), good.clone()].concat();
        let cut = [bad, SYNC.to_vec(), good].concat();
        [(encrypt.clone(), encrypt), (start.clone(), start), (statements, cut)]
    }

    /// What the server answers to what went on, and what must reach the client.
    fn answered() -> [(Vec<u8>, Vec<u8>); 3] {
        let ready = message(b'Z', b"I");
        let prepared = [message(b'1', b""), message(b'2', b"")].concat();
        let good = [message(b'C', b"SELECT 1\0"), ready.clone()].concat();
        let failure = error("ERROR", "40001", "could not serialize access, says the fault proxy");
        let answers = [prepared.clone(), ready.clone(), good.clone()].concat();
        let put = [prepared, failure, ready.clone(), good].concat();
        [(b"N".to_vec(), b"N".to_vec()), (ready.clone(), ready), (answers, put)]
    }

    /// Cuts bytes into pieces of these lengths, again and again.
    fn pieces<'a>(bytes: &'a [u8], cuts: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
        let (mut rest, mut cuts) = (bytes, cuts.iter().cycle());
        std::iter::from_fn(move || {
            let at = rest.len().min(*cuts.next().expect("it never ends"));
            let (piece, left) = rest.split_at(at);
            rest = left;
            (!piece.is_empty()).then_some(piece)
        })
    }

    proptest! {
        #[test]
        fn both_ends_stay_in_step_however_the_bytes_are_cut(cuts in proptest::collection::vec(1_usize..40, 1..20)) {
            let (mut up, mut down) = both();
            let (orders, counts) = (orders(StatementAnswer::SerializationFailure), Counts::default());
            for ((says, goes_on), (answers, reaches)) in asked().into_iter().zip(answered()) {
                let on: Vec<u8> = pieces(&says, &cuts).flat_map(|piece| up.take(piece, &orders)).collect();
                prop_assert_eq!(on, goes_on);
                let on: Vec<u8> = pieces(&answers, &cuts).flat_map(|piece| down.take(piece, &counts).on).collect();
                prop_assert_eq!(on, reaches);
            }
            prop_assert_eq!(counts.told().1["bad"].serialization_failure, 1);
        }
    }

    fn both() -> (Asked, Answered) {
        let turns = Arc::new(Mutex::new(Turns::default()));
        (Asked::new(Arc::clone(&turns)), Answered::new(turns))
    }

    #[test]
    fn of_an_ambiguous_statement_nothing_is_heard_and_what_was_asked_before_is_answered() {
        let (mut up, mut down) = both();
        let (orders, counts) = (orders(StatementAnswer::Ambiguous), Counts::default());
        let [encrypt, start, (statements, _)] = asked();
        let [agreed, ready, (answers, _)] = answered();
        for ((says, _), (answers, _)) in [(encrypt, agreed), (start, ready.clone())] {
            up.take(&says, &orders);
            down.take(&answers, &counts);
        }
        up.take(SYNC, &orders);
        assert_eq!(up.take(&statements, &orders), statements, "it runs");
        let taken = down.take(&[ready.0.clone(), answers].concat(), &counts);
        assert_eq!((taken.on.to_vec(), taken.hang_up), (ready.0, true));
        assert_eq!(counts.told().1["bad"].ambiguous, 1);
    }

    #[test]
    fn once_the_ends_encrypt_everything_passes() {
        let (mut up, mut down) = both();
        let (orders, counts) = (orders(StatementAnswer::AdminShutdown), Counts::default());
        let [(encrypt, _), ..] = asked();
        assert_eq!(up.take(&encrypt, &orders), encrypt);
        for sealed in [b"S".as_slice(), b"\x16\x03", b"ZZZZZZ"] {
            assert_eq!(down.take(sealed, &counts).on, sealed);
            assert_eq!(up.take(sealed, &orders), sealed);
        }
    }
}
