//! Statements and transactions against a real database.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sql::testdb::TestDb;
use sql::{BreakerState, Db, Engine, Error, Gateways, Lane, Statement, statement};
use tokio::sync::Barrier;

const ONE: Statement = statement!("one_read", idempotent, "SELECT $1::INT8");
const BROKEN: Statement = statement!("broken_read", idempotent, "SELECT $1::INT8 FROM no_such_table");
const ADD: Statement = statement!(
    "state_add",
    once,
    "INSERT INTO region_states (region, verb, verb_reason, verb_by, verb_at, health, health_at, health_by) \
     VALUES ($1::TEXT, $2::TEXT, '', '', now(), 'up', now(), '')"
);
const COUNT: Statement = statement!("state_count", idempotent, "SELECT count(*) FROM region_states");
const CONFLICT: Statement = statement!("conflict_call", once, "SELECT conflict($1::INT8)");
const TRIES: Statement = statement!("tries_read", idempotent, "SELECT last_value FROM tries");
const SLEEP: Statement = statement!("sleep_call", once, "SELECT pg_sleep($1::FLOAT8)::TEXT");
const BACKEND: Statement = statement!("backend_read", idempotent, "SELECT pg_backend_pid()");
const SETTING: Statement = statement!("setting_read", idempotent, "SELECT current_setting($1::TEXT)");
const ITEMS: Statement = statement!("items_read", idempotent, "SELECT a FROM items");
const STRICTLY: Statement = sql::statement!("strictly", idempotent, "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE");
const SUM: Statement = statement!("items_sum", idempotent, "SELECT sum(a)::INT8 FROM items");
const ITEM_ADD: Statement = statement!("item_add", once, "INSERT INTO items (a) VALUES ($1::INT8)");

/// A function that fails with 40001 until it was called `$1` times. A sequence counts, for it is never rolled back.
const CONFLICTS: &str = "CREATE SEQUENCE tries; CREATE FUNCTION conflict(until INT8) RETURNS INT8 LANGUAGE plpgsql AS $$ \
    DECLARE n INT8; BEGIN n := nextval('tries'); IF n < until THEN RAISE EXCEPTION USING ERRCODE = '40001'; END IF; \
    RETURN n; END $$";

async fn run(url: &str, text: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let driving = tokio::spawn(connection);
    client.batch_execute(text).await.unwrap();
    drop(client);
    driving.await.unwrap().unwrap();
}

async fn opened() -> (TestDb, Gateways, Db) {
    let test = TestDb::new().await;
    let gateways = test.gateways().await;
    let db = gateways.lane(Lane::Submit);
    (test, gateways, db)
}

async fn number(db: &Db, statement: &'static Statement) -> i64 {
    db.query_one(statement, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_statement_returns_its_rows_and_the_clock_runs() {
    let (_test, gateways, db) = opened().await;
    assert_eq!(gateways.engine(), Engine::Postgres);
    let row = db.query_one(&ONE, &[&7_i64]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 7);
    let first = db.clock().await.unwrap();
    assert!(db.clock().await.unwrap() >= first);
}

#[tokio::test]
async fn what_the_database_refuses_is_permanent_and_names_the_constraint() {
    let (_test, _gateways, db) = opened().await;
    let error = db.query(&BROKEN, &[&7_i64]).await.unwrap_err();
    assert!(matches!(error, Error::Permanent(_)), "{error:?}");
    assert_eq!(error.sqlstate().map(|state| state.code()), Some("42P01"));

    let error = db.execute(&ADD, &[&"us-west", &"nonsense"]).await.unwrap_err();
    assert_eq!(error.constraint(), Some("region_states_verb_check"));
    assert!(error.is_refused_data());
    assert_eq!(db.execute(&ADD, &[&"us-west", &"none"]).await.unwrap(), 1);
    let error = db.execute(&ADD, &[&"us-west", &"none"]).await.unwrap_err();
    assert_eq!(error.constraint(), Some("region_states_pkey"));
}

#[tokio::test]
async fn a_parameter_of_the_wrong_type_is_permanent_and_harms_nobody() {
    let (_test, _gateways, db) = opened().await;
    let error = db.query(&ONE, &[&"text"]).await.unwrap_err();
    assert!(matches!(error, Error::Permanent(_)), "{error:?}");
    assert_eq!(db.query_one(&ONE, &[&1_i64]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn the_session_settings_are_those_of_the_engine() {
    let (test, _gateways, _db) = opened().await;
    let config = test.config().call_timeout(Duration::from_millis(500));
    let db = Gateways::connect(config).await.unwrap().lane(Lane::Claim);
    let wanted = [
        ("transaction_isolation", "read committed"),
        ("statement_timeout", "400ms"),
        ("TimeZone", "UTC"),
        ("jit", "off"),
        ("idle_in_transaction_session_timeout", "500ms"),
        ("application_name", "meridian/claim"),
    ];
    for (name, value) in wanted {
        let row = db.query_one(&SETTING, &[&name]).await.unwrap();
        assert_eq!(row.get::<_, String>(0), value, "{name}");
    }
    let isolation =
        db.txn("any", |txn| async move {
            Ok(txn.query(&SETTING, &[&"transaction_isolation"]).await?[0].get::<_, String>(0))
        })
        .await;
    assert_eq!(isolation.unwrap(), "read committed");
}

#[tokio::test]
async fn a_conflict_is_tried_again_whatever_the_statement() {
    let (test, _gateways, db) = opened().await;
    run(test.url(), CONFLICTS).await;
    let row = db.query_one(&CONFLICT, &[&4_i64]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 4, "three failed tries, then success");
}

#[tokio::test]
async fn a_conflict_that_does_not_end_is_given_up_after_the_cap() {
    let (test, _gateways, db) = opened().await;
    run(test.url(), CONFLICTS).await;
    let error = db.query_one(&CONFLICT, &[&1_000_i64]).await.unwrap_err();
    assert!(matches!(error, Error::Retryable(_)), "{error:?}");
    assert_eq!(number(&db, &TRIES).await, 11, "one try and ten more");
}

/// Each of two transactions reads what the other writes: whichever commits second must be run anew.
#[tokio::test]
async fn of_two_crossing_transactions_one_is_run_anew() {
    let (test, _gateways, db) = opened().await;
    run(test.url(), "CREATE TABLE items (a INT8 NOT NULL)").await;
    let (runs, meeting) = (AtomicU32::new(0), Barrier::new(2));
    let cross = || {
        db.txn("crossing", |txn| async {
            let txn = txn;
            let run = runs.fetch_add(1, Ordering::SeqCst);
            // PostgreSQL gives 40001 only here; CockroachDB for any transaction.
            txn.execute(&STRICTLY, &[]).await?;
            let sum: Option<i64> = txn.query(&SUM, &[]).await?[0].get(0);
            if run < 2 {
                meeting.wait().await;
            }
            txn.execute(&ITEM_ADD, &[&(sum.unwrap_or(0) + 1)]).await?;
            Ok(sum.unwrap_or(0))
        })
    };
    let (one, two) = tokio::join!(cross(), cross());
    let mut sums = [one.unwrap(), two.unwrap()];
    sums.sort_unstable();
    assert_eq!(sums, [0, 1], "as if one after the other");
    assert!(runs.load(Ordering::SeqCst) >= 3);
    assert_eq!(number(&db, &SUM).await, 3);
}

#[tokio::test]
async fn a_transaction_whose_body_overlooks_a_failure_is_not_committed() {
    let (_test, _gateways, db) = opened().await;
    let result = db
        .txn("overlooking", |txn| async move {
            txn.execute(&ADD, &[&"a", &"none"]).await?;
            let _ = txn.execute(&ADD, &[&"a", &"none"]).await;
            Ok(())
        })
        .await;
    assert_eq!(result.unwrap_err().constraint(), Some("region_states_pkey"));
    assert_eq!(number(&db, &COUNT).await, 0);
}

#[tokio::test]
async fn a_transaction_that_fails_by_its_own_word_leaves_nothing() {
    let (_test, _gateways, db) = opened().await;
    let result: Result<(), Error> = db
        .txn("refusing", |txn| async move {
            txn.execute(&ADD, &[&"a", &"none"]).await?;
            txn.query(&ONE, &[&1_i64]).await?[0].try_get::<_, String>(0)?;
            Ok(())
        })
        .await;
    assert!(matches!(result, Err(Error::Permanent(_))), "{result:?}");
    assert_eq!(number(&db, &COUNT).await, 0);
}

#[tokio::test]
async fn a_slow_statement_is_given_up_by_the_server_and_does_not_open_the_breaker() {
    let (test, _gateways, _db) = opened().await;
    let config = test.config().call_timeout(Duration::from_secs(2));
    let gateways = Gateways::connect(config).await.unwrap();
    let db = gateways.lane(Lane::Submit);
    for error in futures_util::future::join_all((0..4).map(|_| db.query(&SLEEP, &[&60.0_f64]))).await {
        let error = error.unwrap_err();
        assert!(matches!(error, Error::Indeterminate(_)), "{error:?}");
        assert_eq!(error.sqlstate().map(|state| state.code()), Some("57014"));
    }
    assert_eq!(gateways.health()[0].breaker, BreakerState::Closed);
}

#[tokio::test]
async fn one_lane_full_of_slow_work_does_not_hold_up_another() {
    let (_test, gateways, db) = opened().await;
    let slow = (0..8).map(|_| db.query(&SLEEP, &[&1.0_f64]));
    let quick = async {
        tokio::task::yield_now().await;
        let started = Instant::now();
        gateways.lane(Lane::Lease).clock().await.unwrap();
        started.elapsed()
    };
    let (all, took) = tokio::join!(futures_util::future::join_all(slow), quick);
    assert!(all.into_iter().all(|one| one.is_ok()));
    assert!(took < Duration::from_millis(900), "{took:?}");
}

#[tokio::test]
async fn a_full_lane_says_that_nothing_was_applied() {
    let (test, _gateways, _db) = opened().await;
    let mut config = test.config().call_timeout(Duration::from_millis(400));
    config.submit.connections = 1;
    let gateways = Gateways::connect(config).await.unwrap();
    let db = gateways.lane(Lane::Submit);
    let (slow, waiting) = tokio::join!(db.query(&SLEEP, &[&5.0_f64]), db.execute(&ADD, &[&"a", &"none"]));
    assert!(slow.is_err());
    // The second one either got its turn after the first was given up, or none at all.
    assert!(matches!(waiting, Ok(1) | Err(Error::Retryable(_))), "{waiting:?}");
    assert_eq!(gateways.health()[0].breaker, BreakerState::Closed);
}

#[tokio::test]
async fn a_connection_is_used_again_until_its_lifetime_is_over() {
    let (test, _gateways, db) = opened().await;
    let backend = async |db: &Db| db.query_one(&BACKEND, &[]).await.unwrap().get::<_, i32>(0);
    assert_eq!(backend(&db).await, backend(&db).await);
    let mut config = test.config();
    config.max_lifetime = Duration::ZERO;
    let db = Gateways::connect(config).await.unwrap().lane(Lane::Submit);
    assert_ne!(backend(&db).await, backend(&db).await);
}

#[tokio::test]
async fn a_statement_prepared_before_a_schema_change_is_prepared_anew() {
    let (test, _gateways, db) = opened().await;
    run(test.url(), "CREATE TABLE items (a INT4 NOT NULL); INSERT INTO items VALUES (7)").await;
    assert_eq!(db.query_one(&ITEMS, &[]).await.unwrap().get::<_, i32>(0), 7);
    run(test.url(), "ALTER TABLE items ALTER COLUMN a TYPE INT8").await;
    assert_eq!(db.query_one(&ITEMS, &[]).await.unwrap().get::<_, i64>(0), 7);
}

#[tokio::test]
async fn connections_that_the_server_ended_are_replaced_unseen() {
    let (test, _gateways, db) = opened().await;
    number(&db, &COUNT).await;
    for _ in 0..5 {
        run(
            test.url(),
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND application_name LIKE 'meridian/%'",
        )
        .await;
        assert_eq!(number(&db, &COUNT).await, 0);
    }
}

#[tokio::test]
async fn closed_gateways_refuse_calls() {
    let (_test, gateways, db) = opened().await;
    number(&db, &COUNT).await;
    gateways.close().await;
    assert!(matches!(db.query(&COUNT, &[]).await, Err(Error::Retryable(_))));
}

#[tokio::test]
async fn a_call_that_is_spawned_compiles_and_runs() {
    let (_test, _gateways, db) = opened().await;
    let spawned = tokio::spawn(async move {
        let rows = db.query(&ONE, &[&1_i64]).await?;
        let sum = db.txn("spawned", |txn| async move { Ok(txn.query(&ONE, &[&2_i64]).await?.len()) }).await?;
        Ok::<_, Error>(rows.len() + sum)
    });
    assert_eq!(spawned.await.unwrap().unwrap(), 2);
}
