//! Another home's rows come by that home's gateway. Dead, it costs its time limit once, then not even a connection.

use std::time::{Duration, Instant};

use memory::boundary::Limits;
use memory::memories::Rows;
use memory::model::Scope;
use memory::recall::{Answer, Completeness, Query, Recall, Settings};
use memory::store::import::memory_import;
use memory::store::work::Holder;
use memory::work::tick;
use sql::relay::{Mode, Relay};
use sql::testdb::TestDb;
use sql::{BreakerState, Config, Gateways, Lane};
use topology::{DatabaseRegion, RegionName, SchedulerId, Topology};

use crate::bed::{Hashed, memory, space, vector, words};

const HERE: &str = "us-west-2";
const THERE: &str = "us-east-1";
const LIMIT: Duration = Duration::from_millis(500);

/// Two homes with a memory each, seen from one of them; the other's gateway is behind a relay.
struct Bed {
    _test: TestDb,
    gateways: Gateways,
    there: Relay,
    topology: Topology,
    recall: Recall<Rows>,
}

fn home(name: &str) -> DatabaseRegion {
    name.parse().unwrap()
}

fn topology() -> Topology {
    let text = "
regions:
  - { name: us-west, provider: AWS, region: us-west-2, agents: ['engineer-master (primary: 1 replicas)'] }
  - { name: us-east, provider: AWS, region: us-east-1, agents: ['engineer-master (replica: 1)'] }
";
    topology::config::parse(text, "topology.yaml").unwrap().topology
}

impl Bed {
    /// `open_for` is how long recall's own breaker stays open at first.
    async fn new(open_for: Duration) -> Self {
        let test = TestDb::new().await;
        let upkeep = test.gateways().await.lane(Lane::Upkeep);
        for (n, of) in [(1, HERE), (2, THERE)] {
            memory_import(&upkeep, &home(of), &[memory(n, "red wine")]).await.unwrap();
            let by = Holder { home: &home(of), scheduler: SchedulerId::random() };
            assert_eq!(tick(&upkeep, by, &Hashed::default(), words).await.unwrap().memories, 1);
        }
        let (there, url) = Relay::to_url(test.url()).await;
        let urls = [format!("{HERE}={}", test.url()), format!("{THERE}={url}")];
        let gateways = Gateways::connect(Config::from_urls(urls).unwrap()).await.unwrap();
        let mut remote = Limits::within(LIMIT);
        (remote.breaker.open_for, remote.breaker.open_max) = (open_for, open_for);
        let settings = Settings { remote, local_timeout: Duration::from_secs(10), ..Settings::default() };
        let rows = Rows::new(gateways.lane(Lane::Submit), home(HERE));
        let recall = Recall::new("us-west".parse().unwrap(), home(HERE), rows, settings);
        Self { _test: test, gateways, there, topology: topology(), recall }
    }

    /// A question that was not asked before where `n` is new.
    async fn ask(&self, n: usize) -> Answer {
        let query = Query {
            space: space(),
            vector: Some(vector("red wine")),
            terms: words("red wine"),
            scope: Scope::Everyone,
            specializations: vec!["engineer-master".parse().unwrap()],
            success: None,
            limit: 10 + n,
        };
        let here: RegionName = "us-west".parse().unwrap();
        self.recall.ask(&self.topology, &here, query).await.unwrap()
    }

    fn breaker(&self) -> BreakerState {
        self.recall.breakers()[0].1
    }
}

fn ids(answer: &Answer) -> Vec<u128> {
    let mut ids: Vec<u128> = answer.found.iter().map(|found| found.memory.id.0.as_u128()).collect();
    ids.sort_unstable();
    ids
}

fn without_the_other() -> Completeness {
    let degraded = vec![home(THERE)];
    Completeness { regions_asked: 2, regions_answered: 1, degraded, ..Completeness::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_gateway_of_another_home_costs_its_limit_once_and_then_no_connection() {
    // Longer than the test: no probe is among what is counted.
    let bed = Bed::new(Duration::from_secs(600)).await;
    assert_eq!(bed.there.accepted(), 0, "what is local needs no other gateway");
    assert_eq!(ids(&bed.ask(0).await), [1, 2]);
    assert!(bed.there.accepted() > 0, "the other home's memory came by its gateway");

    bed.there.set(Mode::Hang);
    let mut n = 0;
    let began = Instant::now();
    while bed.breaker() != BreakerState::Open {
        n += 1;
        let answer = bed.ask(n).await;
        assert_eq!((ids(&answer), answer.completeness), (vec![1], without_the_other()));
        assert!(began.elapsed() < Duration::from_secs(60), "its breaker never opens");
    }
    // What was on its way when it opened has opened its connections by then.
    tokio::time::sleep(LIMIT * 2).await;
    let before = bed.there.accepted();
    for n in 1_000..1_200 {
        let answer = bed.ask(n).await;
        assert_eq!((ids(&answer), answer.completeness), (vec![1], without_the_other()));
    }
    assert_eq!(bed.there.accepted(), before, "a question opened a connection");
    let answer = bed.ask(0).await;
    assert_eq!(ids(&answer), [1, 2], "what it gave before still serves");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_comes_back_is_found_by_questions_alone() {
    let bed = Bed::new(Duration::from_millis(50)).await;
    bed.there.set(Mode::Refuse);
    let began = Instant::now();
    let mut n = 0;
    // Both the gateway's breaker and recall's are open: either needs a probe, and one call makes two statements at once.
    while bed.gateways.health()[1].breaker != BreakerState::Open {
        n += 1;
        assert_eq!(ids(&bed.ask(n).await), [1]);
        assert!(began.elapsed() < Duration::from_secs(60), "its breaker never opens");
    }
    bed.there.set(Mode::Pass);
    loop {
        n += 1;
        let answer = bed.ask(n).await;
        if answer.completeness.degraded.is_empty() {
            assert_eq!(ids(&answer), [1, 2]);
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "it is never asked again: {answer:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
