//! The program's client commands, against a scheduler that a test plays.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

/// Starts the program with a scheduler that answers its first request with a stream of events, and keeps that open.
fn follow(events: &'static str) -> (Child, TcpStream, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_scheduler"))
        .args(["events", "--format", "json", "--token", "secret", "--server", &format!("http://{address}")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    let mut asked = String::new();
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    while !asked.ends_with("\r\n\r\n") {
        lines.read_line(&mut asked).unwrap();
    }
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    stream.write_all(format!("{head}{events}").as_bytes()).unwrap();
    (child, stream, asked)
}

/// The next line that the program prints.
fn line(child: &mut Child) -> String {
    let mut line = Vec::new();
    let out = child.stdout.as_mut().unwrap();
    while line.last() != Some(&b'\n') {
        let mut byte = [0];
        out.read_exact(&mut byte).unwrap();
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap().trim_end().to_owned()
}

fn ended(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn events_are_printed_as_they_come_with_what_only_a_newer_scheduler_knows() {
    const EVENTS: &str = "event: topology\ndata: {\"topology_version\":3,\"news\":1}\n\n:\n\nevent: news\ndata: {}\n\n";
    let (mut child, stream, asked) = follow(EVENTS);
    assert!(asked.starts_with("GET /v1/events ") && asked.contains("Bearer secret"), "{asked}");
    assert_eq!(line(&mut child), r#"{"data":{"news":1,"topology_version":3},"event":"topology"}"#);
    assert_eq!(line(&mut child), r#"{"data":{},"event":"news"}"#);
    drop(stream);
    let (code, told) = ended(child);
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("ended the stream"), "{told}");
}
