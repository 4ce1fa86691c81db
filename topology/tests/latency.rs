//! Measured round trips in `topology.yaml`.

use topology::config::{self, Code, Findings, Parsed};
use topology::latency::rtt_us;

fn file(latency: &str) -> String {
    format!(
        "regions:\n  - {{ name: us-west, provider: AWS, region: us-west-2, agents: [a-pro (primary: 1)] }}\n  \
         - {{ name: us-east, provider: AWS, region: us-east-1 }}\n  \
         - {{ name: eu, provider: AWS, region: eu-west-1 }}\nlatency:\n{latency}"
    )
}

fn good(latency: &str) -> Parsed {
    config::parse(&file(latency), "topology.yaml").unwrap_or_else(|findings| panic!("{}", findings.render(false)))
}

fn codes(findings: &Findings) -> Vec<Code> {
    findings.list().iter().map(|finding| finding.code).collect()
}

#[test]
fn a_measured_pair_goes_before_the_estimate_in_both_directions() {
    let Parsed { topology, warnings } =
        good("  - { between: [us-east, us-west], rtt: 61ms, source: own pings, date: 2026-10-01 }\n");
    assert!(warnings.is_empty(), "{}", warnings.render(false));
    let [west, east, eu] = &topology.regions[..] else { panic!("three regions") };
    assert_eq!(topology.latency.between_us(west, east), 61_000);
    assert_eq!(topology.latency.between_us(east, west), 61_000);
    assert_eq!(topology.latency.between_us(west, eu), rtt_us(west.position, eu.position));
}

#[test]
fn a_pair_without_source_or_date_is_not_used() {
    for (rest, told) in
        [("", "no source and no date"), (", source: own pings", "no date"), (", date: 2026-10-01", "no source")]
    {
        let Parsed { topology, warnings } = good(&format!("  - {{ between: [us-east, us-west], rtt: 61ms{rest} }}\n"));
        assert_eq!(topology.latency.pairs().count(), 0, "{rest}");
        assert_eq!(codes(&warnings), [Code::WEAK]);
        assert!(warnings.list()[0].message.contains(told), "{}", warnings.list()[0].message);
    }
}

#[test]
fn mistakes_are_placed() {
    let proof = "source: own pings, date: 2026-10-01";
    let cases = [
        (format!("  - {{ between: [us-east, us-wset], rtt: 61ms, {proof} }}\n"), Code::UNKNOWN_REGION),
        (format!("  - {{ between: [us-east, us-east], rtt: 61ms, {proof} }}\n"), Code::CONFLICT),
        (format!("  - {{ between: [us-east], rtt: 61ms, {proof} }}\n"), Code::INVALID_VALUE),
        (format!("  - {{ between: [us-east, us-west], rtt: 61, {proof} }}\n"), Code::INVALID_DURATION),
        (format!("  - {{ between: [us-east, us-west], rtt: 1h, {proof} }}\n"), Code::OUT_OF_RANGE),
        (format!("  - {{ between: [us-east, us-west], {proof} }}\n"), Code::MISSING_KEY),
        (
            "  - { between: [us-east, us-west], rtt: 61ms, source: x, date: 2026-02-30 }\n".to_owned(),
            Code::INVALID_VALUE,
        ),
        (format!("  - {{ between: [us-east, us-west], rtt: 61ms, {proof}, from: me }}\n"), Code::UNKNOWN_KEY),
        (format!("  - {{ between: [us-east, us-west], rtt: 61ms, {proof} }}\n").repeat(2), Code::DUPLICATE_NAME),
    ];
    for (latency, wanted) in cases {
        let findings = config::parse(&file(&latency), "topology.yaml").expect_err(&latency);
        assert_eq!(codes(&findings), [wanted], "{latency}{}", findings.render(false));
        assert!(findings.list()[0].line >= 6, "{latency}");
    }
}
