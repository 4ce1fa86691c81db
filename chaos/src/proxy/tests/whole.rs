//! Toxics on whole connections.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::fixture::{Over, Rig, any_port, link, put};
use crate::drill::ToxicSpec;
use crate::proxy::{Direction, LinkKind, Toxic};

#[tokio::test]
async fn reset_ends_open_connections_at_both_ends_and_new_ones_too() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.connect().await;
    rig.put(Direction::Both, ToxicSpec::Reset { after_ms: 0 }).await;
    assert_eq!((client.over().await, server.over().await), (Over::Reset, Over::Reset));
    assert_eq!(rig.client().await.over().await, Over::Reset);
    rig.heal().await;
    let (mut client, mut server) = rig.connect().await;
    client.say("again").await;
    server.hears("again").await;
}

#[tokio::test]
async fn a_reset_that_comes_later_lets_all_pass_until_then() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.connect().await;
    let asked = tokio::time::Instant::now();
    rig.put(Direction::Both, ToxicSpec::Reset { after_ms: 300 }).await;
    client.say("question").await;
    server.hears("question").await;
    assert_eq!((client.over().await, server.over().await), (Over::Reset, Over::Reset));
    assert!(asked.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn refused_is_refused_at_once_and_served_again_on_the_same_port() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.connect().await;
    for _ in 0..3 {
        rig.put(Direction::Both, ToxicSpec::Refuse).await;
        assert_eq!((client.over().await, server.over().await), (Over::Reset, Over::Reset));
        let refused = TcpStream::connect(rig.address).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        rig.heal().await;
        (client, server) = rig.connect().await;
        client.say("again").await;
        server.hears("again").await;
    }
}

#[tokio::test]
async fn a_server_that_refuses_shows_as_a_reset() {
    let rig = Rig::new().await;
    let gone = TcpListener::bind(any_port()).await.unwrap().local_addr().unwrap();
    let address = rig.control.put_links(&[link("gone", LinkKind::Tcp, gone)]).await.unwrap()["gone"];
    let mut client = super::fixture::End(TcpStream::connect(address).await.unwrap());
    assert_eq!(client.over().await, Over::Reset);
}

#[tokio::test]
async fn a_client_that_has_gone_without_a_word_leaves_the_server_waiting() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.connect().await;
    rig.put(Direction::Up, ToxicSpec::HalfOpen).await;
    assert_eq!(client.over().await, Over::Closed);
    server.say("are you there?").await;
    assert!(server.hears_nothing().await);
    let (mut next, mut server_of_next) = rig.connect().await;
    next.say("I am back").await;
    server_of_next.hears("I am back").await;
    rig.heal().await;
    assert_eq!(server.over().await, Over::Reset);
    server_of_next.say("welcome").await;
    next.hears("welcome").await;
}

#[tokio::test]
async fn a_server_that_has_gone_without_a_word_leaves_the_client_waiting() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.connect().await;
    rig.put(Direction::Down, ToxicSpec::HalfOpen).await;
    assert_eq!(server.over().await, Over::Closed);
    client.say("are you there?").await;
    assert!(client.hears_nothing().await);
    let reset = ("reset", "link", Direction::Both, Toxic::Bytes(ToxicSpec::Reset { after_ms: 0 }));
    put(&rig.control, &[reset]).await;
    assert_eq!(client.over().await, Over::Reset);
}
