//! The control service against a real database.

mod regions;
mod tokens;
mod topologies;

use std::sync::Arc;

use scheduler_client::wire;
use sql::testdb::TestDb;
use sql::{Gateways, Lane};
use topology::SchedulerId;

use super::{Control, bootstrap, stored_topology};
use crate::config::Retention;
use crate::engine::Actor;
use crate::view::{Config, Views};

const TOPOLOGY: &str = "
regions:
  - { name: us-west, provider: AWS, region: us-west-2, agents: [engineer (primary: 5), solo (primary: 2)] }
  - { name: us-east, provider: AWS, region: us-east-1, agents: [engineer (replica: 5)] }
  - { name: europe-west, provider: AWS, region: eu-west-1, agents: [engineer (replica: 5)] }
residency: { eu: [europe-west] }
database: { cloud: AWS, primary_region: us-west-2, survive: region }
";

struct Bed {
    control: Control,
    gateways: Gateways,
    views: Arc<Views>,
    _database: TestDb,
}

fn ana() -> Actor {
    Actor::Operator("ana".to_owned())
}

impl Bed {
    async fn new() -> Self {
        let database = TestDb::new().await;
        let gateways = database.gateways().await;
        let db = gateways.lane(Lane::Submit);
        assert!(stored_topology(&db).await.unwrap().is_none());
        assert!(bootstrap(&db, TOPOLOGY, "test").await.unwrap(), "the first of an empty table");
        assert!(!bootstrap(&db, TOPOLOGY, "test").await.unwrap(), "only once");
        assert_eq!(stored_topology(&db).await.unwrap().as_deref(), Some(TOPOLOGY));
        let id = SchedulerId::random();
        let region = "us-west".parse().unwrap();
        let config =
            Config { gateways: gateways.clone(), region, id, world: None, keys_kept: Retention::default().keys };
        let views = Arc::new(Views::start(config).await.unwrap());
        let control = Control::new(gateways.clone(), Arc::clone(&views), id);
        Self { control, gateways, views, _database: database }
    }

    fn apply(&self, base_version: i64, text: String) -> impl Future<Output = Applied> {
        let control = self.control.clone();
        let body = wire::ApplyTopology { text, base_version, message: "test".to_owned(), drain: false };
        async move { control.apply(&ana(), body).await }
    }
}

type Applied = Result<wire::TopologyVersion, crate::refusal::Refusal>;
