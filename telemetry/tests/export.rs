//! Spans reach a collector. The variables that ask for it are a process's, so the exporting side is a process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use telemetry::LogFormat;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn a_span_is_exported_below_its_remote_parent_with_the_services_name() {
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", collector.local_addr().unwrap());
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "exports_one_span", "--ignored"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("NO_PROXY", "127.0.0.1")
        .env_remove("OTEL_SERVICE_NAME")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let (sender, received) = channel();
    std::thread::spawn(move || sender.send(receive(collector.accept().unwrap().0)));
    assert!(child.wait().unwrap().success());
    let (line, body) = received.recv_timeout(Duration::from_secs(5)).expect("a span was sent before the process ended");

    assert!(line.starts_with("post /v1/traces "), "{line}");
    let has = |wanted: &[u8]| body.windows(wanted.len()).any(|part| part == wanted);
    assert!(has(b"looked at") && has(b"a-service"), "{}", String::from_utf8_lossy(&body));
    let trace = [0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36];
    assert!(has(&trace), "the span is in a trace of its own");
}

/// Takes one request: its first line and its body.
fn receive(stream: TcpStream) -> (String, Vec<u8>) {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        reader.read_until(b'\n', &mut head).unwrap();
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("exporters tell the length");
    let mut body = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    (head.lines().next().unwrap_or_default().to_owned(), body)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by the test above, with the variables that it needs"]
async fn exports_one_span() {
    let telemetry = telemetry::start("a-service", LogFormat::Json).unwrap();
    let span = tracing::info_span!("looked at");
    telemetry::continue_trace(&span, PARENT);
    let own = telemetry::traceparent(&span).unwrap();
    assert!(own.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && own.ends_with("-01"), "{own}");
    drop(span);
    telemetry.stop();
}
