//! With a stub in place of the program: how it is called, and that nothing of it is left. No CockroachDB ran here.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use scheduler_client::local::Process as Known;
use tempfile::TempDir;

use super::super::Place;
use super::*;
use crate::drill::WorldSpec;

const LOOK: Duration = Duration::from_secs(20);

/// Notes what it was told to do and could; a node lives until it is killed, and a cluster is made of all nodes only.
const STUB: &str = r#"#!/bin/sh
note() { echo "$COCKROACH_SKIP_ENABLING_DIAGNOSTIC_REPORTING $*" >> BED/calls; }
case "$1" in
  start) note "$@"; exec sleep 600 ;;
  init) [ "$(grep -c ' start ' BED/calls)" -ge 3 ] || { echo 'no node is up' >&2; exit 1; }; note "$@" ;;
esac
"#;

struct Bed {
    dir: TempDir,
}

impl Bed {
    fn new(stub: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("cockroach");
        fs::write(&program, stub.replace("BED", &dir.path().to_string_lossy())).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self { dir }
    }

    fn place(&self) -> Place {
        let world = WorldSpec {
            regions: 3,
            specializations: 1,
            slots: 1,
            slots_of: BTreeMap::new(),
            run_ms: (1, 1),
            planted_bug: None,
        };
        Place::cockroach(self.dir.path().join("cockroach"), &world, self.dir.path()).unwrap()
    }

    fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.dir.path().join("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn starts(&self) -> Vec<String> {
        self.calls().into_iter().filter(|call| call.contains(" start ")).collect()
    }
}

async fn launch(place: &Place) -> anyhow::Result<Cockroach> {
    let Place::Cockroach { program, folder, nodes, homes } = place else { panic!("it is one") };
    Cockroach::launch(program, folder, nodes, homes).await
}

fn pids(cluster: &Cockroach) -> Vec<i32> {
    cluster.running().values().map(|node| i32::try_from(node.id()).unwrap()).collect()
}

fn west() -> RegionName {
    "us-west".parse().unwrap()
}

#[tokio::test]
async fn every_region_has_a_node_that_knows_all_and_one_cluster_is_made_of_them() {
    let bed = Bed::new(STUB);
    let cluster = launch(&bed.place()).await.unwrap();
    let ports: Vec<u16> = cluster.nodes.iter().map(|node| node.port).collect();
    let join = format!("--join=127.0.0.1:{},127.0.0.1:{},127.0.0.1:{}", ports[0], ports[1], ports[2]);
    let mut wanted: Vec<String> = (cluster.nodes.iter())
        .map(|NodePlace { region, port, http }| {
            let store = cluster.folder.join(region.as_str());
            format!(
                "true start --insecure --store={} --locality=region={region} --listen-addr=127.0.0.1:{port} \
                 --http-addr=127.0.0.1:{http} {join} --cache=64MiB --max-sql-memory=128MiB --max-offset=250ms",
                store.display()
            )
        })
        .collect();
    let mut starts = bed.starts();
    starts.sort();
    wanted.sort();
    assert_eq!(starts, wanted);
    let regions: Vec<String> = cluster.regions().iter().map(ToString::to_string).collect();
    assert_eq!(regions, ["ap-northeast-1", "eu-west-1", "us-west-2"]);
    let init = format!(" init --insecure --host=127.0.0.1:{}", ports[0]);
    assert_eq!((bed.calls().len(), &bed.calls()[3]), (4, &init), "the nodes come first");
    assert_eq!(cluster.gateway(&west()).unwrap(), ports[2], "a region's gateway is the node of its own region");
}

#[tokio::test]
async fn a_node_that_was_killed_starts_again_with_its_store_and_one_that_stands_still_goes_on() {
    let bed = Bed::new(STUB);
    let cluster = launch(&bed.place()).await.unwrap();
    let before = pids(&cluster);
    cluster.hit(&west(), NodeFault::Kill).unwrap();
    assert_eq!(cluster.residue(), ["the database node of us-west-2 does not run"]);
    cluster.wake(cluster.node(&west()).unwrap()).unwrap();
    assert!(wait_until(LOOK, async || bed.starts().len() == 4).await);
    let starts = bed.starts();
    assert_eq!(starts.iter().filter(|start| *start == starts.last().unwrap()).count(), 2, "the same words again");
    assert!(pids(&cluster).iter().filter(|pid| before.contains(pid)).count() == 2);

    cluster.hit(&west(), NodeFault::Pause).unwrap();
    assert!(wait_until(LOOK, async || cluster.residue() == ["the database node of us-west-2 stands still"]).await);
    cluster.wake(cluster.node(&west()).unwrap()).unwrap();
    assert!(wait_until(LOOK, async || cluster.residue().is_empty()).await);
    assert_eq!(bed.starts().len(), 4);

    cluster.crash();
    assert_eq!(cluster.residue().len(), 3);
    cluster.heal(&west(), NodeFault::Pause).await.unwrap();
    assert_eq!(cluster.residue().len(), 3, "whoever cut it off did not kill it");
}

#[tokio::test]
async fn whoever_undoes_the_run_ends_every_node_and_removes_the_stores() {
    let bed = Bed::new(STUB);
    let place = bed.place();
    let cluster = launch(&place).await.unwrap();
    cluster.hit(&west(), NodeFault::Pause).unwrap();
    let nodes: Vec<Known> = pids(&cluster).into_iter().map(Known::of).collect();
    // What has a node's number now, and is none, is left alone.
    let other = std::process::Command::new("sleep").arg("600").spawn().map(Child).unwrap();
    let stranger = Known { pid: i32::try_from(other.0.id()).unwrap(), began: Some("1".to_owned()) };
    let notes = cluster.folder.join("nodes.jsonl");
    let text = fs::read_to_string(&notes).unwrap() + &serde_json::to_string(&stranger).unwrap() + "\n{\"pid\":";
    fs::write(&notes, text).unwrap();

    let undo = place.undo();
    crate::undo::carry_out(&undo, None).await.unwrap();
    assert!(nodes.iter().all(|node| !node.runs()));
    assert!(Known::of(stranger.pid).runs() && !cluster.folder.exists());
    crate::undo::carry_out(&undo, None).await.unwrap();
}

struct Child(std::process::Child);

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_node_that_does_not_start_is_told_with_what_it_said() {
    let bed = Bed::new("#!/bin/sh\necho 'no license for this' >&2\nexit 1\n");
    let error = launch(&bed.place()).await.unwrap_err().to_string();
    assert!(error.starts_with("CockroachDB did not start: the node of "), "{error}");
    assert!(error.ends_with("no license for this"), "{error}");
}

#[test]
fn its_version_is_told_without_the_rest() {
    let said = "CockroachDB CCL v25.4.17 (x86_64-pc-linux-gnu, built 2026/01/01 00:00:00, go1.23)";
    assert_eq!(version(said), "CockroachDB v25.4.17");
}

#[test]
fn the_driver_reads_the_urls() {
    let config: tokio_postgres::Config = url("127.0.0.1:26257").parse().unwrap();
    assert_eq!((config.get_dbname(), config.get_user()), (Some("meridian"), Some("root")));
}
