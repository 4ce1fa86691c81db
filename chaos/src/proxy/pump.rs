//! One direction of a connection: from one socket, through the reader and the cable, into the other socket.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncWriteExt as _;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;

use super::cable::{Cable, Parcel};
use super::filter::Filter;
use super::link::{Link, Watched};
use super::orders::{Flow, Orders, Way};
use super::timer::at;

/// Bytes that are read at a time.
const READ: usize = 16 * 1024;

/// How a direction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The close was passed on; the other direction may go on.
    Closed,
    /// The connection closes, in order.
    HungUp,
    /// The connection is to be reset.
    Reset,
}

/// One direction.
pub(super) struct Pump<'a> {
    way: Way,
    link: &'a Link,
    opened: Instant,
    watched: Watched,
    from: ReadHalf<'a>,
    to: WriteHalf<'a>,
    filter: Filter,
    /// What the other direction has for this one.
    inbox: UnboundedReceiver<Parcel>,
    other: UnboundedSender<Parcel>,
    cable: Cable,
    buffer: BytesMut,
    /// Something vanished: the two ends will never understand each other again.
    lost: bool,
    /// Nothing more comes from the one end.
    ended: bool,
    /// The other end takes nothing more.
    deaf: bool,
}

/// What both directions of a connection have in common.
pub(super) struct Shared<'a> {
    pub(super) link: &'a Link,
    pub(super) opened: Instant,
    pub(super) watched: Watched,
}

impl<'a> Pump<'a> {
    /// A direction of a new connection.
    pub(super) fn new(
        way: Way,
        shared: &Shared<'a>,
        (from, to): (ReadHalf<'a>, WriteHalf<'a>),
        filter: Filter,
        (inbox, other): (UnboundedReceiver<Parcel>, UnboundedSender<Parcel>),
    ) -> Self {
        Self {
            way,
            link: shared.link,
            opened: shared.opened,
            watched: shared.watched.clone(),
            from,
            to,
            filter,
            inbox,
            other,
            cable: Cable::new(Instant::now()),
            buffer: BytesMut::new(),
            lost: false,
            ended: false,
            deaf: false,
        }
    }

    /// Pumps until this direction ends.
    pub(super) async fn run(mut self) -> End {
        loop {
            let orders = self.watched.look();
            let flow = orders.flow(self.way);
            if orders.ends(self.opened, Instant::now()) {
                // Not one byte more: the connection is about to be ended from outside.
                self.watched.changed().await;
                continue;
            }
            if flow.hole {
                self.lost |= self.cable.lose();
            } else if self.lost {
                return End::Reset;
            }
            if self.deaf {
                self.cable.lose();
            }
            let due = self.cable.due(flow).filter(|_| !flow.stalled);
            let reads = !self.ended && !flow.stalled && self.cable.has_room();
            tokio::select! {
                biased;
                () = self.watched.changed() => {}
                Some(parcel) = self.inbox.recv() => self.send(parcel, flow),
                () = ready(due, &self.to) => if let Some(end) = self.let_out(&orders).await {
                    return end;
                },
                _ = self.from.readable(), if reads => self.read(&orders),
            }
        }
    }

    /// Takes in what is there.
    fn read(&mut self, orders: &Orders) {
        self.buffer.reserve(READ);
        let flow = orders.flow(self.way);
        match self.from.try_read_buf(&mut self.buffer) {
            Ok(0) => self.end(Parcel::Close, flow),
            Ok(_) => {
                let bytes = self.buffer.split().freeze();
                self.take(bytes, orders);
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => self.end(Parcel::Abort, flow),
        }
    }

    /// The one end has closed or was reset.
    fn end(&mut self, how: Parcel, flow: &Flow) {
        self.ended = true;
        let rest = self.filter.rest();
        self.send_bytes(rest, flow);
        self.send(how, flow);
    }

    fn take(&mut self, bytes: Bytes, orders: &Orders) {
        let flow = orders.flow(self.way);
        if flow.hole {
            self.lost = true;
            return;
        }
        let Some(taken) = self.filter.take(&bytes, orders, &self.link.counts) else {
            return self.send_bytes(bytes, flow);
        };
        self.send_bytes(taken.on.freeze(), flow);
        if !taken.back.is_empty() {
            // Where the other direction has ended, nobody listens any more.
            let _ = self.other.send(Parcel::Bytes(taken.back.freeze()));
        }
        if taken.hang_up {
            self.ended = true;
            self.send(Parcel::HangUp, flow);
        }
    }

    fn send_bytes(&mut self, bytes: Bytes, flow: &Flow) {
        if !bytes.is_empty() {
            self.send(Parcel::Bytes(bytes), flow);
        }
    }

    fn send(&mut self, parcel: Parcel, flow: &Flow) {
        if flow.hole {
            self.lost = true;
        } else if !self.deaf {
            let luck = if flow.jitter.is_zero() { 0.0 } else { rand::random_range(-1.0..=1.0) };
            self.cable.push(Instant::now(), luck, parcel);
        }
    }

    /// Lets out what is due; answers how the direction ends, where it does.
    async fn let_out(&mut self, orders: &Arc<Orders>) -> Option<End> {
        let flow = orders.flow(self.way);
        match self.cable.next(flow)? {
            Parcel::Bytes(bytes) => match self.watched.while_in_force(orders, || self.write(&bytes))? {
                Ok(count) => {
                    self.cable.let_out(count, Instant::now(), flow);
                    None
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => None,
                Err(_) => self.deafen(),
            },
            Parcel::Close => {
                self.watched.while_in_force(orders, || ())?;
                // Fails where the other end has gone, which its own direction tells.
                let _ = self.to.shutdown().await;
                Some(End::Closed)
            }
            Parcel::HangUp => Some(End::HungUp),
            Parcel::Abort => Some(End::Reset),
        }
    }

    /// Writes and counts as much as the socket takes.
    fn write(&self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.to.try_write(bytes)?;
        self.link.passed(self.way, count);
        Ok(count)
    }

    /// The other end has gone: that is news which travels the other way.
    fn deafen(&mut self) -> Option<End> {
        self.deaf = true;
        self.cable.lose();
        self.other.send(Parcel::Abort).is_err().then_some(End::Reset)
    }
}

/// Waits until something is due and the socket takes it; for ever where nothing is.
async fn ready(due: Option<Instant>, to: &WriteHalf<'_>) {
    at(due).await;
    // An error is what the write will tell.
    let _ = to.writable().await;
}
