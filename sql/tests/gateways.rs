//! Statements and transactions against a real database.

use sql::testdb::TestDb;
use sql::{Engine, Error, Lane, Statement, statement};

const ONE: Statement = statement!("one_read", idempotent, "SELECT $1::INT8");
const BROKEN: Statement = statement!("broken_read", idempotent, "SELECT $1::INT8 FROM no_such_table");
const LOST: Statement = statement!(
    "token_insert",
    once,
    "INSERT INTO region_states (region, verb, verb_reason, verb_by, verb_at, health, health_at, health_by) VALUES ($1::TEXT, $2::TEXT, '', '', now(), 'up', now(), '')"
);

#[tokio::test]
async fn a_statement_returns_its_rows_and_the_clock_runs() {
    let test = TestDb::new().await;
    let gateways = test.gateways().await;
    assert_eq!(gateways.engine(), Engine::Postgres);
    let db = gateways.lane(Lane::Submit);
    let row = db.query_one(&ONE, &[&7_i64]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 7);
    let first = db.clock().await.unwrap();
    assert!(db.clock().await.unwrap() >= first);
}

#[tokio::test]
async fn what_the_database_refuses_is_permanent_and_names_the_constraint() {
    let test = TestDb::new().await;
    let gateways = test.gateways().await;
    let db = gateways.lane(Lane::Submit);
    let error = db.query(&BROKEN, &[&7_i64]).await.unwrap_err();
    assert!(matches!(error, Error::Permanent(_)), "{error:?}");
    assert_eq!(error.sqlstate().map(|state| state.code()), Some("42P01"));

    let error = db.execute(&LOST, &[&"us-west", &"nonsense"]).await.unwrap_err();
    assert_eq!(error.constraint(), Some("region_states_verb_check"));
    assert!(error.is_refused_data());
    assert_eq!(db.execute(&LOST, &[&"us-west", &"none"]).await.unwrap(), 1);
    let error = db.execute(&LOST, &[&"us-west", &"none"]).await.unwrap_err();
    assert_eq!(error.constraint(), Some("region_states_pkey"));
}

#[tokio::test]
async fn a_parameter_of_the_wrong_type_is_permanent_and_harms_nobody() {
    let test = TestDb::new().await;
    let gateways = test.gateways().await;
    let db = gateways.lane(Lane::Submit);
    let error = db.query(&ONE, &[&"text"]).await.unwrap_err();
    assert!(matches!(error, Error::Permanent(_)), "{error:?}");
    assert_eq!(db.query_one(&ONE, &[&1_i64]).await.unwrap().get::<_, i64>(0), 1);
}
