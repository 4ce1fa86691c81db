//! A move to another space that is killed, stopped and goes on; what an API may see of it.

use std::process::{Command, Stdio};

use memory::embed::{Lexical, Space};
use memory::store::Shown;
use memory::store::embedding::vectors_left;
use memory::store::search::{Filter, memory_near};
use serde_json::{Value, json};
use sql::Statement;

use crate::api::{Api, POISON};
use crate::bed::{Bed, issues, told, wait};

const OF_SPACE: Statement = sql::statement!(
    "test_of_space",
    idempotent,
    "SELECT count(*)::INT8 FROM agent_memory_embeddings WHERE space = $1::TEXT"
);
const INDEXES: Statement = sql::statement!(
    "test_indexes",
    idempotent,
    "SELECT count(*)::INT8 FROM pg_indexes WHERE indexdef LIKE '%USING hnsw%' AND position($1::TEXT IN indexdef) > 0"
);

impl Bed {
    fn reembed(&self, to: &str, more: &[&str]) -> Command {
        let fixed = ["reembed", "--home", "us-west-2", "--format", "json", "--to", to];
        self.memory(&[&fixed, more].concat())
    }

    async fn of_space(&self, space: &str) -> i64 {
        self.db.query_one(&OF_SPACE, &[&space]).await.unwrap().get(0)
    }

    async fn has_index(&self, space: &str) -> bool {
        self.db.query_one(&INDEXES, &[&space]).await.unwrap().get::<_, i64>(0) == 1
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_killed_and_stopped_goes_on_until_none_is_missing_and_drops_the_old_space() {
    let (bed, api) = (Bed::new().await, Api::start().await);
    issues(bed.folder.path(), 1..=2_000);
    assert!(bed.import("issues.jsonl").status().unwrap().success());
    let first = bed.reembed("lexical", &[]).output().unwrap();
    assert_eq!(first.status.code(), Some(0), "{first:?}");
    assert_eq!((&told(&first)["homes"][0]["stored"], &told(&first)["complete"]), (&json!(1_800), &json!(true)));
    assert!(bed.has_index(Lexical::SPACE).await);

    let (to, new) = (api.choice(), api.space());
    bed.killed_when(bed.reembed(&to, &[]), async || bed.of_space(&new).await >= 400).await;
    assert!(bed.of_space(&new).await < 1_800);
    // Their ids lie anywhere, also before those that have their vectors.
    issues(bed.folder.path(), 10_001..=10_200);
    assert!(bed.import("issues.jsonl").status().unwrap().success());

    let mut child = bed.reembed(&to, &[]).stdout(Stdio::piped()).spawn().unwrap();
    let at = bed.of_space(&new).await;
    wait(&mut child, async || bed.of_space(&new).await >= at + 300).await;
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let stopped = child.wait_with_output().unwrap();
    assert_eq!((stopped.status.code(), &told(&stopped)["complete"]), (Some(4), &json!(false)), "{stopped:?}");

    let before = bed.of_space(&new).await;
    let last = bed.reembed(&to, &["--drop", Lexical::SPACE]).output().unwrap();
    assert_eq!(last.status.code(), Some(0), "{last:?}");
    let said = told(&last);
    assert_eq!(said["homes"][0]["stored"].as_i64(), Some(1_980 - before), "{said}");
    assert_eq!(said["dropped"], json!({ "space": Lexical::SPACE, "vectors": 1_800, "index": true }));
    let space = Space::new(&*new);
    let home = "us-west-2".parse().unwrap();
    assert_eq!(vectors_left(&bed.db, &home, &space).await.unwrap(), 0);
    assert_eq!((bed.of_space(&new).await, bed.of_space(Lexical::SPACE).await), (1_980, 0));
    assert_eq!((bed.has_index(&new).await, bed.has_index(Lexical::SPACE).await), (true, false));

    let filter = Filter {
        shown: Shown::under([]),
        specializations: vec!["writer".parse().unwrap()],
        agent: None,
        success: None,
    };
    let asked = Lexical::new().vector("issue 10007 what is wrong in 10007");
    let near = memory_near(&bed.db, &home, &space, &asked, &filter, 1).await.unwrap();
    assert_eq!(near.candidates[0].stored.memory.title, "issue 10007");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_sees_what_is_under_a_rule_only_where_the_operator_says_so() {
    let (bed, api) = (Bed::new().await, Api::start().await);
    issues(bed.folder.path(), 1..=9);
    assert!(bed.import("issues.jsonl").status().unwrap().success());
    issues(bed.folder.path(), 501..=509);
    let lawful = ["import", "issues.jsonl", "--specialization", "writer", "--home", "eu-west-1", "--residency", "eu"];
    assert!(bed.memory(&lawful).status().unwrap().success());

    let to = api.choice();
    let run = |more: &[&str]| bed.reembed(&to, &[&["--home", "eu-west-1"], more].concat()).output().unwrap();
    let homes = |stored: [u64; 2], withheld: [u64; 2]| -> Value {
        let of = |home, n: usize| json!({ "home": home, "stored": stored[n], "withheld": withheld[n], "refused": 0 });
        json!([of("us-west-2", 0), of("eu-west-1", 1)])
    };
    let first = run(&[]);
    assert_eq!((first.status.code(), &told(&first)["homes"]), (Some(0), &homes([9, 0], [0, 9])), "{first:?}");
    assert!(api.saw("wrong in 7") && !api.saw("wrong in 507"));
    let open = run(&["--residency", "eu"]);
    assert_eq!((open.status.code(), &told(&open)["homes"]), (Some(0), &homes([0, 9], [0, 0])), "{open:?}");
    assert!(api.saw("wrong in 507"));
    // What leaves no text anywhere needs no leave.
    let local = bed.reembed("lexical", &["--home", "eu-west-1"]).output().unwrap();
    assert_eq!(told(&local)["homes"], homes([9, 9], [0, 0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_dropped_that_is_still_needed_and_wrong_names_are_refused() {
    let (bed, api) = (Bed::new().await, Api::start().await);
    issues(bed.folder.path(), 1..=3);
    let path = bed.folder.path().join("issues.jsonl");
    let text = std::fs::read_to_string(&path).unwrap().replace("wrong in 2", POISON);
    std::fs::write(&path, text).unwrap();
    assert!(bed.import("issues.jsonl").status().unwrap().success());
    assert!(bed.reembed("lexical", &[]).status().unwrap().success());
    let refused = bed.reembed(&api.choice(), &["--drop", Lexical::SPACE]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let said = told(&refused);
    assert_eq!((&said["homes"][0]["stored"], &said["homes"][0]["refused"]), (&json!(2), &json!(1)));
    assert_eq!((&said["dropped"], bed.of_space(Lexical::SPACE).await), (&Value::Null, 3));

    let cases: [(&str, &[&str], i32, &str); 5] = [
        ("lexical", &["--drop", Lexical::SPACE], 2, "is the space that memories are moved to"),
        ("lexical", &["--home", "us-west-9"], 2, "no such database region"),
        (&api.choice(), &["--residency", "moon"], 2, "no such rule"),
        ("static:nowhere", &[], 2, "scripts/get-static-table"),
        ("api:test@http://127.0.0.1:9/v1", &[], 3, "start it again to go on"),
    ];
    for (to, more, code, why) in cases {
        let output = bed.reembed(to, more).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{to} {more:?}: {said}");
        assert!(said.contains(why), "{to} {more:?}: {said}");
    }
    assert_eq!(bed.of_space(Lexical::SPACE).await, 3);
}
