//! A proxy with a link, and both of its ends in the hands of the test.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::drill::ToxicSpec;
use crate::proxy::{Control, Direction, LinkKind, LinkSpec, LinkTold, PutToxics, Server, Toxic, ToxicPut};

pub(super) const OWNER: &str = "the test";
/// What must happen happens in this time on a busy machine too.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// What must not happen would have happened by then on a quiet one.
pub(super) const WHILE: Duration = Duration::from_millis(60);

pub(super) fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

pub(super) fn link(name: &str, kind: LinkKind, upstream: SocketAddr) -> LinkSpec {
    LinkSpec { name: name.to_owned(), listen: any_port(), upstream, kind }
}

/// A proxy with one link, `link`.
pub(super) struct Rig {
    pub(super) server: Server,
    pub(super) control: Control,
    pub(super) address: SocketAddr,
    behind: TcpListener,
}

impl Rig {
    pub(super) async fn new() -> Self {
        let behind = TcpListener::bind(any_port()).await.unwrap();
        let server = Server::start(any_port()).await.unwrap();
        let control = server.control();
        let links = [link("link", LinkKind::Tcp, behind.local_addr().unwrap())];
        let address = control.put_links(&links).await.unwrap()["link"];
        Self { server, control, address, behind }
    }

    /// A new connection: the client's end and the server's.
    pub(super) async fn connect(&self) -> (End, End) {
        let client = self.client().await;
        (client, self.accept().await.expect("a connection reaches the server"))
    }

    /// The client's end of a new connection.
    pub(super) async fn client(&self) -> End {
        End(TcpStream::connect(self.address).await.unwrap())
    }

    /// The server's end of the next connection, where one comes.
    pub(super) async fn accept(&self) -> Option<End> {
        Some(End(timeout(PATIENCE, self.behind.accept()).await.ok()?.unwrap().0))
    }

    /// Whether no connection reaches the server.
    pub(super) async fn is_alone(&self) -> bool {
        timeout(WHILE, self.behind.accept()).await.is_err()
    }

    pub(super) async fn put(&self, direction: Direction, toxic: ToxicSpec) {
        put(&self.control, &[("toxic", "link", direction, Toxic::Bytes(toxic))]).await;
    }

    pub(super) async fn heal(&self) {
        assert_eq!(self.control.remove(OWNER, "toxic").await.unwrap().removed, 1);
    }

    pub(super) async fn told(&self) -> LinkTold {
        self.control.links().await.unwrap().links.remove(0)
    }
}

/// Puts toxics, each a name, a link, a direction and what is done.
pub(super) async fn put(control: &Control, toxics: &[(&str, &str, Direction, Toxic)]) {
    control.put(&call(toxics)).await.unwrap();
}

pub(super) fn call(toxics: &[(&str, &str, Direction, Toxic)]) -> PutToxics {
    let toxics = toxics.iter().map(|(name, link, direction, toxic)| ToxicPut {
        name: (*name).to_owned(),
        links: vec![(*link).to_owned()],
        direction: *direction,
        toxic: toxic.clone(),
    });
    PutToxics { owner: OWNER.to_owned(), ttl_ms: 60_000, toxics: toxics.collect() }
}

/// One end of a connection.
pub(super) struct End(pub(super) TcpStream);

/// How an end learns that the connection is over.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Over {
    Closed,
    Reset,
}

impl End {
    pub(super) async fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Waits for exactly this.
    pub(super) async fn hears(&mut self, text: &str) {
        let mut heard = vec![0; text.len()];
        timeout(PATIENCE, self.0.read_exact(&mut heard)).await.expect("it comes").unwrap();
        assert_eq!(String::from_utf8_lossy(&heard), text);
    }

    /// Waits for exactly this, heard no earlier than after so long.
    pub(super) async fn hears_late(&mut self, text: &str, at_least: Duration) {
        let asked = tokio::time::Instant::now();
        self.hears(text).await;
        assert!(asked.elapsed() >= at_least, "it came after {:?}", asked.elapsed());
    }

    /// Whether nothing comes for a while, not even an end.
    pub(super) async fn hears_nothing(&mut self) -> bool {
        timeout(WHILE, self.0.read(&mut [0; 16])).await.is_err()
    }

    /// Waits for the end of the connection; nothing may be said before it.
    pub(super) async fn over(&mut self) -> Over {
        match timeout(PATIENCE, self.0.read(&mut [0; 16])).await.expect("it ends") {
            Ok(0) => Over::Closed,
            Ok(_) => panic!("something was said"),
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
                Over::Reset
            }
        }
    }

    pub(super) async fn close(&mut self) {
        self.0.shutdown().await.unwrap();
    }
}
