//! One connection through a link, from its acceptance to its end.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::Instant;

use super::filter::Filter;
use super::link::{Link, Watched};
use super::orders::Way;
use super::pump::{End, Pump, Shared};
use super::timer::at;

/// How long a client may take to hear the end of a connection that closes in order.
const PARTING: Duration = Duration::from_secs(1);

/// What ends a connection from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strike {
    Reset,
    /// This end has gone: `Up` = the client.
    Gone(Way),
}

/// Serves a connection until it ends.
pub(super) async fn serve(mut client: TcpStream, link: &Link, watched: Watched) {
    let opened = Instant::now();
    let mut server = None;
    let ended = tokio::select! {
        biased;
        strike = struck(watched.clone(), opened) => Err(strike),
        end = through(&mut client, &mut server, Shared { link, opened, watched: watched.clone() }) => Ok(end),
    };
    match (ended, server) {
        (Ok(End::Closed), _) => {}
        (Ok(End::HungUp), server) => {
            drop(server);
            part(client).await;
        }
        (Ok(End::Reset) | Err(Strike::Reset), server) => [Some(client), server].into_iter().flatten().for_each(reset),
        (Err(Strike::Gone(Way::Up)), Some(server)) => {
            drop(client);
            orphan(server, watched, opened).await;
        }
        (Err(Strike::Gone(Way::Up)), None) => {}
        (Err(Strike::Gone(Way::Down)), server) => {
            drop(server);
            orphan(client, watched, opened).await;
        }
    }
}

/// Waits until orders end the connection.
async fn struck(mut watched: Watched, opened: Instant) -> Strike {
    loop {
        let orders = watched.look();
        if let Some(way) = orders.gone(opened) {
            return Strike::Gone(way);
        }
        tokio::select! {
            () = watched.changed() => {}
            () = at(orders.reset_at(opened)) => return Strike::Reset,
        }
    }
}

/// Connects to the server and passes traffic until the connection ends.
async fn through(client: &mut TcpStream, server: &mut Option<TcpStream>, shared: Shared<'_>) -> End {
    let Some(dialled) = dial(client, &shared).await else { return End::Reset };
    let server = server.insert(dialled);
    // A socket that has gone says so when it is read.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let (up_sender, up_inbox) = unbounded_channel();
    let (down_sender, down_inbox) = unbounded_channel();
    let (up_filter, down_filter) = Filter::of(shared.link.spec.kind);
    let up = Pump::new(Way::Up, &shared, (from_client, to_server), up_filter, (up_inbox, down_sender));
    let down = Pump::new(Way::Down, &shared, (from_server, to_client), down_filter, (down_inbox, up_sender));
    let (up, down) = (std::pin::pin!(up.run()), std::pin::pin!(down.run()));
    both(up, down).await
}

/// Waits until both directions are closed, or one ends the connection.
async fn both(mut up: impl Future<Output = End> + Unpin, mut down: impl Future<Output = End> + Unpin) -> End {
    tokio::select! {
        end = &mut up => if end == End::Closed { down.await } else { end },
        end = &mut down => if end == End::Closed { up.await } else { end },
    }
}

/// Connects to the server as soon as the link lets it. None where that failed, or the client said something that vanished
/// meanwhile.
async fn dial(client: &TcpStream, shared: &Shared<'_>) -> Option<TcpStream> {
    let mut watched = shared.watched.clone();
    let (mut lost, mut ended) = (false, false);
    loop {
        let orders = watched.look();
        let flow = orders.flow(Way::Up);
        if !flow.hole && lost {
            return None;
        }
        if !flow.hole && !flow.stalled {
            return TcpStream::connect(shared.link.spec.upstream).await.ok();
        }
        tokio::select! {
            () = watched.changed() => {}
            _ = client.readable(), if flow.hole && !ended => match discard(client) {
                Discarded::Nothing => {}
                Discarded::Bytes => lost = true,
                Discarded::End => (lost, ended) = (true, true),
            },
        }
    }
}

/// Hears an end whose other end has gone, and answers nothing.
async fn orphan(stream: TcpStream, mut watched: Watched, opened: Instant) {
    loop {
        let orders = watched.look();
        if orders.gone(opened).is_none() {
            return reset(stream);
        }
        tokio::select! {
            () = watched.changed() => {}
            () = at(orders.reset_at(opened)) => return reset(stream),
            _ = stream.readable() => if discard(&stream) == Discarded::End {
                return;
            },
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Discarded {
    Nothing,
    Bytes,
    End,
}

/// Reads what is there and forgets it.
fn discard(stream: &TcpStream) -> Discarded {
    match stream.try_read(&mut [0; 4096]) {
        Ok(1..) => Discarded::Bytes,
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Discarded::Nothing,
        Ok(_) | Err(_) => Discarded::End,
    }
}

/// Closes so that the client hears all that was said: a socket that is dropped with bytes unread resets.
async fn part(mut client: TcpStream) {
    let _ = client.shutdown().await;
    let heard = async {
        while client.readable().await.is_ok() {
            if discard(&client) == Discarded::End {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(PARTING, heard).await;
}

/// Resets: with no time to linger, a close is an RST.
fn reset(stream: TcpStream) {
    let _ = stream.set_zero_linger();
}
