//! The proxy over real sockets.

mod bytes;
mod control;
mod fixture;
mod requests;
mod statements;
mod whole;
