//! The two arms: what they find, in which order, and what they may not show.

use memory::model::Memory;
use memory::store::Shown;
use memory::store::search::{EXACT_BELOW, Filter, memory_by_words, memory_near};
use proptest::prelude::*;

use crate::bed::{Bed, anywhere, filter, ids, memory, memory_of, space, vector, words};

#[tokio::test]
async fn the_nearest_come_first_and_each_says_how_near_it_is() {
    let bed = Bed::new().await;
    bed.import(&[memory(1, "red wine glass"), memory(2, "red wine"), memory(3, "tractor")]).await;
    bed.settle().await;
    let all = filter(&["engineer-master"]);
    let page = memory_near(&bed.db, &bed.home, &space(), &vector("red wine"), &all, 2).await.unwrap();
    assert_eq!((ids(&page), page.complete), (vec![2, 1], true));
    assert!((page.candidates[0].score - 1.0).abs() < 1e-6, "{:?}", page.candidates[0].score);
    assert!((page.candidates[1].score - (2.0_f64 / 3.0).sqrt()).abs() < 1e-6, "{:?}", page.candidates[1].score);
}

#[tokio::test]
async fn any_of_the_words_is_enough_and_more_of_them_are_better() {
    let bed = Bed::new().await;
    bed.import(&[memory(1, "white wine"), memory(2, "red wine it's"), memory(3, "tractor")]).await;
    bed.settle().await;
    let all = filter(&["engineer-master"]);
    let found = |text: &'static str| {
        let (bed, all) = (&bed, &all);
        async move { ids(&memory_by_words(&bed.db, &bed.home, &words(text), all, 9).await.unwrap()) }
    };
    assert_eq!(found("red wine somewhere").await, [2, 1]);
    assert_eq!(found("nowhere").await, [] as [u128; 0]);
    assert_eq!(found("").await, [] as [u128; 0]);
    let odd = ["it's".to_owned(), "a\\b'|'c".to_owned(), String::new()];
    assert_eq!(memory_by_words(&bed.db, &bed.home, &odd, &all, 9).await.unwrap().candidates.len(), 0);
}

#[tokio::test]
async fn filters_leave_out_what_they_say() {
    let bed = Bed::new().await;
    let failed = Memory { success: false, ..memory(2, "red wine two") };
    let eves = Memory { agent: "eve".to_owned(), ..memory(3, "red wine three") };
    bed.import(&[memory(1, "red wine one"), failed, eves, memory_of(4, "red wine four", "document-ninja")]).await;
    bed.settle().await;
    let own = filter(&["engineer-master"]);
    let cases = [
        (own.clone(), vec![1, 2, 3]),
        (Filter { success: Some(false), ..own.clone() }, vec![2]),
        (Filter { success: Some(true), ..own.clone() }, vec![1, 3]),
        (Filter { agent: Some("eve".to_owned()), ..own.clone() }, vec![3]),
        (filter(&["document-ninja"]), vec![4]),
        (filter(&["document-ninja", "engineer-master"]), vec![1, 2, 3, 4]),
        (filter(&[]), vec![]),
    ];
    for (filter, wanted) in cases {
        let near = memory_near(&bed.db, &bed.home, &space(), &vector("red wine"), &filter, 9).await.unwrap();
        let by_words = memory_by_words(&bed.db, &bed.home, &words("wine"), &filter, 9).await.unwrap();
        for page in [near, by_words] {
            let mut found = ids(&page);
            found.sort_unstable();
            assert_eq!((found, page.complete), (wanted.clone(), true), "{filter:?}");
        }
    }
}

/// More vectors than are read whole: the index answers, and a page that a filter leaves short is filled exactly.
#[tokio::test]
async fn a_page_under_a_rare_filter_is_full_beyond_what_the_index_gives() {
    let bed = Bed::new().await;
    many(&bed, EXACT_BELOW + 700).await;
    let all = filter(&["engineer-master"]);
    let asked = vector("word3 word5");
    let near = memory_near(&bed.db, &bed.home, &space(), &asked, &all, 10).await.unwrap();
    assert_eq!((near.candidates.len(), near.complete), (10, true));
    // One in a hundred failed; none of them is among the forty nearest.
    let rare = Filter { success: Some(false), ..all.clone() };
    let near = memory_near(&bed.db, &bed.home, &space(), &asked, &rare, 10).await.unwrap();
    assert_eq!((near.candidates.len(), near.complete), (10, true));
    assert!(near.candidates.iter().all(|one| !one.stored.memory.success));
    let few = Filter { specializations: vec!["document-ninja".parse().unwrap()], ..all };
    let near = memory_near(&bed.db, &bed.home, &space(), &asked, &few, 10).await.unwrap();
    assert_eq!((near.candidates.len(), near.complete), (0, true), "honestly short");
}

/// Memories with vectors, made by the database itself.
pub(crate) async fn many(bed: &Bed, count: i64) {
    memory::store::embedding::space_open(&bed.db, &space()).await.unwrap();
    bed.run(&format!(
        "SELECT setseed(0.5);
         INSERT INTO agent_memories (crdb_region, id, specialization, agent, title, description, success, success_source,
             epoch, content_hash, evidence, evidence_succeeded, terms, words, created_at, indexed_at)
         SELECT 'us-west-2', gen_random_uuid(), 'engineer-master', 'agent ' || n % 50, 'title ' || n, '', n % 100 > 0,
             'agent', 0, md5(n::TEXT), 1, 1,
             ('''word' || n % 97 || ''':1 ''other' || n % 89 || ''':2 ''common'':3')::TSVECTOR, 3,
             to_timestamp(n), now()
         FROM generate_series(1, {count}) AS n;
         INSERT INTO agent_memory_embeddings (crdb_region, memory_id, space, residency, specialization, embedding)
         SELECT m.crdb_region, m.id, 'test:hashed:v1', '', m.specialization,
             (SELECT array_agg(random() - 0.5 + length(m.title) * 0 ORDER BY d)::VECTOR FROM generate_series(1, 1536) AS d)
         FROM agent_memories AS m;
         ANALYZE agent_memories; ANALYZE agent_memory_embeddings"
    ))
    .await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// Residency is respected by both arms, whatever may be shown (P4).
    #[test]
    fn what_is_under_a_rule_is_shown_only_where_the_rule_may_be(
        rules in proptest::collection::vec(0_usize..4, 1..12),
        may in proptest::collection::btree_set(1_usize..4, 0..3),
    ) {
        let names = ["", "eu", "us", "uk"];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bed = Bed::new().await;
            let memories: Vec<Memory> = rules
                .iter()
                .enumerate()
                .map(|(n, rule)| Memory { residency: names[*rule].parse().ok(), ..memory(n as u128 + 1, &format!("wine {n}")) })
                .collect();
            bed.import(&memories).await;
            bed.settle().await;
            let may: Vec<_> = may.iter().map(|rule| names[*rule].parse().unwrap()).collect();
            let filter = Filter { shown: Shown::under(&may), ..filter(&["engineer-master"]) };
            let lawful = memories.iter().filter(|one| one.residency.as_ref().is_none_or(|rule| may.contains(rule)));
            let wanted: Vec<u128> = lawful.map(|one| one.id.0.as_u128()).collect();
            let near = memory_near(&bed.db, &bed.home, &space(), &vector("wine"), &filter, 50).await.unwrap();
            let by_words = memory_by_words(&bed.db, &bed.home, &words("wine"), &filter, 50).await.unwrap();
            for page in [near, by_words] {
                let mut found = ids(&page);
                found.sort_unstable();
                assert_eq!(found, wanted);
            }
        });
    }
}

#[tokio::test]
async fn nothing_under_a_rule_is_shown_where_no_rule_is_named() {
    let bed = Bed::new().await;
    let eu = Memory { residency: Some("eu".parse().unwrap()), ..memory(1, "red wine") };
    bed.import(std::slice::from_ref(&eu)).await;
    bed.settle().await;
    let found = memory::store::row::memory_find(&bed.db, &bed.home, &[eu.id], &anywhere()).await.unwrap();
    assert_eq!(found, []);
}
