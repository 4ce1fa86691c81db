//! One link: its door, its connections and its figures.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::connection;
use super::filter::Counts;
use super::orders::{Orders, Way};
use super::wire::{LinkSpec, LinkTold, ToxicTold};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;
/// Time until a door that could not be opened or shut is tried again.
const AGAIN: Duration = Duration::from_millis(20);

/// A link.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) spec: LinkSpec,
    pub(super) address: SocketAddr,
    /// Its place among the orders.
    pub(super) index: usize,
    pub(super) counts: Counts,
    accepted: AtomicU64,
    open: AtomicU64,
    up: AtomicU64,
    down: AtomicU64,
    /// The version of the orders that the door obeys.
    door: watch::Sender<u64>,
}

/// The orders of one link, watched.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    all: watch::Receiver<Vec<Arc<Orders>>>,
    link: usize,
}

impl Watched {
    /// The orders of the link at this place.
    pub(super) const fn new(all: watch::Receiver<Vec<Arc<Orders>>>, link: usize) -> Self {
        Self { all, link }
    }

    /// The orders in force.
    pub(super) fn look(&mut self) -> Arc<Orders> {
        Arc::clone(&self.all.borrow_and_update()[self.link])
    }

    /// Does something that must not happen after other orders have come into force; none where they have. It holds
    /// them up, so it must not wait.
    pub(super) fn while_in_force<T>(&self, orders: &Arc<Orders>, act: impl FnOnce() -> T) -> Option<T> {
        let all = self.all.borrow();
        Arc::ptr_eq(&all[self.link], orders).then(act)
    }

    /// Waits until orders have changed; for ever once nobody can change them.
    pub(super) async fn changed(&mut self) {
        if self.all.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Link {
    /// Opens the door of a new link.
    pub(super) fn open(spec: LinkSpec, index: usize) -> std::io::Result<(Self, TcpListener)> {
        let listener = bind(spec.listen)?.listen(BACKLOG)?;
        let link = Self {
            address: listener.local_addr()?,
            spec,
            index,
            counts: Counts::default(),
            accepted: AtomicU64::new(0),
            open: AtomicU64::new(0),
            up: AtomicU64::new(0),
            down: AtomicU64::new(0),
            door: watch::Sender::new(0),
        };
        Ok((link, listener))
    }

    /// Bytes were passed on.
    pub(super) fn passed(&self, way: Way, count: usize) {
        let counter = match way {
            Way::Up => &self.up,
            Way::Down => &self.down,
        };
        counter.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// Waits until the door obeys these orders or later ones.
    pub(super) async fn obeys(&self, version: u64) {
        // The sender lives in `self`.
        let _ = self.door.subscribe().wait_for(|obeyed| *obeyed >= version).await;
    }

    /// The link as it is, with its toxics.
    pub(super) fn told(&self, toxics: Vec<ToxicTold>) -> LinkTold {
        let (answered, statements) = self.counts.told();
        LinkTold {
            name: self.spec.name.clone(),
            kind: self.spec.kind,
            address: self.address,
            upstream: self.spec.upstream,
            toxics,
            open_connections: self.open.load(Ordering::Relaxed),
            accepted: self.accepted.load(Ordering::Relaxed),
            bytes_up: self.up.load(Ordering::Relaxed),
            bytes_down: self.down.load(Ordering::Relaxed),
            answered,
            statements,
        }
    }
}

/// Where clients come in.
enum Door {
    Open(TcpListener),
    /// A socket that does not listen keeps the port: the system refuses for us, and gives it to no outgoing connection.
    Shut(TcpSocket),
}

impl Door {
    /// Opens or shuts it. Its port may be gone for a moment: it is tried until it is done.
    async fn obey(self, refuse: bool, address: SocketAddr) -> Self {
        let mut shut = match (self, refuse) {
            (Self::Open(listener), true) => {
                drop(listener);
                None
            }
            (Self::Shut(socket), false) => Some(socket),
            (door, _) => return door,
        };
        loop {
            let socket = shut.take().map_or_else(|| bind(address), Ok);
            match socket {
                Ok(socket) if refuse => return Self::Shut(socket),
                Ok(socket) => {
                    if let Ok(listener) = socket.listen(BACKLOG) {
                        return Self::Open(listener);
                    }
                }
                Err(_) => {}
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn accept(&self) -> std::io::Result<TcpStream> {
        match self {
            Self::Open(listener) => Ok(listener.accept().await?.0),
            Self::Shut(_) => std::future::pending().await,
        }
    }
}

fn bind(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Lets clients in for as long as it is polled. All connections end with it.
pub(super) async fn serve(link: Arc<Link>, listener: TcpListener, mut watched: Watched) {
    let mut door = Door::Open(listener);
    let mut connections = JoinSet::new();
    loop {
        let orders = watched.look();
        door = door.obey(orders.refuse, link.address).await;
        link.door.send_replace(orders.version);
        tokio::select! {
            () = watched.changed() => {}
            accepted = door.accept() => match accepted {
                Ok(client) => {
                    connections.spawn(count(client, Arc::clone(&link), watched.clone()));
                }
                // Too many open files, or the client has gone already.
                Err(_) => tokio::time::sleep(AGAIN).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn count(client: TcpStream, link: Arc<Link>, watched: Watched) {
    link.accepted.fetch_add(1, Ordering::Relaxed);
    link.open.fetch_add(1, Ordering::Relaxed);
    connection::serve(client, &link, watched).await;
    link.open.fetch_sub(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_done_under_orders_that_are_not_in_force_any_more() {
        let all = watch::Sender::new(vec![Arc::default(), Arc::default()]);
        let mut watched = Watched::new(all.subscribe(), 1);
        let orders = watched.look();
        all.send_modify(|all| all[0] = Arc::default());
        assert_eq!(watched.while_in_force(&orders, || "done"), Some("done"), "those of another link have changed");
        all.send_modify(|all| all[1] = Arc::default());
        assert_eq!(watched.while_in_force(&orders, || "done"), None);
    }
}
