//! Missions of drills: they say so everywhere, and are left out of what is counted.

use metrics_exporter_prometheus::PrometheusBuilder;
use scheduler_client::wire::{ListMissions, SubmitMission};
use serde_json::json;

use crate::world::{Agent, World, ana, mission, submit, submit_many, try_submit};

fn of_drill(title: &str, run: &str) -> SubmitMission {
    SubmitMission { drill: Some(run.to_owned()), ..mission(title) }
}

#[tokio::test]
async fn a_mission_of_a_drill_says_so_to_clients_and_to_its_agent() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    submit_many(&engine, 2).await;
    let keyed = SubmitMission { idempotency_key: Some("k".to_owned()), ..of_drill("drilled", "run-1") };
    let stored = submit(&engine, keyed.clone()).await;
    submit(&engine, of_drill("of another run", "run-2")).await;
    assert_eq!(stored.drill.as_deref(), Some("run-1"));
    let again = try_submit(&engine, keyed).await.unwrap();
    assert_eq!((again.replayed, again.mission.drill.as_deref()), (true, Some("run-1")));
    assert_eq!(engine.show(stored.id).await.unwrap().drill.as_deref(), Some("run-1"));

    let query = ListMissions { drill: Some("run-1".to_owned()), ..ListMissions::default() };
    let listed: Vec<_> = engine.list(query).await.unwrap().missions.iter().map(|mission| mission.id).collect();
    assert_eq!(listed, [stored.id]);
    let query = ListMissions { drill: Some("run 1".to_owned()), ..ListMissions::default() };
    assert_eq!(engine.list(query).await.unwrap_err().code(), "malformed_drill_run");

    let agent = Agent::west(&engine, 4).await;
    let mut runs: Vec<_> = agent.claim(&engine, 4).await.into_iter().map(|grant| grant.drill).collect();
    runs.sort();
    assert_eq!(runs, [None, None, Some("run-1".to_owned()), Some("run-2".to_owned())]);
}

#[tokio::test]
async fn what_ends_of_a_drill_is_not_counted_among_work() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    submit(&engine, mission("work")).await;
    for title in ["completed", "failed"] {
        submit(&engine, of_drill(title, "run-1")).await;
    }
    let agent = Agent::west(&engine, 3).await;
    for grant in agent.claim(&engine, 3).await {
        if grant.title == "failed" {
            agent.fail(&engine, &grant, false).await.unwrap();
        } else {
            agent.complete(&engine, &grant, json!({})).await.unwrap();
        }
    }
    let cancelled = submit(&engine, of_drill("cancelled", "run-1")).await;
    engine.cancel(&ana(), cancelled.id, "over").await.unwrap();

    let shown = recorder.handle().render();
    let pool = "region=\"us-west\",specialization=\"engineer-master\"";
    for (name, state) in [("", "succeeded"), ("drill_", "succeeded"), ("drill_", "failed"), ("drill_", "cancelled")] {
        let line = format!("scheduler_{name}missions_finished_total{{state=\"{state}\",{pool}}} 1\n");
        assert!(shown.contains(&line), "{line} is not in\n{shown}");
    }
    assert_eq!(shown.matches("missions_finished_total{").count(), 4, "{shown}");
    for histogram in ["scheduler_submit_to_lease_seconds_count 1\n", "scheduler_run_seconds_count 1\n"] {
        assert!(shown.contains(histogram), "{histogram} is not in\n{shown}");
    }
}
