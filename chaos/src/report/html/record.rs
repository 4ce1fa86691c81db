//! The record of the run: the steady state, what was done, and what was left behind.

use super::chart::seconds_between;
use super::table::table;
use crate::drill::Tolerance;
use crate::journal::{Activity, Journal, MarkName, Probed};
use crate::report::markup::Markup;
use crate::report::words;

pub(super) fn steady_state(html: &mut Markup, journal: &Journal) {
    super::begin(html, "steady", "Steady state before and after");
    let after = |probe: &str| journal.steady_after.iter().find(|probed| probed.probe == probe);
    let only_after = journal
        .steady_after
        .iter()
        .filter(|probed| journal.steady_before.iter().all(|before| before.probe != probed.probe));
    let mut rows: Vec<Vec<Markup>> =
        journal.steady_before.iter().map(|before| probe(before, Some(before), after(&before.probe))).collect();
    rows.extend(only_after.map(|probed| probe(probed, None, Some(probed))));
    if rows.is_empty() {
        super::paragraph(html, "The hypothesis was not looked at.");
    } else {
        table(html, "steady", "compact", &["probe", "good is", "before", "after"], rows);
    }
    super::end(html);
}

fn probe(named: &Probed, before: Option<&Probed>, after: Option<&Probed>) -> Vec<Markup> {
    vec![Markup::of(&named.probe), Markup::of(tolerance(named.tolerance)), figure(before), figure(after)]
}

fn figure(probed: Option<&Probed>) -> Markup {
    let mut html = Markup::default();
    let Some(probed) = probed else {
        html.text("not looked at");
        return html;
    };
    let told = probed.figure.map_or_else(|| "could not be had".to_owned(), words::number);
    let (class, sign) = if probed.holds { ("mark good", "\u{2713} holds") } else { ("mark bad", "\u{2717} breached") };
    html.text(told).raw(" ").element("span", &[("class", &class)], sign);
    html
}

fn tolerance(tolerance: Tolerance) -> String {
    match (tolerance.min, tolerance.max) {
        (Some(min), Some(max)) if min == max => format!("exactly {}", words::number(min)),
        (Some(min), Some(max)) => format!("{} to {}", words::number(min), words::number(max)),
        (Some(min), None) => format!("at least {}", words::number(min)),
        (None, Some(max)) => format!("at most {}", words::number(max)),
        (None, None) => "any figure".to_owned(),
    }
}

pub(super) fn activities(html: &mut Markup, journal: &Journal) {
    super::begin(html, "activities", "What was done");
    if journal.activities.is_empty() {
        super::paragraph(html, "Nothing was done.");
    } else {
        let zero = journal.marks.at(MarkName::Fault).unwrap_or(journal.started_at_us);
        let rows = journal.activities.iter().map(|done| activity(done, zero)).collect();
        table(html, "activities", "tall", &["step", "what", "when", "took", "undone", "error"], rows);
        super::paragraph(html, "Times count from the fault, or from the start of the run where there was none.");
    }
    super::end(html);
}

fn activity(done: &Activity, zero: i64) -> Vec<Markup> {
    let at = |at_us| words::offset(seconds_between(zero, at_us));
    vec![
        Markup::of(&done.name),
        what(done),
        Markup::of(at(done.started_at_us)),
        Markup::of(words::seconds(seconds_between(done.started_at_us, done.ended_at_us))),
        Markup::of(done.undone_at_us.map_or_else(|| "not undone".to_owned(), at)),
        Markup::of(done.error.as_deref().unwrap_or("none")),
    ]
}

fn what(done: &Activity) -> Markup {
    let mut html = Markup::default();
    html.text(&done.what);
    if !done.detail.is_null() {
        html.raw("<details><summary>detail</summary>").element("code", &[], &done.detail).raw("</details>");
    }
    html
}

pub(super) fn residue(html: &mut Markup, journal: &Journal) {
    super::begin(html, "residue", "Left behind");
    if journal.residue.is_empty() {
        super::paragraph(html, "Nothing: whatever was done has been undone.");
    } else {
        html.raw("<ul>\n");
        for left in &journal.residue {
            html.element("li", &[], left).line();
        }
        html.raw("</ul>\n");
    }
    super::end(html);
}
