//! Toxics on bytes, in each direction.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use super::fixture::{End, Over, Rig, WHILE, link, put};
use crate::drill::ToxicSpec;
use crate::proxy::{Direction, LinkKind, Toxic};

const MS: Duration = Duration::from_millis(1);
const SLOW: ToxicSpec = ToxicSpec::Latency { ms: 60, jitter_ms: 10 };
const NEVER: ToxicSpec = ToxicSpec::Latency { ms: 3_600_000, jitter_ms: 0 };

#[tokio::test]
async fn without_toxics_all_passes_both_ways_and_each_close_by_itself() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.connect().await;
    client.say("question").await;
    server.hears("question").await;
    client.close().await;
    assert_eq!(server.over().await, Over::Closed);
    server.say("late answer").await;
    client.hears("late answer").await;
    let told = rig.told().await;
    assert_eq!((told.bytes_up, told.bytes_down, told.open_connections, told.accepted), (8, 11, 1, 1));
    server.close().await;
    assert_eq!(client.over().await, Over::Closed);
}

#[tokio::test]
async fn latency_makes_one_direction_late() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.connect().await;
    rig.put(Direction::Up, SLOW).await;
    client.say("up").await;
    server.hears_late("up", 49 * MS).await;
    rig.put(Direction::Down, SLOW).await;
    server.say("down").await;
    client.hears_late("down", 49 * MS).await;
}

#[tokio::test]
async fn what_is_under_way_comes_at_once_when_latency_goes() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.connect().await;
    rig.put(Direction::Both, NEVER).await;
    client.say("question").await;
    server.say("answer").await;
    assert!(server.hears_nothing().await && client.hears_nothing().await);
    rig.heal().await;
    server.hears("question").await;
    client.hears("answer").await;
}

#[tokio::test]
async fn bandwidth_lets_so_many_bytes_pass_in_a_second() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.connect().await;
    rig.put(Direction::Both, ToxicSpec::Bandwidth { bytes_per_s: 20_000 }).await;
    let text = "x".repeat(3_000);
    client.say(&text).await;
    server.hears_late(&text, 120 * MS).await;
    server.say(&text).await;
    client.hears_late(&text, 120 * MS).await;
}

#[tokio::test]
async fn stalled_bytes_and_closes_come_when_the_stall_goes() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.connect().await;
    rig.put(Direction::Up, ToxicSpec::Stall).await;
    client.say("question").await;
    client.close().await;
    assert!(server.hears_nothing().await);
    server.say("other direction").await;
    client.hears("other direction").await;
    rig.put(Direction::Down, ToxicSpec::Stall).await;
    server.hears("question").await;
    assert_eq!(server.over().await, Over::Closed);
    server.say("answer").await;
    assert!(client.hears_nothing().await);
    rig.heal().await;
    client.hears("answer").await;
}

/// A connection on which a question is under way when this toxic comes; it would arrive soon after.
async fn overtaken_by(spec: ToxicSpec) -> (Rig, End, End) {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.connect().await;
    let toxic = |name, spec| (name, "link", Direction::Up, Toxic::Bytes(spec));
    put(&rig.control, &[toxic("late", NEVER)]).await;
    client.say("question").await;
    assert!(server.hears_nothing().await);
    put(&rig.control, &[toxic("toxic", spec), toxic("late", SLOW)]).await;
    assert!(server.hears_nothing().await && server.hears_nothing().await);
    (rig, client, server)
}

#[tokio::test]
async fn bytes_that_are_late_when_the_stall_comes_wait_for_its_end() {
    let (rig, _client, mut server) = overtaken_by(ToxicSpec::Stall).await;
    rig.heal().await;
    server.hears("question").await;
}

#[tokio::test]
async fn bytes_that_are_late_when_the_blackhole_comes_vanish_too() {
    let (rig, mut client, mut server) = overtaken_by(ToxicSpec::Blackhole).await;
    rig.heal().await;
    assert_eq!((client.over().await, server.over().await), (Over::Reset, Over::Reset));
}

#[tokio::test]
async fn a_connection_that_is_opened_during_a_stall_reaches_the_server_later() {
    let rig = Rig::new().await;
    rig.put(Direction::Both, ToxicSpec::Stall).await;
    let mut client = rig.client().await;
    client.say("question").await;
    assert!(rig.is_alone().await);
    rig.heal().await;
    rig.accept().await.unwrap().hears("question").await;
}

#[tokio::test]
async fn in_a_blackhole_the_clients_bytes_vanish_and_answers_pass() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.connect().await;
    rig.put(Direction::Up, ToxicSpec::Blackhole).await;
    client.say("question").await;
    assert!(server.hears_nothing().await);
    server.say("answer").await;
    client.hears("answer").await;
    rig.heal().await;
    assert_eq!((client.over().await, server.over().await), (Over::Reset, Over::Reset));
}

#[tokio::test]
async fn in_a_blackhole_the_servers_answers_and_its_close_vanish_and_questions_pass() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.connect().await;
    rig.put(Direction::Down, ToxicSpec::Blackhole).await;
    server.say("answer").await;
    server.close().await;
    assert!(client.hears_nothing().await);
    client.say("question").await;
    server.hears("question").await;
    rig.heal().await;
    assert_eq!((client.over().await, server.over().await), (Over::Reset, Over::Reset));
}

#[tokio::test]
async fn neither_end_hears_through_a_blackhole_that_the_other_has_gone() {
    let rig = Rig::new().await;
    let (client, mut server) = rig.connect().await;
    rig.put(Direction::Both, ToxicSpec::Blackhole).await;
    client.0.set_zero_linger().unwrap();
    drop(client);
    server.say("answer").await;
    assert!(server.hears_nothing().await);
    rig.heal().await;
    assert_eq!(server.over().await, Over::Reset);
}

#[tokio::test]
async fn a_connection_that_lost_nothing_goes_on_when_the_blackhole_goes() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.connect().await;
    rig.put(Direction::Both, ToxicSpec::Blackhole).await;
    let mut quiet = rig.client().await;
    let mut talking = rig.client().await;
    talking.say("question").await;
    assert!(talking.hears_nothing().await && rig.is_alone().await);
    rig.heal().await;
    assert_eq!(talking.over().await, Over::Reset);
    client.say("question").await;
    server.hears("question").await;
    quiet.say("new question").await;
    rig.accept().await.unwrap().hears("new question").await;
}

#[tokio::test]
async fn slow_close_makes_the_close_late_and_not_the_bytes() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.connect().await;
    rig.put(Direction::Both, ToxicSpec::SlowClose { ms: 120 }).await;
    let said = tokio::time::Instant::now();
    client.say("last words").await;
    client.close().await;
    server.hears("last words").await;
    assert_eq!(server.over().await, Over::Closed);
    assert!(said.elapsed() >= 120 * MS, "{:?}", said.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_passes_on_any_link_once_the_cut_is_acknowledged() {
    let rig = Rig::new().await;
    let upstream = rig.told().await.upstream;
    let addresses = rig.control.put_links(&[link("other", LinkKind::Tcp, upstream)]).await.unwrap();
    let mut talkers = tokio::task::JoinSet::new();
    let mut sinks = tokio::task::JoinSet::new();
    for address in [rig.address, addresses["other"]] {
        let mut talker = tokio::net::TcpStream::connect(address).await.unwrap();
        talkers.spawn(async move { while talker.write_all(&[7; 4096]).await.is_ok() {} });
        let mut server = rig.accept().await.unwrap().0;
        sinks.spawn(async move { tokio::io::copy(&mut server, &mut tokio::io::sink()).await });
    }
    let passed = async || {
        let links = rig.control.links().await.unwrap().links;
        links.iter().map(|link| link.bytes_up).collect::<Vec<_>>()
    };
    assert!(crate::wait::wait_until(WHILE * 100, async || passed().await.iter().all(|bytes| *bytes > 100_000)).await);
    let cut = |link| ("toxic", link, Direction::Both, Toxic::Bytes(ToxicSpec::Blackhole));
    put(&rig.control, &[cut("link"), ("other", "other", Direction::Up, Toxic::Bytes(ToxicSpec::Stall))]).await;
    let at_the_cut = passed().await;
    tokio::time::timeout(WHILE, std::future::pending::<()>()).await.unwrap_err();
    assert_eq!(passed().await, at_the_cut);
}
