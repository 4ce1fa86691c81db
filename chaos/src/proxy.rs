//! The fault proxy: one process that holds many links, each a loopback address in front of a server, and does to their
//! traffic what toxics say.
//!
//! A link is `tcp`, `http` or `pgwire`. Toxics are put on links by an owner, and live only while the owner is heard
//! ([`Control::beat`]): whoever dies or is cut off leaves nothing behind. All toxics of one call act from one instant on,
//! on open connections too, and no byte that they keep back passes after the call is answered.
//!
//! # The order of several toxics on one link
//! 1. `refuse`, `reset`, `half_open` are about whole connections and come before all else. Refused is refused; of several
//!    resets the earliest acts. `half_open` strikes the connections that are open when it is put; later ones pass, as
//!    those of an end that has come back.
//! 2. `blackhole`: bytes and closes vanish before anybody looks at them, those under way too. A connection that lost
//!    something can never be sane again: it is reset when the toxic goes. Under one in the direction `up` no new
//!    connection reaches the server.
//! 3. `stall`: nothing is taken in and nothing let out.
//! 4. `answer` and `statement` look at what was taken in; the oldest that wants it takes it.
//! 5. `latency`: several add up, and `slow_close` is added for a close.
//! 6. `bandwidth`: the least counts.
//!
//! Within one kind the order is that in which they were put. One that is put again under its name takes the place of the
//! former one.
//!
//! A server that refuses shows as a reset, for the client was accepted before.

mod cable;
mod connection;
mod control;
mod filter;
mod http;
mod link;
mod metrics;
mod orders;
mod pgwire;
mod pump;
mod refusal;
mod routes;
mod server;
mod table;
mod timer;
mod wire;

pub use control::{Control, Error};
pub use refusal::impossible;
pub use server::{Server, StartError};
pub use wire::{
    Beat, Direction, LinkKind, LinkSpec, LinkTold, LinksTold, OwnerTold, Problem, ProtocolToxic, PutToxics, Removed,
    StatementTold, Toxic, ToxicPut, ToxicTold,
};

#[cfg(test)]
mod tests;
