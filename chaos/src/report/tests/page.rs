//! The page: well-formed, in order, and without a thing that it should not hold.

use std::collections::BTreeSet;

use roxmltree::{Document, Node, ParsingOptions};

use super::fixtures::{aborted, all, bare, deviated, extreme, pass};
use crate::report::html;

/// The page as a tree; that it is well-formed XML is more than HTML asks.
pub(super) fn parsed(page: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(page, options).expect("a well-formed page")
}

/// The words that a reader sees, in their order.
fn words(node: Node<'_, '_>) -> Vec<String> {
    let skipped = ["style", "svg", "head"];
    node.descendants()
        .filter(|node| node.is_text() && node.ancestors().all(|above| !skipped.contains(&above.tag_name().name())))
        .map(|node| node.text().unwrap_or_default().trim().to_owned())
        .filter(|words| !words.is_empty())
        .collect()
}

#[test]
fn the_verdict_is_on_top_and_the_engine_is_the_first_line_below_it() {
    for (name, journal) in all() {
        let page = html(&journal);
        let words = words(parsed(&page).root());
        assert_eq!(words[0], crate::report::story::word(journal.verdict), "{name}");
        assert_eq!(
            words[1], "PostgreSQL 18.0, one database. Could not fail in this run: the database itself.",
            "{name}"
        );
        assert_eq!(words[2], journal.drill.title, "{name}");
    }
}

#[test]
fn the_sections_come_in_their_order() {
    for (name, journal) in all() {
        let page = html(&journal);
        let document = parsed(&page);
        let sections = document.descendants().filter(|node| node.has_tag_name("h2"));
        let ids: Vec<&str> = sections.filter_map(|node| node.attribute("id")).collect();
        let want =
            ["objectives", "recovery", "missions", "anomalies", "timeline", "steady", "activities", "residue", "proof"];
        assert_eq!(ids, want, "{name}");
    }
}

#[test]
fn nothing_is_fetched_and_nothing_runs() {
    for (name, journal) in all() {
        let page = html(&journal);
        let links = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        assert!(!links.contains("http:") && !links.contains("https:") && !links.contains("@import"), "{name}");
        let document = parsed(&page);
        for node in document.descendants() {
            assert!(!["script", "link", "img", "iframe", "a"].contains(&node.tag_name().name()), "{name}: {node:?}");
            assert!(
                node.attributes().all(|attribute| !attribute.name().starts_with("on")
                    && attribute.name() != "href"
                    && attribute.name() != "src"),
                "{name}: {node:?}"
            );
        }
    }
}

#[test]
fn what_a_journal_says_is_text_and_never_markup() {
    let page = html(&extreme());
    let document = parsed(&page);
    let title = document.descendants().find(|node| node.has_tag_name("h1")).and_then(|node| node.text());
    assert_eq!(title, Some(extreme().drill.title.as_str()));
    let titles: Vec<&str> = document
        .descendants()
        .filter(|node| node.has_tag_name((SVG, "title")))
        .filter_map(|node| node.text())
        .collect();
    assert!(titles.iter().any(|title| title.starts_with("x\"><script>: <i>,")), "{titles:?}");
    assert!(page.contains("&lt;b&gt;all") && page.contains("&lt;/code&gt;&lt;script&gt;"));
}

const SVG: &str = "http://www.w3.org/2000/svg";

#[test]
fn a_phone_and_a_reader_aloud_are_told_what_they_need() {
    for (name, journal) in all() {
        let page = html(&journal);
        let document = parsed(&page);
        assert_eq!(document.root_element().attribute("lang"), Some("en"), "{name}");
        assert!(page.contains("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>"), "{name}");
        let ids: Vec<&str> = document.descendants().filter_map(|node| node.attribute("id")).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{name}: an id stands twice");
        for labelled in document.descendants().filter_map(|node| node.attribute("aria-labelledby")) {
            assert!(labelled.split(' ').all(|id| ids.contains(&id)), "{name}: {labelled}");
        }
        for row in document.descendants().filter(|node| node.has_tag_name("tbody")).flat_map(|body| body.children()) {
            assert!(
                row.is_text() || row.children().next().is_some_and(|cell| cell.attribute("scope") == Some("row")),
                "{name}"
            );
        }
    }
}

#[test]
fn what_was_not_measured_is_told_in_words() {
    let page = html(&aborted());
    for words in [
        "not measured: broken off before it recovered",
        "It was not measured piece by piece.",
        "not measured: one database, never lost",
        "not looked at",
    ] {
        assert!(page.contains(words), "{words}");
    }
    let page = html(&bare());
    for words in [
        "not measured: no fault was injected",
        "not measured: no mission was acknowledged",
        "No instant was marked",
        "Nothing was done.",
        "There is no history, so there is nothing to count.",
        "The hypothesis was not looked at.",
    ] {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn anomalies_are_listed_with_the_first_missions() {
    let page = html(&deviated());
    let words = words(parsed(&page).root());
    let place = words.iter().position(|word| word == "018f3b6e-0000-4000-8000-000000000001").expect("the mission");
    assert_eq!(
        words[place - 3..=place + 1],
        ["lost", "P1 durable", "1", "018f3b6e-0000-4000-8000-000000000001", "acknowledged at +3.2 s, has no row"]
    );
    assert!(page.contains("process 4242 of us-west is stopped") && page.contains("could not be had"));
    assert!(html(&pass()).contains("None: the history shows nothing wrong."));
}
