//! What `/metrics` tells of missions.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusBuilder;
use scheduler_client::wire::MissionState;
use scheduler_core::lifecycle;
use sql::Statement;

use super::rig::{Rig, Wish, pool};
use crate::figures;
use crate::loops::{load, sweeps};

const SOLO_GOES: Statement =
    sql::statement!("test_solo_goes", once, "DELETE FROM missions WHERE specialization = 'solo'");

const OF_A_DRILL: Statement =
    sql::statement!("test_of_a_drill", once, "UPDATE missions SET drill = 'run-1' WHERE id = $1::UUID");

#[tokio::test]
async fn what_is_pending_is_counted_by_home_and_specialization_and_goes_back_to_nought() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let shown = || recorder.handle().render();
    let rig = Rig::new().await;
    let pending = Wish { state: MissionState::Pending, region: None, ..Wish::default() };
    for _ in 0..3 {
        rig.mission(&pending).await;
    }
    rig.mission(&Wish { specialization: "solo", ..pending }).await;
    rig.mission(&Wish::default()).await;
    let scheduler = rig.scheduler("us-west").await;
    load::tick(Arc::clone(&scheduler)).await.unwrap();
    figures::observe_missions(&scheduler.views);
    let line = |specialization: &str, missions: i64| {
        format!("scheduler_pending_missions{{home=\"us-west-2\",specialization=\"{specialization}\"}} {missions}\n")
    };
    for wanted in [line("engineer", 3), line("solo", 1)] {
        assert!(shown().contains(&wanted), "{wanted} is not in\n{}", shown());
    }
    let queued = "scheduler_pool_missions{region=\"us-west\",specialization=\"engineer\",state=\"queued\"} 1\n";
    assert!(shown().contains(queued), "{}", shown());
    rig.db.execute(&SOLO_GOES, &[]).await.unwrap();
    scheduler.memory().pending_counted.clear();
    load::tick(Arc::clone(&scheduler)).await.unwrap();
    figures::observe_missions(&scheduler.views);
    assert!(shown().contains(&line("solo", 0)), "{}", shown());
}

#[tokio::test]
async fn what_fails_in_a_sweep_is_counted_once_and_in_its_pool_but_for_drills() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let rig = Rig::new().await;
    rig.everywhere().await;
    rig.mission(&Wish { start_in_ms: Some(-1_000), ..Wish::default() }).await;
    rig.mission(&Wish { start_in_ms: Some(60_000), ..Wish::default() }).await;
    let drilled = rig.mission(&Wish { start_in_ms: Some(-1_000), ..Wish::default() }).await;
    rig.db.execute(&OF_A_DRILL, &[&drilled.0]).await.unwrap();
    let scheduler = rig.scheduler("us-west").await;
    sweeps::tick(Arc::clone(&scheduler)).await.unwrap();
    sweeps::tick(scheduler).await.unwrap();
    let shown = recorder.handle().render();
    let line = "scheduler_missions_finished_total{state=\"failed\",region=\"us-west\",specialization=\"engineer\"} 1\n";
    assert!(shown.contains(line), "{shown}");
    assert_eq!(shown.matches("scheduler_missions_finished_total{").count(), 1, "{shown}");
    assert!(shown.contains(&line.replace("_missions_", "_drill_missions_")), "{shown}");
}

#[test]
fn only_an_end_is_counted() {
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || {
        for state in lifecycle::MissionState::ALL {
            figures::finished(state, Some(&pool("us-west/engineer")), false);
        }
        figures::finished(lifecycle::MissionState::Failed, None, false);
        figures::finished(lifecycle::MissionState::Failed, Some(&pool("us-west/engineer")), true);
    });
    let shown = recorder.handle().render();
    let lines: Vec<_> = shown.lines().filter(|line| line.starts_with("scheduler_missions_finished_total{")).collect();
    assert_eq!(lines.len(), 4, "{shown}");
    assert!(lines.iter().all(|line| line.ends_with(" 1")), "what drills submit is not among the others: {shown}");
    let drills =
        "scheduler_drill_missions_finished_total{state=\"failed\",region=\"us-west\",specialization=\"engineer\"} 1";
    assert!(shown.contains(drills), "{shown}");
}
