//! Plans of the two arms, for the parameters that they have: which scans they are made of.

use pgvector::Vector;
use sql::Engine;
use tokio_postgres::types::{ToSql, Type};

use crate::bed::{Bed, vector};
use crate::search::many;

/// What a plan reads: indexes by name, and tables that it reads from end to end, each once.
async fn scans(bed: &Bed, name: &str, params: &[&(dyn ToSql + Sync)]) -> String {
    let statement = memory::store::statements().into_iter().find(|one| one.name == name).unwrap();
    for (name, value) in Engine::Postgres.planner_settings() {
        bed.run(&format!("SET {name} = {value}")).await;
    }
    let types: Vec<Type> = bed.raw.prepare(statement.text).await.unwrap().params().to_vec();
    let typed: Vec<_> = params.iter().copied().zip(types).collect();
    let text = format!("EXPLAIN (COSTS OFF) {}", statement.text);
    let rows = bed.raw.query_typed(&text, &typed).await.unwrap();
    let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    sql::plan::scans(lines.iter().map(String::as_str))
}

#[tokio::test]
async fn both_arms_go_by_their_indexes() {
    let bed = Bed::new().await;
    many(&bed, 3_000).await;
    let (home, space, shown, kinds) = ("us-west-2", "test:hashed:v1", vec![""], vec!["engineer-master"]);
    let asked = Vector::from(vector("word3"));
    let (success, agent, ada) = (None::<bool>, None::<&str>, Some("agent 7"));
    let near: [&(dyn ToSql + Sync); 9] = [&home, &space, &shown, &kinds, &asked, &success, &agent, &10_i64, &40_i64];
    insta::assert_snapshot!(scans(&bed, "memory_near", &near).await, @"agent_memories_pkey, agent_memory_embeddings_45900682cffdbd35");
    let own: [&(dyn ToSql + Sync); 9] = [&home, &space, &shown, &kinds, &asked, &success, &ada, &10_i64, &40_i64];
    insta::assert_snapshot!(scans(&bed, "memory_near_filtered", &own).await, @"agent_memories_agent, agent_memories_pkey, agent_memory_embeddings_pkey");
    let query = "'word3'|'other5'";
    let words: [&(dyn ToSql + Sync); 8] = [&home, &query, &shown, &kinds, &success, &agent, &5_000_i64, &10_i64];
    insta::assert_snapshot!(scans(&bed, "memory_by_words", &words).await, @"agent_memories_pkey, agent_memories_terms");
    let few = vec!["document-ninja"];
    let count: [&(dyn ToSql + Sync); 5] = [&home, &space, &shown, &few, &500_i64];
    insta::assert_snapshot!(scans(&bed, "memory_vectors_count", &count).await, @"agent_memory_embeddings_part");
}
