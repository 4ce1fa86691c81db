//! Random journals: whatever is in them, page and picture are sound.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::fixtures::{FAULT, pass};
use super::{page, picture};
use crate::journal::{Breakdown, Figure, Journal, Mark, MarkName, Marks, Span, Strip, Timeline, Victim};
use crate::report::{html, row, summary};

/// Instants near the fault, and some that no run has.
fn instant() -> impl Strategy<Value = i64> {
    prop_oneof![8 => (-60_000_000..120_000_000_i64).prop_map(|us| FAULT + us), 1 => any::<i64>()]
}

/// Figures of a run, and some that no run has.
fn figure() -> impl Strategy<Value = f64> {
    prop_oneof![8 => 0.0..1e4_f64, 1 => any::<f64>()]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z-]{0,20}", any::<String>()]
}

fn marks() -> impl Strategy<Value = Marks> {
    const NAMES: [MarkName; 8] = [
        MarkName::Fault,
        MarkName::Suspected,
        MarkName::Detected,
        MarkName::Decided,
        MarkName::Steered,
        MarkName::Recovered,
        MarkName::Healed,
        MarkName::FailedBack,
    ];
    let mark = (proptest::sample::select(&NAMES[..]), instant()).prop_map(|(name, at_us)| Mark { name, at_us });
    vec(mark, 0..10).prop_map(Marks)
}

fn strip() -> impl Strategy<Value = Strip> {
    let span = (instant(), instant(), name()).prop_map(|(from_us, to_us, state)| Span { from_us, to_us, state });
    (name(), name(), vec(span, 0..4)).prop_map(|(group, name, spans)| Strip { group, name, spans })
}

fn timeline() -> impl Strategy<Value = Timeline> {
    let series = || vec(figure(), 0..300);
    (
        (instant(), prop_oneof![4 => Just(500_000_i64), 1 => any::<i64>()]),
        btree_map(name(), series(), 0..6),
        series(),
        vec(option::of(figure()), 0..300),
        btree_map(name(), series(), 0..6),
        vec(strip(), 0..5),
    )
        .prop_map(|((from_us, step_us), throughput, errors, p99_ms, leases, strips)| Timeline {
            from_us,
            step_us,
            throughput,
            errors,
            p99_ms,
            leases,
            strips,
        })
}

fn journal() -> impl Strategy<Value = Journal> {
    let told = prop_oneof![figure().prop_map(Figure::Measured), name().prop_map(Figure::NotMeasured)];
    (marks(), timeline(), told, vec((name(), figure()), 0..8), name(), option::of(name())).prop_map(
        |(marks, timeline, rto_s, pieces, title, victim)| {
            let mut journal = Journal { marks, timeline, ..pass() };
            journal.measures.rto_s = rto_s;
            journal.measures.breakdown = Breakdown(pieces);
            journal.drill.title = title;
            journal.victim = victim.map(|region| Victim { region, leases: 1, of: 3 });
            journal.judged.clear();
            journal
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn page_and_picture_are_sound(journal in journal()) {
        picture::assert_sound(&journal);
        let page = html(&journal);
        page::parsed(&page);
        for text in [page, summary(&journal), row(&journal)] {
            prop_assert!(!text.contains("NaN") && !text.contains(">inf"));
        }
    }
}
