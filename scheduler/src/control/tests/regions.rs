use scheduler_client::wire;
use sql::Lane;

use super::{Bed, ana};
use crate::refusal::Refusal;
use crate::store::control::control_recent;

fn because(reason: &str) -> wire::RegionControl {
    wire::RegionControl { reason: reason.to_owned(), deadline_ms: None }
}

#[tokio::test]
async fn a_verb_is_shown_with_what_holds_the_region_back_and_is_written_to_the_history() {
    let bed = Bed::new().await;
    let east = "us-east".parse().unwrap();
    let set = |verb, reason| bed.control.set_verb_of(&east, verb, reason);
    let shown = set(wire::RegionVerb::Cordoned, "disk").await.unwrap();
    assert_eq!((shown.verb, shown.serves, shown.held_by.is_some()), (wire::RegionVerb::Cordoned, false, true));
    let shown = set(wire::RegionVerb::None, "done").await.unwrap();
    assert_eq!(shown.verb, wire::RegionVerb::None);
    let listed = bed.control.regions().await.unwrap();
    let names: Vec<_> = listed.regions.iter().map(|region| region.name.as_str()).collect();
    assert_eq!(names, ["us-west", "us-east", "europe-west"], "in the order of the file");
    assert_eq!(listed.degraded, [] as [String; 0]);
    let events = control_recent(&bed.gateways.lane(Lane::Submit), 2).await.unwrap();
    let told: Vec<_> = events.iter().map(|event| (event.actor.as_str(), event.reason.as_str())).collect();
    assert_eq!(told, [("operator:ana", "done"), ("operator:ana", "disk")]);
    assert_eq!(events[0].before.as_ref().unwrap()["verb"], "cordoned");
    assert_eq!(events[0].after.as_ref().unwrap()["verb"], "none");
}

#[tokio::test]
async fn bad_wishes_are_refused_with_their_own_codes() {
    let bed = Bed::new().await;
    let nowhere = "us-eest".parse().unwrap();
    let refused = bed.control.set_verb_of(&nowhere, wire::RegionVerb::Cordoned, "").await.unwrap_err();
    let Refusal::RegionNotFound { nearest, .. } = &refused else { panic!("{refused:?}") };
    assert_eq!(nearest[0], "us-east");
    let east = "us-east".parse().unwrap();
    let drain = wire::RegionVerb::Draining;
    for (body, code) in [
        (wire::RegionControl { deadline_ms: Some(-1), ..because("") }, "number_out_of_range"),
        (because("a\0b"), "nul_character"),
        (because(&"x".repeat(1_001)), "text_length"),
    ] {
        assert_eq!(bed.control.set_verb(&ana(), &east, drain, body).await.unwrap_err().code(), code);
    }
}

#[tokio::test]
async fn two_operators_at_once_both_get_their_wish_written() {
    let bed = Bed::new().await;
    let east = "us-east".parse().unwrap();
    let (one, two) = tokio::join!(
        bed.control.set_verb_of(&east, wire::RegionVerb::Cordoned, "one"),
        bed.control.set_verb_of(&east, wire::RegionVerb::Draining, "two"),
    );
    one.unwrap();
    two.unwrap();
    assert_eq!(control_recent(&bed.gateways.lane(Lane::Submit), 10).await.unwrap().len(), 3, "with the bootstrap");
}

impl super::Control {
    async fn set_verb_of(
        &self,
        region: &topology::RegionName,
        verb: wire::RegionVerb,
        reason: &str,
    ) -> Result<wire::RegionView, Refusal> {
        self.set_verb(&ana(), region, verb, because(reason)).await
    }
}
