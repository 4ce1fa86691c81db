//! Answers to HTTP requests, as an edge's monitor sees them.

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;

use super::fixture::{OWNER, any_port, link, put};
use crate::http;
use crate::proxy::{Direction, LinkKind, ProtocolToxic, Server, Toxic};

#[tokio::test]
async fn one_path_is_answered_by_the_proxy_and_the_others_by_the_server_on_one_connection() {
    let router = Router::new().route("/health", get(async || "green")).route("/work", get(async || "done"));
    let listener = TcpListener::bind(any_port()).await.unwrap();
    let upstream = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let server = Server::start(any_port()).await.unwrap();
    let control = server.control();
    let address = control.put_links(&[link("edge", LinkKind::Http, upstream)]).await.unwrap()["edge"];
    let client = http::client();
    let ask = async |path: &str| {
        let answer = client.get(format!("http://{address}{path}")).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let green = (200, "green".to_owned());
    assert_eq!(ask("/health").await, green);
    let toxic = ProtocolToxic::Answer { path: "/health".to_owned(), status: 503, body: "red".to_owned() };
    put(&control, &[("red", "edge", Direction::Both, Toxic::Protocol(toxic))]).await;
    for _ in 0..2 {
        assert_eq!(ask("/health?region=us-west").await, (503, "red".to_owned()));
        assert_eq!(ask("/work").await, (200, "done".to_owned()));
    }
    control.remove_all(OWNER).await.unwrap();
    assert_eq!(ask("/health").await, green);
    let told = control.links().await.unwrap().links.remove(0);
    assert_eq!((told.accepted, told.answered["/health"]), (1, 2), "the connection was kept all the time");
}
