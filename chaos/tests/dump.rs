//! What the database holds becomes a history's last two files.

use chaos::history::{EVENTS, Event, Line, Lines, ROWS, Row, dump, titled};
use scheduler_client::outcome_digest;
use scheduler_client::wire::MissionState;
use serde_json::{Value, json};
use sql::testdb::TestDb;
use tokio_postgres::{Client, NoTls};
use topology::{Epoch, MissionId, SessionId};
use uuid::Uuid;

const MISSION: Uuid = Uuid::from_u128(1);
const SESSION: Uuid = Uuid::from_u128(2);

async fn client(database: &TestDb) -> Client {
    let (client, connection) = tokio_postgres::connect(database.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A mission with nothing but what it must have, and a title.
async fn insert(client: &Client, id: Uuid, title: &str) {
    let insert = "INSERT INTO missions (crdb_region, id, state, specialization, submitter, title, payload, origin, priority, \
        rank, round, epoch, attempts, crashes, moves, max_attempts, max_crashes, run_limit_ms, not_before, topology_version, \
        residency_version, nonce, submitted_at) VALUES ('us-west-2', $1, 'pending', 'a', 'me', $2, '{}', '{}', 7, 0, 0, 0, \
        1, 2, 3, 3, 4, 1000, '1970-01-01 00:00:00+00', 1, 1, 0, '1970-01-01 00:00:01.5+00')";
    client.execute(insert, &[&id, &title]).await.unwrap();
}

fn read<T: Line>(folder: &std::path::Path, name: &str) -> Vec<T> {
    Lines::open(&folder.join(name)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn every_mission_and_event_is_written_with_what_the_checker_compares() {
    let database = TestDb::new().await;
    let client = client(&database).await;
    let folder = tempfile::tempdir().unwrap();
    // The numbers are those that a database writes another way than it was told them.
    let outcome: Value = serde_json::from_str(r#"{"b": -0.0, "a": [1e20, 1.50, "é"], "c": null}"#).unwrap();
    insert(&client, MISSION, &titled("mend it", "k-1")).await;
    insert(&client, Uuid::from_u128(3), "mend it").await;
    let end = "UPDATE missions SET state = 'succeeded', epoch = 5, session_id = $1, region = 'us-west', residency = 'near', \
        reason = 'why', outcome = $2, leased_at = '1970-01-01 00:00:02+00', finished_at = '1970-01-01 00:00:03+00' \
        WHERE id = $3";
    client.execute(end, &[&SESSION, &outcome, &MISSION]).await.unwrap();
    let event = "INSERT INTO mission_events (crdb_region, mission_id, at, from_state, to_state, epoch, session_id, actor, \
        reason, region) VALUES ('us-west-2', $1, '1970-01-01 00:00:04+00', $2, 'queued', 4, $3, 'scheduler:1', $4, $5)";
    client
        .execute(event, &[&MISSION, &Some("leased"), &Some(SESSION), &Some("drain"), &Some("us-west")])
        .await
        .unwrap();

    let residency = |rule: &str| vec![format!("{rule}-west")];
    std::fs::write(folder.path().join(ROWS), "an older one").unwrap();
    dump(&client, folder.path(), &residency).await.unwrap();

    let mut rows: Vec<Row> = read(folder.path(), ROWS);
    rows.sort_by_key(|row| row.mission);
    let pending = Row {
        mission: MissionId(Uuid::from_u128(3)),
        key: None,
        state: MissionState::Pending,
        epoch: Epoch(0),
        session: None,
        region: None,
        home: "us-west-2".to_owned(),
        residency: None,
        allowed: vec![],
        reason: None,
        priority: 7,
        outcome: None,
        submitted_at_us: 1_500_000,
        leased_at_us: None,
        finished_at_us: None,
        attempts: 1,
        crashes: 2,
        moves: 3,
    };
    let succeeded = Row {
        mission: MissionId(MISSION),
        key: Some("k-1".to_owned()),
        state: MissionState::Succeeded,
        epoch: Epoch(5),
        session: Some(SessionId(SESSION)),
        region: Some("us-west".to_owned()),
        residency: Some("near".to_owned()),
        allowed: vec!["near-west".to_owned()],
        reason: Some("why".to_owned()),
        outcome: Some(outcome_digest(&outcome)),
        leased_at_us: Some(2_000_000),
        finished_at_us: Some(3_000_000),
        ..pending.clone()
    };
    assert_eq!(rows, [succeeded, pending]);
    assert_ne!(rows[0].outcome, Some(outcome_digest(&json!({}))));
    let event = Event {
        mission: MissionId(MISSION),
        at_us: 4_000_000,
        from: Some(MissionState::Leased),
        to: MissionState::Queued,
        epoch: Epoch(4),
        session: Some(SessionId(SESSION)),
        actor: "scheduler:1".to_owned(),
        reason: Some("drain".to_owned()),
        region: Some("us-west".to_owned()),
    };
    assert_eq!(read::<Event>(folder.path(), EVENTS), [event]);
}
