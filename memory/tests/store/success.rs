//! What is learned later about a success.

use memory::model::SuccessSource::{Agent, Merge, Review};
use memory::store::success::success_change;

use crate::bed::{Bed, memory};

#[tokio::test]
async fn a_later_source_has_the_last_word_and_an_earlier_one_none() {
    let bed = Bed::new().await;
    let it = memory(1, "red wine");
    bed.import(std::slice::from_ref(&it)).await;
    let state = "SELECT success::TEXT || ' ' || success_source || ' ' || evidence_succeeded FROM agent_memories";
    for (success, source, taken, after) in [
        (false, Review, true, "false review 0"),
        (true, Agent, false, "false review 0"),
        (true, Review, true, "true review 1"),
        (true, Review, true, "true review 1"),
        (false, Merge, true, "false merge 0"),
        (true, Review, false, "false merge 0"),
    ] {
        assert_eq!(success_change(&bed.db, &bed.home, it.id, success, source).await.unwrap(), taken, "{source:?}");
        assert_eq!(bed.ask::<String>(state).await, after);
    }
    assert!(!success_change(&bed.db, &bed.home, memory(9, "").id, true, Merge).await.unwrap(), "it is not there");
}

#[tokio::test]
async fn what_stands_for_a_memory_counts_the_change() {
    let bed = Bed::new().await;
    let (elder, younger) = (memory(1, "red wine"), memory(2, "red wine"));
    bed.import(&[elder, younger.clone()]).await;
    bed.settle().await;
    success_change(&bed.db, &bed.home, younger.id, false, Merge).await.unwrap();
    let rows = bed.raw.query("SELECT success, evidence, evidence_succeeded FROM agent_memories ORDER BY id", &[]).await;
    let rows: Vec<(bool, i64, i64)> = rows.unwrap().iter().map(|r| (r.get(0), r.get(1), r.get(2))).collect();
    assert_eq!(rows, [(true, 2, 1), (false, 1, 0)]);
}
