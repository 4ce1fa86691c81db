//! An import that is killed and goes on, lines that are refused, what was forgotten, and an export that comes back.

use std::io::Write as _;
use std::time::Instant;

use memory::model::MemoryId;
use memory::store::forget::memory_forget;
use memory::text;
use serde_json::json;
use uuid::Uuid;

use crate::bed::{Bed, address, issues, told};

/// Lines of the files, every tenth an open issue. `MERIDIAN_IMPORT_LINES=50000` takes half a year of a busy tracker.
fn lines() -> usize {
    std::env::var("MERIDIAN_IMPORT_LINES").map_or(5_000, |lines| lines.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_killed_twice_and_started_again_has_everything_once() {
    let bed = Bed::new().await;
    issues(bed.folder.path(), 1..=lines());
    let all = i64::try_from(lines() - lines() / 10).unwrap();
    let began = Instant::now();
    for rows in [1, all / 2] {
        bed.killed_when(bed.import("issues.jsonl"), async || bed.counted().await.0 >= rows).await;
    }
    let before = bed.counted().await.0;
    assert!(before < all);
    let last = bed.import("issues.jsonl").output().unwrap();
    let took = began.elapsed().as_secs_f64();
    assert_eq!(last.status.code(), Some(0), "{last:?}");
    assert_eq!(bed.counted().await, (all, all), "everything, and nothing twice");
    let told_last = told(&last);
    assert_eq!(told_last["unfinished"], lines() / 10);
    assert_eq!(told_last["known"].as_i64(), Some(before), "{told_last}");
    let began = Instant::now();
    let again = told(&bed.import("issues.jsonl").output().unwrap());
    assert_eq!((&again["stored"], &again["known"]), (&json!(0), &json!(all)));
    let (rate, again) = (all as f64 / took, began.elapsed().as_secs_f64());
    let told = format!("{} lines, killed twice: {all} memories in {took:.1} s, {rate:.0}/s", lines());
    writeln!(std::io::stderr(), "{told}; read again in {again:.1} s").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_are_refused_are_placed_and_the_rest_is_imported() {
    let bed = Bed::new().await;
    issues(bed.folder.path(), 1..=lines());
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
    issues(bed.folder.path(), 1..=lines());
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
    issues(bed.folder.path(), 1..=lines());
    let refused = bed.import("issues.jsonl").args(["--residency", "eu"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert_eq!(bed.counted().await.0, 0);
    let mut there = bed.memory(&["import", "issues.jsonl", "--specialization", "writer", "--home", "eu-west-1"]);
    assert_eq!(there.args(["--residency", "eu"]).output().unwrap().status.code(), Some(0));
    // What is under a rule leaves only where that is asked for.
    let plain = bed.memory(&["export", "--home", "eu-west-1"]).output().unwrap();
    assert_eq!(plain.stdout, b"");
    let audit = bed.memory(&["audit", "--home", "eu-west-1", "--format", "json"]).output().unwrap();
    assert_eq!(
        (audit.status.code(), told(&audit)[0]["memories"].as_i64()),
        (Some(0), i64::try_from(lines() - lines() / 10).ok()),
        "{audit:?}"
    );
}
