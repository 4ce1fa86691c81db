//! The program, a database with a topology, and files of issues.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use sql::testdb::TestDb;
use sql::{Db, Lane, Statement};

/// How long a program may take for what a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

const COUNT: Statement =
    sql::statement!("test_count", idempotent, "SELECT count(*)::INT8, count(DISTINCT id)::INT8 FROM agent_memories");
const TOPOLOGY: Statement = sql::statement!(
    "test_topology",
    idempotent,
    "INSERT INTO topology_versions (version, text, digest, residency_version, author, message, applied_at)
     VALUES (1, $1::TEXT, '', 1, 'test', '', now())"
);

pub(crate) struct Bed {
    pub(crate) db: Db,
    database: TestDb,
    pub(crate) folder: tempfile::TempDir,
}

impl Bed {
    pub(crate) async fn new() -> Self {
        let database = TestDb::new().await;
        let db = database.gateways().await.lane(Lane::Upkeep);
        let text = "
regions:
  - { name: us-west, provider: AWS, region: us-west-2, agents: [writer (primary: 1)] }
  - { name: europe-west, provider: AWS, region: eu-west-1, agents: [writer (replica: 1)] }
  - { name: asia-east, provider: AWS, region: ap-northeast-1, agents: [writer (replica: 1)] }
residency: { eu: [europe-west] }
";
        db.execute(&TOPOLOGY, &[&text]).await.unwrap();
        Self { db, database, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn memory(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_memory"));
        command.args(arguments).current_dir(&self.folder).env("DATABASE_URL", self.database.url()).stdin(Stdio::null());
        command
    }

    pub(crate) fn import(&self, file: &str) -> Command {
        self.memory(&["import", file, "--specialization", "writer", "--home", "us-west-2", "--format", "json"])
    }

    pub(crate) async fn counted(&self) -> (i64, i64) {
        let row = self.db.query_one(&COUNT, &[]).await.unwrap();
        (row.get(0), row.get(1))
    }

    /// Starts a command and kills it when it came so far.
    pub(crate) async fn killed_when(&self, mut command: Command, far: impl AsyncFn() -> bool) {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait(&mut child, far).await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// Waits until a command that runs came so far.
pub(crate) async fn wait(child: &mut Child, far: impl AsyncFn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !far().await {
        assert!(Instant::now() < until && child.try_wait().unwrap().is_none(), "it ended before it came so far");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) fn address(n: usize) -> String {
    format!("https://example.org/owner/repository/issues/{n}")
}

/// A file of issues; every tenth is open.
pub(crate) fn issues(folder: &Path, numbers: std::ops::RangeInclusive<usize>) {
    let mut text = String::new();
    for n in numbers {
        let state = if n % 10 == 0 { "open" } else { "closed" };
        let issue = json!({
            "html_url": address(n), "number": n, "title": format!("issue {n}"), "body": format!("what is wrong in {n}"),
            "state": state, "created_at": "2026-01-01T00:00:00Z", "closed_at": (state == "closed").then_some("2026-01-02T00:00:00Z"),
        });
        let _ = writeln!(text, "{issue}");
    }
    std::fs::write(folder.join("issues.jsonl"), text).unwrap();
}

pub(crate) fn told(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}
