//! Statements answered badly, between the real client and a real PostgreSQL.

use sql::Params;
use sql::testdb::TestDb;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, NoTls};

use super::fixture::{OWNER, any_port, link, put};
use crate::drill::StatementAnswer;
use crate::proxy::{Control, Direction, LinkKind, ProtocolToxic, Server, StatementTold, Toxic};

const INSERT: &str = "/* thing_insert */ INSERT INTO things (n) VALUES ($1::INT8)";
const COUNT: &str = "/* thing_count */ SELECT count(*) FROM things";

/// A database behind a link.
struct Rig {
    db: TestDb,
    server: Server,
    control: Control,
    /// Through the link.
    url: String,
    /// Past it.
    direct: Client,
}

impl Rig {
    async fn new() -> Self {
        let db = TestDb::new().await;
        let direct = client(db.url()).await;
        direct.batch_execute("CREATE TABLE things (n INT8 PRIMARY KEY)").await.unwrap();
        let config: tokio_postgres::Config = db.url().parse().unwrap();
        let host = match &config.get_hosts()[0] {
            tokio_postgres::config::Host::Tcp(host) => host.clone(),
            tokio_postgres::config::Host::Unix(_) => panic!("a database on a port"),
        };
        let endpoint = format!("{host}:{}", config.get_ports()[0]);
        let upstream = tokio::net::lookup_host(&endpoint).await.unwrap().next().unwrap();
        let server = Server::start(any_port()).await.unwrap();
        let control = server.control();
        let address = control.put_links(&[link("db", LinkKind::Pgwire, upstream)]).await.unwrap()["db"];
        let url = db.url().replacen(&endpoint, &address.to_string(), 1);
        assert!(url.contains(&address.to_string()), "the URL names its host and port");
        Self { db, server, control, url, direct }
    }

    async fn put(&self, name: &str, answer: StatementAnswer, share: f64) {
        let toxic = ProtocolToxic::Statement { name: name.to_owned(), answer, share, seed: 7 };
        put(&self.control, &[("bad", "db", Direction::Both, Toxic::Protocol(toxic))]).await;
    }

    async fn heal(&self) {
        self.control.remove(OWNER, "bad").await.unwrap();
    }

    async fn things(&self) -> i64 {
        self.direct.query_one(COUNT, &[]).await.unwrap().get(0)
    }

    async fn told(&self, name: &str) -> StatementTold {
        let links = self.control.links().await.unwrap().links;
        links[0].statements.get(name).copied().unwrap_or_default()
    }
}

async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn code<T: std::fmt::Debug>(result: Result<T, tokio_postgres::Error>) -> SqlState {
    result.unwrap_err().code().expect("an error of the database").clone()
}

#[tokio::test]
async fn a_serialization_failure_runs_nothing_and_leaves_the_connection_usable() {
    let rig = Rig::new().await;
    let through = client(&rig.url).await;
    let insert = through.prepare(INSERT).await.unwrap();
    rig.put("thing_insert", StatementAnswer::SerializationFailure, 1.0).await;
    for n in 0..2_i64 {
        let failed = code(through.execute(&insert, &[&n]).await);
        assert_eq!(failed, SqlState::T_R_SERIALIZATION_FAILURE, "prepared before");
        let failed = code(through.execute(INSERT, &[&n]).await);
        assert_eq!(failed, SqlState::T_R_SERIALIZATION_FAILURE, "prepared for this");
        let failed = code(through.query_typed(INSERT, &[(&n, Type::INT8)]).await);
        assert_eq!(failed, SqlState::T_R_SERIALIZATION_FAILURE, "prepared and run at once");
        let failed = code(through.batch_execute("/* thing_insert */ INSERT INTO things (n) VALUES (1)").await);
        assert_eq!(failed, SqlState::T_R_SERIALIZATION_FAILURE, "a plain text");
        let count: i64 = through.query_one(COUNT, &[]).await.unwrap().get(0);
        assert_eq!(count, 0, "other statements run, and this one did not");
    }
    assert_eq!(rig.told("thing_insert").await.serialization_failure, 8);
    rig.heal().await;
    for n in 0..2_i64 {
        assert_eq!(through.execute(&insert, &[&n]).await.unwrap(), 1);
    }
    assert_eq!(rig.things().await, 2);
}

#[tokio::test]
async fn an_admin_shutdown_runs_nothing_and_closes_the_connection() {
    let rig = Rig::new().await;
    let through = client(&rig.url).await;
    rig.put("thing_insert", StatementAnswer::AdminShutdown, 1.0).await;
    assert_eq!(code(through.execute(INSERT, &[&1_i64]).await), SqlState::ADMIN_SHUTDOWN);
    assert!(through.query_one(COUNT, &[]).await.unwrap_err().is_closed());
    assert_eq!(rig.things().await, 0);
    assert_eq!(rig.told("thing_insert").await, StatementTold { admin_shutdown: 1, ..StatementTold::default() });
}

#[tokio::test]
async fn an_ambiguous_statement_is_carried_out_and_its_client_hears_nothing_of_it() {
    let rig = Rig::new().await;
    for (n, prepared) in [(1_i64, true), (2, false)] {
        let through = client(&rig.url).await;
        let insert = through.prepare(INSERT).await.unwrap();
        rig.put("thing_insert", StatementAnswer::Ambiguous, 1.0).await;
        let lost = if prepared {
            through.execute(&insert, &[&n]).await.unwrap_err()
        } else {
            through.query_typed(INSERT, &[(&n, Type::INT8)]).await.unwrap_err()
        };
        assert!(lost.is_closed() && lost.code().is_none(), "{lost:?}");
        assert_eq!(rig.things().await, n);
        rig.heal().await;
    }
    assert_eq!(rig.told("thing_insert").await, StatementTold { ambiguous: 2, ..StatementTold::default() });
}

#[tokio::test]
async fn a_star_means_what_writes_and_nothing_in_an_explicit_transaction_is_touched() {
    let rig = Rig::new().await;
    let mut through = client(&rig.url).await;
    rig.put("*", StatementAnswer::SerializationFailure, 1.0).await;
    assert_eq!(through.query_one(COUNT, &[]).await.unwrap().get::<_, i64>(0), 0);
    #[expect(clippy::disallowed_methods, reason = "this is about transactions as such")]
    let transaction = through.transaction().await.unwrap();
    assert_eq!(transaction.execute(INSERT, &[&1_i64]).await.unwrap(), 1);
    transaction.commit().await.unwrap();
    let plain = "BEGIN; INSERT INTO things (n) VALUES (2); COMMIT";
    through.batch_execute(plain).await.unwrap();
    let failed = code(through.execute("DELETE FROM things WHERE n = $1::INT8", &[&1_i64]).await);
    assert_eq!(failed, SqlState::T_R_SERIALIZATION_FAILURE);
    assert_eq!(rig.things().await, 2);
}

#[tokio::test]
async fn statements_that_are_sent_without_waiting_get_each_its_own_answer() {
    let rig = Rig::new().await;
    let through = client(&rig.url).await;
    let (insert, echo) = (through.prepare(INSERT).await.unwrap(), through.prepare("SELECT $1::INT8").await.unwrap());
    rig.put("thing_insert", StatementAnswer::SerializationFailure, 0.5).await;
    let (mut failed, mut done) = (0, 0);
    for n in (0..200_i64).step_by(2) {
        let (here, next): (Params<'_>, Params<'_>) = (&[&n], &[&(n + 1)]);
        let (first, echoed, second) = tokio::join!(
            through.execute(&insert, here),
            through.query_one(&echo, here),
            through.execute(&insert, next),
        );
        assert_eq!(echoed.unwrap().get::<_, i64>(0), n);
        for result in [first, second] {
            match result {
                Ok(count) => done += count,
                Err(error) => {
                    assert_eq!(error.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE));
                    failed += 1;
                }
            }
        }
    }
    assert_eq!(rig.things().await, i64::try_from(done).unwrap());
    assert_eq!((done + failed, rig.told("thing_insert").await.serialization_failure), (200, failed));
    assert!((50..150).contains(&failed), "{failed} of 200 at one half");
}

#[tokio::test]
async fn a_statement_that_the_server_refuses_itself_has_that_one_error() {
    let rig = Rig::new().await;
    let through = client(&rig.url).await;
    rig.put("wrong", StatementAnswer::SerializationFailure, 1.0).await;
    let wrong = through.query_typed("/* wrong */ INSERT INTO nowhere (n) VALUES ($1)", &[(&1_i64, Type::INT8)]).await;
    assert_eq!(code(wrong), SqlState::UNDEFINED_TABLE);
    assert_eq!(through.query_one(COUNT, &[]).await.unwrap().get::<_, i64>(0), 0);
    assert_eq!(rig.told("wrong").await, StatementTold::default());
}

#[tokio::test]
async fn the_program_s_own_pools_go_through_a_link_and_survive_bad_answers() {
    let rig = Rig::new().await;
    let mut config = rig.db.config();
    // The driver asks for encryption first, which a local server declines.
    config.gateways[0].url = format!("{}{}sslmode=prefer", rig.url, if rig.url.contains('?') { '&' } else { '?' });
    let gateways = sql::Gateways::connect(config).await.unwrap();
    rig.put("clock_read", StatementAnswer::SerializationFailure, 0.5).await;
    for _ in 0..20 {
        gateways.lane(sql::Lane::Claim).clock().await.unwrap();
    }
    let failures = rig.told("clock_read").await.serialization_failure;
    assert!(failures >= 5, "{failures}");
    drop(rig.server);
}
