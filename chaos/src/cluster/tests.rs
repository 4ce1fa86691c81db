use std::time::Duration;

use serde_json::json;

use super::*;
use crate::drill::{Probe, RegionSelector, Tolerance};
use crate::fake_http::Server;
use crate::tier::Gauges as _;

const TOKEN: &str = "an-operator";

/// A scheduler of three regions.
fn scheduler(what: &str, token: Option<&str>) -> (u16, String) {
    let region = |name: &str, leased: i64, serves: bool| {
        json!({
            "name": name, "cloud": "AWS us-west-2", "database_region": "us-west-2", "state": "active", "verb": "none",
            "health": "up", "serves": serves, "sessions": 1, "slots": 9, "queued": 0, "leased": leased, "age_ms": 0,
        })
    };
    let regions = [region("us-west", 2, true), region("asia-east", 5, true), region("europe-west", 5, false)];
    match what {
        "GET /v1/regions" => {
            (200, json!({ "topology_version": 1, "survive": "region", "regions": regions }).to_string())
        }
        "GET /control/v1/tokens" if token == Some(TOKEN) => (200, json!({ "tokens": [] }).to_string()),
        _ => {
            let problem =
                json!({ "type": "about:blank", "title": "no", "status": 403, "code": "forbidden", "detail": "no" });
            (403, problem.to_string())
        }
    }
}

fn command(region: Option<RegionSelector>, argv: &[&str], undo: &[&str]) -> Step {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let timeout = Duration::from_secs(10);
    let target = "the node pool of {region}".to_owned();
    let spec = CommandSpec { target, region, argv: words(argv), undo: words(undo), timeout };
    step(StepKind::Command(spec))
}

fn step(kind: StepKind) -> Step {
    Step { name: "step".to_owned(), kind, pause_before: Duration::ZERO, pause_after: Duration::ZERO }
}

fn probe(query: Query) -> Probe {
    let tolerance = Tolerance { min: Some(1.0), max: None };
    Probe { name: "probe".to_owned(), query, tolerance, window: Duration::from_secs(1) }
}

fn alone() -> Cluster {
    Cluster::new(&[], None).unwrap()
}

fn of(server: &Server) -> Cluster {
    Cluster::new(std::slice::from_ref(&server.url), Some(TOKEN)).unwrap()
}

#[tokio::test]
async fn the_region_with_the_most_leases_is_asked_for_once_and_put_into_the_command() {
    let server = Server::start(scheduler).await;
    let mut cluster = of(&server);
    let most = command(Some(RegionSelector::MostLeases), &["echo", "cut", "{region}"], &["echo", "heal", "{region}"]);
    assert_eq!(cluster.targets(&most)[0].how, "echo cut most-leases");
    let undo = cluster.undo_of(&most).await.unwrap();
    let target = "the node pool of asia-east".to_owned();
    let argv = ["echo", "heal", "asia-east"].map(str::to_owned).into();
    assert_eq!(undo, [Undo::Command { target, argv, timeout_ms: 10_000 }]);
    assert_eq!(cluster.targets(&most)[0].region.as_deref(), Some("asia-east"));
    assert_eq!(cluster.act(&most).await.unwrap()["out"], "cut asia-east\n");
    let second = command(Some(RegionSelector::SecondMostLeases), &["echo", "{region}"], &["true"]);
    cluster.undo_of(&second).await.unwrap();
    assert_eq!(cluster.act(&second).await.unwrap()["region"], "europe-west", "as many leases: by name");
    assert_eq!(server.asked(), ["GET /v1/regions"]);
}

#[tokio::test]
async fn a_command_that_fails_and_an_undo_that_fails_are_told() {
    let mut cluster = alone();
    let step = command(None, &["sh", "-c", "echo no >&2; exit 4"], &["sh", "-c", "exit 5"]);
    assert_eq!(cluster.act(&step).await.unwrap_err().to_string(), "sh ended with exit code 4: no");
    assert!(cluster.undo(&step).await.is_err());
}

#[test]
fn what_cannot_be_done_is_refused_with_the_reason() {
    let cluster = alone();
    let refused = |step: &Step| cluster.refuses(step).unwrap_or_default();
    assert_eq!(refused(&command(None, &["true"], &["true"])), "");
    assert_eq!(refused(&command(None, &["true"], &["no-such-undo"])), "there is no program no-such-undo");
    assert_eq!(refused(&command(None, &[], &["true"])), "a command is empty");
    let most = command(Some(RegionSelector::MostLeases), &["true"], &["true"]);
    assert!(refused(&most).contains("--server"), "{}", refused(&most));
    let named = command(Some(RegionSelector::Named("us-west".parse().unwrap())), &["true"], &["true"]);
    assert_eq!(refused(&named), "");
    assert!(refused(&step(StepKind::Fault(crate::drill::Fault::SilenceInjector))).contains("declares as a command"));
    let looks = |query| refused(&step(StepKind::Probe(probe(query))));
    assert!(looks(Query::ServingRegions).contains("--server"));
    assert!(looks(Query::StrandedLeases).contains("missions of the drill's own"));
    assert_eq!(looks(Query::ExitCode { argv: vec!["true".to_owned()] }), "");
}

#[tokio::test]
async fn figures_are_read_from_addresses_commands_and_schedulers() {
    let server = Server::start(scheduler).await;
    let gauges = of(&server).gauges();
    let sh = |script: &str| ["sh", "-c", script].map(str::to_owned).to_vec();
    let cases = [
        (Query::ServingRegions, Some(2.0)),
        (Query::HttpStatus { url: format!("{}/v1/regions", server.url) }, Some(200.0)),
        (Query::HttpStatus { url: format!("{}/nothing", server.url) }, Some(403.0)),
        (Query::ExitCode { argv: sh("exit 7") }, Some(7.0)),
        (Query::Number { argv: sh("echo ' 2.5'") }, Some(2.5)),
        (Query::Number { argv: sh("echo 2.5; exit 1") }, None),
        (Query::Number { argv: sh("echo NaN") }, None),
        (Query::Number { argv: sh("echo many") }, None),
    ];
    for (query, expected) in cases {
        assert_eq!(gauges.figure(&probe(query.clone())).await, expected, "{query:?}");
    }
}

mod gates {
    use super::*;
    use crate::cluster::gates::{Missing, missing, typed_title};

    fn drill(argv: &[&str]) -> crate::drill::Drill {
        let argv = serde_json::to_string(argv).unwrap();
        let text = format!(
            "title: Lose a region\ndescription: d\ntiers: [cluster]\ncontext: {{ argv: {argv}, name: prod-eu }}\n\
             blast_radius: {{ regions_max: 1, min_healthy_regions: 1, tiers: [cluster] }}\n\
             steady-state-hypothesis:\n  title: t\n  probes:\n    - {{ type: probe, name: p, tolerance: 0, provider: {{ \
             type: process, argv: [\"true\"] }} }}\n\
             method:\n  - {{ type: action, name: a, provider: {{ type: command, target: t, argv: [\"true\"], undo: \
             [\"true\"] }} }}\n"
        );
        crate::drill::file::read(&text, "lose.yaml", &Default::default()).unwrap()
    }

    #[tokio::test]
    async fn all_gates_that_are_not_passed_are_told_at_once() {
        let drill = drill(&["echo", "staging"]);
        let found = missing(&drill, None, None, None).await;
        let other = Missing::OtherContext { is: "staging".to_owned(), wanted: "prod-eu".to_owned() };
        assert_eq!(found, [Missing::Token, other, Missing::Title("Lose a region".to_owned())]);
    }

    #[tokio::test]
    async fn with_everything_shown_nothing_is_missing() {
        let server = Server::start(scheduler).await;
        let cluster = of(&server);
        let drill = drill(&["echo", "prod-eu"]);
        let title = Some(" Lose a region\n");
        assert_eq!(missing(&drill, Some(TOKEN), cluster.client(), title).await, []);
        assert_eq!(server.asked(), ["GET /control/v1/tokens"]);
        assert_eq!(missing(&drill, Some("any"), None, title).await, [], "without a scheduler nobody can tell");
    }

    #[tokio::test]
    async fn a_token_that_is_no_operators_a_context_that_cannot_be_told_and_another_title_are_refused() {
        let server = Server::start(scheduler).await;
        let cluster = Cluster::new(std::slice::from_ref(&server.url), Some("a-viewer")).unwrap();
        let drill = drill(&["false"]);
        let found = missing(&drill, Some("a-viewer"), cluster.client(), Some("lose a region")).await;
        assert!(matches!(&found[0], Missing::TokenRefused(why) if why.contains("forbidden")), "{found:?}");
        assert!(matches!(&found[1], Missing::ContextUnknown(why) if why.contains("exit code 1")), "{found:?}");
        assert!(matches!(&found[2], Missing::OtherTitle { typed, .. } if typed == "lose a region"), "{found:?}");
    }

    #[test]
    fn a_title_is_one_line() {
        assert_eq!(typed_title(&mut &b"Lose a region\r\nrest"[..]).unwrap(), "Lose a region");
        assert_eq!(typed_title(&mut &b""[..]).unwrap(), "");
    }
}
