//! A changed residency rule takes back what is not lawful any more (P4).

use std::sync::Arc;

use scheduler_client::wire::MissionState;

use super::rig::{Rig, TOPOLOGY, Wish};
use crate::loops::{health, sweeps};

#[tokio::test]
async fn a_narrower_rule_takes_leases_back_moves_queues_and_confirms_the_rest() {
    let rig = Rig::new().await;
    rig.apply(1, &TOPOLOGY.replace("eu: [europe-west]", "eu: [europe-west, us-east]"), 2).await;
    rig.everywhere().await;
    let session = rig.session("us-east", &[("engineer", 10)], 0).await;
    let at = |state, region, session| Wish {
        state,
        region: Some(region),
        session,
        residency: Some("eu"),
        ..Wish::default()
    };
    let leased = rig.mission(&at(MissionState::Leased, "us-east", Some(session))).await;
    let queued = rig.mission(&at(MissionState::Queued, "us-east", None)).await;
    let lawful = rig.mission(&at(MissionState::Queued, "europe-west", None)).await;
    let unbound = rig.mission(&Wish { region: Some("us-east"), ..Wish::default() }).await;
    let scheduler = rig.scheduler("us-west").await;
    health::tick(Arc::clone(&scheduler)).await.unwrap();

    rig.apply(2, TOPOLOGY, 3).await;
    sweeps::tick(Arc::clone(&scheduler)).await.unwrap();
    assert_eq!(rig.show(leased).await.state, "leased", "a stale view decides nothing, it is read again");
    sweeps::tick(Arc::clone(&scheduler)).await.unwrap();

    let seen = rig.show(leased).await;
    assert_eq!((seen.state.as_str(), seen.region.as_deref()), ("queued", Some("europe-west")), "{seen:?}");
    assert_eq!((seen.epoch, seen.crashes, seen.attempts, seen.residency_version), (2, 0, 0, 3), "{seen:?}");
    assert_eq!(rig.history(leased).await, [("leased".into(), "queued".into(), Some("residency_changed".into()))]);
    let seen = rig.show(queued).await;
    assert_eq!((seen.region.as_deref(), seen.epoch), (Some("europe-west"), 1), "{seen:?}");
    let seen = rig.show(lawful).await;
    assert_eq!((seen.epoch, seen.moves, seen.residency_version), (0, 0, 3), "confirmed as it is: {seen:?}");
    assert_eq!(rig.show(unbound).await.residency_version, 1, "what no rule binds is left alone");
}
