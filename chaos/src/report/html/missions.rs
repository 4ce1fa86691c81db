//! What became of the missions, and what is wrong with any.

use super::table::table;
use crate::checker::{AnomalyKind, Summary};
use crate::journal::Journal;
use crate::report::markup::Markup;
use crate::report::{story, words};

pub(super) fn section(html: &mut Markup, journal: &Journal) {
    super::begin(html, "missions", "Missions");
    let check = &journal.check;
    if *check == Summary::default() {
        super::paragraph(html, "There is no history, so there is nothing to count.");
        return super::end(html);
    }
    let found = |kind| match check.unjudged.contains(&kind) {
        true => "not judged".to_owned(),
        false => words::count(check.count(kind)),
    };
    let [lost, duplicated, overlap] = [AnomalyKind::Lost, AnomalyKind::Duplicated, AnomalyKind::Overlap].map(found);
    let n = words::count;
    let failed = story::failed(check).unwrap_or_else(|| "ended as failed or cancelled".to_owned());
    let indeterminate = format!("operations without an answer: {}", story::indeterminate(check));
    html.raw("<dl class=\"counts\">\n");
    for (name, figure, what) in [
        ("acknowledged", n(check.acknowledged), "were answered with 2xx"),
        ("proven", n(check.proven), "ended well, with one finished run of the winning epoch"),
        ("unwatched", n(check.unwatched), "ended well by their rows, and no runner wrote down what it did"),
        ("failed", n(check.failed.values().sum()), &failed),
        ("held back", n(check.held_back), "wait because residency lets them run nowhere now"),
        ("lost", lost, "have no row, or succeeded without their work"),
        ("duplicated", duplicated, "have two accepted completions"),
        ("overlap", overlap, "effects of an older run after those of a newer one"),
        ("fenced", n(check.fenced), "late results that the fence kept out"),
        ("moved leases", n(journal.measures.moved_leases), "were given to another session"),
        ("lost attempts", n(check.lost_attempts), "runs that were begun and cut off; their effects are no duplicates"),
        ("indeterminate", n(check.indeterminate.all), &indeterminate),
        ("operations", n(check.operations), "of the history that the checker read"),
    ] {
        html.raw("<div>").element("dt", &[], name).element("dd", &[("class", &"number")], figure);
        html.element("dd", &[], what).raw("</div>\n");
    }
    html.raw("</dl>\n");
    super::end(html);
}

pub(super) fn anomalies(html: &mut Markup, journal: &Journal) {
    super::begin(html, "anomalies", "Anomalies");
    let found: Vec<_> = journal.check.anomalies.iter().filter(|(_, found)| found.count > 0).collect();
    if journal.check == Summary::default() {
        super::paragraph(html, "There is no history to find any in.");
    } else if found.is_empty() {
        super::paragraph(html, "None: the history shows nothing wrong.");
    } else {
        let rows = found
            .into_iter()
            .map(|(kind, found)| {
                vec![
                    Markup::of(story::anomaly(*kind)),
                    Markup::of(story::property(*kind)),
                    Markup::of(words::count(found.count)),
                    first(&found.first),
                ]
            })
            .collect();
        table(html, "anomalies", "tall", &["what", "breaks", "how many", "the first"], rows);
    }
    super::end(html);
}

fn first(seen: &[(topology::MissionId, String)]) -> Markup {
    let mut html = Markup::default();
    html.raw("<ul>");
    for (mission, what) in seen {
        html.raw("<li>").element("code", &[], mission).raw(" ").text(what).raw("</li>");
    }
    html.raw("</ul>");
    html
}
