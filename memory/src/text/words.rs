//! From a text to its terms.

use super::{stem::stem, stop};

/// Characters of a text that are read; what comes after them is not.
pub const MAX_TEXT_CHARS: usize = 20_000;
/// Terms of a text, at most.
pub const MAX_TERMS: usize = 2_000;
/// Bytes of a term, at most; a longer word is cut.
pub const MAX_TERM_BYTES: usize = 64;

/// The terms of a text in their order, with repeats: its words without stop words, stemmed. An identifier
/// (`snake_case`, `camelCase`, `E0502`) is a term whole, and its parts are terms after it.
#[must_use]
pub fn terms(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in raw_words(text) {
        push_terms(word, &mut found);
        if found.len() >= MAX_TERMS {
            found.truncate(MAX_TERMS);
            break;
        }
    }
    found
}

/// Each term once, in order of the alphabet.
#[must_use]
pub fn distinct(terms: &[String]) -> Vec<&String> {
    let mut once: Vec<&String> = terms.iter().collect();
    once.sort_unstable();
    once.dedup();
    once
}

/// The words of a text in lower case, whole and unstemmed, without stop words.
pub(crate) fn plain_words(text: &str) -> impl Iterator<Item = String> + '_ {
    raw_words(text).map(str::to_lowercase).filter(|word| !stop::is_stop_word(word))
}

/// Runs of letters, digits and underscores, within the bound on a text's length.
fn raw_words(text: &str) -> impl Iterator<Item = &str> {
    let end = text.char_indices().nth(MAX_TEXT_CHARS).map_or(text.len(), |(at, _)| at);
    text[..end]
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .map(|word| word.trim_matches('_'))
        .filter(|word| !word.is_empty())
}

fn push_terms(word: &str, found: &mut Vec<String>) {
    let parts = parts(word);
    if let [_] = parts[..] {
        found.extend(term_of(word));
        return;
    }
    found.extend(ascii(&word.to_lowercase()));
    // A number alone says little; with the letters before it, it is an error code, and that is the whole word.
    found.extend(parts.into_iter().filter(|part| !part.starts_with(|c: char| c.is_numeric())).filter_map(term_of));
}

/// A word that is no identifier, or a part of one.
fn term_of(word: &str) -> Option<String> {
    let lower = word.to_lowercase();
    if lower.chars().nth(1).is_none() && lower.is_ascii() || stop::is_stop_word(&lower) {
        return None;
    }
    ascii(&stem(&lower))
}

/// The parts of an identifier: broken at underscores, between lower and upper case, between letters and digits, and
/// before the last capital of a run that goes on in lower case (`HTTPServer`).
fn parts(word: &str) -> Vec<&str> {
    let chars: Vec<(usize, char)> = word.char_indices().collect();
    let mut parts = Vec::new();
    let mut start = 0;
    for (position, &(at, c)) in chars.iter().enumerate().skip(1) {
        let before = chars[position - 1].1;
        let after = chars.get(position + 1).map(|&(_, c)| c);
        if is_border(before, c, after) {
            parts.push(&word[start..at]);
            start = at;
        }
    }
    parts.push(&word[start..]);
    parts.into_iter().map(|part| part.trim_matches('_')).filter(|part| !part.is_empty()).collect()
}

fn is_border(before: char, c: char, after: Option<char>) -> bool {
    before == '_'
        || c == '_'
        || before.is_numeric() != c.is_numeric()
        || before.is_lowercase() && c.is_uppercase()
        || before.is_uppercase() && c.is_uppercase() && after.is_some_and(char::is_lowercase)
}

/// The word in `[a-z0-9_]`, cut to the bound: any other letter is written as `u` and its number, so that words of other
/// scripts stay apart from one another.
fn ascii(lower: &str) -> Option<String> {
    let mut plain = String::with_capacity(lower.len());
    for c in lower.chars().filter(|c| c.is_alphanumeric() || *c == '_') {
        if c.is_ascii() {
            plain.push(c);
        } else {
            plain.push_str(&format!("u{:x}", u32::from(c)));
        }
        if plain.len() >= MAX_TERM_BYTES {
            plain.truncate(MAX_TERM_BYTES);
            break;
        }
    }
    (!plain.is_empty()).then_some(plain)
}
