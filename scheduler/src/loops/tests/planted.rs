//! Each planted bug of the loops does what its name says, where the whole program does not.

use std::sync::Arc;

use scheduler_client::wire::MissionState;

use super::rig::{Rig, Seen, Wish};
use crate::loops::{health, reap};
use crate::planted::{Bug, plant_here};

/// What becomes of a mission under a rule when the region that runs it dies, with a bug or without.
async fn after_the_loss_of_europe(residency: Option<&'static str>, bug: Option<Bug>) -> Seen {
    plant_here(bug);
    let rig = Rig::new().await;
    rig.everywhere().await;
    let dead = rig.session("europe-west", &[("engineer", 10)], 0).await;
    let wish = Wish {
        state: MissionState::Leased,
        region: Some("europe-west"),
        residency,
        session: Some(dead),
        ..Wish::default()
    };
    let leased = rig.mission(&wish).await;
    let scheduler = rig.scheduler("us-west").await;
    health::tick(Arc::clone(&scheduler)).await.unwrap();
    rig.heard("europe-west", 7_000).await;
    health::tick(Arc::clone(&scheduler)).await.unwrap();
    reap::tick(Arc::clone(&scheduler)).await.unwrap();
    plant_here(None);
    rig.show(leased).await
}

#[tokio::test]
async fn moved_without_raising_the_epoch() {
    let sound = after_the_loss_of_europe(None, None).await;
    assert_eq!((sound.state.as_str(), sound.epoch, sound.moves), ("queued", 2, 1), "{sound:?}");
    let broken = after_the_loss_of_europe(None, Some(Bug::MoveWithoutRaisingEpoch)).await;
    assert_eq!((broken.state.as_str(), broken.epoch, broken.moves), ("queued", 1, 1), "{broken:?}");
}

#[tokio::test]
async fn placed_again_without_its_residency() {
    let sound = after_the_loss_of_europe(Some("eu"), None).await;
    assert_eq!((sound.state.as_str(), sound.region), ("pending", None));
    let broken = after_the_loss_of_europe(Some("eu"), Some(Bug::ForgetResidency)).await;
    assert_eq!((broken.state.as_str(), broken.region.as_deref()), ("queued", Some("us-west")), "{broken:?}");
}
