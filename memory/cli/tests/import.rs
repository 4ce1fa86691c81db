//! The program against a database: an import that is killed and goes on, lines that are refused, what was forgotten, and an
//! export that comes back.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use memory::model::MemoryId;
use memory::store::forget::memory_forget;
use memory::text;
use serde_json::json;
use sql::testdb::TestDb;
use sql::{Db, Lane, Statement};
use uuid::Uuid;

const LINES: usize = 5_000;
const PATIENCE: Duration = Duration::from_secs(60);

const COUNT: Statement =
    sql::statement!("test_count", idempotent, "SELECT count(*)::INT8, count(DISTINCT id)::INT8 FROM agent_memories");
const TOPOLOGY: Statement = sql::statement!(
    "test_topology",
    idempotent,
    "INSERT INTO topology_versions (version, text, digest, residency_version, author, message, applied_at)
     VALUES (1, $1::TEXT, '', 1, 'test', '', now())"
);

struct Bed {
    db: Db,
    database: TestDb,
    folder: tempfile::TempDir,
}

impl Bed {
    async fn new() -> Self {
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

    fn memory(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_memory"));
        command.args(arguments).current_dir(&self.folder).env("DATABASE_URL", self.database.url()).stdin(Stdio::null());
        command
    }

    fn import(&self, file: &str) -> Command {
        self.memory(&["import", file, "--specialization", "writer", "--home", "us-west-2", "--format", "json"])
    }

    async fn counted(&self) -> (i64, i64) {
        let row = self.db.query_one(&COUNT, &[]).await.unwrap();
        (row.get(0), row.get(1))
    }

    /// Runs an import and kills it when so many rows are there.
    async fn killed_at(&self, file: &str, rows: i64) {
        let mut child = self.import(file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let until = Instant::now() + PATIENCE;
        while self.counted().await.0 < rows {
            assert!(Instant::now() < until && child.try_wait().unwrap().is_none(), "it ended before it was killed");
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

fn address(n: usize) -> String {
    format!("https://example.org/owner/repository/issues/{n}")
}

/// Issues 1 to `LINES`; every tenth is open.
fn issues(folder: &Path) {
    let mut text = String::new();
    for n in 1..=LINES {
        let state = if n % 10 == 0 { "open" } else { "closed" };
        let issue = json!({
            "html_url": address(n), "number": n, "title": format!("issue {n}"), "body": format!("what is wrong in {n}"),
            "state": state, "created_at": "2026-01-01T00:00:00Z", "closed_at": (state == "closed").then_some("2026-01-02T00:00:00Z"),
        });
        let _ = writeln!(text, "{issue}");
    }
    std::fs::write(folder.join("issues.jsonl"), text).unwrap();
}

fn told(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_killed_twice_and_started_again_has_everything_once() {
    let bed = Bed::new().await;
    issues(bed.folder.path());
    let all = i64::try_from(LINES - LINES / 10).unwrap();
    bed.killed_at("issues.jsonl", 1).await;
    bed.killed_at("issues.jsonl", 2_500).await;
    assert!(bed.counted().await.0 < all);
    let last = bed.import("issues.jsonl").output().unwrap();
    assert_eq!(last.status.code(), Some(0), "{last:?}");
    assert_eq!(bed.counted().await, (all, all));
    let told_last = told(&last);
    assert_eq!(told_last["unfinished"], LINES / 10);
    assert!(told_last["known"].as_i64().unwrap() >= 2_500, "{told_last}");
    let again = told(&bed.import("issues.jsonl").output().unwrap());
    assert_eq!((&again["stored"], &again["known"]), (&json!(0), &json!(all)));
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_are_refused_are_placed_and_the_rest_is_imported() {
    let bed = Bed::new().await;
    issues(bed.folder.path());
    let path = bed.folder.path().join("issues.jsonl");
    let good: Vec<String> = std::fs::read_to_string(&path).unwrap().lines().take(3).map(str::to_owned).collect();
    let lines = [good[0].as_str(), "no json", good[1].as_str(), "{\"title\": \"t\"}", good[2].as_str()];
    std::fs::write(&path, lines.join("\n")).unwrap();
    let output = bed.import("issues.jsonl").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("issues.jsonl:2: ") && said.contains("issues.jsonl:4: missing field"), "{said}");
    assert_eq!((told(&output)["stored"].as_i64(), told(&output)["refused"].as_i64()), (Some(3), Some(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_forgotten_stays_so_and_an_export_comes_back_elsewhere() {
    let (bed, other) = (Bed::new().await, Bed::new().await);
    issues(bed.folder.path());
    assert_eq!(bed.import("issues.jsonl").output().unwrap().status.code(), Some(0));
    let before = bed.counted().await.0;
    let id = MemoryId(Uuid::new_v5(&Uuid::NAMESPACE_URL, address(7).as_bytes()));
    memory_forget(&bed.db, &"us-west-2".parse().unwrap(), id, "test", text::terms).await.unwrap();
    assert_eq!(told(&bed.import("issues.jsonl").output().unwrap())["stored"], 0);
    assert_eq!(bed.counted().await.0, before - 1);

    let export = bed.memory(&["export", "--home", "us-west-2"]).output().unwrap();
    std::fs::write(other.folder.path().join("export.jsonl"), &export.stdout).unwrap();
    assert_eq!(other.import("export.jsonl").output().unwrap().status.code(), Some(0));
    assert_eq!(other.counted().await.0, before - 1);
    let back = other.memory(&["export", "--home", "us-west-2"]).output().unwrap();
    assert_eq!(export.stdout.len(), back.stdout.len());
    assert!(export.stdout == back.stdout, "the same memories in the same order");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_rule_is_imported_where_it_may_not_be() {
    let bed = Bed::new().await;
    issues(bed.folder.path());
    let refused = bed.import("issues.jsonl").args(["--residency", "eu"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert_eq!(bed.counted().await.0, 0);
    let mut there = bed.memory(&["import", "issues.jsonl", "--specialization", "writer", "--home", "eu-west-1"]);
    assert_eq!(there.args(["--residency", "eu"]).output().unwrap().status.code(), Some(0));
    // What is under a rule leaves only where that is asked for.
    let plain = bed.memory(&["export", "--home", "eu-west-1"]).output().unwrap();
    assert_eq!(plain.stdout, b"");
    let audit = bed.memory(&["audit", "--home", "eu-west-1", "--format", "json"]).output().unwrap();
    assert_eq!((audit.status.code(), told(&audit)[0]["memories"].as_i64()), (Some(0), Some(4_500)), "{audit:?}");
}
