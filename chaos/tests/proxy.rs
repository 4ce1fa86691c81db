//! The program `chaos proxy`: whoever started it may die, and nothing of it stays.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chaos::proxy::{Control, LinkKind, LinkSpec};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const PATIENCE: Duration = Duration::from_secs(30);

struct Program {
    child: Child,
    control: SocketAddr,
}

impl Program {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_chaos"))
            .args(["--format", "json", "proxy", "--control", "127.0.0.1:0", "--stop-on-eof"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let told: String = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map(Result::unwrap)
            .take_while(|line| line != "}")
            .collect();
        let told: serde_json::Value = serde_json::from_str(&format!("{told}}}")).unwrap();
        Self { child, control: told["control"].as_str().unwrap().parse().unwrap() }
    }

    /// A link of this proxy to a server that answers `answer` and nothing else, and a client that has heard it.
    async fn client(&self) -> TcpStream {
        let behind = TcpListener::bind("127.0.0.1:0").unwrap();
        let (upstream, listen) = (behind.local_addr().unwrap(), "127.0.0.1:0".parse().unwrap());
        let spec = LinkSpec { name: "link".to_owned(), listen, upstream, kind: LinkKind::Tcp };
        let address = Control::new(self.control).put_links(&[spec]).await.unwrap()["link"];
        std::thread::spawn(move || {
            let (mut stream, _) = behind.accept().unwrap();
            stream.write_all(b"answer").unwrap();
            // Until the proxy closes.
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let mut client = TcpStream::connect(address).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.read_exact(&mut [0; 6]).unwrap();
        client
    }

    /// Waits until the program and its links have ended; its exit code.
    async fn ended(mut self, mut client: TcpStream) -> Option<i32> {
        assert!(!matches!(client.read(&mut [0; 1]), Ok(1..)), "nothing more is said");
        let ended = chaos::wait::wait_until(PATIENCE, async || self.child.try_wait().unwrap().is_some()).await;
        assert!(ended, "it runs on");
        assert!(TcpStream::connect(self.control).is_err());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Program {
    /// One that does not end as it should must not stay.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn it_ends_with_its_standard_input_and_all_links_close() {
    let mut program = Program::start();
    let client = program.client().await;
    drop(program.child.stdin.take());
    assert_eq!(program.ended(client).await, Some(0));
}

#[tokio::test]
async fn it_ends_on_sigterm_while_its_standard_input_is_open() {
    let program = Program::start();
    let client = program.client().await;
    kill(Pid::from_raw(i32::try_from(program.child.id()).unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(program.ended(client).await, Some(0));
}
