//! `topology.yaml`, good and bad: what validates, what each mistake says and where.

use std::fmt::Write as _;

use topology::config::{self, Code, Engine, Findings, Parsed};
use topology::{Provider, RegionState, Role, Survive};

const DESIGN: &str = include_str!("data/design.yaml");
const SHORTHAND: &str = include_str!("data/shorthand.yaml");
const TEN_MISTAKES: &str = include_str!("data/ten-mistakes.yaml");

fn good(text: &str) -> Parsed {
    config::parse(text, "topology.yaml").unwrap_or_else(|findings| panic!("{}", findings.render(false)))
}

fn bad(text: &str) -> Findings {
    match config::parse(text, "topology.yaml") {
        Ok(parsed) => panic!("was accepted: {:?}", parsed.topology),
        Err(findings) => findings,
    }
}

/// Code, line and column of every error.
fn places(findings: &Findings) -> Vec<(Code, usize, usize)> {
    findings.errors().map(|finding| (finding.code, finding.line, finding.column)).collect()
}

fn codes(findings: &Findings) -> Vec<Code> {
    findings.errors().map(|finding| finding.code).collect()
}

#[test]
fn the_founding_example_validates_with_both_forms_of_agents() {
    let Parsed { topology, warnings } = good(DESIGN);
    assert_eq!(topology.regions.len(), 4);
    let pools: Vec<String> = topology
        .pools
        .iter()
        .map(|pool| format!("{} {:?} {}x{}", pool.id, pool.role, pool.replicas, pool.slots))
        .collect();
    assert_eq!(
        pools,
        [
            "us-west/engineer-master Primary 5x1",
            "us-west/troubleshoot-expert Primary 3x2",
            "us-east/secure-specialist Primary 3x1",
            "europe-west/document-ninja Primary 2x1",
            "europe-west/secure-specialist Replica 2x1",
            "asia-east/accelerate-master Primary 2x1",
        ]
    );
    let homes: Vec<&str> = topology.regions.iter().map(|region| region.database_region.as_str()).collect();
    assert_eq!(homes, ["us-west-2", "us-east-1", "eu-west-1", "ap-northeast-1"]);
    assert_eq!(topology.database.survive, Survive::Region);
    assert_eq!(topology.database.primary_region.as_str(), "us-west-2");
    let warned: Vec<Code> = warnings.list().iter().map(|warning| warning.code).collect();
    assert_eq!(warned, [Code::NO_EFFECT_YET], "only the load balancer has no effect yet");
}

#[test]
fn the_founding_example_steers_every_code_and_the_pool_that_it_never_defined() {
    let balancer = good(DESIGN).topology.load_balancer;
    let steering: Vec<String> = balancer.geo_steering.iter().map(|(code, pool)| format!("{code} {pool}")).collect();
    insta::assert_snapshot!(steering.join(", "), @"EEU europe-west-pool, ENAM us-west-pool, ME europe-west-pool, NAF europe-west-pool, NEAS asia-east-pool, NSAM us-east-pool, OC asia-east-pool, SAF europe-west-pool, SAS asia-east-pool, SEAS asia-east-pool, SSAM us-east-pool, WEU europe-west-pool, WNAM us-west-pool");
    let pools: Vec<&str> = balancer.pools.iter().map(|pool| &*pool.name).collect();
    assert_eq!(pools, ["us-west-pool", "europe-west-pool", "us-east-pool", "asia-east-pool"]);
}

#[test]
fn shorthand_alone_validates_with_sensible_defaults() {
    let Parsed { topology, warnings } = good(SHORTHAND);
    assert!(warnings.is_empty(), "{}", warnings.render(false));
    assert_eq!(topology.database.cloud, Some(Provider::Aws));
    assert_eq!(topology.database.primary_region.as_str(), "us-west-2");
    assert_eq!(topology.database.survive, Survive::Region, "three database regions survive the loss of one");
    let homes: Vec<&str> = topology.regions.iter().map(|region| region.database_region.as_str()).collect();
    assert_eq!(homes, ["us-west-2", "eu-central-1", "ap-northeast-1"], "rows stay in their jurisdiction");
    assert_eq!(topology.pools[0].role, Role::Primary);
    assert!(topology.regions.iter().all(|region| region.state == RegionState::Active));
}

#[test]
fn ten_mistakes_are_ten_placed_errors_in_one_run() {
    let findings = bad(TEN_MISTAKES);
    assert_eq!(findings.errors().count(), 10, "{}", findings.render(false));
    insta::assert_snapshot!(findings.render(false));
}

#[test]
fn findings_as_json_have_code_message_place_and_hint() {
    let findings = bad("regions:\n  - nmae: us-west\n    provider: AWSS\n");
    insta::assert_json_snapshot!(findings.to_json());
}

/// A topology of one pool with room for a mistake.
fn with(extra: &str) -> String {
    format!("regions:\n  - {{ name: us-west, provider: AWS, region: us-west-2, agents: [a (primary: 1)] }}\n{extra}")
}

#[test]
fn every_mistake_has_its_code_and_place() {
    type Place = (Code, usize, usize);
    let cases: &[(&str, &str, &[Place])] = &[
        ("nothing", "", &[(Code::EMPTY, 1, 1)]),
        ("only a comment", "# nothing\n", &[(Code::EMPTY, 1, 1)]),
        ("a list", "- a\n", &[(Code::WRONG_TYPE, 1, 3)]),
        ("no YAML", "regions: [\n", &[(Code::SYNTAX, 2, 1)]),
        ("a tab", "regions:\n\t- a\n", &[(Code::SYNTAX, 2, 2)]),
        ("NUL", "regions: \0[]\n", &[(Code::CONTROL_CHARACTER, 1, 10)]),
        ("an escaped NUL", "version: \"\\0\"\n", &[(Code::MISSING_KEY, 1, 1), (Code::CONTROL_CHARACTER, 1, 10)]),
        (
            "after wide characters",
            "# žluťoučký kůň 𝛺\n{ version: 1, ž: 1 }\n",
            &[(Code::MISSING_KEY, 2, 1), (Code::UNKNOWN_KEY, 2, 15)],
        ),
        ("no regions", "version: 1\n", &[(Code::MISSING_KEY, 1, 1)]),
        ("regions without value", "regions:\n", &[(Code::WRONG_TYPE, 1, 8)]),
        ("an anchor", "version: &x 1\n", &[(Code::MISSING_KEY, 1, 1), (Code::YAML_FEATURE, 1, 10)]),
        ("no agents", "regions: [{ name: a, provider: AWS, region: us-west-2 }]\n", &[(Code::NO_POOLS, 1, 10)]),
    ];
    for (what, text, wanted) in cases {
        let findings = bad(text);
        let mut wanted = wanted.to_vec();
        wanted.sort_by_key(|(code, line, column)| (*line, *column, *code));
        assert_eq!(places(&findings), wanted, "{what}: {}", findings.render(false));
    }
}

#[test]
fn mistakes_of_one_block_each_have_one_code() {
    let cases: &[(&str, &[Code])] = &[
        ("version: 2", &[Code::UNKNOWN_VERSION]),
        ("version: one", &[Code::WRONG_TYPE]),
        ("bogus: 1", &[Code::UNKNOWN_KEY]),
        ("scheduling: {}\nscheduling: {}", &[Code::DUPLICATE_KEY]),
        ("scheduling: { heartbeat: 5 }", &[Code::INVALID_DURATION]),
        ("scheduling: { heartbeat: 1d }", &[Code::INVALID_DURATION]),
        ("scheduling: { heartbeat: 99h }", &[Code::OUT_OF_RANGE]),
        ("scheduling: { max_attempts: 0 }", &[Code::OUT_OF_RANGE]),
        ("scheduling: { max_attempts: 1.5 }", &[Code::WRONG_TYPE]),
        ("scheduling: { max_attempts: \"3\" }", &[Code::WRONG_TYPE]),
        ("scheduling: { session_ttl: 4s, heartbeat: 2s }", &[Code::CLOCK_ORDER]),
        ("scheduling: { margin: 100ms }", &[Code::CLOCK_ORDER]),
        ("scheduling: { margin: 4s }", &[Code::CLOCK_ORDER]),
        ("scheduling: { down_after: 2s }", &[Code::CLOCK_ORDER]),
        ("database: { max_clock_offset: 800ms }", &[Code::CLOCK_ORDER]),
        ("database: { cloud: AWS, primary_region: us-west-9 }", &[Code::UNKNOWN_DATABASE_REGION]),
        ("database: { cloud: Amazon }", &[Code::UNKNOWN_PROVIDER]),
        ("database: { survive: region }", &[Code::TOO_FEW_DATABASE_REGIONS]),
        ("database: { survive: everything }", &[Code::INVALID_VALUE]),
        ("database: { survive: region, placement: restricted }", &[Code::TOO_FEW_DATABASE_REGIONS, Code::CONFLICT]),
        ("database: { regions: { us-wets: us-west-2 } }", &[Code::UNKNOWN_REGION]),
        ("residency: { eu: [] }", &[Code::EMPTY_RESIDENCY]),
        ("residency: { eu: [us-wets] }", &[Code::UNKNOWN_REGION]),
        ("residency: { us: { regions: [us-west], strength: store } }", &[Code::RESIDENCY_TOO_STRONG]),
        ("residency: { us: [us-west, us-west] }", &[Code::DUPLICATE_NAME]),
        ("residency: { us: [us-west] }\ndatabase: { regions: { us-west: eu-west-1 } }", &[Code::RESIDENCY_OUTSIDE]),
        ("fallbacks: { us-west: [[us-west]] }", &[Code::CONFLICT]),
        ("fallbacks: { us-west: [us-west] }", &[Code::WRONG_TYPE]),
        ("load_balancer: { geo_steering: [{ region: Europe, pool: x-pool }] }", &[Code::UNKNOWN_STEERING_POOL]),
        ("load_balancer: { geo_steering: [{ region: Atlantis, pool: us-west-pool }] }", &[Code::UNKNOWN_AREA]),
        ("load_balancer: { pools: [{ name: x-pool }] }", &[Code::POOL_WITHOUT_REGION]),
        (
            "load_balancer: { pools: [{ name: us-west-pool, origins: [{ name: o, address: a, weight: 2 }] }] }",
            &[Code::OUT_OF_RANGE],
        ),
        (
            "load_balancer: { pools: [{ name: us-west-pool, origins: [{ name: o, address: 'https://a' }] }] }",
            &[Code::INVALID_VALUE],
        ),
        ("platform: { network_range: 10.0.0.1/8 }", &[Code::INVALID_VALUE]),
        ("platform: { accounts: { AWSS: x } }", &[Code::UNKNOWN_PROVIDER]),
        ("rollout: { steps: [50, 10] }", &[Code::OUT_OF_RANGE]),
        ("budgets: { monthly_usd: -1 }", &[Code::OUT_OF_RANGE]),
        ("? [a]\n: b", &[Code::WRONG_TYPE]),
        ("scheduling: *x", &[Code::SYNTAX]),
        ("version: !!str 1", &[Code::YAML_FEATURE]),
        ("---\nregions: []", &[Code::YAML_FEATURE]),
    ];
    for (extra, wanted) in cases {
        let findings = bad(&with(extra));
        assert_eq!(codes(&findings), *wanted, "{extra}: {}", findings.render(false));
    }
}

#[test]
fn mistakes_of_a_region_each_have_one_code() {
    let cases: &[(&str, &[Code])] = &[
        ("name: 5, provider: AWS, region: us-west-2", &[Code::WRONG_TYPE]),
        ("name: \"5\", provider: AWS, region: us-west-2", &[Code::INVALID_NAME]),
        ("name: US West, provider: AWS, region: us-west-2", &[Code::INVALID_NAME]),
        ("name: [a], provider: AWS, region: us-west-2", &[Code::WRONG_TYPE]),
        ("name: ~, provider: AWS, region: us-west-2", &[Code::WRONG_TYPE]),
        ("name: b, provider: AWS", &[Code::MISSING_KEY]),
        ("name: b, provider: AWS, region: westeurope", &[Code::UNKNOWN_CLOUD_REGION]),
        ("name: us-west, provider: AWS, region: us-west-2", &[Code::DUPLICATE_NAME]),
        ("name: b, provider: AWS, region: us-west-2, state: half", &[Code::INVALID_VALUE]),
        ("name: b, provider: AWS, region: us-west-2, spot: maybe", &[Code::WRONG_TYPE]),
        ("name: b, provider: AWS, region: us-west-2, cidr: 10.0.0.0", &[Code::INVALID_VALUE]),
        ("name: b, provider: AWS, region: us-west-2, agents: a", &[Code::WRONG_TYPE]),
        ("name: b, provider: AWS, region: us-west-2, agents: [a]", &[Code::INVALID_AGENT]),
        ("name: b, provider: AWS, region: us-west-2, agents: [a (primary)]", &[Code::INVALID_AGENT]),
        ("name: b, provider: AWS, region: us-west-2, agents: [a (boss: 1)]", &[Code::INVALID_AGENT]),
        ("name: b, provider: AWS, region: us-west-2, agents: [a (primary: many)]", &[Code::WRONG_TYPE]),
        ("name: b, provider: AWS, region: us-west-2, agents: [a (primary: -1)]", &[Code::OUT_OF_RANGE]),
        ("name: b, provider: AWS, region: us-west-2, agents: [a (primary: 1000000000)]", &[Code::OUT_OF_RANGE]),
        ("name: b, provider: AWS, region: us-west-2, agents: [z (replica: 1)]", &[Code::REPLICA_WITHOUT_PRIMARY]),
        (
            "name: b, provider: AWS, region: us-west-2, agents: [a (replica: 1), a (replica: 2)]",
            &[Code::DUPLICATE_POOL],
        ),
        (
            "name: b, provider: AWS, region: us-west-2, agents: [{ specialization: a, role: replica, replicas: 9, max: 3 }]",
            &[Code::OUT_OF_RANGE],
        ),
        (
            "name: b, provider: AWS, region: us-west-2, agents: [{ specialization: a, role: replica }]",
            &[Code::MISSING_KEY],
        ),
    ];
    for (region, wanted) in cases {
        let text = format!(
            "regions:\n  - {{ name: us-west, provider: AWS, region: us-west-2, agents: [a (primary: 1)] }}\n  - {{ {region} }}\n"
        );
        let findings = bad(&text);
        assert_eq!(codes(&findings), *wanted, "{region}: {}", findings.render(false));
    }
}

#[test]
fn what_refers_to_a_region_with_an_unfit_name_is_no_second_mistake() {
    for reference in ["US West", "us-west"] {
        let text = format!(
            "regions:\n  - {{ name: US West, provider: AWS, region: us-west-2, agents: [a (primary: 1)] }}\n\
             residency: {{ us: [{reference}] }}\nfallbacks: {{ {reference}: [] }}\n\
             database: {{ survive: zone, regions: {{ {reference}: us-west-2 }} }}\n\
             load_balancer: {{ pools: [{{ name: p, for: {reference} }}] }}\n"
        );
        let findings = bad(&text);
        assert_eq!(codes(&findings), [Code::INVALID_NAME], "{}", findings.render(false));
    }
}

#[test]
fn hints_name_what_was_meant() {
    let text = "regions:\n  - { nmae: a, provider: AWS, region: us-esat-1 }\nresidencey: {}\n";
    let hints: Vec<_> = bad(text).list().iter().filter_map(|finding| finding.hint.clone()).collect();
    let all = hints.join("; ");
    for wanted in ["`name`", "`us-east-1`", "`residency`"] {
        assert!(all.contains(wanted), "{wanted} is not in {all}");
    }
}

#[test]
fn absurd_sizes_are_refused_with_a_code() {
    let large = format!("{}# {}", with(""), "ž".repeat(config::MAX_BYTES));
    assert_eq!(codes(&bad(&large)), [Code::TOO_LARGE]);
    // The parser's own bound comes before ours where it reads ahead.
    assert_eq!(codes(&bad(&"[".repeat(100_000))), [Code::SYNTAX]);
    assert_eq!(codes(&bad(&format!("{}{}", "[".repeat(20), "]".repeat(20)))), [Code::TOO_DEEP]);
    assert_eq!(codes(&bad(&"- ".repeat(100_000))), [Code::TOO_DEEP]);
    let many = (0..1001).fold(String::from("regions:\n"), |mut text, _| {
        text.push_str("  - { name: a }\n");
        text
    });
    assert_eq!(codes(&bad(&many)), [Code::TOO_MANY]);
    let wrong = (0..100_000).fold(with(""), |mut text, at| {
        writeln!(text, "k{at}: 1").expect("a string grows");
        text
    });
    let findings = bad(&wrong);
    assert_eq!(findings.errors().count(), 200);
    assert_eq!(findings.to_string(), "topology.yaml: 200 errors, 1 warning, 99800 more");
}

#[test]
fn a_line_of_a_megabyte_is_not_shown_for_every_finding() {
    let text = format!("{{{}}}", "a: 1,".repeat(100_000));
    assert!(bad(&text).render(false).len() < 100_000);
}

#[test]
fn warnings_never_hide_an_error() {
    let mut text = String::from("regions:\n");
    for at in 0..500 {
        let agents = if at == 499 { "[a (replica: 1)]" } else { "[]" };
        writeln!(text, "  - {{ name: r{at}, provider: AWS, region: us-west-2, spot: true, agents: {agents} }}")
            .expect("a string grows");
    }
    assert_eq!(codes(&bad(&text)), [Code::REPLICA_WITHOUT_PRIMARY]);
}

#[test]
fn too_few_database_regions_default_to_zone_and_say_so() {
    let Parsed { topology, warnings } = good(&with(""));
    assert_eq!(topology.database.survive, Survive::Zone);
    assert_eq!(warnings.list().iter().map(|warning| warning.code).collect::<Vec<_>>(), [Code::WEAK]);
    assert!(good(&with("database: { survive: zone }")).warnings.is_empty());
}

#[test]
fn the_clocks_of_cockroachdb_are_slower() {
    let defaults = config::parse_for(&with(""), "f", Engine::CockroachDb).unwrap().topology.scheduling;
    assert_eq!(
        (defaults.session_ttl.as_secs(), defaults.heartbeat.as_secs(), defaults.down_after.as_secs()),
        (20, 4, 22)
    );
    let tight = with("scheduling: { session_ttl: 14s }\ndatabase: { survive: zone }");
    let warnings = config::parse_for(&tight, "f", Engine::CockroachDb).unwrap().warnings;
    assert_eq!(warnings.list()[0].code, Code::CLOCK_TIGHT);
}

#[test]
fn store_needs_zone_survival_with_restricted_placement() {
    let rule = "residency: { us: { regions: [us-west], strength: store } }";
    good(&with(&format!("{rule}\ndatabase: {{ survive: zone, placement: restricted }}")));
    assert_eq!(codes(&bad(&with(&format!("{rule}\ndatabase: {{ survive: zone }}")))), [Code::RESIDENCY_TOO_STRONG]);
}

#[test]
fn a_region_with_a_label_of_its_own_cluster_is_its_own_home() {
    let text = with("database: { cloud: self, primary_region: rack-7, survive: zone, regions: { us-west: rack-9 } }");
    let topology = good(&text).topology;
    assert_eq!(topology.database.cloud, None);
    assert_eq!(topology.database.regions.iter().map(|r| r.as_str()).collect::<Vec<_>>(), ["rack-7", "rack-9"]);
}

#[test]
fn a_residency_that_nothing_serves_yet_is_told() {
    let text = "regions:\n  - { name: a, provider: AWS, region: us-west-2, agents: [x (primary: 1)] }\n  \
                - { name: b, provider: AWS, region: eu-west-1, state: planned }\n\
                residency: { eu: [b] }\ndatabase: { survive: zone }\n";
    let warnings = good(text).warnings;
    assert_eq!(warnings.list().len(), 1, "{}", warnings.render(false));
    assert!(warnings.list()[0].message.contains("no region of the residency `eu` serves yet"));
}

#[test]
fn rows_go_to_a_used_database_region_of_their_law_before_a_nearer_one() {
    let home = |text: &str| good(text).topology.regions[1].database_region.to_string();
    let regions = "regions:\n  - { name: a, provider: AWS, region: eu-west-1, agents: [x (primary: 1)] }\n  \
                   - { name: b, provider: Azure, region: REGION }\ndatabase: { survive: zone }\n";
    assert_eq!(home(&regions.replace("REGION", "germanywestcentral")), "eu-west-1", "in use already");
    assert_eq!(home(&regions.replace("REGION", "westus2")), "us-west-2", "the nearest in its jurisdiction");
}

#[test]
fn fallbacks_keep_their_order() {
    let text = "regions:\n  - { name: a, provider: AWS, region: us-west-2, agents: [x (primary: 1)] }\n  \
                - { name: b, provider: AWS, region: us-east-1 }\n  - { name: c, provider: AWS, region: eu-west-1 }\n\
                fallbacks: { a: [[c], [b]] }\n";
    let topology = good(text).topology;
    let groups: Vec<Vec<&str>> = topology.fallbacks[&"a".parse().unwrap()]
        .iter()
        .map(|group| group.iter().map(|name| name.as_str()).collect())
        .collect();
    assert_eq!(groups, [["c"], ["b"]]);
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_read() {
    let text = format!("\u{feff}{}", DESIGN.replace('\n', "\r\n"));
    assert_eq!(good(&text).topology, good(DESIGN).topology);
    let findings = bad(&TEN_MISTAKES.replace('\n', "\r\n"));
    assert_eq!(places(&findings), places(&bad(TEN_MISTAKES)));
}
