use proptest::prelude::*;

use super::*;

fn frequency(counts: &[(&str, u64)]) -> HashMap<String, u64> {
    counts.iter().map(|&(term, count)| (term.to_owned(), count)).collect()
}

fn collection(frequency: &HashMap<String, u64>) -> Collection<'_> {
    Collection { documents: 1_000, mean_terms: 10.0, document_frequency: frequency }
}

#[test]
fn words_become_terms_and_identifiers_stay_whole() {
    let cases: [(&str, &[&str]); 12] = [
        ("The imports are unused", &["import", "unus"]),
        ("error[E0502]: F401 and B008!", &["error", "e0502", "f401", "b008"]),
        ("find_repos_by_name", &["find_repos_by_name", "find", "repo", "name"]),
        ("maxRetryCount", &["maxretrycount", "max", "retri", "count"]),
        ("HTTPServer2", &["httpserver2", "http", "server"]),
        ("__init__", &["init"]),
        ("_create_unverified_context", &["create_unverified_context", "creat", "unverifi", "context"]),
        ("os.environ.clear()", &["os", "environ", "clear"]),
        ("status 404, v2.7.9", &["statu", "404", "v2"]),
        ("sha256 utf8", &["sha256", "sha", "utf8", "utf"]),
        ("Größe", &["gruf6udfe"]),
        ("don't lock, lock e.g. a b", &["lock", "lock"]),
    ];
    for (text, expected) in cases {
        assert_eq!(terms(text), expected, "{text}");
    }
}

#[test]
fn stems_are_those_of_the_reference() {
    let fixture = include_str!("fixtures/stems.txt");
    for (word, expected) in fixture.lines().filter_map(|line| line.split_once(' ')) {
        assert_eq!(stem::stem(word), expected, "{word}");
    }
    assert!(fixture.lines().count() > 200);
}

#[test]
fn stop_words_are_in_the_order_they_are_looked_up_by() {
    assert!(stop::STOP_WORDS.is_sorted());
    assert!(stop::is_stop_word("a") && stop::is_stop_word("yours") && !stop::is_stop_word("except"));
}

#[test]
fn the_rarest_terms_are_asked_for_until_they_are_in_too_many_memories() {
    let counts = frequency(&[("common", 900), ("rare", 2), ("middle", 50), ("other", 60)]);
    let asked: Vec<String> = ["common", "rare", "unknown", "middle", "rare", "other"].map(str::to_owned).into();
    let bounds = |terms, documents| Bounds { terms, documents };
    assert_eq!(rarest(&asked, &counts, &bounds(10, 10_000)), ["rare", "middle", "other", "common"]);
    assert_eq!(rarest(&asked, &counts, &bounds(2, 10_000)), ["rare", "middle"]);
    assert_eq!(rarest(&asked, &counts, &bounds(10, 60)), ["rare", "middle"]);
    assert_eq!(rarest(&asked, &counts, &bounds(10, 0)), ["rare"]);
    assert!(rarest(&["unknown".into()], &counts, &bounds(10, 10)).is_empty());
}

#[test]
fn a_rare_word_weighs_more_a_long_text_less_and_repetition_soon_nothing() {
    let counts = frequency(&[("rare", 1), ("common", 500)]);
    let question = Question::new(&terms("rare common"), &collection(&counts));
    let score = |text: &str| question.score(&terms(text));
    assert!(score("rare") > score("common"));
    assert!(score("rare") > score(&format!("rare {}", "filler ".repeat(40))));
    assert!(score("rare rare") > score("rare") && score(&"rare ".repeat(4)) < 2.0 * score("rare"));
    assert_eq!(score("filler"), 0.0);
}

#[test]
fn bm25_is_the_formula() {
    // N = 1000, n = 1: ln(1 + 999.5 / 1.5); one of ten terms, so the length is the mean: tf 1 gives 2.2 / 2.2.
    let counts = frequency(&[("rare", 1)]);
    let question = Question::new(&["rare".into()], &collection(&counts));
    let text: Vec<String> = std::iter::once("rare").chain(["x"; 9]).map(str::to_owned).collect();
    let expected = (1.0_f64 + 999.5 / 1.5).ln();
    assert!((question.score(&text) - expected).abs() < 1e-12);
    // A single term against a mean of ten: tf 1 gives 2.2 / (1 + 1.2 * 0.325).
    assert!((question.full_score() - expected * 2.2 / 1.39).abs() < 1e-12);
}

#[test]
fn an_empty_collection_and_wrong_counts_give_numbers_all_the_same() {
    let counts = frequency(&[("word", 5)]);
    for (documents, mean_terms) in [(0, 0.0), (1, f64::NAN), (3, -1.0)] {
        let question =
            Question::new(&terms("word"), &Collection { documents, mean_terms, document_frequency: &counts });
        let score = question.score(&terms("word word"));
        assert!(score.is_finite() && score > 0.0 && question.full_score() > 0.0, "{documents} {mean_terms} {score}");
    }
}

proptest! {
    #[test]
    fn terms_are_lexemes_within_bounds(text in "\\PC{0,300}", times in 1_usize..200) {
        let found = terms(&text.repeat(times));
        prop_assert!(found.len() <= MAX_TERMS);
        for term in found {
            prop_assert!(!term.is_empty() && term.len() <= MAX_TERM_BYTES);
            prop_assert!(term.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{}", term);
        }
    }

    #[test]
    fn the_question_itself_has_the_full_score_and_parts_of_it_less(asked in "[a-d ]{1,40}", count in 0_u64..2_000) {
        let words = |text: &str| text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        let counts = frequency(&[("a", count), ("b", 3)]);
        let question = Question::new(&words(&asked), &collection(&counts));
        let all = words(&asked);
        prop_assert_eq!(question.score(&all), question.full_score());
        let without = |term: &str| all.iter().filter(|word| *word != term).cloned().collect::<Vec<_>>();
        for term in &all {
            let padded = [without(term), vec!["z".into(); all.len()]].concat();
            prop_assert!(question.score(&padded) < question.full_score());
        }
    }
}
