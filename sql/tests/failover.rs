//! Gateways that hang, refuse, answer late or lose an answer, each behind a relay of the test.

use std::time::{Duration, Instant};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use sql::relay::{Mode, Relay};
use sql::testdb::TestDb;
use sql::{BreakerState, Config, Db, Error, Gateways, Lane, Statement, statement};

const READ: Statement =
    statement!("state_read", idempotent, "SELECT region FROM region_states WHERE region = $1::TEXT");
const ADD: Statement = statement!(
    "state_add",
    once,
    "INSERT INTO region_states (region, verb, verb_reason, verb_by, verb_at, health, health_at, health_by) \
     VALUES ($1::TEXT, 'none', '', '', now(), 'up', now(), '')"
);
const PUT: Statement = statement!(
    "state_put",
    idempotent,
    "INSERT INTO region_states (region, verb, verb_reason, verb_by, verb_at, health, health_at, health_by) \
     VALUES ($1::TEXT, 'none', '', '', now(), 'up', now(), '') ON CONFLICT (region) DO NOTHING"
);

const LIMIT: Duration = Duration::from_millis(500);

/// Three gateways to one database, the first one behind a relay that the test controls.
struct Setup {
    _test: TestDb,
    near: Relay,
    gateways: Gateways,
    db: Db,
    metrics: PrometheusHandle,
    _recording: metrics::LocalRecorderGuard<'static>,
}

impl Setup {
    async fn new(others: usize) -> Self {
        let recorder = Box::leak(Box::new(PrometheusBuilder::new().build_recorder()));
        let metrics = recorder.handle();
        let recording = metrics::set_default_local_recorder(recorder);
        let test = TestDb::new().await;
        let (near, url) = Relay::to_url(test.url()).await;
        let mut urls = vec![format!("near={url}")];
        urls.extend((0..others).map(|i| format!("far-{i}={}", test.url())));
        let mut config = Config::from_urls(&urls).unwrap().call_timeout(LIMIT);
        config.breaker.open_for = Duration::from_millis(200);
        config.breaker.open_max = Duration::from_millis(400);
        let gateways = Gateways::connect(config).await.unwrap();
        let db = gateways.lane(Lane::Submit);
        Self { _test: test, near, gateways, db, metrics, _recording: recording }
    }

    fn breaker(&self) -> BreakerState {
        self.gateways.health()[0].breaker
    }

    /// A figure as `/metrics` shows it.
    fn metric(&self, line: &str) -> f64 {
        let text = self.metrics.render();
        text.lines().find_map(|found| found.strip_prefix(line)?.trim().parse().ok()).unwrap_or(0.0)
    }

    async fn read(&self) -> Result<usize, Error> {
        self.db.query(&READ, &[&"any"]).await.map(|rows| rows.len())
    }

    async fn count(&self, region: &str) -> usize {
        self.db.query(&READ, &[&region]).await.unwrap().len()
    }

    /// Calls until the breaker has opened; all calls succeed, each within one timeout and a bit.
    async fn until_open(&self) {
        while self.breaker() != BreakerState::Open {
            let started = Instant::now();
            self.read().await.unwrap();
            assert!(started.elapsed() < LIMIT * 2, "moved on after {:?}", started.elapsed());
        }
    }

    async fn until_closed(&self) {
        while self.breaker() != BreakerState::Closed {
            self.read().await.unwrap();
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_hanging_gateway_is_left_within_one_timeout_and_comes_back_after_one_probe() {
    let setup = Setup::new(2).await;
    setup.read().await.unwrap();
    setup.near.set(Mode::Hang);
    setup.until_open().await;
    assert!(setup.metric("sql_breaker_state{gateway=\"near\"}") > 1.5);
    assert!(setup.metric("sql_failovers_total{gateway=\"near\"}") >= 3.0);

    // Half open with many callers at once: one of them is the probe, the others do not wait for it.
    let probes = || setup.metric("sql_breaker_probes_total{gateway=\"near\"}");
    let before = probes();
    while probes() - before < 0.5 {
        let round = probes();
        let started = Instant::now();
        let calls = (0..50).map(|_| async {
            setup.read().await.unwrap();
            started.elapsed()
        });
        let took = futures_util::future::join_all(calls).await;
        assert!(probes() - round < 1.5, "at most one probe a round");
        assert!(took.iter().filter(|took| **took > LIMIT * 4 / 5).count() <= 1, "{took:?}");
    }

    setup.near.set(Mode::Pass);
    setup.until_closed().await;
    assert!(setup.metric("sql_breaker_state{gateway=\"near\"}") < 0.5);
}

#[tokio::test]
async fn a_refusing_gateway_is_left_at_once_even_by_what_may_not_be_repeated() {
    let setup = Setup::new(1).await;
    setup.near.set(Mode::Refuse);
    let started = Instant::now();
    setup.db.execute(&ADD, &[&"a"]).await.unwrap();
    assert!(started.elapsed() < LIMIT, "{:?}", started.elapsed());
    assert_eq!(setup.count("a").await, 1);
    setup.until_open().await;
    setup.near.set(Mode::Pass);
    setup.until_closed().await;
}

#[tokio::test]
async fn a_gateway_that_answers_too_late_is_left() {
    let setup = Setup::new(1).await;
    setup.read().await.unwrap();
    setup.near.set(Mode::Delay(Duration::from_secs(3)));
    setup.until_open().await;
    setup.near.set(Mode::Pass);
    setup.until_closed().await;
}

#[tokio::test]
async fn a_lost_answer_is_indeterminate_where_it_may_not_be_repeated() {
    let setup = Setup::new(1).await;
    setup.near.set(Mode::CutAfter("state_add".to_owned()));
    let error = setup.db.execute(&ADD, &[&"a"]).await.unwrap_err();
    assert!(matches!(error, Error::Indeterminate(_)), "{error:?}");
    setup.near.cut(1).await;
    assert_eq!(setup.count("a").await, 1, "it was applied all the same");
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_where_it_may_be() {
    let setup = Setup::new(1).await;
    setup.near.set(Mode::CutAfter("state_put".to_owned()));
    assert_eq!(setup.db.execute(&PUT, &[&"a"]).await.unwrap(), 0, "the second try finds the first one's row");
    assert_eq!(setup.near.cuts(), 1);
    assert!(setup.metric("sql_retries_total{statement=\"state_put\"}") >= 1.0);
}

#[tokio::test]
async fn a_hanging_statement_that_may_not_be_repeated_is_indeterminate_and_not_sent_elsewhere() {
    let setup = Setup::new(1).await;
    setup.db.execute(&ADD, &[&"first"]).await.unwrap();
    setup.near.set(Mode::Hang);
    let error = setup.db.execute(&ADD, &[&"a"]).await.unwrap_err();
    assert!(matches!(error, Error::Indeterminate(_)), "{error:?}");
    assert_eq!(setup.count("a").await, 0);
}

#[tokio::test]
async fn without_any_gateway_a_call_fails_at_once_and_says_that_nothing_was_sent() {
    let setup = Setup::new(0).await;
    setup.near.set(Mode::Refuse);
    while setup.breaker() != BreakerState::Open {
        assert!(matches!(setup.read().await, Err(Error::Unavailable(_))));
    }
    let started = Instant::now();
    assert!(matches!(setup.db.execute(&ADD, &[&"a"]).await, Err(Error::Unavailable(_))));
    assert!(started.elapsed() < Duration::from_millis(100));
}

/// Adds a region in a transaction.
async fn add_in_txn(db: &Db, name: &'static str) -> Result<u64, Error> {
    db.txn("adding", |txn| async move { txn.execute(&ADD, &[&name]).await }).await
}

#[tokio::test]
async fn what_a_transaction_loses_before_its_commit_is_done_anew_elsewhere() {
    let setup = Setup::new(1).await;
    setup.near.set(Mode::CutAfter("state_add".to_owned()));
    assert_eq!(add_in_txn(&setup.db, "a").await.unwrap(), 1);
    assert_eq!(setup.near.cuts(), 1);
    assert_eq!(setup.count("a").await, 1);
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_indeterminate() {
    let setup = Setup::new(1).await;
    setup.near.set(Mode::CutAfter("adding:commit".to_owned()));
    let error = add_in_txn(&setup.db, "a").await.unwrap_err();
    assert!(matches!(error, Error::Indeterminate(_)), "{error:?}");
    assert_eq!(setup.near.cuts(), 1);
    assert_eq!(setup.count("a").await, 1, "it was applied all the same");
}

#[tokio::test]
async fn a_dropped_call_leaves_no_half_read_connection_behind() {
    let setup = Setup::new(0).await;
    setup.read().await.unwrap();
    setup.near.set(Mode::Hang);
    let dropped = tokio::time::timeout(Duration::from_millis(50), setup.read()).await;
    assert!(dropped.is_err());
    setup.near.set(Mode::Pass);
    assert_eq!(setup.read().await.unwrap(), 0);
    assert!(setup.near.accepted() >= 3, "the call after it has a connection of its own");
}

#[tokio::test]
async fn a_call_for_a_home_goes_to_its_gateway_first_and_else_to_the_local_one() {
    let setup = Setup::new(2).await;
    let calls = |gateway: &str| setup.metric(&format!("sql_gateway_calls_total{{gateway=\"{gateway}\"}}"));
    let home = "far-1".parse().unwrap();
    setup.db.query_in(Some(&home), &READ, &[&"any"]).await.unwrap();
    assert_eq!([calls("near"), calls("far-0"), calls("far-1")], [0.0, 0.0, 1.0]);
    let elsewhere = "mars-1".parse().unwrap();
    setup.db.query_in(Some(&elsewhere), &READ, &[&"any"]).await.unwrap();
    setup.db.query_in(None, &READ, &[&"any"]).await.unwrap();
    assert_eq!([calls("near"), calls("far-0"), calls("far-1")], [2.0, 0.0, 1.0]);
}

#[tokio::test]
async fn a_handle_of_one_home_asks_no_other_gateway_also_where_its_own_is_dead() {
    let setup = Setup::new(1).await;
    let calls = |gateway: &str| setup.metric(&format!("sql_gateway_calls_total{{gateway=\"{gateway}\"}}"));
    let near = setup.db.only_at(&"near".parse().unwrap()).expect("a gateway stands there");
    near.query(&READ, &[&"any"]).await.unwrap();
    setup.near.set(Mode::Refuse);
    while setup.breaker() != BreakerState::Open {
        let error = near.query(&READ, &[&"any"]).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    }
    let error = near.query(&READ, &[&"any"]).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert!(calls("far-0").abs() < f64::EPSILON, "it went elsewhere");
    setup.read().await.unwrap();
    assert!(setup.db.only_at(&"mars-1".parse().unwrap()).is_none(), "no gateway stands there");
}
