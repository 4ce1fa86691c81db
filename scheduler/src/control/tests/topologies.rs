use scheduler_client::wire;
use sql::{Lane, Statement};
use topology::{MissionId, SessionId};

use super::{Bed, TOPOLOGY, ana};
use crate::refusal::Refusal;

const MISSION: Statement = sql::statement!(
    "test_open_mission",
    once,
    "INSERT INTO missions (crdb_region, id, state, specialization, submitter, title, payload, origin, priority, rank,
         round, region, epoch, attempts, crashes, moves, max_attempts, max_crashes, run_limit_ms, not_before, session_id,
         topology_version, residency_version, nonce, submitted_at)
     VALUES ($1::TEXT::crdb_internal_region, $2::UUID, $3::TEXT, $4::TEXT, 'ana', 'a mission', 'null'::JSONB,
         'null'::JSONB, 5, 0, 0, $5::TEXT, 0, 0, 0, 0, 3, 4, 60000, to_timestamp(0), $6::UUID, 1, 1, 1, now())"
);

async fn mission(bed: &Bed, home: &str, state: &str, specialization: &str, region: &str) {
    let session = (state == "leased").then(|| SessionId::random().0);
    let db = bed.gateways.lane(Lane::Submit);
    db.execute(&MISSION, &[&home, &MissionId::random().0, &state, &specialization, &region, &session]).await.unwrap();
}

fn grown() -> String {
    TOPOLOGY.replace("engineer (primary: 5)", "engineer (primary: 9)")
}

#[tokio::test]
async fn of_two_editors_with_the_same_base_the_second_is_refused_with_the_difference() {
    let bed = Bed::new().await;
    let first = bed.apply(1, grown()).await.unwrap();
    assert_eq!((first.version, first.residency_version, first.author.as_str()), (2, 1, "operator:ana"));
    let second = bed.apply(1, TOPOLOGY.replace("solo (primary: 2)", "solo (primary: 3)")).await.unwrap_err();
    let Refusal::PlanStale { current, difference } = second else { panic!("{second:?}") };
    assert_eq!(current, 2);
    assert_eq!(difference["pools"][0]["verb"], "grows", "{difference}");
    assert_eq!(bed.control.topology().await.unwrap().text.as_deref(), Some(grown().as_str()));
}

#[tokio::test]
async fn of_two_appliers_at_once_one_wins() {
    let bed = Bed::new().await;
    let texts = [grown(), TOPOLOGY.replace("solo (primary: 2)", "solo (primary: 3)")];
    let [one, two] = texts.map(|text| bed.apply(1, text));
    let (one, two) = tokio::join!(one, two);
    let won = [&one, &two].iter().filter(|applied| applied.is_ok()).count();
    assert_eq!(won, 1, "{one:?} {two:?}");
    let lost = one.err().or(two.err()).unwrap();
    assert!(matches!(lost, Refusal::PlanStale { current: 2, .. }), "{lost:?}");
    assert_eq!(bed.control.history(10).await.unwrap().versions.len(), 2);
}

#[tokio::test]
async fn a_plan_says_what_it_touches_and_revert_restores() {
    let bed = Bed::new().await;
    mission(&bed, "us-west-2", "queued", "engineer", "us-west").await;
    mission(&bed, "us-west-2", "leased", "engineer", "us-west").await;
    let plan = bed.control.plan(wire::PlanTopology { text: grown() }).await.unwrap();
    assert_eq!((plan.base_version, plan.refused.as_slice()), (1, [].as_slice()));
    assert_eq!((plan.missions.len(), plan.missions[0].queued, plan.missions[0].leased), (1, 1, 1));
    bed.apply(1, grown()).await.unwrap();
    let body = wire::RevertTopology { to: 1, base_version: 2, message: String::new(), drain: false };
    let restored = bed.control.revert(&ana(), body).await.unwrap();
    assert_eq!((restored.version, restored.message.as_str()), (3, "revert to version 1"));
    assert_eq!(bed.control.topology().await.unwrap().text.as_deref(), Some(TOPOLOGY));
    assert_eq!(bed.views.current().topology_version, 3, "in force here at once");
    let body = wire::RevertTopology { to: 9, base_version: 3, message: String::new(), drain: false };
    let refused = bed.control.revert(&ana(), body).await.unwrap_err();
    assert_eq!(refused, Refusal::VersionNotFound { version: 9 });
}

#[tokio::test]
async fn what_holds_missions_is_not_let_go_unless_it_drains() {
    let bed = Bed::new().await;
    mission(&bed, "us-west-2", "queued", "solo", "us-west").await;
    let without_solo = TOPOLOGY.replace(", solo (primary: 2)", "");
    let refused = bed.apply(1, without_solo.clone()).await.unwrap_err();
    assert_eq!(refused, Refusal::HoldsMissions { what: vec!["last_pool: solo".to_owned()] });

    mission(&bed, "us-east-1", "leased", "engineer", "us-east").await;
    let east = TOPOLOGY.lines().find(|line| line.contains("us-east")).unwrap();
    let renamed = TOPOLOGY.replace("name: us-east", "name: us-east-new");
    for text in [renamed, TOPOLOGY.replace(east, "")] {
        let plan = bed.control.plan(wire::PlanTopology { text: text.clone() }).await;
        // Two regions are too few for `survive: region`: what is refused first does not matter here.
        if let Ok(plan) = plan {
            assert_eq!(plan.refused, ["holds_missions: us-east"]);
            let refused = bed.apply(1, text).await.unwrap_err();
            assert_eq!(refused, Refusal::HoldsMissions { what: vec!["holds_missions: us-east".to_owned()] });
        }
    }
    let body = wire::ApplyTopology { text: without_solo, base_version: 1, message: String::new(), drain: true };
    assert_eq!(bed.control.apply(&ana(), body).await.unwrap().version, 2);
}

#[tokio::test]
async fn a_removed_region_drains_when_the_operator_says_so() {
    let bed = Bed::new().await;
    mission(&bed, "us-east-1", "leased", "engineer", "us-east").await;
    let renamed = TOPOLOGY.replace("name: us-east", "name: us-east-new");
    let body = wire::ApplyTopology { text: renamed, base_version: 1, message: "rename".to_owned(), drain: true };
    bed.control.apply(&ana(), body).await.unwrap();
    let rows = crate::store::region::regions_read(&bed.gateways.lane(Lane::Submit)).await.unwrap();
    let gone = rows.iter().find(|row| row.region.as_str() == "us-east").unwrap();
    assert_eq!(gone.verb, scheduler_core::health::Verb::Draining);
    assert!(gone.drain_until.is_some());
}

#[tokio::test]
async fn a_change_of_residency_raises_its_version_and_nothing_else_does() {
    let bed = Bed::new().await;
    assert_eq!(bed.apply(1, grown()).await.unwrap().residency_version, 1);
    let wider = TOPOLOGY.replace("eu: [europe-west]", "eu: [europe-west, us-east]");
    assert_eq!(bed.apply(2, wider).await.unwrap().residency_version, 2);
    assert_eq!(bed.apply(3, TOPOLOGY.to_owned()).await.unwrap().residency_version, 3);
}

#[tokio::test]
async fn what_is_no_topology_is_refused_with_its_places_and_changes_nothing() {
    let bed = Bed::new().await;
    let refused = bed.apply(1, "regions: 5".to_owned()).await.unwrap_err();
    let Refusal::TopologyRefused { findings } = refused else { panic!("{refused:?}") };
    assert!(!findings.is_empty() && findings[0]["line"].is_number(), "{findings:?}");
    let nul = bed.apply(1, format!("{TOPOLOGY}# \0")).await.unwrap_err();
    assert_eq!(nul.code(), "nul_character");
    assert_eq!(bed.control.history(10).await.unwrap().versions.len(), 1);
}

#[tokio::test]
async fn a_new_database_region_takes_rows_after_the_apply() {
    let bed = Bed::new().await;
    let south = "  - { name: south, provider: AWS, region: sa-east-1, agents: [engineer (replica: 1)] }\nresidency";
    bed.apply(1, TOPOLOGY.replace("residency", south)).await.unwrap();
    mission(&bed, "sa-east-1", "queued", "engineer", "south").await;
}
