pub(super) mod bed;
mod reach;
mod residency;

use bed::*;
use tokio::time::{Instant, advance};

use super::*;

fn world() -> Arc<World> {
    World::holding([found(1, EUROPE, None), found(2, AMERICA, None), found(3, ASIA, None)])
}

async fn ask(recall: &Recall<Arc<World>>, query: Query) -> Answer {
    recall.ask(&topology(), &name("europe"), query).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn all_regions_answer_and_the_second_time_only_the_own_one_is_asked() {
    let world = world();
    let recall = recall("europe", EUROPE, &world);
    for own in 1..=2 {
        let answer = ask(&recall, query()).await;
        assert_eq!(ids(&answer), [1, 2, 3]);
        let complete = Completeness { regions_asked: 3, regions_answered: 3, ..Completeness::default() };
        assert_eq!(answer.completeness, complete);
        assert_eq!((world.calls(EUROPE), world.calls(AMERICA), world.calls(ASIA)), (own, 1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn regions_are_asked_at_the_same_time() {
    let world = world();
    for home in [EUROPE, AMERICA, ASIA] {
        world.is(home, Mood::Takes(LIMIT / 2));
    }
    let before = Instant::now();
    assert_eq!(ids(&ask(&recall("europe", EUROPE, &world), query()).await), [1, 2, 3]);
    assert_eq!(before.elapsed(), LIMIT / 2);
}

#[tokio::test(start_paused = true)]
async fn a_dead_region_costs_its_time_limit_once_and_then_nothing() {
    let world = world();
    world.is(ASIA, Mood::Hangs);
    let recall = Recall::new(name("europe"), name(EUROPE), Arc::clone(&world), Settings::default());
    let before = Instant::now();
    for n in 0..50 {
        let answer = ask(&recall, other_query(n)).await;
        assert_eq!(ids(&answer), [1, 2]);
        let degraded = vec![name(ASIA)];
        let complete = Completeness { regions_asked: 3, regions_answered: 2, degraded, ..Completeness::default() };
        assert_eq!(answer.completeness, complete);
        assert_eq!(before.elapsed(), LIMIT, "after question {n}");
    }
    advance(LIMIT).await;
    settle().await;
    assert!(recall.breakers().contains(&(name(ASIA), BreakerState::Open)));
    let calls = world.calls(ASIA);
    ask(&recall, other_query(99)).await;
    assert_eq!(world.calls(ASIA), calls, "an open breaker lets nothing through");
}

#[tokio::test(start_paused = true)]
async fn a_region_that_fails_gives_what_it_gave_before_and_the_answer_says_how_old_that_is() {
    let world = world();
    let recall = recall("europe", EUROPE, &world);
    ask(&recall, query()).await;
    world.is(AMERICA, Mood::Breaks);
    advance(Duration::from_secs(20)).await;
    ask(&recall, query()).await;
    settle().await;
    let answer = ask(&recall, query()).await;
    assert_eq!(ids(&answer), [1, 2, 3]);
    let degraded = vec![name(AMERICA)];
    let complete =
        Completeness { regions_asked: 3, regions_answered: 3, regions_skipped: 0, degraded, stale_ms: 20_000 };
    assert_eq!(answer.completeness, complete);

    advance(Duration::from_secs(25)).await;
    let answer = ask(&recall, query()).await;
    assert_eq!((ids(&answer), answer.completeness.regions_answered), (vec![1, 3], 2), "its answer is too old now");
}

#[tokio::test(start_paused = true)]
async fn a_region_that_comes_back_is_asked_again_by_nobody_who_waits() {
    let world = world();
    world.is(ASIA, Mood::Hangs);
    let recall = recall("europe", EUROPE, &world);
    for n in 0..3 {
        ask(&recall, other_query(n)).await;
        advance(LIMIT).await;
        settle().await;
    }
    world.is(ASIA, Mood::Takes(LIMIT / 2));
    // The breaker's pause passes by the process clock; the probe's time by tokio's.
    while world.calls(ASIA) < 4 {
        let before = Instant::now();
        ask(&recall, query()).await;
        assert_eq!(before.elapsed(), Duration::ZERO);
        settle().await;
    }
    advance(LIMIT / 2).await;
    settle().await;
    let answer = ask(&recall, query()).await;
    assert_eq!((ids(&answer), answer.completeness.degraded), (vec![1, 2, 3], vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_question_that_another_region_refuses_is_no_mark_against_it() {
    let world = world();
    world.is(ASIA, Mood::Refuses);
    let recall = recall("europe", EUROPE, &world);
    for n in 0..20 {
        assert_eq!(ask(&recall, other_query(n)).await.completeness.degraded, [name(ASIA)]);
        settle().await;
    }
    assert!(recall.breakers().contains(&(name(ASIA), BreakerState::Closed)));
}

#[tokio::test(start_paused = true)]
async fn an_own_region_that_does_not_answer_is_degraded_and_one_that_refuses_is_an_error() {
    let world = world();
    let recall = recall("europe", EUROPE, &world);
    for mood in [Mood::Hangs, Mood::Breaks] {
        world.is(EUROPE, mood);
        let answer = ask(&recall, query()).await;
        assert_eq!((ids(&answer), answer.completeness.degraded), (vec![2, 3], vec![name(EUROPE)]), "{mood:?}");
    }
    world.is(EUROPE, Mood::Refuses);
    let error = recall.ask(&topology(), &name("europe"), query()).await.unwrap_err();
    assert!(matches!(error, Error::Refused(_)));
}

#[tokio::test(start_paused = true)]
async fn what_is_forgotten_is_shown_by_nothing_from_then_on() {
    let world = world();
    let recall = recall("europe", EUROPE, &world);
    ask(&recall, query()).await;
    recall.forget(&[MemoryId(uuid::Uuid::from_u128(2))]).await;
    // Its row is still there, as it is on a replica that lags.
    for query in [query(), other_query(1)] {
        assert_eq!(ids(&ask(&recall, query).await), [1, 3]);
    }
    assert_eq!(world.calls(AMERICA), 3, "the answer that held it was dropped, and asked for anew");
}

#[test]
fn the_horizon_counts_the_age_of_answers_and_is_a_minute_at_most() {
    for (old, life) in [(0, 45), (5, 45), (20, 40), (60, 0)] {
        let world = World::lagging(Duration::from_secs(old));
        let recall = recall("europe", EUROPE, &world);
        assert_eq!(recall.horizon(), Duration::from_secs(old + life));
    }
}
