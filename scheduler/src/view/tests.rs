use std::sync::Arc;

use scheduler_client::wire::{Origin, WeightedPoint};
use sql::Lane;
use sql::testdb::TestDb;
use topology::world::{City, World};
use topology::{Position, SchedulerId};

use super::{Ask, Config, Views};
use crate::config::Retention;
use crate::control::bootstrap;

const TOPOLOGY: &str = "
regions:
  - { name: us-west, provider: AWS, region: us-west-2, agents: [engineer (primary: 5)] }
  - { name: us-east, provider: AWS, region: us-east-1, agents: [engineer (replica: 5)] }
  - { name: europe-west, provider: AWS, region: eu-west-1, agents: [engineer (replica: 5)] }
residency: { eu: [europe-west] }
database: { cloud: AWS, primary_region: us-west-2, survive: region }
";

async fn views(database: &TestDb, region: &str) -> Views {
    let gateways = database.gateways().await;
    bootstrap(&gateways.lane(Lane::Submit), TOPOLOGY, "test").await.unwrap();
    let position = Position::new(37.77, -122.42).unwrap();
    let city = City { id: "US:San Francisco".into(), label: "San Francisco".into(), position, country: None };
    let world = World { cities: vec![city], ..World::default() };
    let region = region.parse().unwrap();
    let config = Config {
        gateways,
        region,
        id: SchedulerId::random(),
        world: Some(Arc::new(world)),
        keys_kept: Retention::default().keys,
    };
    Views::start(config).await.unwrap()
}

fn at(lat: f64, lng: f64) -> Position {
    Position::new(lat, lng).unwrap()
}

#[tokio::test]
async fn origins_resolve_in_all_forms_and_unknown_places_are_refused() {
    let database = TestDb::new().await;
    let views = views(&database, "us-east").await;
    let own = views.current().topology.regions[1].position;
    assert_eq!(views.resolve(None, None).unwrap().points.as_ref(), [(own, 1.0)]);
    assert_ne!(views.resolve(None, Some("JP")).unwrap().points[0].0, own, "the client's country comes before");
    assert_eq!(views.resolve(None, Some("XX")).unwrap().points[0].0, own, "a header is never refused");
    let city = Origin::World("US:San Francisco".to_owned());
    assert_eq!(views.resolve(Some(&city), None).unwrap().points[0].0, at(37.77, -122.42));
    let weighted = |weight| Origin::Weighted(vec![WeightedPoint { at: at(1.0, 2.0), weight }]);
    assert!(views.resolve(Some(&weighted(0.5)), None).is_ok());
    for (origin, code) in [
        (Origin::World("US:San Francesco".to_owned()), "unknown_place"),
        (Origin::Country("ZZ".to_owned()), "unknown_place"),
        (Origin::Weighted(Vec::new()), "number_out_of_range"),
        (weighted(0.0), "number_out_of_range"),
        (weighted(f64::NAN), "number_out_of_range"),
    ] {
        assert_eq!(views.resolve(Some(&origin), None).unwrap_err().code(), code, "{origin:?}");
    }
}

#[tokio::test]
async fn a_keys_home_is_the_same_at_every_scheduler() {
    let database = TestDb::new().await;
    let (east, west) = (views(&database, "us-east").await, views(&database, "us-west").await);
    let dublin = Origin::At(at(53.3, -6.3));
    for (origin, submitter) in [(Some(&dublin), "ana"), (None, "ana"), (None, "bob"), (None, "eve")] {
        assert_eq!(east.key_homes(origin, submitter).unwrap(), west.key_homes(origin, submitter).unwrap());
    }
    assert_eq!(east.key_homes(Some(&dublin), "ana").unwrap().home.as_str(), "eu-west-1");
    let homes: std::collections::BTreeSet<_> =
        (0..50).map(|n| east.key_homes(None, &format!("submitter-{n}")).unwrap().home).collect();
    assert_eq!(homes.len(), 3, "submitters are spread over all homes");
}

#[tokio::test]
async fn what_is_pending_waits_in_a_home_that_its_residency_allows() {
    let database = TestDb::new().await;
    let views = views(&database, "us-west").await;
    let (engineer, eu) = ("engineer".parse().unwrap(), "eu".parse().unwrap());
    let origin = views.resolve(Some(&Origin::At(at(45.8, -119.7))), None).unwrap();
    let ask = |residency| Ask { specialization: &engineer, origin: &origin, residency, nonce: 1 };
    let bound = views.place(&ask(Some(&eu)));
    assert_eq!((bound.pool.clone(), bound.home.as_str()), (None, "eu-west-1"), "{bound:?}");
    let free = views.place(&ask(None));
    assert_eq!((free.pool.clone(), free.home.as_str()), (None, "us-west-2"), "{free:?}");
    assert!(free.reason.is_some());
}

#[tokio::test]
async fn own_placements_count_at_once_and_until_a_load_shows_them() {
    let database = TestDb::new().await;
    let views = views(&database, "us-west").await;
    let pool = "us-west/engineer".parse().unwrap();
    let queued = || {
        let view = views.current();
        let ix = view.snapshot.world().pool_ix(&pool).unwrap();
        view.snapshot.load(ix).queued
    };
    views.bump(&pool, 3);
    assert_eq!(queued(), 3);
    views.refresh_now().await.unwrap();
    assert_eq!(queued(), 3, "nothing was published since");
}
