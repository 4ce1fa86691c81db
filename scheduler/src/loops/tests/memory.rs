//! Memories are indexed by the schedulers of their own home alone.

use std::sync::Arc;

use ::memory::embed::{DIMENSIONS, Embedder, Error, Space};
use ::memory::work::indexer;
use sql::Statement;

use super::rig::Rig;
use crate::loops::context::Context;
use crate::loops::memory::tick;

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
