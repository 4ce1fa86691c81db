//! The program's client commands, against a scheduler that a test plays.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

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

/// Its exit code and what it told; no code where a signal ended it, or this did as it stayed.
fn ended(mut child: Child) -> (Option<i32>, String) {
    let patience = Instant::now() + Duration::from_secs(20);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > patience {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
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

#[test]
fn ctrl_c_or_a_polite_end_aborts_what_waits_with_four() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (mut child, _stream, _) = follow("event: news\ndata: {}\n\n");
        line(&mut child);
        kill(Pid::from_raw(child.id() as i32), signal).unwrap();
        let (code, told) = ended(child);
        assert_eq!(code, Some(4), "{signal}: {told}");
        assert!(told.contains("aborted"), "{told}");
    }
}

#[test]
fn a_signal_is_heard_while_missions_are_read_from_standard_input() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_scheduler"))
        .args(["mission", "--server", "http://127.0.0.1:1", "submit", "--file", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // A pipe that takes no more shows that the program has begun to read: it holds less than this.
    input.write_all(&[b' '; 1 << 20]).unwrap();
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    let (code, told) = ended(child);
    assert_eq!(code, Some(4), "{told}");
    drop(input);
}

#[test]
fn the_ordinary_program_has_nothing_of_the_planted_bugs() {
    let manifest: toml::Table = include_str!("../Cargo.toml").parse().unwrap();
    let features = manifest["features"].as_table().unwrap();
    assert_eq!(
        features.keys().collect::<Vec<_>>(),
        ["planted-bugs"],
        "no feature may switch it on, least of all `default`"
    );
    let program = std::fs::read(env!("CARGO_BIN_EXE_scheduler")).unwrap();
    let text = String::from_utf8_lossy(&program);
    for trace in ["BROKEN ON PURPOSE", "complete_without_epoch_check"] {
        assert_eq!(text.contains(trace), cfg!(feature = "planted-bugs"), "{trace}");
    }
}

#[test]
fn a_world_whose_embeddings_cannot_be_made_is_refused_before_it_starts() {
    let output = Command::new(env!("CARGO_BIN_EXE_scheduler"))
        .args(["dev", "--embeddings", "semantic"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("write lexical, static:FOLDER"), "{said}");
}
