//! A relay between a test and the database, which can be made to fail.

pub mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use wire::{Backend, Frontend};

/// What the relay does with traffic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// Everything passes.
    Pass,
    /// Connections are accepted, nothing passes any more, in either direction.
    Hang,
    /// Connections are refused, open ones are cut.
    Refuse,
    /// The server's answers come late by this time.
    Delay(Duration),
    /// The next statement of this name reaches the server; its answer is swallowed when it is complete and the
    /// connection is cut. After that the relay passes again.
    CutAfter(String),
    /// No statement of this name reaches the server: its connection is cut instead.
    CutBefore(String),
    /// Statements of this name reach the server; their answers are complete and wait until the mode changes.
    Hold(String),
}

/// The last statement that was ordered on a connection, and what becomes of its answer.
#[derive(Debug, Default)]
struct Running {
    statement: String,
    answer: Answer,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Answer {
    #[default]
    Passes,
    IsCut,
    IsHeld,
}

/// A relay on a port of its own. It ends with the value.
pub struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    target: SocketAddr,
    mode: watch::Sender<Mode>,
    cuts: AtomicU64,
    holds: AtomicU64,
    accepted: AtomicU64,
    /// Told at every cut and hold.
    done: Notify,
    /// The statement whose connections are to be cut.
    broken: watch::Sender<String>,
}

impl Relay {
    /// Starts a relay to `target`.
    ///
    /// # Panics
    /// When no port can be bound.
    pub async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port of the loopback is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            target,
            mode: watch::Sender::new(Mode::Pass),
            cuts: AtomicU64::new(0),
            holds: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            done: Notify::new(),
            broken: watch::Sender::default(),
        });
        let accepting = tokio::spawn(accept(listener, address, Arc::clone(&shared)));
        Self { address, shared, accepting }
    }

    /// Starts a relay to the server of a database URL and returns it with the URL that leads through it.
    ///
    /// # Panics
    /// When the URL has no host and port, or no port can be bound.
    pub async fn to_url(url: &str) -> (Self, String) {
        let target = crate::url::read(url).expect("a database URL").endpoint;
        let resolved = tokio::net::lookup_host(&target).await.expect("a host that resolves").next();
        let relay = Self::start(resolved.expect("a host with an address")).await;
        assert!(url.contains(&target), "the URL names its host and port");
        let through = url.replacen(&target, &relay.address.to_string(), 1);
        (relay, through)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes what it does, at once and for open connections too.
    pub fn set(&self, mode: Mode) {
        self.shared.mode.send_replace(mode);
    }

    /// How often a connection was cut by [`Mode::CutAfter`].
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::SeqCst)
    }

    /// How many connections it has accepted.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// Waits until [`Mode::CutAfter`] has cut `count` connections in all.
    pub async fn cut(&self, count: u64) {
        self.shared.reached(&self.shared.cuts, count).await;
    }

    /// Waits until [`Mode::Hold`] has held `count` answers in all.
    pub async fn held(&self, count: u64) {
        self.shared.reached(&self.shared.holds, count).await;
    }

    /// Cuts the connections on which a statement of this name was ordered last. At the server it runs on.
    pub fn break_running(&self, statement: &str) {
        self.shared.broken.send_replace(statement.to_owned());
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.mode.send_replace(Mode::Refuse);
        self.accepting.abort();
    }
}

impl Shared {
    /// Takes the order to cut after this statement, if there is one: only one connection gets it.
    fn takes_order(&self, statement: &str) -> bool {
        self.mode.send_if_modified(|mode| {
            let ordered = matches!(mode, Mode::CutAfter(name) if name == statement);
            if ordered {
                *mode = Mode::Pass;
            }
            ordered
        })
    }

    /// What is to become of the answer to a statement that is ordered now; none where it may not be run at all.
    fn answer_to(&self, statement: &str) -> Option<Answer> {
        if self.takes_order(statement) {
            return Some(Answer::IsCut);
        }
        match &*self.mode.borrow() {
            Mode::CutBefore(name) if name == statement => None,
            Mode::Hold(name) if name == statement => Some(Answer::IsHeld),
            Mode::Pass
            | Mode::Hang
            | Mode::Refuse
            | Mode::Delay(_)
            | Mode::CutAfter(_)
            | Mode::CutBefore(_)
            | Mode::Hold(_) => Some(Answer::Passes),
        }
    }

    fn count(&self, counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::SeqCst);
        self.done.notify_waiters();
    }

    async fn reached(&self, counter: &AtomicU64, count: u64) {
        loop {
            let done = self.done.notified();
            if counter.load(Ordering::SeqCst) >= count {
                return;
            }
            done.await;
        }
    }
}

/// Accepts until the relay ends. To refuse, it closes its socket and binds the port again later.
async fn accept(first: TcpListener, address: SocketAddr, shared: Arc<Shared>) {
    let mut listener = Some(first);
    let mut mode = shared.mode.subscribe();
    loop {
        if *mode.borrow_and_update() == Mode::Refuse {
            listener = None;
            if mode.changed().await.is_err() {
                return;
            }
            continue;
        }
        let Some(open) = &listener else {
            listener = TcpListener::bind(address).await.ok();
            tokio::task::yield_now().await;
            continue;
        };
        tokio::select! {
            accepted = open.accept() => if let Ok((client, _)) = accepted {
                shared.accepted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(client, Arc::clone(&shared)));
            },
            changed = mode.changed() => if changed.is_err() { return },
        }
    }
}

async fn serve(client: TcpStream, shared: Arc<Shared>) {
    let Ok(server) = TcpStream::connect(shared.target).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let running = watch::Sender::new(Running::default());
    let seen = running.subscribe();
    // When either direction ends, both do.
    tokio::select! {
        () = forth(from_client, to_server, &shared, &running) => {}
        () = back(from_server, to_client, &shared, seen) => {}
        () = refused(&shared) => {}
        () = broken(&shared, &running) => {}
    }
}

async fn broken(shared: &Shared, running: &watch::Sender<Running>) {
    let mut broken = shared.broken.subscribe();
    while broken.changed().await.is_ok() {
        if running.borrow().statement == *broken.borrow() {
            return;
        }
    }
}

async fn refused(shared: &Shared) {
    let mut mode = shared.mode.subscribe();
    let _ = mode.wait_for(|mode| *mode == Mode::Refuse).await;
}

/// Waits while the relay hangs; returns by how much an answer is late.
async fn passes(shared: &Shared) -> Duration {
    let mut mode = shared.mode.subscribe();
    match mode.wait_for(|mode| *mode != Mode::Hang).await.as_deref() {
        Ok(Mode::Delay(late)) => *late,
        _ => Duration::ZERO,
    }
}

async fn forth(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared, running: &watch::Sender<Running>) {
    let mut buffer = vec![0; 64 * 1024];
    let mut frontend = Frontend::default();
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        passes(shared).await;
        for statement in frontend.executed(&buffer[..length]) {
            let Some(answer) = shared.answer_to(&statement) else { return };
            running.send_modify(|running| {
                // An order to cut holds for the connection.
                let answer = if running.answer == Answer::IsCut { Answer::IsCut } else { answer };
                *running = Running { statement, answer };
            });
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

async fn back(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared, running: watch::Receiver<Running>) {
    let mut buffer = vec![0; 64 * 1024];
    let mut backend = Backend::default();
    let mut kept = Vec::new();
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let complete = backend.ready_for_query(&buffer[..length]);
        let answer = running.borrow().answer;
        if answer == Answer::IsCut && complete {
            shared.count(&shared.cuts);
            return;
        }
        kept.extend_from_slice(&buffer[..length]);
        if answer != Answer::Passes && !complete {
            continue;
        }
        if answer == Answer::IsHeld {
            shared.count(&shared.holds);
            let mut mode = shared.mode.subscribe();
            let _ = mode.wait_for(|mode| !matches!(mode, Mode::Hold(_))).await;
        }
        let late = passes(shared).await;
        if !late.is_zero() {
            tokio::time::sleep(late).await;
        }
        if to.write_all(&kept).await.is_err() {
            return;
        }
        kept.clear();
    }
}
