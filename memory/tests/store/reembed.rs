//! A move to another space of vectors, while memories come.

use memory::embed::{Error, Space};
use memory::model::Memory;
use memory::reembed::{self, Move, Moved};
use memory::store::embedding::{space_close, vectors_drop, vectors_left};
use memory::store::search::memory_near;

use crate::bed::{Bed, Hashed, filter, ids, memory, space, vector};

const OTHER: &str = "test:other:v1";
/// The index of a space, by its name's hash.
const INDEX_THERE: &str =
    "SELECT to_regclass('agent_memory_embeddings_' || left(md5('test:hashed:v1'), 16)) IS NOT NULL";

/// Memories that say nothing alike.
fn memories(numbers: std::ops::RangeInclusive<u128>) -> Vec<Memory> {
    numbers.map(|n| memory(n, &format!("wine{n} of field{n} by hand{n}"))).collect()
}

/// Steps to the end.
async fn finish(moving: &mut Move<'_, Hashed>) -> Moved {
    while moving.step().await.unwrap() {}
    moving.moved()
}

#[tokio::test]
async fn a_move_that_is_left_half_way_goes_on_and_finds_what_came_meanwhile() {
    let bed = Bed::new().await;
    bed.import(&memories(101..=300)).await;
    bed.settle().await;
    let other = Hashed::in_space(OTHER);
    let mut first = Move::new(&bed.db, &bed.home, &other);
    assert!(first.step().await.unwrap());
    let stored = first.moved().stored;
    assert!(stored > 0 && stored < 200, "a step is bounded: {stored}");

    let mut second = Move::new(&bed.db, &bed.home, &other);
    assert!(second.step().await.unwrap());
    // Before and after where it is, by schedulers that still use the old space.
    bed.import(&memories(1..=50)).await;
    bed.import(&memories(401..=410)).await;
    bed.settle().await;
    let moved = finish(&mut second).await;
    assert_eq!(moved, Moved { stored: 260 - stored, withheld: 0, refused: 0 });
    assert_eq!(vectors_left(&bed.db, &bed.home, other.space.as_ref().unwrap()).await.unwrap(), 0);
    let near = |space: Space| {
        let (db, home) = (bed.db.clone(), bed.home.clone());
        let asked = vector("wine7 of field7 by hand7");
        async move { memory_near(&db, &home, &space, &asked, &filter(&["engineer-master"]), 1).await.unwrap() }
    };
    assert_eq!(ids(&near(Space::new(OTHER)).await), [7]);
    assert_eq!(ids(&near(space()).await), [7], "the old space is searched until it is dropped");

    assert!(!space_close(&bed.db, &space()).await.unwrap(), "it has vectors");
    while vectors_drop(&bed.db, &bed.home, &space(), 100).await.unwrap() > 0 {}
    assert!(bed.ask::<bool>(INDEX_THERE).await);
    assert!(space_close(&bed.db, &space()).await.unwrap());
    assert!(!bed.ask::<bool>(INDEX_THERE).await);
    assert_eq!(ids(&near(Space::new(OTHER)).await), [7]);
    assert_eq!(bed.count("agent_memory_embeddings").await, 260);
}

#[tokio::test]
async fn an_index_in_use_is_left_and_another_home_keeps_it() {
    let bed = Bed::new().await;
    bed.import(&memories(1..=3)).await;
    bed.settle().await;
    bed.run(
        "UPDATE agent_memory_embeddings SET crdb_region = 'eu-west-1' WHERE memory_id = (
                 SELECT min(memory_id::TEXT)::UUID FROM agent_memory_embeddings)",
    )
    .await;
    while vectors_drop(&bed.db, &bed.home, &space(), 100).await.unwrap() > 0 {}
    assert!(!space_close(&bed.db, &space()).await.unwrap());
    bed.run("DELETE FROM agent_memory_embeddings; BEGIN; SELECT count(*) FROM agent_memory_embeddings").await;
    assert!(!space_close(&bed.db, &space()).await.unwrap(), "a search holds the table");
    bed.run("COMMIT").await;
    assert!(bed.ask::<bool>(INDEX_THERE).await);
    assert!(space_close(&bed.db, &space()).await.unwrap());
}

#[tokio::test]
async fn what_may_not_be_seen_or_is_refused_is_counted_once_and_keeps_no_other_from_its_vector() {
    let bed = Bed::new().await;
    let lawful = Memory { residency: Some("eu".parse().unwrap()), ..memory(1, "white wine") };
    bed.import(&[lawful, memory(2, "poison"), memory(3, "red wine"), memory(4, "green wine")]).await;
    let other = Hashed { refuses: Some("poison"), sees: Some(vec![]), ..Hashed::in_space(OTHER) };
    let moved = finish(&mut Move::new(&bed.db, &bed.home, &other)).await;
    assert_eq!(moved, Moved { stored: 2, withheld: 1, refused: 1 });
    assert!(!other.given.lock().unwrap().join(";").contains("white"));
    let open = Hashed { sees: Some(vec!["eu"]), ..Hashed::in_space(OTHER) };
    let moved = finish(&mut Move::new(&bed.db, &bed.home, &open)).await;
    assert_eq!(moved, Moved { stored: 2, withheld: 0, refused: 0 });
}

#[tokio::test]
async fn an_embedder_that_fails_or_refuses_everything_ends_the_move_and_what_is_stored_stays() {
    let bed = Bed::new().await;
    bed.import(&memories(1..=150)).await;
    let other = Hashed::in_space(OTHER);
    let mut moving = Move::new(&bed.db, &bed.home, &other);
    assert!(moving.step().await.unwrap());
    other.failures.lock().unwrap().push(Error::Unavailable("down".to_owned()));
    let error = moving.step().await.unwrap_err();
    assert!(matches!(error, reembed::Error::Embedder(Error::Unavailable(_))), "{error:?}");
    let stored = bed.count("agent_memory_embeddings").await.unsigned_abs();
    assert_eq!((stored, moving.moved().stored), (64, 64));
    assert_eq!(finish(&mut moving).await.stored, 150, "the step may be done again");
    let refusing = Hashed { refuses: Some("wine"), ..Hashed::in_space("test:third:v1") };
    let error = Move::new(&bed.db, &bed.home, &refusing).step().await.unwrap_err();
    assert!(matches!(error, reembed::Error::Embedder(Error::Refused(_))), "{error:?}");
}
