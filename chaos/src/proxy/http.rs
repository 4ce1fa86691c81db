//! Requests of HTTP/1.1: heads are read, bodies are measured, and what is no HTTP passes unread.
//!
//! A client that sends its next request before it has the answer to the last one (pipelining) may get the proxy's answer
//! too early; hardly any does.

use bytes::{Bytes, BytesMut};

use super::filter::{Counts, Taken};
use super::orders::{Answer, Orders};

const MOST_HEADERS: usize = 100;
/// A head that is longer is none.
const LONGEST_HEAD: usize = 64 * 1024;

/// Reads a client's requests.
#[derive(Debug, Default)]
pub(super) struct Requests {
    pending: BytesMut,
    place: Place,
    /// Whether the proxy has answered the request whose body comes now.
    answered: bool,
}

/// Where in the stream the next byte stands.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In a head.
    #[default]
    Head,
    /// In a body that has so much left; in the chunk of one where `chunked`.
    Body { left: u64, chunked: bool },
    /// In the line that tells a chunk's size.
    ChunkSize,
    /// In the lines after the last chunk.
    Trailer,
    /// Where nothing can be read any more.
    Unread,
}

/// A head that was read.
struct Head {
    length: usize,
    path: String,
    /// Whether the answer has no body.
    bare: bool,
    body: Place,
}

impl Requests {
    /// Takes bytes in.
    pub(super) fn take(&mut self, bytes: &[u8], orders: &Orders, counts: &Counts) -> Taken {
        self.pending.extend_from_slice(bytes);
        let mut taken = Taken::default();
        while !self.pending.is_empty() && self.step(orders, counts, &mut taken) {}
        taken
    }

    /// What waits for the end of its head.
    pub(super) fn rest(&mut self) -> Bytes {
        self.pending.split().freeze()
    }

    /// Reads on by one piece; whether it could.
    fn step(&mut self, orders: &Orders, counts: &Counts, taken: &mut Taken) -> bool {
        match self.place {
            Place::Head => match Head::read(&self.pending) {
                Ok(None) => return false,
                Ok(Some(head)) => {
                    let answer = orders.answers.iter().find(|answer| answer.path == head.path);
                    self.answered = answer.is_some();
                    if let Some(answer) = answer {
                        counts.answered(&head.path);
                        taken.back.extend_from_slice(render(answer, head.bare).as_bytes());
                    }
                    self.pass(head.length, taken);
                    self.place = head.body;
                }
                Err(_) => {
                    self.answered = false;
                    self.place = Place::Unread;
                }
            },
            Place::Body { left, chunked } => {
                let length = usize::try_from(left).unwrap_or(usize::MAX).min(self.pending.len());
                self.pass(length, taken);
                self.place = match left - length as u64 {
                    0 if chunked => Place::ChunkSize,
                    0 => Place::Head,
                    left => Place::Body { left, chunked },
                };
            }
            Place::ChunkSize => match httparse::parse_chunk_size(&self.pending) {
                Ok(httparse::Status::Complete((length, size))) => {
                    self.pass(length, taken);
                    // The line's end after the data belongs to the chunk.
                    let left = size.saturating_add(2);
                    self.place = if size == 0 { Place::Trailer } else { Place::Body { left, chunked: true } };
                }
                Ok(httparse::Status::Partial) => return false,
                Err(_) => self.place = Place::Unread,
            },
            Place::Trailer => {
                let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') else { return false };
                let last = matches!(&self.pending[..end], b"" | b"\r");
                self.pass(end + 1, taken);
                self.place = if last { Place::Head } else { Place::Trailer };
            }
            Place::Unread => self.pass(self.pending.len(), taken),
        }
        true
    }

    fn pass(&mut self, length: usize, taken: &mut Taken) {
        let bytes = self.pending.split_to(length);
        if !self.answered {
            taken.on.unsplit(bytes);
        }
    }
}

impl Head {
    /// Reads a head that is there as a whole; none where more is to come.
    fn read(bytes: &[u8]) -> Result<Option<Self>, httparse::Error> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(length) = request.parse(bytes)? else {
            return if bytes.len() > LONGEST_HEAD { Err(httparse::Error::TooManyHeaders) } else { Ok(None) };
        };
        let target = request.path.unwrap_or_default();
        let method = request.method.unwrap_or_default();
        Ok(Some(Self {
            length,
            path: target.split('?').next().unwrap_or_default().to_owned(),
            bare: method == "HEAD",
            body: if method == "CONNECT" { Place::Unread } else { body(request.headers) },
        }))
    }
}

/// Where a head with these headers is followed from.
fn body(headers: &[httparse::Header<'_>]) -> Place {
    let value = |name: &str| {
        let header = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        header.map(|header| String::from_utf8_lossy(header.value).to_ascii_lowercase())
    };
    if value("upgrade").is_some() {
        return Place::Unread;
    }
    if value("transfer-encoding").is_some_and(|coding| coding.contains("chunked")) {
        return Place::ChunkSize;
    }
    match value("content-length").map(|length| length.trim().parse()) {
        None | Some(Ok(0)) => Place::Head,
        Some(Ok(left)) => Place::Body { left, chunked: false },
        Some(Err(_)) => Place::Unread,
    }
}

fn render(answer: &Answer, bare: bool) -> String {
    let Answer { status, body, .. } = answer;
    let shown = if bare { "" } else { body };
    format!("HTTP/1.1 {status} {status}\r\ncontent-length: {}\r\n\r\n{shown}", body.len())
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::proxy::orders::Active;
    use crate::proxy::wire::{Direction, ProtocolToxic, Toxic};

    fn red() -> Orders {
        let toxic = ProtocolToxic::Answer { path: "/health".to_owned(), status: 503, body: "red".to_owned() };
        Orders::of(1, &[Active::new(Instant::now(), Direction::Both, Toxic::Protocol(toxic), 0)])
    }

    /// What passes and what is answered of a stream, cut into pieces of every size.
    fn read(stream: &str, orders: &Orders) -> (String, String) {
        let of_pieces = |piece: usize| {
            let (mut requests, counts) = (Requests::default(), Counts::default());
            let (mut on, mut back) = (Vec::new(), Vec::new());
            for bytes in stream.as_bytes().chunks(piece) {
                let taken = requests.take(bytes, orders, &counts);
                on.extend(taken.on);
                back.extend(taken.back);
            }
            on.extend(requests.rest());
            (String::from_utf8(on).unwrap(), String::from_utf8(back).unwrap())
        };
        let whole = of_pieces(stream.len());
        for piece in [1, 2, 5, 17] {
            assert_eq!(of_pieces(piece), whole, "pieces of {piece}");
        }
        whole
    }

    const RED: &str = "HTTP/1.1 503 503\r\ncontent-length: 3\r\n\r\nred";

    #[test]
    fn only_requests_for_the_path_are_answered_and_the_others_pass_with_their_bodies() {
        let post = "POST /health/deep HTTP/1.1\r\nContent-Length: 22\r\n\r\nGET /health HTTP/1.1\r\n";
        let chunked = "POST /a HTTP/1.1\r\ntransfer-encoding: Chunked\r\n\r\n4\r\nGET \r\n0\r\nx: y\r\n\r\n";
        let health = "GET /health?deep=1 HTTP/1.1\r\nhost: a\r\n\r\n";
        let stream = [post, health, chunked, health].concat();
        assert_eq!(read(&stream, &red()), ([post, chunked].concat(), RED.repeat(2)));
        assert_eq!(read(&stream, &Orders::default()), (stream.clone(), String::new()));
    }

    #[test]
    fn the_body_of_an_answered_request_goes_nowhere_and_head_gets_none() {
        let stream = "PUT /health HTTP/1.1\r\ncontent-length: 4\r\n\r\nbodyHEAD /health HTTP/1.1\r\n\r\n";
        let bare = RED.trim_end_matches("red");
        assert_eq!(read(stream, &red()), (String::new(), format!("{RED}{bare}")));
    }

    #[test]
    fn what_cannot_be_read_passes() {
        for stream in [
            "\u{16}\u{3}\u{1} not http\r\n\r\nGET /health HTTP/1.1\r\n\r\n",
            "GET /ws HTTP/1.1\r\nupgrade: websocket\r\n\r\nGET /health HTTP/1.1\r\n\r\n",
            "GET /half HTTP/1.1\r\nhost",
        ] {
            assert_eq!(read(stream, &red()), (stream.to_owned(), String::new()));
        }
    }
}
