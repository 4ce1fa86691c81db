//! A throw-away database per test.
//!
//! The server is `MERIDIAN_TEST_DATABASE_URL`, else the local test server, which all test programs share. On
//! PostgreSQL each test gets a copy of a migrated template whose name holds the digest of the migrations. CockroachDB
//! has no templates: there all tests of a program share one database and each starts with its tables empty, so they
//! must run one after the other (`--test-threads 1`), and the cluster must have the regions of [`REGIONS`].

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::OnceCell;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use topology::Survive;
use uuid::Uuid;

use crate::local::{Hold, LocalServer};
use crate::migrate::{self, MIGRATIONS, Regions};
use crate::{Config, Engine, GatewayConfig, Gateways, gateways, local, url};

/// Database regions that a new test database knows.
pub const REGIONS: [&str; 5] = ["us-west-2", "us-east-1", "eu-west-1", "ap-northeast-1", "sa-east-1"];

const TEST_PREFIX: &str = "meridian_test_";
const TEMPLATE_PREFIX: &str = "meridian_template_";
/// What is older belongs to no run any more.
const LEFTOVER_AFTER: Duration = Duration::from_secs(2 * 3600);
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// A migrated database of its own, dropped with the value.
pub struct TestDb {
    url: String,
    name: String,
    server: &'static Server,
}

struct Server {
    url: String,
    engine: Engine,
    template: String,
    /// Keeps other runs from ending the server under our tests.
    _hold: Option<Hold>,
}

static SERVER: OnceCell<Server> = OnceCell::const_new();

impl TestDb {
    /// A copy of the template.
    ///
    /// # Panics
    /// When no server can be had; the message says what is missing.
    pub async fn new() -> Self {
        let server = SERVER.get_or_init(Server::find).await;
        match server.engine {
            Engine::Postgres => server.copy().await,
            Engine::Cockroach => server.emptied().await,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Settings with one gateway and few connections.
    ///
    /// # Panics
    /// Never: the URL was used before.
    #[must_use]
    pub fn config(&self) -> Config {
        let mut config = Config::from_urls([&self.url]).expect("the server's URL was read before");
        for lane in [&mut config.lease, &mut config.claim, &mut config.submit, &mut config.upkeep] {
            lane.connections = 4;
            // A machine busy with other tests is slow, and that is not what most tests are about.
            lane.call_timeout = Duration::from_secs(10);
        }
        config.connect_timeout = CONNECT_LIMIT;
        config
    }

    /// Gateways to it.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn gateways(&self) -> Gateways {
        Gateways::connect(self.config()).await.expect("the test database answers")
    }

    /// Changes the database regions it knows.
    ///
    /// # Panics
    /// When the database refuses.
    pub async fn set_regions(&self, names: &[&str]) {
        let gateway = GatewayConfig { region: None, url: self.url.clone() };
        migrate::sync_regions(&gateway, &regions(names)).await.expect("the test database takes the regions");
    }
}

impl Drop for TestDb {
    /// Drops the database from a thread of its own, for the test's runtime is about to end.
    fn drop(&mut self) {
        if self.server.engine == Engine::Cockroach {
            return;
        }
        let (url, name) = (self.server.url.clone(), self.name.clone());
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let client = open(&url).await;
                // What cannot be dropped now is swept by a later run.
                let _ = client.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
            });
            std::io::Result::Ok(())
        });
        let _ = dropped.join();
    }
}

impl Server {
    async fn find() -> Self {
        let (url, hold) = match std::env::var("MERIDIAN_TEST_DATABASE_URL") {
            Ok(url) => (url, None),
            Err(_) => tokio::task::spawn_blocking(start_local)
                .await
                .expect("starting a server does not panic")
                .unwrap_or_else(|error| panic!("no database for tests: {}", local::chain(&error))),
        };
        let client = open(&url).await;
        let version: String = client.query_one("SELECT version()", &[]).await.expect("it tells its version").get(0);
        let engine = Engine::of_version(&version);
        let mut server = Self { url, engine, template: String::new(), _hold: hold };
        match engine {
            Engine::Postgres => {
                server.sweep(&client).await;
                server.template = server.make_template(&client).await;
            }
            Engine::Cockroach => server.template = server.make_shared(&client).await,
        }
        server
    }

    async fn copy(&'static self) -> TestDb {
        let name = format!("{TEST_PREFIX}{}_{}", now_seconds(), Uuid::new_v4().simple());
        let client = open(&self.url).await;
        let text = format!("CREATE DATABASE {name} TEMPLATE {}", self.template);
        for _ in 0..50 {
            match client.batch_execute(&text).await {
                Ok(()) => return TestDb { url: with_database(&self.url, &name), name, server: self },
                // Something of the server looks at the template at this moment.
                Err(error) if error.code() == Some(&SqlState::OBJECT_IN_USE) => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(error) => panic!("the template cannot be copied: {}", local::chain(&error)),
            }
        }
        panic!("the template is in use all the time");
    }

    /// The program's database with empty tables.
    async fn emptied(&'static self) -> TestDb {
        let url = with_database(&self.url, &self.template);
        let client = open(&url).await;
        let tables = client
            .query(
                "SELECT table_name::TEXT FROM information_schema.tables WHERE table_schema = 'public' \
                 AND table_type = 'BASE TABLE' AND table_name NOT LIKE 'schema_%'",
                &[],
            )
            .await
            .expect("the tables are listed");
        for table in tables {
            let name: String = table.get(0);
            client.batch_execute(&format!("DELETE FROM {name}")).await.expect("a table is emptied");
        }
        TestDb { url, name: self.template.clone(), server: self }
    }

    /// Builds the template under a name of its own and renames it, so that several programs may do so at once.
    async fn make_template(&self, client: &Client) -> String {
        let wanted = template();
        if exists(client, &wanted).await {
            return wanted;
        }
        let building = format!("{TEST_PREFIX}{}_building_{}", now_seconds(), Uuid::new_v4().simple());
        client.batch_execute(&format!("CREATE DATABASE {building}")).await.expect("a database is created");
        self.migrate(&building).await;
        for _ in 0..100 {
            let renamed = client.batch_execute(&format!("ALTER DATABASE {building} RENAME TO {wanted}")).await;
            match renamed.as_ref().map_err(|error| error.code().cloned()) {
                Ok(()) => return wanted,
                // Another program was faster.
                Err(Some(code)) if code == SqlState::DUPLICATE_DATABASE => {
                    let _ = client.batch_execute(&format!("DROP DATABASE {building} WITH (FORCE)")).await;
                    return wanted;
                }
                // The migrator's connection is still on its way out.
                Err(Some(code)) if code == SqlState::OBJECT_IN_USE => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(code) => panic!("the template cannot be named: {code:?}"),
            }
        }
        panic!("the new template is in use all the time");
    }

    async fn make_shared(&self, client: &Client) -> String {
        let name = format!("{TEST_PREFIX}{}", Uuid::new_v4().simple());
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a database is created");
        self.migrate(&name).await;
        name
    }

    async fn migrate(&self, database: &str) {
        let gateway = GatewayConfig { region: None, url: with_database(&self.url, database) };
        migrate::up(&gateway, &regions(&REGIONS))
            .await
            .unwrap_or_else(|error| panic!("the test database cannot be migrated: {}", local::chain(&error)));
    }

    /// Drops what earlier runs left behind.
    async fn sweep(&self, client: &Client) {
        self.sweep_templates(client).await;
        let pattern = format!("{TEST_PREFIX}%");
        let text = "SELECT datname::TEXT FROM pg_database WHERE datname::TEXT LIKE $1::TEXT";
        let Ok(rows) = client.query(text, &[&pattern]).await else { return };
        for name in rows.iter().map(|row| row.get::<_, String>(0)) {
            let made = name.strip_prefix(TEST_PREFIX).and_then(|rest| rest.split('_').next()?.parse::<u64>().ok());
            if made.is_some_and(|made| now_seconds().saturating_sub(made) > LEFTOVER_AFTER.as_secs()) {
                let _ = client.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
            }
        }
    }
}

impl Server {
    /// Drops the templates of schemas that nobody tests any more.
    async fn sweep_templates(&self, client: &Client) {
        let text = "SELECT datname::TEXT FROM pg_database WHERE datname::TEXT LIKE $1::TEXT AND datname::TEXT <> $2::TEXT \
             AND (pg_stat_file('base/' || oid || '/PG_VERSION')).modification < now() - INTERVAL '1 day'";
        let (all, own) = (format!("{TEMPLATE_PREFIX}%"), template());
        let Ok(rows) = client.query(text, &[&all, &own]).await else { return };
        for name in rows.iter().map(|row| row.get::<_, String>(0)) {
            let _ = client.batch_execute(&format!("DROP DATABASE IF EXISTS {name}")).await;
        }
    }
}

/// The local test server, kept for as long as this process lives.
fn start_local() -> Result<(String, Option<Hold>), local::Error> {
    let server = LocalServer::for_tests();
    let hold = server.hold()?;
    Ok((server.start()?, Some(hold)))
}

async fn open(url: &str) -> Client {
    let target = url::read(url).expect("the test database's URL can be read");
    match tokio::time::timeout(CONNECT_LIMIT, gateways::connect(&target, CONNECT_LIMIT)).await {
        Ok(Ok(client)) => client,
        Ok(Err(error)) => panic!("the test database does not answer: {}", local::chain(&error.into_error())),
        Err(_) => panic!("the test database does not answer within {CONNECT_LIMIT:?}"),
    }
}

async fn exists(client: &Client, database: &str) -> bool {
    let text = "SELECT 1 FROM pg_database WHERE datname::TEXT = $1::TEXT";
    client.query_opt(text, &[&database]).await.expect("databases are listed").is_some()
}

/// Name of the template: it holds the digest of what the template is made from.
fn template() -> String {
    use sha2::{Digest as _, Sha256};
    let mut digest = Sha256::new();
    for migration in MIGRATIONS {
        digest.update(migration.digest(Engine::Postgres));
    }
    digest.update(REGIONS.join(","));
    format!("{TEMPLATE_PREFIX}{}", &migrate::hex(&digest.finalize())[..20])
}

fn regions(names: &[&str]) -> Regions {
    let all = names.iter().map(|name| name.parse().expect("a database region's name")).collect();
    Regions { all, survive: Survive::Zone }
}

/// The same server, another database.
fn with_database(url: &str, database: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
    let start = base.find("://").map_or(0, |at| at + 3);
    let end = base[start..].find('/').map_or(base.len(), |at| start + at);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}/{database}{query}", &base[..end])
}

fn now_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_of_a_url_is_changed() {
        let cases = [
            ("postgres://u@h:1/postgres", "postgres://u@h:1/x"),
            ("postgres://u:p@h:1", "postgres://u:p@h:1/x"),
            ("postgres://h/a?sslmode=require", "postgres://h/x?sslmode=require"),
        ];
        for (url, wanted) in cases {
            assert_eq!(with_database(url, "x"), wanted);
        }
    }
}
