//! Missions that used a memory are evidence of what it teaches, each once, and where residency allows.

use std::collections::BTreeSet;

use memory::evidence::{Done, Place, tick};
use memory::lessons::Lessons;
use memory::model::SuccessSource::{Merge, Review};
use memory::model::{Memory, MemoryId};
use memory::recall::Settings;
use memory::store::Shown;
use memory::store::forget::memory_forget;
use memory::store::import::memory_import;
use memory::store::lesson::{Change, Count, lesson_count, lesson_list};
use memory::store::success::success_change;
use memory::store::uses::uses_due;
use memory::text::terms;
use sql::Lane;
use sql::relay::Mode;
use topology::{DatabaseRegion, RegionName, Topology};
use uuid::Uuid;

use crate::bed::{Bed, anywhere, memory};

fn topology() -> Topology {
    parsed("")
}

/// Three regions, and what else is written.
fn parsed(more: &str) -> Topology {
    let text = format!(
        "
version: 1
regions:
  - {{ name: america, provider: AWS, region: us-west-2, agents: [engineer-master (primary: 1 replicas)] }}
  - {{ name: europe, provider: AWS, region: eu-west-1, agents: [engineer-master (replica: 1)] }}
  - {{ name: asia, provider: AWS, region: ap-northeast-1, agents: [engineer-master (replica: 1)] }}
{more}
residency: {{ eu: [europe], us: [america], atlantic: [europe, america], pacific: [america, asia] }}
"
    );
    topology::config::parse(&text, "topology.yaml").unwrap().topology
}

/// A memory of a problem whose solution is told.
fn solved(n: u128) -> Memory {
    Memory { solution: Some(format!("Use cork {n}.")), ..memory(n, &format!("red wine spills{n} everywhere")) }
}

fn under(rule: &str, memory: Memory) -> Memory {
    Memory { residency: Some(rule.parse().unwrap()), ..memory }
}

/// Mission `n` ended in the home and says that it used these memories.
async fn used(bed: &Bed, n: u128, memories: &[u128], success: bool, rule: Option<&str>) {
    let ids: Vec<String> = memories.iter().map(|id| format!("'{}'::UUID", Uuid::from_u128(*id))).collect();
    let (mission, ids, rule) = (Uuid::from_u128(n), ids.join(","), rule.unwrap_or_default());
    bed.run(&format!(
        "INSERT INTO memory_recalls (crdb_region, mission_id, specialization, agent, with_memory, shown, used, success,
             residency, epoch, at, count_at)
         VALUES ('us-west-2', '{mission}', 'writer', 'a', true, '{{}}', ARRAY[{ids}]::UUID[], {success},
             NULLIF('{rule}', ''), 1, now(), now())"
    ))
    .await;
}

async fn count_by(bed: &Bed, topology: &Topology) -> Done {
    let here: RegionName = "america".parse().unwrap();
    tick(&bed.db, Place { topology, here: &here, home: &bed.home }).await.unwrap()
}

/// One tick of who counts in America.
async fn count(bed: &Bed) -> Done {
    count_by(bed, &topology()).await
}

/// Every lesson: memory, rule, successes, failures.
async fn evidence(bed: &Bed) -> Vec<(u128, String, i64, i64)> {
    let rows = bed.raw.query(
        "SELECT memory_id, COALESCE(residency, ''), succeeded, failed FROM agent_learning_outcomes ORDER BY 1, 2",
        &[],
    );
    let rows = rows.await.unwrap();
    rows.iter().map(|row| (row.get::<_, Uuid>(0).as_u128(), row.get(1), row.get(2), row.get(3))).collect()
}

fn of(id: u128, succeeded: i64, failed: i64) -> (u128, String, i64, i64) {
    (id, String::new(), succeeded, failed)
}

#[tokio::test]
async fn a_mission_counts_once_for_what_the_memories_teach_that_it_used() {
    let bed = Bed::new().await;
    bed.import(&[solved(1), solved(2), memory(3, "white wine")]).await;
    bed.settle().await;
    used(&bed, 101, &[1], true, None).await;
    used(&bed, 102, &[1, 2, 3], false, None).await;
    used(&bed, 103, &[], true, None).await;
    // Its own memory, of when it ran before.
    used(&bed, 2, &[2], true, None).await;
    assert_eq!(count(&bed).await, Done { missions: 4, postponed: 0, more: false });
    let wanted = [of(1, 1, 1), of(2, 0, 1)];
    assert_eq!(evidence(&bed).await, wanted, "who tells no solution teaches nothing");
    assert_eq!(count(&bed).await, Done::default(), "nothing is left");
    bed.settle().await;
    assert_eq!(evidence(&bed).await, wanted);

    let kinds = ["engineer-master".parse().unwrap()];
    let lessons = lesson_list(&bed.db, &bed.home, &kinds, &anywhere(), 9).await.unwrap();
    let first = lessons.iter().find(|one| one.taught.memory.0.as_u128() == 1).unwrap();
    assert_eq!((first.taught.lesson.as_str(), first.taught.avoid), ("Use cork 1.", false));
    // Words that others have too, the rarest first, and then its own.
    assert_eq!(first.taught.patterns[0], "red");
    assert_eq!(first.taught.patterns.last().map(String::as_str), Some("spills1"));
}

#[tokio::test]
async fn two_that_count_the_same_missions_at_once_count_each_once() {
    let bed = Bed::new().await;
    bed.import(&[solved(1)]).await;
    bed.settle().await;
    for n in 100..150 {
        used(&bed, n, &[1], n % 5 != 0, None).await;
    }
    let (topology, here) = (topology(), "america".parse().unwrap());
    let place = Place { topology: &topology, here: &here, home: &bed.home };
    let all = futures_util::future::join_all((0..3).map(|_| tick(&bed.db, place))).await;
    // One of two may be the victim of a deadlock: it comes again.
    assert!(all.iter().any(Result::is_ok), "{all:?}");
    count(&bed).await;
    assert_eq!(evidence(&bed).await, [of(1, 40, 10)]);
}

#[tokio::test]
async fn what_was_read_before_somebody_else_counted_it_counts_for_nothing() {
    let bed = Bed::new().await;
    bed.import(&[solved(1)]).await;
    bed.settle().await;
    used(&bed, 101, &[1], true, None).await;
    let clock = bed.db.clock().await.unwrap();
    let read = uses_due(&bed.db, &bed.home, &anywhere(), clock, 9).await.unwrap();
    count(&bed).await;
    let lesson = memory::lesson::lesson_id(MemoryId(Uuid::from_u128(1)), None);
    let late = Count {
        mission: read[0].mission,
        count_at: read[0].count_at,
        lessons: vec![lesson],
        changes: vec![Change { lesson, succeeded: 1, failed: 0 }],
    };
    lesson_count(&bed.db, &bed.home, std::slice::from_ref(&late)).await.unwrap();
    assert_eq!(evidence(&bed).await, [of(1, 1, 0)]);
    // Nor where the line has changed since, and is to be counted anew.
    bed.run("UPDATE memory_recalls SET success = false, count_at = now()").await;
    lesson_count(&bed.db, &bed.home, &[late]).await.unwrap();
    assert_eq!(evidence(&bed).await, [of(1, 1, 0)]);
    count(&bed).await;
    assert_eq!(evidence(&bed).await, [of(1, 0, 1)]);
}

#[tokio::test]
async fn who_dies_half_way_or_loses_the_answer_counts_each_mission_once() {
    let bed = Bed::new().await;
    bed.import(&[solved(1)]).await;
    bed.settle().await;
    let (relay, gateways) = bed.relayed().await;
    let db = gateways.lane(Lane::Upkeep);
    let (topology, here) = (topology(), "america".parse().unwrap());
    let place = Place { topology: &topology, here: &here, home: &bed.home };

    used(&bed, 101, &[1], true, None).await;
    relay.set(Mode::CutBefore("lesson_count".to_owned()));
    tick(&db, place).await.unwrap_err();
    assert_eq!(evidence(&bed).await, [of(1, 0, 0)], "the lesson is there, its evidence is not");
    let kinds = ["engineer-master".parse().unwrap()];
    assert_eq!(lesson_list(&bed.db, &bed.home, &kinds, &anywhere(), 9).await.unwrap(), [], "and it is not told");
    count(&bed).await;
    assert_eq!(evidence(&bed).await, [of(1, 1, 0)]);

    used(&bed, 102, &[1], true, None).await;
    let (relay, gateways) = bed.relayed().await;
    relay.set(Mode::CutAfter("lesson_count".to_owned()));
    tick(&gateways.lane(Lane::Upkeep), place).await.unwrap();
    assert_eq!(relay.cuts(), 1, "the answer was lost");
    count(&bed).await;
    assert_eq!(evidence(&bed).await, [of(1, 2, 0)]);
}

#[tokio::test]
async fn what_a_review_says_later_and_what_runs_again_takes_back_what_it_counted() {
    let bed = Bed::new().await;
    bed.import(&[solved(1), solved(2), solved(101)]).await;
    bed.settle().await;
    used(&bed, 101, &[1], true, None).await;
    count(&bed).await;
    let judged = MemoryId(Uuid::from_u128(101));
    for (success, source, wanted) in
        [(false, Review, of(1, 0, 1)), (true, Review, of(1, 1, 0)), (false, Merge, of(1, 0, 1))]
    {
        success_change(&bed.db, &bed.home, judged, success, source).await.unwrap();
        count(&bed).await;
        assert_eq!(evidence(&bed).await, [wanted], "{source:?} {success}");
    }
    success_change(&bed.db, &bed.home, judged, true, Review).await.unwrap();
    assert_eq!(count(&bed).await, Done::default(), "a merge has the last word");

    let again = format!(
        "UPDATE memory_recalls SET used = ARRAY['{}'::UUID], success = true, epoch = 2, count_at = now()",
        Uuid::from_u128(2)
    );
    bed.run(&again).await;
    count(&bed).await;
    assert_eq!(evidence(&bed).await, [of(1, 0, 0), of(2, 1, 0)]);
}

#[tokio::test]
async fn what_was_merged_counts_for_the_older_one_once() {
    let bed = Bed::new().await;
    let said = |n| Memory { solution: Some("Use a cork.".to_owned()), ..memory(n, "red wine") };
    bed.import(&[said(1), said(2)]).await;
    bed.settle().await;
    used(&bed, 101, &[2], true, None).await;
    used(&bed, 102, &[1, 2], true, None).await;
    count(&bed).await;
    assert_eq!(evidence(&bed).await, [of(1, 2, 0)]);
    // A mission that left the same as it was told is the memory's evidence, or nobody's: it named nothing as used.
    assert_eq!(bed.ask::<i64>("SELECT evidence FROM agent_memories ORDER BY id LIMIT 1").await, 2);
}

#[tokio::test]
async fn a_memory_of_another_home_teaches_here_and_is_waited_for_where_its_home_does_not_answer() {
    let bed = Bed::new().await;
    let europe: DatabaseRegion = "eu-west-1".parse().unwrap();
    memory_import(&bed.db, &europe, &[solved(1)]).await.unwrap();
    used(&bed, 101, &[1], true, None).await;
    used(&bed, 102, &[9], true, None).await;
    // A home that this database does not know does not answer.
    let more = "  - { name: moon, provider: AWS, region: eu-north-1, agents: [engineer-master (replica: 1)] }";
    assert_eq!(count_by(&bed, &parsed(more)).await, Done { missions: 1, postponed: 1, more: false });
    assert_eq!(evidence(&bed).await, [of(1, 1, 0)]);
    assert_eq!(bed.ask::<String>("SELECT crdb_region::TEXT FROM agent_learning_outcomes").await, "us-west-2");
    assert_eq!(count(&bed).await, Done::default(), "it waits");
    bed.run("UPDATE memory_recalls SET count_at = now() WHERE count_at IS NOT NULL").await;
    assert_eq!(count(&bed).await, Done { missions: 1, postponed: 0, more: false }, "it is in no home");
    assert_eq!(evidence(&bed).await, [of(1, 1, 0)]);
}

#[tokio::test]
async fn a_lesson_is_under_the_stricter_rule_and_nowhere_where_neither_covers_the_other() {
    let bed = Bed::new().await;
    let europe: DatabaseRegion = "eu-west-1".parse().unwrap();
    bed.import(&[solved(1), under("atlantic", solved(2))]).await;
    memory_import(&bed.db, &europe, &[under("eu", solved(3))]).await.unwrap();
    bed.settle().await;
    used(&bed, 101, &[1, 2], true, None).await;
    used(&bed, 102, &[1, 2], false, Some("us")).await;
    used(&bed, 103, &[2], true, Some("pacific")).await;
    used(&bed, 104, &[3], true, None).await;
    used(&bed, 105, &[1], true, Some("eu")).await;
    let done = count(&bed).await;
    // What only Europe may read is left to Europe: 104's memory, and the line of 105 itself.
    assert_eq!(done, Done { missions: 3, postponed: 1, more: false });
    let rule = |id, rule: &str, succeeded, failed| (id, rule.to_owned(), succeeded, failed);
    let wanted = [of(1, 1, 0), rule(1, "us", 0, 1), rule(2, "atlantic", 1, 0), rule(2, "us", 0, 1)];
    assert_eq!(evidence(&bed).await, wanted);
    assert_eq!(bed.ask::<i64>("SELECT count(*) FROM memory_recalls WHERE count_at IS NOT NULL").await, 2);

    // A caller gets as much of a lesson as is lawful for him.
    let kinds = ["engineer-master".parse().unwrap()];
    for (rules, wanted) in [(&[][..], 1), (&["atlantic"], 2), (&["atlantic", "us"], 4), (&["eu"], 1)] {
        let rules: Vec<_> = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        let rows = lesson_list(&bed.db, &bed.home, &kinds, &Shown::under(&rules), 9).await.unwrap();
        assert_eq!(rows.len(), wanted, "{rules:?}");
    }
}

#[tokio::test]
async fn what_was_forgotten_teaches_nothing_any_more_in_any_home() {
    let bed = Bed::new().await;
    let europe: DatabaseRegion = "eu-west-1".parse().unwrap();
    memory_import(&bed.db, &europe, &[solved(1)]).await.unwrap();
    for n in 101..104 {
        used(&bed, n, &[1], true, None).await;
    }
    count(&bed).await;
    assert_eq!(evidence(&bed).await, [of(1, 3, 0)]);
    // Whoever forgets it dies before he comes to the other homes.
    memory_forget(&bed.db, &europe, MemoryId(Uuid::from_u128(1)), "ana", terms).await.unwrap();
    let kinds = ["engineer-master".parse().unwrap()];
    assert_eq!(lesson_list(&bed.db, &bed.home, &kinds, &anywhere(), 9).await.unwrap(), [], "told at once no more");
    used(&bed, 104, &[1], true, None).await;
    assert_eq!(count(&bed).await.missions, 1);
    assert_eq!(evidence(&bed).await, []);
    assert_eq!(bed.count("memory_recalls").await, 4, "the log keeps the bare ids");
}

#[tokio::test]
async fn lessons_of_all_homes_are_added_up_and_told_to_whom_they_may_be() {
    let bed = Bed::new().await;
    let europe: DatabaseRegion = "eu-west-1".parse().unwrap();
    bed.import(&[solved(1)]).await;
    bed.settle().await;
    for n in 101..104 {
        used(&bed, n, &[1], true, (n == 103).then_some("us")).await;
    }
    count(&bed).await;
    // As many in Europe.
    bed.run(
        "INSERT INTO agent_learning_outcomes SELECT 'eu-west-1', id, memory_id, specialization, lesson,
             applicable_patterns, avoid, residency, 5, 1, created_at, updated_at
         FROM agent_learning_outcomes WHERE residency IS NULL",
    )
    .await;
    let (topology, kinds) = (topology(), ["engineer-master".parse().unwrap()]);
    let question: BTreeSet<String> = terms("red wine spills1 here").into_iter().collect();
    for (here, home, caller, wanted) in [
        ("america", &bed.home, "america", (8, 1)),
        ("america", &bed.home, "europe", (7, 1)),
        ("europe", &europe, "america", (7, 1)),
        ("europe", &europe, "europe", (7, 1)),
    ] {
        let lessons = Lessons::new(bed.db.clone(), here.parse().unwrap(), home.clone(), Settings::default());
        let told = lessons.that_apply(&topology, &caller.parse().unwrap(), &kinds, &question).await;
        let [one] = &told.lessons[..] else { panic!("{told:?}") };
        assert_eq!((one.lesson.succeeded, one.lesson.failed), wanted, "{here} {caller}");
        assert!(!one.avoid && told.degraded.is_empty());
        let other = BTreeSet::from(["unrelated".to_owned()]);
        assert_eq!(lessons.that_apply(&topology, &caller.parse().unwrap(), &kinds, &other).await.lessons, []);
        lessons.forget(&[one.lesson.taught.memory]).await;
        let after = lessons.that_apply(&topology, &caller.parse().unwrap(), &kinds, &question).await;
        assert_eq!(after.lessons, [], "forgotten: no cache tells it");
    }
    let more = parsed("  - { name: moon, provider: AWS, region: eu-north-1, agents: [engineer-master (replica: 1)] }");
    let lessons = Lessons::new(bed.db.clone(), "america".parse().unwrap(), bed.home.clone(), Settings::default());
    let told = lessons.that_apply(&more, &"america".parse().unwrap(), &kinds, &question).await;
    assert_eq!((told.lessons.len(), told.degraded.len()), (1, 1), "a home that does not answer is named");
}
