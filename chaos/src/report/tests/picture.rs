//! The picture: well-formed, with numbers for coordinates, inside its frame, and with flags that can be read.

use roxmltree::{Document, Node};

use super::fixtures::{all, bare, extreme, pass};
use crate::journal::Journal;
use crate::report::timeline::{Frame, draw};
use crate::report::{story, timeline};

/// Both pictures of a run, with their widths.
fn pictures(journal: &Journal) -> [(f64, String); 2] {
    [Frame::WIDE, Frame::NARROW].map(|frame| (frame.width, draw(journal, &frame).finish()))
}

const SVG: &str = "http://www.w3.org/2000/svg";

/// Numbers of a path or a list.
fn numbers(text: &str) -> Vec<f64> {
    let parts =
        text.split(|letter: char| letter.is_ascii_alphabetic() || letter == ' ').filter(|part| !part.is_empty());
    parts.map(|part| part.parse().expect("a number")).collect()
}

fn attribute(node: &Node<'_, '_>, name: &str) -> f64 {
    node.attribute(name).expect("an attribute").parse().expect("a number")
}

/// Asserts that the pictures are well-formed, that every coordinate is a number, and that all lie inside.
pub(super) fn assert_sound(journal: &Journal) {
    for (width, svg) in pictures(journal) {
        let document = Document::parse(&svg).expect("well-formed XML");
        let height = attribute(&document.root_element(), "height");
        for node in document.descendants().filter(Node::is_element) {
            if node.ancestors().any(|above| above.has_tag_name("defs")) {
                continue;
            }
            for (name, most) in
                [("x", width), ("x1", width), ("x2", width), ("y", height), ("y1", height), ("y2", height)]
            {
                let Some(value) = node.attribute(name) else { continue };
                let value: f64 = value.parse().expect("a number");
                assert!((0.0..=most).contains(&value), "{name}={value} of {node:?} is outside of {most}");
            }
            if node.has_tag_name("rect") {
                let (x, y) = node.attribute("x").map_or((0.0, 0.0), |_| (attribute(&node, "x"), attribute(&node, "y")));
                let (right, bottom) = (x + attribute(&node, "width"), y + attribute(&node, "height"));
                assert!(right <= width + 1.5 && bottom <= height + 0.1 && right >= x && bottom >= y, "{node:?}");
            }
            if let (true, Some(words)) = (node.has_tag_name((SVG, "text")), node.text()) {
                let length = if words.is_ascii() { 6.9 * words.len() as f64 } else { 0.0 };
                let (x, class) = (attribute(&node, "x"), node.attribute("class").unwrap_or_default());
                let fits =
                    if class.ends_with("end") { x >= length } else { class.ends_with("mid") || x + length <= width };
                assert!(fits, "{words} is cut off at {x}");
            }
            for pair in node.attribute("d").map(numbers).unwrap_or_default().chunks_exact(2) {
                assert!((0.0..=width).contains(&pair[0]) && (0.0..=height).contains(&pair[1]), "{pair:?} of {node:?}");
            }
        }
        assert_flags_apart(&document);
    }
}

/// A flag's box, and its line below the box, in the order of time.
struct Flag {
    x: (f64, f64),
    y: (f64, f64),
    pole: f64,
    words: String,
}

fn flags(document: &Document<'_>) -> Vec<Flag> {
    let class = |node: &Node<'_, '_>, name: &str| {
        node.attribute("class").is_some_and(|class| class.split(' ').any(|one| one == name))
    };
    let poles = document.descendants().filter(|node| class(node, "pole"));
    let flags = document.descendants().filter(|node| class(node, "flag"));
    flags
        .zip(poles)
        .map(|(flag, pole)| {
            let cloth = flag.descendants().find(|node| class(node, "cloth")).expect("a box");
            let words = flag.descendants().find(|node| node.tag_name().name() == "text").and_then(|node| node.text());
            let (x, y) = (attribute(&cloth, "x"), attribute(&cloth, "y"));
            Flag {
                x: (x, x + attribute(&cloth, "width")),
                y: (y, y + attribute(&cloth, "height")),
                pole: attribute(&pole, "x1"),
                words: words.expect("words").to_owned(),
            }
        })
        .collect()
}

fn assert_flags_apart(document: &Document<'_>) {
    let flags = flags(document);
    for (index, one) in flags.iter().enumerate() {
        for other in &flags[index + 1..] {
            let beside = one.x.1 <= other.x.0 || other.x.1 <= one.x.0;
            let above = one.y.1 <= other.y.0 || other.y.1 <= one.y.0;
            assert!(beside || above, "{} covers {}", one.words, other.words);
        }
    }
}

#[test]
fn every_picture_is_sound() {
    for (_, journal) in all() {
        assert_sound(&journal);
    }
}

#[test]
fn every_mark_has_its_flag_with_its_time() {
    for (name, journal) in all() {
        let svg = timeline(&journal);
        let document = Document::parse(&svg).expect("well-formed XML");
        let flags = flags(&document);
        assert_eq!(flags.len(), journal.marks.0.len(), "{name}");
        for mark in &journal.marks.0 {
            let word = story::mark(mark.name);
            assert!(
                flags.iter().any(|flag| flag.words.starts_with(word) && flag.words.ends_with('s')),
                "{name}: {word}"
            );
        }
    }
    let svg = timeline(&extreme());
    assert!(svg.contains(">recovered +33 ms<") && svg.contains(">failed back +50 ms<"));
}

#[test]
fn no_line_of_a_mark_runs_through_the_flag_of_another() {
    for journal in [pass(), extreme()] {
        let svg = timeline(&journal);
        let document = Document::parse(&svg).expect("well-formed XML");
        let flags = flags(&document);
        for (one, other) in flags.iter().flat_map(|one| flags.iter().map(move |other| (one, other))) {
            let crosses = one.pole > other.x.0 + 0.5 && one.pole < other.x.1 && one.y.0 < other.y.0;
            assert!(!crosses, "the line of {} runs through {}", one.words, other.words);
        }
    }
}

#[test]
fn a_picture_names_its_regions_and_what_it_counts() {
    let svg = timeline(&pass());
    for words in [
        "us-west",
        "europe-west",
        "asia-east",
        "the victim",
        "log scale",
        "worst 978 ms",
        "30 in all",
        "seconds after the fault",
        "2 more stayed closed",
        "submits_acknowledged",
    ] {
        assert!(svg.contains(&format!(">{words}<")), "{words}");
    }
}

#[test]
fn without_figures_over_time_the_picture_says_so() {
    let svg = timeline(&bare());
    assert!(svg.contains("No figures over time were recorded.") && svg.contains("no fault was injected"));
}

#[test]
fn a_picture_tells_a_reader_aloud_what_it_shows() {
    let svg = timeline(&pass());
    let document = Document::parse(&svg).expect("well-formed XML");
    let root = document.root_element();
    assert_eq!(
        (root.attribute("role"), root.attribute("aria-labelledby")),
        (Some("img"), Some("wide-title wide-desc"))
    );
    let words = |id: &str| {
        document
            .descendants()
            .find(|node| node.attribute("id") == Some(id))
            .and_then(|node| node.text())
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(words("wide-title"), "Timeline of Cut off the region that holds the most leases");
    assert!(
        words("wide-desc").ends_with("recovered +6.42 s, healed +40.01 s, failed back +55.3 s."),
        "{}",
        words("wide-desc")
    );
}
