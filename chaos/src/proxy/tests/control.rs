//! The control API.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::fixture::{OWNER, Over, PATIENCE, Rig, call, link, put};
use crate::drill::{StatementAnswer, ToxicSpec};
use crate::http;
use crate::proxy::{Direction, Error, LinkKind, OwnerTold, ProtocolToxic, Server, StartError, Toxic};
use crate::wait::wait_until;

const STALL: Toxic = Toxic::Bytes(ToxicSpec::Stall);

fn statement() -> Toxic {
    let answer = StatementAnswer::Ambiguous;
    Toxic::Protocol(ProtocolToxic::Statement { name: "*".to_owned(), answer, share: 1.0, seed: 1 })
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> (String, u16) {
    match result.unwrap_err() {
        Error::Refused(problem) => (problem.code, problem.status),
        error @ (Error::Unreachable { .. } | Error::Unreadable { .. }) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn a_call_with_one_toxic_that_cannot_be_put_puts_none() {
    let rig = Rig::new().await;
    let good = ("good", "link", Direction::Both, STALL);
    for (bad, wanted) in [
        (("bad", "nowhere", Direction::Both, STALL), "unknown_link"),
        (("bad", "link", Direction::Both, statement()), "impossible_toxic"),
        (("bad", "link", Direction::Both, Toxic::Bytes(ToxicSpec::HalfOpen)), "impossible_toxic"),
        (("bad", "link", Direction::Up, Toxic::Bytes(ToxicSpec::Refuse)), "impossible_toxic"),
        (("bad", "link", Direction::Up, Toxic::Bytes(ToxicSpec::Bandwidth { bytes_per_s: 0 })), "impossible_toxic"),
        (("bad", "link", Direction::Up, Toxic::Bytes(ToxicSpec::SlowClose { ms: u64::MAX })), "impossible_toxic"),
        (("good", "link", Direction::Up, STALL), "toxic_named_twice"),
    ] {
        let refused = code(rig.control.put(&call(&[good.clone(), bad])).await);
        assert_eq!(refused, (wanted.to_owned(), 422));
    }
    let mut timeless = call(&[good]);
    timeless.ttl_ms = 0;
    assert_eq!(code(rig.control.put(&timeless).await), ("invalid_ttl".to_owned(), 422));
    assert_eq!(rig.told().await.toxics, []);
    let (mut client, mut server) = rig.connect().await;
    client.say("all is well").await;
    server.hears("all is well").await;
}

#[tokio::test]
async fn toxics_go_when_their_owner_is_not_heard_any_more() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.connect().await;
    let mut short = call(&[("a", "link", Direction::Up, STALL), ("b", "link", Direction::Down, STALL)]);
    short.ttl_ms = 150;
    let put = tokio::time::Instant::now();
    let told = |toxics, expired| OwnerTold { owner: OWNER.to_owned(), toxics, expired };
    assert_eq!(rig.control.put(&short).await.unwrap(), told(2, 0));
    let other = crate::proxy::PutToxics { owner: "other".to_owned(), ..call(&[("a", "link", Direction::Up, STALL)]) };
    rig.control.put(&other).await.unwrap();
    client.say("question").await;
    assert_eq!(rig.control.beat(OWNER, Duration::from_millis(400)).await.unwrap(), told(2, 0));
    let gone = wait_until(PATIENCE, async || rig.control.links().await.unwrap().owners[1] == told(0, 2)).await;
    assert!(gone, "{:?}", rig.control.links().await.unwrap());
    assert!(put.elapsed() >= Duration::from_millis(400), "the beat gave it longer");
    assert!(server.hears_nothing().await, "the other owner's is still there");
    rig.control.remove_all("other").await.unwrap();
    server.hears("question").await;
    assert_eq!(rig.control.beat(OWNER, Duration::from_millis(1)).await.unwrap(), told(0, 2));
}

#[tokio::test]
async fn a_toxic_that_is_put_again_takes_the_place_of_the_former_one() {
    let rig = Rig::new().await;
    put(&rig.control, &[("a", "link", Direction::Up, STALL), ("b", "link", Direction::Up, STALL)]).await;
    put(&rig.control, &[("a", "link", Direction::Down, STALL)]).await;
    let told = |links: Vec<crate::proxy::ToxicTold>| -> Vec<_> {
        links.into_iter().map(|toxic| (toxic.name, toxic.direction)).collect()
    };
    let wanted = [("b".to_owned(), Direction::Up), ("a".to_owned(), Direction::Down)];
    assert_eq!(told(rig.told().await.toxics), wanted);
    assert_eq!(rig.control.remove(OWNER, "a").await.unwrap().removed, 1);
    assert_eq!(rig.control.remove(OWNER, "a").await.unwrap().removed, 0);
    assert_eq!(rig.control.remove_all("nobody").await.unwrap().removed, 0);
    assert_eq!(rig.control.reset().await.unwrap().removed, 1);
    assert_eq!(rig.told().await.toxics, []);
}

#[tokio::test]
async fn links_that_are_there_stay_and_others_are_not_taken_for_them() {
    let rig = Rig::new().await;
    let upstream = rig.told().await.upstream;
    let same = link("link", LinkKind::Tcp, upstream);
    assert_eq!(rig.control.put_links(std::slice::from_ref(&same)).await.unwrap()["link"], rig.address);
    let other = link("other", LinkKind::Tcp, upstream);
    let changed = link("link", LinkKind::Http, upstream);
    assert_eq!(code(rig.control.put_links(&[other.clone(), changed]).await).0, "link_taken");
    let mut open_to_all = other.clone();
    open_to_all.listen = "0.0.0.0:0".parse().unwrap();
    assert_eq!(code(rig.control.put_links(&[open_to_all]).await), ("not_loopback".to_owned(), 422));
    let mut taken = other;
    taken.listen = rig.address;
    assert_eq!(code(rig.control.put_links(&[taken]).await), ("no_port".to_owned(), 409));
    assert_eq!(rig.control.links().await.unwrap().links.len(), 1);
    let open_to_all = Server::start("0.0.0.0:0".parse().unwrap()).await;
    assert!(matches!(open_to_all, Err(StartError::NotLoopback(_))));
}

#[tokio::test]
async fn all_links_close_with_the_proxy() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.connect().await;
    put(&rig.control, &[("a", "link", Direction::Both, STALL)]).await;
    drop(rig.server);
    assert_eq!((client.over().await, server.over().await), (Over::Closed, Over::Closed));
    assert!(wait_until(PATIENCE, async || TcpStream::connect(rig.address).await.is_err()).await);
}

#[tokio::test]
async fn the_api_is_plain_enough_for_curl_and_says_what_is_wrong() {
    let rig = Rig::new().await;
    let base = format!("http://{}", rig.control.address());
    let client = http::client();
    let call = async |method: reqwest::Method, path: &str, body: &str| {
        let answer = client.request(method, format!("{base}{path}")).body(body.to_owned()).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let toxics = json!({"owner": "me", "ttl_ms": 9_000, "toxics": [
        {"name": "slow", "links": ["link"], "toxic": {"toxic": "latency", "ms": 1, "jitter_ms": 0}}]});
    let (status, told) = call(reqwest::Method::POST, "/toxics", &toxics.to_string()).await;
    assert_eq!((status, told), (200, json!({"owner": "me", "toxics": 1, "expired": 0})));
    let (_, told) = call(reqwest::Method::GET, "/links", "").await;
    let told_toxic = json!({"owner": "me", "name": "slow", "direction": "both",
        "toxic": {"toxic": "latency", "ms": 1, "jitter_ms": 0}});
    assert_eq!(told["links"][0]["toxics"], json!([told_toxic]));
    assert_eq!(call(reqwest::Method::GET, "/health", "").await, (200, json!({"links": 1, "toxics": 1})));
    for (method, path, body, wanted) in [
        (reqwest::Method::POST, "/toxics", "{", (400, "malformed_json")),
        (reqwest::Method::POST, "/toxics", &toxics.to_string().replace("jitter_ms", "jitter"), (400, "malformed_json")),
        (reqwest::Method::GET, "/nowhere", "", (404, "unknown_path")),
        (reqwest::Method::DELETE, "/links", "", (405, "method_not_allowed")),
    ] {
        let (status, problem) = call(method, path, body).await;
        assert_eq!((status, problem["code"].as_str().unwrap()), wanted, "{problem}");
    }
    let page = http::get(&format!("{base}/metrics")).await.unwrap().1;
    assert!(page.contains("\nproxy_toxics{owner=\"me\"} 1\n"), "{page}");
}

#[tokio::test]
async fn owners_and_names_may_hold_any_characters() {
    let rig = Rig::new().await;
    let mut strange = call(&[("a/b c?", "link", Direction::Up, STALL)]);
    strange.owner = "run 1/2#%".to_owned();
    rig.control.put(&strange).await.unwrap();
    assert_eq!(rig.control.beat(&strange.owner, PATIENCE).await.unwrap().toxics, 1);
    assert_eq!(rig.control.remove(&strange.owner, "a/b c?").await.unwrap().removed, 1);
}
