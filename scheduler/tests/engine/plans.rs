//! Plans of the hot statements, as the planner makes them for unknown parameters over a table of some size, sequential
//! scans left allowed: which scans they are made of. A scan of all missions must never be among them.

use scheduler::store::{census, heartbeat, mission, session};
use sql::{Engine, Statement};
use tokio_postgres::SimpleQueryMessage;

use crate::world::World;

/// Fills the tables: 30,000 missions in all states, 5,000 sessions, 5,000 memories that were forgotten.
const FILL: &str = "
    INSERT INTO sessions (crdb_region, id, region, agent, version, specializations, slots, started_at)
    SELECT 'us-west-2', md5('s' || n)::uuid, 'us-west', 'a', 'v', ARRAY['engineer-master'], ARRAY[10], now()
    FROM generate_series(1, 5000) AS n;
    INSERT INTO heartbeats (crdb_region, id, kind, region, seq, at)
    SELECT 'us-west-2', s.id, 'session', 'us-west', 1, now() FROM sessions s;
    INSERT INTO missions (crdb_region, id, state, specialization, submitter, title, payload, origin, priority, rank,
        round, region, epoch, attempts, crashes, moves, max_attempts, max_crashes, run_limit_ms, not_before, session_id,
        grant_seq, run_until, topology_version, residency_version, nonce, submitted_at, finished_at)
    SELECT CASE n % 3 WHEN 0 THEN 'us-west-2' WHEN 1 THEN 'us-east-1' ELSE 'eu-west-1' END, gen_random_uuid(), s.state,
        CASE n % 2 WHEN 0 THEN 'engineer-master' ELSE 'secure-specialist' END, 'submitter ' || n % 100, 't', '{}', '{}', 5, n / 100, n % 7,
        'us-west', 1, 0, 0, 0, 3, 4, 60000, to_timestamp(0),
        CASE s.state WHEN 'leased' THEN md5('s' || n % 5000 + 1)::uuid END, 1, now(), 1, 1, n,
        now() - n * INTERVAL '1 second', CASE s.state WHEN 'succeeded' THEN now() END
    FROM generate_series(1, 30000) AS n
    CROSS JOIN LATERAL (SELECT CASE WHEN n % 10 < 7 THEN 'succeeded' WHEN n % 10 = 7 THEN 'leased' ELSE 'queued' END)
        AS s (state);
    INSERT INTO memory_tombstones (id, content_hash, forgotten_by, forgotten_at)
    SELECT gen_random_uuid(), md5(n::TEXT), 'a', now() FROM generate_series(1, 5000) AS n;
    ANALYZE";

fn all() -> Vec<&'static Statement> {
    [mission::STATEMENTS, session::STATEMENTS, heartbeat::STATEMENTS].concat()
}

/// What a plan reads: indexes by name, and tables that it reads from end to end, each once.
async fn scans(world: &World, name: &str) -> String {
    let known = all().into_iter().chain(census::STATEMENTS.iter().copied());
    let statement = known.into_iter().find(|statement| statement.name == name).unwrap();
    for (name, value) in Engine::Postgres.planner_settings() {
        world.run(&format!("SET {name} = {value}")).await;
    }
    let rows = world.raw.simple_query(&format!("EXPLAIN (GENERIC_PLAN, COSTS OFF) {}", statement.text)).await.unwrap();
    let lines = rows.iter().filter_map(|row| match row {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    sql::plan::scans(lines)
}

#[tokio::test]
async fn hot_statements_go_by_their_indexes() {
    let world = World::new().await;
    world.run(FILL).await;
    insta::assert_snapshot!(scans(&world, "mission_claim_1").await, @"all of topology_versions, heartbeats_pkey, missions_leased, missions_pkey, missions_queue, sessions_pkey");
    insta::assert_snapshot!(scans(&world, "mission_claim_16").await, @"all of topology_versions, heartbeats_pkey, missions_leased, missions_pkey, missions_queue, sessions_pkey");
    insta::assert_snapshot!(scans(&world, "mission_claim_512").await, @"all of topology_versions, heartbeats_pkey, missions_leased, missions_pkey, missions_queue, sessions_pkey");
    insta::assert_snapshot!(scans(&world, "mission_claim_alone").await, @"all of topology_versions, heartbeats_pkey, missions_alone, missions_leased, missions_pkey, sessions_pkey");
    insta::assert_snapshot!(scans(&world, "mission_alone_waits").await, @"missions_alone");
    insta::assert_snapshot!(scans(&world, "mission_submit").await, @"all of topology_versions");
    insta::assert_snapshot!(scans(&world, "mission_complete").await, @"missions_pkey");
    insta::assert_snapshot!(scans(&world, "mission_fail").await, @"missions_pkey");
    insta::assert_snapshot!(scans(&world, "mission_complete_remembered").await, @"memory_tombstones_pkey, missions_pkey, sessions_pkey");
    insta::assert_snapshot!(scans(&world, "mission_fail_remembered").await, @"memory_tombstones_pkey, missions_pkey, sessions_pkey");
    insta::assert_snapshot!(scans(&world, "mission_release").await, @"missions_pkey");
    insta::assert_snapshot!(scans(&world, "mission_leases").await, @"missions_leased");
    insta::assert_snapshot!(scans(&world, "mission_open_count").await, @"missions_open");
    insta::assert_snapshot!(scans(&world, "pending_missions").await, @"missions_pending");
    insta::assert_snapshot!(scans(&world, "heartbeat_renew").await, @"heartbeats_pkey");
    // With a third of all sessions in one home a sequential read is right; with many homes it goes by key.
    world.run("SET enable_seqscan = off").await;
    insta::assert_snapshot!(scans(&world, "session_reap").await, @"heartbeats_pkey, sessions_pkey");
}

/// The tables were analysed while nothing waited and nothing ran, as they are after a quiet night: an index of what waits
/// or runs then looks empty, and whoever reads all of it for each row of a batch is lost when the burst comes.
#[tokio::test]
async fn what_is_changed_by_key_is_found_by_key_whatever_the_statistics_say() {
    let world = World::new().await;
    world
        .run(
            &FILL.replace("WHEN n % 10 < 7 THEN 'succeeded' WHEN n % 10 = 7", "WHEN n > 0 THEN 'succeeded' WHEN n = 0"),
        )
        .await;
    for claim in
        ["mission_claim_1", "mission_claim_16", "mission_claim_128", "mission_claim_512", "mission_claim_alone"]
    {
        assert!(scans(&world, claim).await.contains("missions_pkey"), "{claim}: {}", scans(&world, claim).await);
    }
    for result in ["mission_complete_remembered", "mission_fail_remembered"] {
        assert!(!scans(&world, result).await.contains("missions_leased"), "{result}: {}", scans(&world, result).await);
    }
    for result in ["mission_complete", "mission_fail", "mission_release", "mission_progress"] {
        assert_eq!(scans(&world, result).await, "missions_pkey", "{result}");
    }
}

#[tokio::test]
async fn no_statement_of_the_engine_scans_all_missions() {
    let world = World::new().await;
    world.run(FILL).await;
    for statement in all() {
        let scans = scans(&world, statement.name).await;
        assert!(!scans.contains("all of missions"), "{}: {scans}", statement.name);
    }
}
