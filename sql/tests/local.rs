//! The local server, on a port and in a folder of its own.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

use sql::local::{Error, LocalServer};

/// Removes the server also where the test fails.
struct Removed(LocalServer);

impl Drop for Removed {
    fn drop(&mut self) {
        let home = self.0.log().map(|log| log.with_file_name(""));
        let _ = self.0.remove();
        for kind in ["lock", "users", "run"] {
            let _ = home.as_ref().map(|home| std::fs::remove_file(home.with_extension(kind)));
        }
    }
}

/// A port on which nothing else listens, while the value lives.
fn free_port() -> TcpListener {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Below the ports that connections of other tests leave from.
    let ports =
        (0..100).map(|_| 20_000 + u16::try_from(std::process::id() % 5_000).unwrap() + NEXT.fetch_add(1, Relaxed));
    ports.filter_map(|port| TcpListener::bind(("127.0.0.1", port)).ok()).next().unwrap()
}

/// Starting and stopping is one test, for it takes a second and the steps follow from each other.
#[test]
fn a_local_server_starts_twice_survives_a_stop_and_names_the_owner_of_its_port() {
    let free = free_port();
    let port = free.local_addr().unwrap().port();
    let server = LocalServer::for_world(port);
    let removed = Removed(server.clone());
    let error = server.start().unwrap_err();
    let Error::PortTaken { port: taken, owner } = &error else { panic!("{error:?}") };
    assert_eq!(*taken, port);
    assert!(!owner.is_empty());
    drop(free);

    let url = server.start().unwrap();
    assert!(server.is_running());
    assert_eq!(server.start().unwrap(), url, "a second start finds it running");
    assert_eq!(read(&url, "SELECT current_setting('fsync') || current_setting('unix_socket_directories')"), "on");
    assert_eq!(
        read(&url, "SELECT datlocale || datlocprovider::text FROM pg_database WHERE datname = 'postgres'"),
        "C.UTF-8b"
    );
    assert_eq!(read(&url, "SELECT 'yes' FROM pg_available_extensions WHERE name = 'vector'"), "yes");
    read(&url, "CREATE DATABASE kept");
    assert!(server.stop().unwrap());
    assert!(!server.is_running());
    assert!(!server.stop().unwrap());

    assert_eq!(server.start().unwrap(), url, "the data and the password are still there");
    assert_eq!(read(&url, "SELECT 'made' FROM pg_database WHERE datname = 'kept'"), "made");

    let home = server.log().unwrap();
    let home = home.parent().unwrap();
    let note = std::fs::read_to_string(home.join("data/postmaster.pid")).unwrap();
    let pid = note.lines().next().unwrap();
    assert!(std::process::Command::new("kill").args(["-9", pid]).status().unwrap().success());
    while server.is_running() {
        std::thread::yield_now();
    }
    assert!(!server.stop().unwrap(), "what it left behind names no living process");
    assert_eq!(server.start().unwrap(), url, "a killed server comes back");
    assert_eq!(read(&url, "SELECT 'made' FROM pg_database WHERE datname = 'kept'"), "made");

    drop(removed);
    assert!(!server.is_running() && !home.exists());
}

#[test]
fn the_last_run_of_tests_ends_a_server_that_a_run_started_and_no_other_server() {
    let server = LocalServer::for_world(free_port().local_addr().unwrap().port());
    let _removed = Removed(server.clone());
    let first = server.begin_run().unwrap();
    assert!(server.is_running());
    let second = server.begin_run().unwrap();
    assert!(!first.end().unwrap(), "the second run uses it");
    let lone = server.hold().unwrap();
    assert!(!second.end().unwrap(), "a test program outside any run uses it");
    assert!(server.is_running());
    drop(lone);
    assert!(server.begin_run().unwrap().end().unwrap(), "it is still one that a run has started");
    assert!(!server.is_running());

    server.start().unwrap();
    assert!(!server.begin_run().unwrap().end().unwrap(), "it was there before");
    assert!(server.is_running());
}

fn read(url: &str, text: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        let driving = tokio::spawn(connection);
        let rows = client.query(text, &[]).await.unwrap();
        let value = rows.first().map_or_else(String::new, |row| row.get(0));
        drop(client);
        driving.await.unwrap().unwrap();
        value
    })
}
