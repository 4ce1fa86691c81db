//! Migrations against a real database.

use sql::migrate::{self, Error, LATEST, MIGRATIONS, Regions};
use sql::testdb::{REGIONS, TestDb};
use sql::{Engine, GatewayConfig, Lane, Statement, statement};
use topology::Survive;

const HOME: Statement = statement!(
    "duty_add",
    once,
    "INSERT INTO duties (crdb_region, name, holder, epoch, expires_at) \
     VALUES ($1::TEXT::crdb_internal_region, 'any', gen_random_uuid(), 1, now())"
);

fn regions(names: &[&str]) -> Regions {
    Regions { all: names.iter().map(|name| name.parse().unwrap()).collect(), survive: Survive::Region }
}

/// An empty database, dropped by the one that it was made beside.
async fn empty(test: &TestDb) -> GatewayConfig {
    run(test.url(), "DROP SCHEMA public CASCADE; CREATE SCHEMA public").await;
    GatewayConfig { region: None, url: test.url().to_owned() }
}

async fn run(url: &str, text: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let driving = tokio::spawn(connection);
    client.batch_execute(text).await.unwrap();
    drop(client);
    driving.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_second_run_changes_nothing() {
    let test = TestDb::new().await;
    let gateway = empty(&test).await;
    let first = migrate::up(&gateway, &regions(&REGIONS)).await.unwrap();
    assert_eq!(first.applied.len(), MIGRATIONS.len());
    let second = migrate::up(&gateway, &regions(&REGIONS)).await.unwrap();
    assert_eq!((second.applied.len(), second.version), (0, LATEST));
    migrate::check(&test.gateways().await.lane(Lane::Upkeep)).await.unwrap();
}

#[tokio::test]
async fn every_step_may_run_twice() {
    let test = TestDb::new().await;
    for step in MIGRATIONS.iter().flat_map(|migration| migration.steps(Engine::Postgres)) {
        run(test.url(), step).await;
    }
    run(test.url(), "DELETE FROM schema_migrations").await;
    let gateway = GatewayConfig { region: None, url: test.url().to_owned() };
    let report = migrate::up(&gateway, &regions(&REGIONS)).await.unwrap();
    assert_eq!(report.applied.len(), MIGRATIONS.len());
}

#[tokio::test]
async fn four_migrators_at_once_apply_everything_once() {
    let test = TestDb::new().await;
    let gateway = empty(&test).await;
    let all = regions(&REGIONS);
    let runs = futures_util::future::join_all((0..4).map(|_| migrate::up(&gateway, &all))).await;
    let applied: usize = runs.into_iter().map(|run| run.unwrap().applied.len()).sum();
    assert_eq!(applied, MIGRATIONS.len());
    migrate::check(&test.gateways().await.lane(Lane::Upkeep)).await.unwrap();
}

/// The lease is a courtesy: without it, the steps of two instances still do not hurt each other.
#[tokio::test]
async fn a_lease_that_died_with_its_holder_is_taken_over() {
    let test = TestDb::new().await;
    run(
        test.url(),
        "DELETE FROM schema_migrations; INSERT INTO schema_leases VALUES \
         ('migrate', gen_random_uuid(), now() + INTERVAL '1 second')",
    )
    .await;
    let gateway = GatewayConfig { region: None, url: test.url().to_owned() };
    let started = std::time::Instant::now();
    let report = migrate::up(&gateway, &regions(&REGIONS)).await.unwrap();
    assert_eq!(report.applied.len(), MIGRATIONS.len());
    assert!(started.elapsed().as_millis() > 800, "it waited for its turn");
}

#[tokio::test]
async fn a_program_is_told_when_the_schema_is_missing_or_needs_a_later_one() {
    let test = TestDb::new().await;
    let gateways = test.gateways().await;
    let db = gateways.lane(Lane::Upkeep);
    run(test.url(), "INSERT INTO schema_migrations VALUES (9000, 'later', '', '77.0.0', 'meridian 77.1.0', now())")
        .await;
    let error = migrate::check(&db).await.unwrap_err();
    assert!(error.to_string().contains("needs meridian 77.0.0 or later"), "{error}");
    assert!(matches!(migrate::up(&gateway(&test), &regions(&REGIONS)).await, Err(Error::TooOld { .. })));
    empty(&test).await;
    assert!(matches!(migrate::check(&db).await, Err(Error::Missing)));
}

fn gateway(test: &TestDb) -> GatewayConfig {
    GatewayConfig { region: None, url: test.url().to_owned() }
}

#[tokio::test]
async fn rows_live_in_the_known_regions_only_and_a_region_in_use_stays() {
    let test = TestDb::new().await;
    let gateways = test.gateways().await;
    let db = gateways.lane(Lane::Submit);
    let error = db.execute(&HOME, &[&"mars-1"]).await.unwrap_err();
    assert_eq!(error.sqlstate().map(|state| state.code()), Some("23514"));

    migrate::sync_regions(&gateway(&test), &regions(&["us-west-2", "mars-1"])).await.unwrap();
    assert_eq!(db.execute(&HOME, &[&"mars-1"]).await.unwrap(), 1, "on a connection that knew the old list");
    assert!(db.execute(&HOME, &[&"us-east-1"]).await.is_err());

    let error = migrate::sync_regions(&gateway(&test), &regions(&["us-west-2"])).await.unwrap_err();
    assert!(matches!(error, Error::RegionInUse(_)), "{error:?}");
    assert!(matches!(migrate::sync_regions(&gateway(&test), &regions(&[])).await, Err(Error::NoRegion)));
}

#[tokio::test]
async fn regions_synced_by_many_at_once_end_as_one_of_the_lists() {
    let test = TestDb::new().await;
    let gateway = gateway(&test);
    let lists: Vec<Regions> = (0..4).map(|i| regions(&["us-west-2", &format!("r-{}", i % 2)])).collect();
    let runs = futures_util::future::join_all(lists.iter().map(|list| migrate::sync_regions(&gateway, list))).await;
    for run in runs {
        run.unwrap();
    }
    let gateways = test.gateways().await;
    let db = gateways.lane(Lane::Submit);
    let known = [db.execute(&HOME, &[&"r-0"]).await.is_ok(), db.execute(&HOME, &[&"r-1"]).await.is_ok()];
    assert_eq!(known.iter().filter(|known| **known).count(), 1);
    assert!(db.execute(&HOME, &[&"eu-west-1"]).await.is_err());
}
