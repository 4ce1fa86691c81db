//! What follows a memory: words, duplicates, vectors, each once.

use memory::embed::Error;
use memory::model::Memory;
use memory::store::audit::audit;
use memory::store::search::memory_by_words;
use memory::store::terms::frequencies;
use memory::store::work::{Holder, work_done, work_lease};
use topology::SchedulerId;

use crate::bed::{Bed, Hashed, filter, ids, memory, space, words};

#[tokio::test]
async fn a_memory_has_its_words_counted_and_its_vector_stored() {
    let bed = Bed::new().await;
    bed.import(&[memory(1, "red red wine"), memory(2, "white wine")]).await;
    let done = bed.tick(&Hashed::default()).await;
    assert_eq!((done.memories, done.merged, done.failed, done.more), (2, 0, 0, false));
    assert_eq!(
        bed.ask::<String>("SELECT terms::TEXT FROM agent_memories ORDER BY id LIMIT 1").await,
        "'red':1,2 'wine':3"
    );
    let found = frequencies(&bed.db, &bed.home, &words("wine red green")).await.unwrap();
    assert_eq!((found.documents, found.words), (2, 5));
    assert_eq!(found.having.into_iter().collect::<Vec<_>>(), [("red".to_owned(), 1), ("wine".to_owned(), 2)]);
    assert_eq!((bed.count("agent_memory_embeddings").await, bed.count("memory_work").await), (2, 0));
    assert_eq!(bed.tick(&Hashed::default()).await.memories, 0, "nothing is left");
}

#[tokio::test]
async fn work_that_is_done_again_changes_nothing() {
    let bed = Bed::new().await;
    bed.import(&[memory(1, "red wine"), memory(2, "red wine"), memory(3, "white wine")]).await;
    bed.settle().await;
    let state = "SELECT string_agg(x::TEXT, ';' ORDER BY x::TEXT) FROM (
        SELECT term || documents || ' ' || occurrences FROM memory_terms UNION ALL
        SELECT id::TEXT || evidence || COALESCE(merged_into::TEXT, '') FROM agent_memories UNION ALL
        SELECT memory_id::TEXT || left(embedding::TEXT, 500) FROM agent_memory_embeddings) AS all_of_it (x)";
    let before: String = bed.ask(state).await;
    bed.run(
        "INSERT INTO memory_work (crdb_region, memory_id, kind, epoch, expires_at, attempts, not_before, created_at)
         SELECT crdb_region, id, 'index', 0, to_timestamp(0), 0, to_timestamp(0), now() FROM agent_memories",
    )
    .await;
    bed.settle().await;
    assert_eq!(bed.ask::<String>(state).await, before);
    assert_eq!(bed.count("memory_work").await, 0);
}

#[tokio::test]
async fn what_says_the_same_is_merged_into_the_oldest_and_counted_there() {
    let bed = Bed::new().await;
    let failed = Memory { success: false, evidence_succeeded: 0, ..memory(3, "red wine") };
    let other = crate::bed::memory_of(4, "red wine", "secure-specialist");
    let lawful = Memory { residency: Some("eu".parse().unwrap()), ..memory(5, "red wine") };
    bed.import(&[memory(1, "red wine"), failed, other, lawful]).await;
    bed.settle().await;
    bed.import(&[memory(2, "red wine")]).await;
    bed.settle().await;
    let rows =
        bed.raw.query("SELECT evidence, evidence_succeeded, merged_into FROM agent_memories ORDER BY id", &[]).await;
    let rows: Vec<(i64, i64, bool)> = rows
        .unwrap()
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get::<_, Option<uuid::Uuid>>(2).is_some()))
        .collect();
    // A failure, another kind of agent and another rule stand for themselves.
    assert_eq!(rows, [(2, 2, false), (1, 1, true), (1, 0, false), (1, 1, false), (1, 1, false)]);
    assert_eq!(bed.count("agent_memory_embeddings").await, 4);
    assert_eq!(audit(&bed.db, &bed.home).await.unwrap().duplicates, 0);
}

#[tokio::test]
async fn what_says_nearly_the_same_is_merged_too_even_beside_it_in_one_batch() {
    let bed = Bed::new().await;
    let long = "the parser of the build file fails on a tab after the colon of a list with many entries in it \
                when the editor of somebody on the other team wrote it without a newline at its very end";
    bed.import(&[memory(1, long), memory(2, &long.to_uppercase()), memory(3, "something else")]).await;
    let done = bed.tick(&Hashed::default()).await;
    assert_eq!(done.merged, 1, "in one batch");
    bed.import(&[memory(4, &format!("{long}!"))]).await;
    assert_eq!(bed.tick(&Hashed::default()).await.merged, 1, "by the vector that is stored");
    assert_eq!(bed.ask::<i64>("SELECT evidence FROM agent_memories ORDER BY id LIMIT 1").await, 3);
    assert_eq!(bed.count("agent_memory_embeddings").await, 2);
}

#[tokio::test]
async fn an_older_one_that_comes_late_stands_for_those_that_came_before_it() {
    for late in
        ["red wine, old and good and heavy, of the far south", "Red wine, OLD and good and heavy of the far south"]
    {
        let bed = Bed::new().await;
        let said = "red wine, old and good and heavy, of the far south";
        bed.import(&[memory(5, said), memory(6, said)]).await;
        bed.settle().await;
        bed.import(&[memory(1, late)]).await;
        bed.settle().await;
        let rows = bed.raw.query("SELECT evidence, merged_into FROM agent_memories ORDER BY id", &[]).await.unwrap();
        let rows: Vec<(i64, Option<uuid::Uuid>)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let elder = Some(memory(1, "").id.0);
        assert_eq!(rows, [(3, None), (2, elder), (1, elder)], "{late}");
        assert_eq!(bed.count("agent_memory_embeddings").await, 1);
    }
}

#[tokio::test]
async fn what_says_exactly_the_same_is_merged_without_an_embedder_in_either_order() {
    let bed = Bed::new().await;
    let down = Hashed { refuses: Some("wine"), ..Hashed::default() };
    for n in [5, 6, 1] {
        bed.import(&[memory(n, "red wine")]).await;
        bed.tick(&down).await;
    }
    let merged = "SELECT count(*) FROM agent_memories WHERE merged_into = '00000000-0000-0000-0000-000000000001'";
    assert_eq!(bed.ask::<i64>(merged).await, 2);
    assert_eq!(bed.ask::<i64>("SELECT max(evidence) FROM agent_memories").await, 3);
}

#[tokio::test]
async fn a_mission_that_repeats_what_it_was_shown_is_no_evidence() {
    let bed = Bed::new().await;
    bed.import(&[memory(1, "red wine"), memory(2, "red wine")]).await;
    bed.run(&format!(
        "UPDATE agent_memories SET mission_id = id;
         INSERT INTO memory_recalls (crdb_region, mission_id, specialization, agent, with_memory, shown, used, success,
             epoch, at)
         SELECT crdb_region, id, specialization, agent, true, ARRAY['{}'::UUID], '{{}}', true, 1, now()
         FROM agent_memories WHERE id <> '{0}'",
        memory(1, "").id.0
    ))
    .await;
    bed.settle().await;
    let rows = bed.raw.query("SELECT evidence FROM agent_memories ORDER BY id", &[]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get::<_, i64>(0)).collect::<Vec<_>>(), [1, 0]);
}

#[tokio::test]
async fn work_is_leased_to_one_and_taken_over_when_its_lease_has_run_out() {
    let bed = Bed::new().await;
    bed.import(&[memory(1, "red wine")]).await;
    let other = Holder { home: &bed.home, scheduler: SchedulerId::random() };
    let first = work_lease(&bed.db, bed.holder(), 60_000, 10).await.unwrap();
    assert_eq!(work_lease(&bed.db, other, 60_000, 10).await.unwrap(), []);
    bed.run("UPDATE memory_work SET expires_at = now() - INTERVAL '1 second'").await;
    let second = work_lease(&bed.db, other, 60_000, 10).await.unwrap();
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_eq!(work_done(&bed.db, bed.holder(), &first).await.unwrap(), 0, "it is not its own any more");
    assert_eq!(work_done(&bed.db, other, &second).await.unwrap(), 1);
}

#[tokio::test]
async fn without_an_embedder_a_memory_is_found_by_its_words_and_tried_again_after_a_pause() {
    let bed = Bed::new().await;
    bed.import(&[memory(1, "red wine")]).await;
    let embedder = Hashed::default();
    embedder.failures.lock().unwrap().push(Error::Unavailable("down".to_owned()));
    assert_eq!(bed.tick(&embedder).await.failed, 1);
    let all = filter(&["engineer-master"]);
    let page = memory_by_words(&bed.db, &bed.home, &words("wine"), &all, 5).await.unwrap();
    assert_eq!(ids(&page), [1]);
    let (attempts, reason, waits) = {
        let row = bed.raw.query_one("SELECT attempts, reason, not_before > now() FROM memory_work", &[]).await.unwrap();
        (row.get::<_, i64>(0), row.get::<_, String>(1), row.get::<_, bool>(2))
    };
    assert_eq!((attempts, waits), (1, true));
    assert!(reason.contains("down"), "{reason}");
    assert_eq!(bed.tick(&embedder).await.memories, 0, "it waits");
    bed.run("UPDATE memory_work SET not_before = to_timestamp(0)").await;
    assert_eq!(bed.tick(&embedder).await.failed, 0);
    assert_eq!(bed.count("agent_memory_embeddings").await, 1);
}

#[tokio::test]
async fn a_text_that_is_refused_keeps_no_other_from_its_vector_and_wrong_dimensions_are_stored_never() {
    let bed = Bed::new().await;
    bed.import(&[memory(1, "red wine"), memory(2, "poison"), memory(3, "white wine")]).await;
    let refusing = Hashed { refuses: Some("poison"), ..Hashed::default() };
    assert_eq!(bed.tick(&refusing).await.failed, 1);
    assert_eq!(bed.count("agent_memory_embeddings").await, 2);
    bed.run("UPDATE memory_work SET not_before = to_timestamp(0)").await;
    let short = Hashed { dimensions: Some(8), ..Hashed::default() };
    assert_eq!(bed.tick(&short).await.failed, 1);
    assert_eq!(bed.count("agent_memory_embeddings").await, 2);
}

#[tokio::test]
async fn each_space_of_vectors_has_an_index_of_its_own() {
    let bed = Bed::new().await;
    bed.import(&[memory(1, "red wine")]).await;
    bed.settle().await;
    memory::store::work::work_ask(&bed.db, &bed.home, &[memory(1, "").id]).await.unwrap();
    bed.tick(&Hashed::in_space("test:other:v1")).await;
    let indexes = "SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%USING hnsw%WHERE (space = %'";
    assert_eq!(bed.ask::<i64>(indexes).await, 2);
    let found = audit(&bed.db, &bed.home).await.unwrap();
    assert_eq!(
        found.stale(&space()).map(|(space, vectors)| (space.as_str(), vectors)).collect::<Vec<_>>(),
        [("test:other:v1", 1)]
    );
}

#[tokio::test]
async fn an_embedder_is_given_no_text_that_it_may_not_see_and_words_find_it() {
    let bed = Bed::new().await;
    let under = |n, title, rule: &str| Memory { residency: Some(rule.parse().unwrap()), ..memory(n, title) };
    bed.import(&[memory(1, "red wine"), under(2, "white wine", "eu"), under(3, "green wine", "west")]).await;
    let embedder = Hashed { sees: Some(vec!["west"]), ..Hashed::default() };
    let done = bed.tick(&embedder).await;
    assert_eq!((done.memories, done.failed), (3, 0), "nothing is tried again");
    let given = embedder.given.lock().unwrap().join(";");
    assert!(given.contains("red") && given.contains("green") && !given.contains("white"), "{given}");
    assert_eq!((bed.count("agent_memory_embeddings").await, bed.count("memory_work").await), (2, 0));
    let shown = memory::store::Shown::under(&["eu".parse().unwrap()]);
    let all = memory::store::search::Filter { shown, ..filter(&["engineer-master"]) };
    assert_eq!(ids(&memory_by_words(&bed.db, &bed.home, &words("white"), &all, 5).await.unwrap()), [2]);
}
