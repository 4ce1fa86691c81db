//! A session or a region dies: what it held and what waited there goes on elsewhere.

use std::sync::{Arc, Mutex};

use scheduler_client::wire::MissionState;

use super::rig::{Rig, Wish, home, pool};
use crate::loops::{health, reap, sweeps};
use crate::store::sweep::{MissionRow, Page, Terms, Verdict, sessions_unsettled, sweep};

#[tokio::test]
async fn a_dead_region_loses_its_leases_uncharged_and_its_queue_moves() {
    let rig = Rig::new().await;
    rig.everywhere().await;
    let dead = rig.session("us-west", &[("engineer", 10)], 0).await;
    let leased = rig.lease("us-west", dead).await;
    let queued = rig.mission(&Wish::default()).await;
    let scheduler = rig.scheduler("us-east").await;
    health::tick(Arc::clone(&scheduler)).await.unwrap();

    rig.heard("us-west", 7_000).await;
    health::tick(Arc::clone(&scheduler)).await.unwrap();
    reap::tick(Arc::clone(&scheduler)).await.unwrap();
    rig.refresh(&scheduler).await;
    sweeps::tick(Arc::clone(&scheduler)).await.unwrap();

    let seen = rig.show(leased).await;
    assert_eq!((seen.state.as_str(), seen.epoch, seen.crashes, seen.moves), ("queued", 2, 0, 1), "{seen:?}");
    assert_ne!(seen.region.as_deref(), Some("us-west"));
    assert_eq!(seen.session, None);
    assert_eq!(seen.home, super::rig::home_of(seen.region.as_deref().unwrap()), "its row moved with it");
    assert_eq!(rig.history(leased).await, [("leased".into(), "queued".into(), Some("region_lost".into()))]);
    let seen = rig.show(queued).await;
    assert_eq!((seen.state.as_str(), seen.epoch, seen.crashes, seen.moves), ("queued", 1, 0, 1), "{seen:?}");
    assert_ne!(seen.region.as_deref(), Some("us-west"));
    assert_eq!(rig.unsettled_sessions().await, 0);
}

#[tokio::test]
async fn a_session_that_dies_in_a_living_region_is_charged_for_and_its_mission_stays_near() {
    let rig = Rig::new().await;
    rig.everywhere().await;
    let dead = rig.session("us-west", &[("engineer", 10)], 6_000).await;
    let leased = rig.lease("us-west", dead).await;
    let scheduler = rig.scheduler("us-west").await;
    health::tick(Arc::clone(&scheduler)).await.unwrap();
    reap::tick(Arc::clone(&scheduler)).await.unwrap();

    let seen = rig.show(leased).await;
    assert_eq!((seen.state.as_str(), seen.epoch, seen.crashes, seen.moves), ("queued", 2, 1, 1), "{seen:?}");
    assert_eq!(seen.region.as_deref(), Some("us-west"));
    assert_eq!(rig.live_sessions().await, 3, "only the silent one ended");
}

#[tokio::test]
async fn a_mission_that_crashes_its_fourth_holder_is_poison() {
    let rig = Rig::new().await;
    rig.everywhere().await;
    let dead = rig.session("us-west", &[("engineer", 10)], 6_000).await;
    let wish = Wish { state: MissionState::Leased, session: Some(dead), crashes: 3, ..Wish::default() };
    let killer = rig.mission(&wish).await;
    let beside = rig.lease("us-west", dead).await;
    let scheduler = rig.scheduler("us-west").await;
    health::tick(Arc::clone(&scheduler)).await.unwrap();
    reap::tick(Arc::clone(&scheduler)).await.unwrap();

    let seen = rig.show(killer).await;
    assert_eq!((seen.state.as_str(), seen.crashes, seen.reason.as_deref()), ("failed", 4, Some("poison")), "{seen:?}");
    assert_eq!(rig.show(beside).await.state, "queued");
}

#[tokio::test]
async fn what_a_scheduler_leaves_when_it_dies_half_way_another_finishes() {
    let rig = Rig::new().await;
    rig.everywhere().await;
    let dead = rig.session("us-west", &[("engineer", 1_000)], 6_000).await;
    for _ in 0..700 {
        rig.lease("us-west", dead).await;
    }
    let first = rig.scheduler("us-west").await;
    let second = rig.scheduler("us-east").await;
    health::tick(Arc::clone(&first)).await.unwrap();
    rig.refresh(&second).await;
    let clock = rig.db.clock().await.unwrap();
    let view = first.views.current();
    first.refill_budget(&view);
    let actor = first.actor();
    let deadline = clock - view.topology.scheduling.session_ttl;
    let regions = ["us-west".parse().unwrap()];
    let west = home("us-west-2");
    let ended =
        crate::store::session::session_reap(&rig.db, &west, &regions, deadline, &actor, reap::EXPIRED).await.unwrap();
    assert_eq!(ended.len(), 1);
    let sessions = sessions_unsettled(&rig.db, &west, 10).await.unwrap();
    let more = reap::move_batch(&first, &west, &sessions, clock).await.unwrap();
    assert!(more, "a batch is less than all");
    drop(first);
    let left = 700 - rig.count("queued", "us-west", 2).await - rig.count("queued", "us-east", 2).await;
    assert!((1..700).contains(&left), "{left} are left by the first");

    for _ in 0..3 {
        sweeps::tick(Arc::clone(&second)).await.unwrap();
    }
    let mut moved = 0;
    for region in ["us-west", "us-east", "europe-west"] {
        moved += rig.count("queued", region, 2).await;
    }
    assert_eq!(moved, 700, "each moved once: its epoch rose by one");
    assert_eq!(rig.unsettled_sessions().await, 0);
}

#[tokio::test]
async fn two_schedulers_that_sweep_at_once_move_each_mission_once() {
    let rig = Rig::new().await;
    rig.everywhere().await;
    let dead = rig.session("us-west", &[("engineer", 1_000)], 6_000).await;
    let mut missions = Vec::new();
    for _ in 0..300 {
        missions.push(rig.lease("us-west", dead).await);
    }
    let (first, second) = (rig.scheduler("us-west").await, rig.scheduler("us-east").await);
    health::tick(Arc::clone(&first)).await.unwrap();
    health::tick(Arc::clone(&second)).await.unwrap();
    for _ in 0..3 {
        let both = tokio::join!(reap::tick(Arc::clone(&first)), reap::tick(Arc::clone(&second)));
        both.0.unwrap();
        both.1.unwrap();
    }
    for mission in missions {
        let seen = rig.show(mission).await;
        assert_eq!((seen.state.as_str(), seen.epoch, seen.moves), ("queued", 2, 1), "{seen:?}");
        assert_eq!(rig.history(mission).await.len(), 1);
    }
}

#[tokio::test]
async fn a_pool_that_lost_its_last_session_gives_its_queue_away_while_its_region_is_up() {
    let rig = Rig::new().await;
    rig.session("us-west", &[("solo", 1)], 0).await;
    let last = rig.session("us-west", &[("engineer", 10)], 0).await;
    rig.session("us-east", &[("engineer", 10)], 0).await;
    let queued = rig.mission(&Wish::default()).await;
    let scheduler = rig.scheduler("us-west").await;
    health::tick(Arc::clone(&scheduler)).await.unwrap();
    sweeps::tick(Arc::clone(&scheduler)).await.unwrap();
    assert_eq!(rig.show(queued).await.region.as_deref(), Some("us-west"), "a live pool keeps its queue");

    rig.silence(last, 7_000).await;
    health::tick(Arc::clone(&scheduler)).await.unwrap();
    reap::tick(Arc::clone(&scheduler)).await.unwrap();
    rig.refresh(&scheduler).await;
    assert!(!scheduler.views.current().may_keep(&pool("us-west/engineer"), &home("us-west-2")));
    sweeps::tick(Arc::clone(&scheduler)).await.unwrap();
    let seen = rig.show(queued).await;
    assert_eq!((seen.state.as_str(), seen.region.as_deref()), ("queued", Some("us-east")), "{seen:?}");
}

#[tokio::test]
async fn what_moves_is_decided_in_the_order_of_its_queue_so_that_a_short_budget_goes_to_the_first() {
    let rig = Rig::new().await;
    let session = rig.session("us-west", &[("engineer", 10)], 0).await;
    for (page, wish) in [
        (
            Page::LeasesOfSessions(vec![session]),
            Wish { state: MissionState::Leased, session: Some(session), ..Wish::default() },
        ),
        (Page::Queued(pool("us-west/engineer")), Wish::default()),
    ] {
        let mut wanted = Vec::new();
        for rank in [3, -4, 9, 0] {
            wanted.push((rank, rig.mission(&Wish { rank, ..wish.clone() }).await));
        }
        wanted.sort_unstable();
        for limit in [1, 3, 10] {
            let decided = Arc::new(Mutex::new(Vec::new()));
            let noted = Arc::clone(&decided);
            let decide = Arc::new(move |row: &MissionRow| {
                noted.lock().unwrap().push(row.id);
                Verdict::Leave
            });
            let terms = Terms { residency_version: 1, topology_version: 1, actor: "test".to_owned() };
            sweep(&rig.db, &home("us-west-2"), &page, limit, &terms, decide).await.unwrap();
            let first: Vec<_> = wanted.iter().take(usize::try_from(limit).unwrap()).map(|(_, id)| *id).collect();
            assert_eq!(*decided.lock().unwrap(), first, "{page:?}, {limit}");
        }
    }
}
