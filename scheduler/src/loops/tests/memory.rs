//! Memories are indexed, and missions that used them counted, by the schedulers of their own home alone.

use std::sync::Arc;
use std::time::Duration;

use ::memory::embed::{DIMENSIONS, Embedder, Error, Space};
use ::memory::work::indexer;
use sql::Statement;

use super::rig::Rig;
use crate::loops::context::Context;
use crate::loops::memory::{retire, tick};
use crate::loops::ticker::More;

/// One memory in each of two homes, not indexed yet.
const MEMORIES: Statement = sql::statement!(
    "test_memories",
    once,
    "WITH stored AS (
         INSERT INTO agent_memories (crdb_region, id, specialization, agent, title, description, success, success_source,
             epoch, content_hash, evidence, evidence_succeeded, terms, words, created_at)
         SELECT w.home::crdb_internal_region, gen_random_uuid(), 'engineer', 'a', w.home, '', true, 'agent', 1, '', 1, 1,
             ''::TSVECTOR, 0, now()
         FROM unnest($1::TEXT[]) AS w (home)
         RETURNING crdb_region, id
     )
     INSERT INTO memory_work (crdb_region, memory_id, kind, epoch, expires_at, attempts, not_before, created_at)
     SELECT s.crdb_region, s.id, 'index', 0, to_timestamp(0), 0, to_timestamp(0), now() FROM stored AS s"
);

const INDEXED: Statement = sql::statement!(
    "test_indexed",
    idempotent,
    "SELECT m.title FROM agent_memories AS m JOIN agent_memory_embeddings AS e ON e.memory_id = m.id
     WHERE m.indexed_at IS NOT NULL"
);

/// A memory and a line of the recall log in each of two homes, of so many hours ago.
const OLD: Statement = sql::statement!(
    "test_old",
    once,
    "WITH logged AS (
         INSERT INTO memory_recalls (crdb_region, mission_id, specialization, agent, with_memory, shown, used, success,
             epoch, at)
         SELECT w.home::crdb_internal_region, gen_random_uuid(), 'engineer', 'a', true, '{}', '{}', true, 1,
             now() - $2::INT8 * INTERVAL '1 hour'
         FROM unnest($1::TEXT[]) AS w (home) RETURNING mission_id
     )
     INSERT INTO agent_memories (crdb_region, id, specialization, agent, title, description, success, success_source,
         epoch, content_hash, evidence, evidence_succeeded, terms, words, created_at)
     SELECT w.home::crdb_internal_region, gen_random_uuid(), 'engineer', 'a', w.home, '', true, 'agent', 1, '', 1, 1,
         ''::TSVECTOR, 0, now() - $2::INT8 * INTERVAL '1 hour'
     FROM unnest($1::TEXT[]) AS w (home)"
);

/// How many of each are in a home.
const KEPT: Statement = sql::statement!(
    "test_kept",
    idempotent,
    "SELECT (SELECT count(*) FROM agent_memories WHERE crdb_region = $1::TEXT::crdb_internal_region),
            (SELECT count(*) FROM memory_recalls WHERE crdb_region = $1::TEXT::crdb_internal_region)"
);

/// In two homes a mission each that used all memories.
const USES: Statement = sql::statement!(
    "test_uses",
    once,
    "INSERT INTO memory_recalls (crdb_region, mission_id, specialization, agent, with_memory, shown, used, success, epoch,
         at, count_at)
     SELECT w.home::crdb_internal_region, gen_random_uuid(), 'engineer', 'a', true, '{}',
            (SELECT array_agg(m.id) FROM agent_memories AS m), true, 1, now(), now()
     FROM unnest($1::TEXT[]) AS w (home)"
);

const SOLVED: Statement =
    sql::statement!("test_solved", once, "UPDATE agent_memories SET solution_approach = 'Do ' || title || '.'");

const LESSONS: Statement = sql::statement!(
    "test_lessons",
    idempotent,
    "SELECT l.crdb_region::TEXT || ': ' || l.lesson FROM agent_learning_outcomes AS l WHERE l.succeeded = 1 ORDER BY 1"
);

/// The same vector for all.
struct Flat(Space);

impl Embedder for Flat {
    fn space(&self) -> &Space {
        &self.0
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        let mut vector = vec![0.0; DIMENSIONS];
        vector[0] = 1.0;
        Ok(vec![vector; texts.len()])
    }
}

async fn scheduler(rig: &Rig, region: &str) -> Arc<Context> {
    let mut context = rig.scheduler(region).await;
    let words = |text: &str| vec![text.to_owned()];
    Arc::get_mut(&mut context).expect("nobody else has it").index =
        Some(indexer(Arc::new(Flat(Space::new("test:flat:v1"))), words));
    context
}

#[tokio::test]
async fn a_scheduler_indexes_the_memories_of_its_own_home_and_of_no_other() {
    let rig = Rig::new().await;
    rig.everywhere().await;
    rig.db.execute(&MEMORIES, &[&vec!["us-west-2", "eu-west-1"]]).await.unwrap();
    tick(scheduler(&rig, "us-west").await).await.unwrap();
    let indexed = || async {
        let rows = rig.db.query(&INDEXED, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect::<Vec<String>>()
    };
    assert_eq!(indexed().await, ["us-west-2"]);
    tick(scheduler(&rig, "europe-west").await).await.unwrap();
    assert_eq!(indexed().await.len(), 2);
}

#[tokio::test]
async fn old_memories_and_recalls_go_from_the_own_home_when_they_are_not_kept_any_longer() {
    let rig = Rig::new().await;
    rig.everywhere().await;
    let homes = vec!["us-west-2", "eu-west-1"];
    for hours in [1_i64, 30, 3_000] {
        rig.db.execute(&OLD, &[&homes, &hours]).await.unwrap();
    }
    let kept = async |home: &str| {
        let row = rig.db.query_one(&KEPT, &[&home]).await.unwrap();
        (row.get::<_, i64>(0), row.get::<_, i64>(1))
    };
    let mut west = rig.scheduler("us-west").await;
    retire(Arc::clone(&west)).await.unwrap();
    assert_eq!(kept("us-west-2").await, (3, 2), "memories for ever, recalls for 90 days, where nothing else is said");
    let retention = &mut Arc::get_mut(&mut west).expect("nobody else has it").retention;
    retention.memories = Some(Duration::from_hours(24));
    retention.recalls = Duration::from_hours(24);
    let other = rig.scheduler("us-west").await;
    retire(Arc::clone(&other)).await.unwrap();
    assert_eq!(kept("us-west-2").await, (3, 2), "one scheduler a home does it");
    retire(Arc::clone(&west)).await.unwrap();
    assert_eq!(kept("us-west-2").await, (1, 1));
    assert_eq!(kept("eu-west-1").await, (3, 3), "what is in another home is read there alone");
}

#[tokio::test]
async fn old_memories_go_in_bounded_batches() {
    let rig = Rig::new().await;
    rig.everywhere().await;
    rig.db.execute(&OLD, &[&vec!["us-west-2"; 250], &30_i64]).await.unwrap();
    let mut west = rig.scheduler("us-west").await;
    Arc::get_mut(&mut west).expect("nobody else has it").retention.memories = Some(Duration::from_hours(24));
    assert!(matches!(retire(Arc::clone(&west)).await.unwrap(), More::Left));
    assert_eq!(rig.db.query_one(&KEPT, &[&"us-west-2"]).await.unwrap().get::<_, i64>(0), 50);
    assert!(matches!(retire(Arc::clone(&west)).await.unwrap(), More::Done));
    assert_eq!(rig.db.query_one(&KEPT, &[&"us-west-2"]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn a_scheduler_counts_the_missions_of_its_own_home_whatever_home_the_memories_have_that_they_used() {
    let rig = Rig::new().await;
    rig.everywhere().await;
    let homes = vec!["us-west-2", "eu-west-1"];
    rig.db.execute(&MEMORIES, &[&homes]).await.unwrap();
    rig.db.execute(&SOLVED, &[]).await.unwrap();
    rig.db.execute(&USES, &[&homes]).await.unwrap();
    let lessons = || async {
        let rows = rig.db.query(&LESSONS, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect::<Vec<String>>()
    };
    tick(scheduler(&rig, "us-west").await).await.unwrap();
    assert_eq!(lessons().await, ["us-west-2: Do eu-west-1.", "us-west-2: Do us-west-2."]);
    tick(scheduler(&rig, "europe-west").await).await.unwrap();
    assert_eq!(lessons().await.len(), 4);
}
