//! Imports, pages of exports, statistics, the recall log.

use chrono::DateTime;
use memory::model::{Memory, MemoryId};
use memory::store::Shown;
use memory::store::recall::recalls_since;
use memory::store::row::memory_page;
use memory::store::stats::{Stats, stats_of_agent, stats_of_kind};
use uuid::Uuid;

use crate::bed::{Bed, anywhere, memory};

#[tokio::test]
async fn an_import_that_comes_again_stores_nothing_twice() {
    let bed = Bed::new().await;
    let memories: Vec<Memory> = (1..=40).map(|n| memory(n, &format!("title {n}"))).collect();
    assert_eq!(bed.import(&memories[..25]).await.len(), 25);
    assert_eq!(bed.import(&memories).await.len(), 15);
    assert_eq!((bed.count("agent_memories").await, bed.count("memory_work").await), (40, 40));
}

#[tokio::test]
async fn what_was_imported_is_exported_as_it_was_page_by_page_and_only_where_it_may_be() {
    let bed = Bed::new().await;
    let eu = Memory {
        residency: Some("eu".parse().unwrap()),
        issue: Some("o/r#1".to_owned()),
        solution: Some("a 'quoted' \\ solution".to_owned()),
        pr_number: Some(4),
        resolution_minutes: Some(0.25),
        ..memory(3, "third")
    };
    let mut memories = vec![memory(1, "first"), memory(2, "second"), eu];
    bed.import(&memories).await;
    bed.settle().await;
    for memory in &mut memories {
        memory.content_hash = memory::model::content_hash(memory);
    }
    let rules = ["eu".parse().unwrap()];
    let mut read = Vec::new();
    let mut after = (DateTime::UNIX_EPOCH, MemoryId(Uuid::nil()));
    loop {
        let page = memory_page(&bed.db, &bed.home, &Shown::under(&rules), after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = (last.memory.created_at, last.memory.id);
        read.extend(page.into_iter().map(|stored| stored.memory));
    }
    assert_eq!(read, memories);
    let outside = memory_page(&bed.db, &bed.home, &anywhere(), (DateTime::UNIX_EPOCH, MemoryId(Uuid::nil())), 9).await;
    assert_eq!(outside.unwrap().len(), 2);
}

#[tokio::test]
async fn statistics_count_merged_missions_too_and_add_up_over_homes() {
    let bed = Bed::new().await;
    let failed = Memory { success: false, resolution_minutes: None, ..memory(9, "other") };
    bed.import(&[memory(2, "same"), memory(4, "same"), failed.clone()]).await;
    bed.settle().await;
    let mut all = stats_of_agent(&bed.db, &bed.home, "ada", &anywhere()).await.unwrap();
    assert_eq!((all.missions, all.successes, all.mean_minutes(), all.last), (3, 2, Some(3.0), Some(failed.created_at)));
    let kind = "engineer-master".parse().unwrap();
    assert_eq!(stats_of_kind(&bed.db, &bed.home, &kind, &anywhere()).await.unwrap(), all);
    let nobody = stats_of_agent(&bed.db, &bed.home, "bob", &anywhere()).await.unwrap();
    assert_eq!((nobody, nobody.mean_minutes()), (Stats::default(), None));
    all.add(&all.clone());
    assert_eq!((all.missions, all.mean_minutes()), (6, Some(3.0)));
}

#[tokio::test]
async fn the_recall_log_is_read_newest_first_where_it_may_be() {
    let bed = Bed::new().await;
    bed.run(
        "INSERT INTO memory_recalls (crdb_region, mission_id, specialization, region, agent, with_memory, shown, used,
             success, residency, epoch, at)
         SELECT 'us-west-2', gen_random_uuid(), 'engineer-master', 'us-west', 'agent ' || n, n % 2 = 0,
             ARRAY[gen_random_uuid()], '{}', true, CASE n WHEN 3 THEN 'eu' END, 1, to_timestamp(n)
         FROM generate_series(1, 4) AS n",
    )
    .await;
    let since = DateTime::from_timestamp(2, 0).unwrap();
    let lines = recalls_since(&bed.db, &bed.home, since, &anywhere(), 9).await.unwrap();
    let agents: Vec<_> = lines.iter().map(|line| (line.agent.as_str(), line.with_memory, line.shown.len())).collect();
    assert_eq!(agents, [("agent 4", true, 1), ("agent 2", true, 1)]);
}
