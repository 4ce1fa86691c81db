//! What is forgotten is gone at once, with all that hangs on it, and nothing brings it back.

use memory::lesson::{Taught, lesson_id};
use memory::model::{Memory, MemoryId};
use memory::store::audit::audit;
use memory::store::embedding::vectors_put;
use memory::store::forget::memory_forget;
use memory::store::lesson::lesson_put;
use memory::store::retention::{memories_retire, recalls_retire};
use memory::store::row::memory_find;
use memory::store::search::{memory_by_words, memory_near};
use uuid::Uuid;

use crate::bed::{Bed, Hashed, anywhere, filter, ids, memory, space, vector, words};

fn lesson(of: MemoryId) -> Taught {
    Taught {
        id: lesson_id(of, None),
        memory: of,
        specialization: "engineer-master".parse().unwrap(),
        lesson: "drink water".to_owned(),
        patterns: vec!["wine".to_owned()],
        avoid: false,
        residency: None,
    }
}

async fn forget(bed: &Bed, id: MemoryId) -> Vec<MemoryId> {
    memory_forget(&bed.db, &bed.home, id, "ana", words).await.unwrap()
}

#[tokio::test]
async fn forgetting_takes_the_row_its_twins_vectors_lessons_work_and_counts() {
    let bed = Bed::new().await;
    bed.import(&[memory(2, "white wine")]).await;
    bed.settle().await;
    let counts = "SELECT string_agg(term || documents || ' ' || occurrences, ';' ORDER BY term) FROM memory_terms
                  WHERE documents > 0";
    let before: String = bed.ask(counts).await;
    let (elder, twin) = (memory(1, "red wine"), memory(3, "red wine"));
    bed.import(&[elder.clone(), twin.clone()]).await;
    bed.settle().await;
    lesson_put(&bed.db, &bed.home, &[lesson(elder.id)]).await.unwrap();
    assert_eq!(bed.count("agent_learning_outcomes").await, 1);
    memory::store::work::work_ask(&bed.db, &bed.home, &[elder.id]).await.unwrap();

    let mut gone = forget(&bed, elder.id).await;
    gone.sort();
    assert_eq!(gone, [elder.id, twin.id]);
    assert_eq!(memory_find(&bed.db, &bed.home, &gone, &anywhere()).await.unwrap(), []);
    let left = audit(&bed.db, &bed.home).await.unwrap();
    assert_eq!((left.memories, left.waiting, left.orphaned_vectors, left.orphaned_merges), (1, 0, 0, 0));
    assert_eq!(bed.count("agent_learning_outcomes").await, 0);
    assert_eq!(bed.ask::<String>(counts).await, before, "its words are not counted any more");
    assert_eq!(forget(&bed, elder.id).await, [], "a second time nothing is left");
}

#[tokio::test]
async fn nothing_that_was_forgotten_comes_back() {
    let bed = Bed::new().await;
    let it = memory(1, "red wine");
    bed.import(std::slice::from_ref(&it)).await;
    bed.settle().await;
    forget(&bed, it.id).await;
    let copy = Memory { id: MemoryId(Uuid::from_u128(50)), ..it.clone() };
    assert_eq!(bed.import(&[it.clone(), copy]).await, [], "neither by its id nor by what it says");
    let late = [(it.id, vector("red wine"))];
    assert_eq!(vectors_put(&bed.db, &bed.home, &space(), &late).await.unwrap(), 0, "a vector that comes late");
    lesson_put(&bed.db, &bed.home, &[lesson(it.id)]).await.unwrap();
    assert_eq!(bed.count("agent_learning_outcomes").await, 0, "nor a lesson");
    bed.settle().await;
    let all = filter(&["engineer-master"]);
    let near = memory_near(&bed.db, &bed.home, &space(), &vector("red wine"), &all, 5).await.unwrap();
    let by_words = memory_by_words(&bed.db, &bed.home, &words("wine"), &all, 5).await.unwrap();
    assert_eq!((ids(&near), ids(&by_words)), (vec![], vec![]));
    assert_eq!(bed.count("agent_memory_embeddings").await, 0);
}

/// A vector is being stored, its transaction still open, while its memory is forgotten.
#[tokio::test]
async fn a_vector_that_is_stored_while_its_memory_is_forgotten_goes_with_it() {
    let bed = Bed::new().await;
    let it = memory(1, "red wine");
    bed.import(std::slice::from_ref(&it)).await;
    bed.run(
        "CREATE FUNCTION hold() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
                 PERFORM pg_advisory_xact_lock_shared(7); RETURN NEW;
             END $$;
             CREATE TRIGGER hold BEFORE INSERT ON agent_memory_embeddings FOR EACH ROW EXECUTE FUNCTION hold();
             SELECT pg_advisory_lock(7)",
    )
    .await;
    let (db, home, id) = (bed.db.clone(), bed.home.clone(), it.id);
    let storing = tokio::spawn(async move { vectors_put(&db, &home, &space(), &[(id, vector("red wine"))]).await });
    waits(&bed, "advisory").await;
    let (db, home) = (bed.db.clone(), bed.home.clone());
    let forgetting = tokio::spawn(async move { memory_forget(&db, &home, id, "ana", words).await });
    waits(&bed, "transactionid").await;
    bed.run("SELECT pg_advisory_unlock(7)").await;
    assert_eq!(storing.await.unwrap().unwrap(), 1);
    assert_eq!(forgetting.await.unwrap().unwrap(), [it.id]);
    assert_eq!(bed.count("agent_memory_embeddings").await, 0);
}

async fn waits(bed: &Bed, on: &str) {
    let ask =
        format!("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = '{on}'");
    let waited = tokio::time::timeout(std::time::Duration::from_secs(20), async {
        while bed.ask::<i64>(&ask).await == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    });
    waited.await.expect("the database waits");
}

#[tokio::test]
async fn what_is_too_old_goes_in_batches_but_not_what_stands_for_something_younger() {
    let bed = Bed::new().await;
    bed.import(&[memory(1, "red wine"), memory(2, "white wine"), memory(900, "red wine")]).await;
    bed.settle().await;
    bed.run(
        "INSERT INTO memory_recalls (crdb_region, mission_id, specialization, agent, with_memory, shown, used, success,
             epoch, at) SELECT crdb_region, id, 'a', 'a', true, '{}', '{}', true, 1, created_at FROM agent_memories",
    )
    .await;
    let cutoff = memory(100, "").created_at;
    assert_eq!(memories_retire(&bed.db, &bed.home, cutoff, words).await.unwrap(), 1);
    assert_eq!(memories_retire(&bed.db, &bed.home, cutoff, words).await.unwrap(), 0);
    assert_eq!(recalls_retire(&bed.db, &bed.home, cutoff).await.unwrap(), 2);
    assert_eq!(bed.count("memory_tombstones").await, 0);
    assert_eq!(bed.import(&[memory(2, "white wine")]).await.len(), 1, "it was not forgotten");
    let left = audit(&bed.db, &bed.home).await.unwrap();
    assert_eq!((left.memories, left.orphaned_merges, left.orphaned_vectors), (3, 0, 0));
    assert_eq!(bed.tick(&Hashed::default()).await.memories, 1);
}

#[tokio::test]
async fn a_new_mission_that_says_what_was_forgotten_is_taken_away_before_it_is_found() {
    let bed = Bed::new().await;
    let (it, kept) = (memory(1, "red wine"), memory(2, "white wine"));
    bed.import(&[it.clone(), kept.clone()]).await;
    bed.settle().await;
    forget(&bed, it.id).await;
    let counts = "SELECT string_agg(term || documents || ' ' || occurrences, ';' ORDER BY term) FROM memory_terms
                  WHERE documents > 0";
    let before: String = bed.ask(counts).await;
    // As the completion of a mission stores it: no tombstone is looked at, and its hash comes with its words.
    bed.run(
        "INSERT INTO agent_memories (crdb_region, id, mission_id, specialization, agent, title, description, success,
             success_source, epoch, content_hash, evidence, evidence_succeeded, terms, words, created_at)
         SELECT 'us-west-2', w.id, w.id, w.kind, 'bob', 'red wine', '', true, 'agent', 3, '', 1, 1, '', 0, now()
         FROM (VALUES ('00000000-0000-0000-0000-000000000007'::UUID, 'engineer-master'),
                      ('00000000-0000-0000-0000-000000000008'::UUID, 'secure-specialist')) AS w (id, kind);
         INSERT INTO memory_work (crdb_region, memory_id, kind, epoch, expires_at, attempts, not_before, created_at)
         SELECT m.crdb_region, m.id, 'index', 0, to_timestamp(0), 0, to_timestamp(0), now() FROM agent_memories AS m
         WHERE m.indexed_at IS NULL",
    )
    .await;
    let all = filter(&["engineer-master", "secure-specialist"]);
    let red = words("red");
    let found = async || ids(&memory_by_words(&bed.db, &bed.home, &red, &all, 5).await.unwrap());
    assert_eq!(found().await, [], "without its words it is not found");
    let embedder = Hashed::default();
    assert_eq!(bed.tick(&embedder).await.memories, 2);
    assert_eq!(*embedder.given.lock().unwrap(), [] as [String; 0], "nobody is given its text");
    assert_eq!(found().await, []);
    assert_eq!(bed.ask::<i64>("SELECT count(*) FROM agent_memories").await, 1);
    assert_eq!(bed.ask::<String>(counts).await, before, "its words are not counted");
    assert_eq!((bed.count("memory_tombstones").await, bed.count("memory_work").await), (3, 0));
    assert_eq!(bed.import(&[Memory { id: MemoryId(Uuid::from_u128(8)), ..kept }]).await, [], "its id is forgotten too");
}

#[tokio::test]
async fn forgetting_takes_what_says_exactly_the_same_whoever_left_it() {
    let bed = Bed::new().await;
    let failed = Memory { success: false, evidence_succeeded: 0, ..memory(2, "red wine") };
    let other = crate::bed::memory_of(3, "red wine", "secure-specialist");
    let lawful = Memory { residency: Some("eu".parse().unwrap()), ..memory(4, "red wine") };
    bed.import(&[memory(1, "red wine"), failed, other, lawful, memory(5, "white wine")]).await;
    bed.settle().await;
    let mut gone: Vec<u128> = forget(&bed, memory(1, "").id).await.iter().map(|id| id.0.as_u128()).collect();
    gone.sort_unstable();
    assert_eq!(gone, [1, 2, 3, 4]);
    assert_eq!(bed.count("agent_memories").await, 1);
    assert_eq!(audit(&bed.db, &bed.home).await.unwrap().orphaned_vectors, 0);
}

/// A memory that says the same, of another kind of agent, waits to be indexed while the first one is being forgotten; `held`
/// says at what the forgetting stands still until the lock 7 is let go.
async fn forgetting_held(held: &str) -> (Bed, tokio::task::JoinHandle<Result<Vec<MemoryId>, sql::Error>>) {
    let bed = Bed::new().await;
    bed.import(&[memory(1, "red wine")]).await;
    bed.settle().await;
    bed.import(&[crate::bed::memory_of(2, "red wine", "secure-specialist")]).await;
    bed.run(&format!(
        "CREATE FUNCTION hold() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
             PERFORM pg_advisory_xact_lock_shared(7); RETURN COALESCE(NEW, OLD);
         END $$;
         CREATE TRIGGER hold BEFORE {held} FOR EACH ROW EXECUTE FUNCTION hold();
         SELECT pg_advisory_lock(7)"
    ))
    .await;
    let (db, home) = (bed.db.clone(), bed.home.clone());
    let forgetting = tokio::spawn(async move { memory_forget(&db, &home, memory(1, "").id, "ana", words).await });
    waits(&bed, "advisory").await;
    (bed, forgetting)
}

#[tokio::test]
async fn what_was_indexed_just_before_the_tombstone_is_found_by_who_forgets() {
    let (bed, forgetting) = forgetting_held("DELETE ON agent_memories").await;
    assert_eq!(bed.tick(&Hashed::default()).await.memories, 1);
    assert_eq!(bed.count("agent_memories").await, 2, "no tombstone is seen yet");
    bed.run("SELECT pg_advisory_unlock(7)").await;
    let gone: Vec<u128> = forgetting.await.unwrap().unwrap().iter().map(|id| id.0.as_u128()).collect();
    assert_eq!(gone, [1, 2]);
    assert_eq!((bed.count("agent_memories").await, bed.count("agent_memory_embeddings").await), (0, 0));
}

#[tokio::test]
async fn what_is_indexed_just_after_the_tombstone_is_taken_away_by_who_indexes() {
    let (bed, forgetting) = forgetting_held("INSERT ON memory_tombstones").await;
    let embedder = Hashed::default();
    let let_go = async {
        waits(&bed, "transactionid").await;
        bed.run("SELECT pg_advisory_unlock(7)").await;
    };
    // It began before the tombstone was, and waits for the words' counts.
    let (done, ()) = tokio::join!(bed.tick(&embedder), let_go);
    assert_eq!((done.memories, forgetting.await.unwrap().unwrap()[0]), (1, memory(1, "").id));
    assert_eq!((bed.count("agent_memories").await, bed.count("agent_memory_embeddings").await), (0, 0));
    assert_eq!(bed.count("memory_tombstones").await, 2);
}
