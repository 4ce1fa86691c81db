//! The words of a memory as SQL stores them. Pure.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Words of a memory that keep their place: PostgreSQL counts no further.
const PLACES: usize = 16_383;
/// Places of one word, likewise.
const PLACES_OF_ONE: usize = 255;
/// Longest word in bytes; a longer one is no word.
const LONGEST: usize = 500;

/// Turns a text into its stemmed words, in their order: `memory::text::terms`.
pub type Words = fn(&str) -> Vec<String>;

/// The words of one memory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Document {
    places: BTreeMap<String, Vec<usize>>,
    counts: BTreeMap<String, i64>,
}

impl Document {
    /// Of words in their order.
    #[must_use]
    pub fn of(words: Vec<String>) -> Self {
        let mut document = Self::default();
        let words = words.into_iter().filter(|word| is_storable(word));
        for (place, word) in words.enumerate() {
            *document.counts.entry(word.clone()).or_default() += 1;
            let places = document.places.entry(word).or_default();
            if place < PLACES && places.len() < PLACES_OF_ONE {
                places.push(place + 1);
            }
        }
        document
    }

    /// Each word with how often it occurs.
    pub fn counts(&self) -> impl Iterator<Item = (&str, i64)> {
        self.counts.iter().map(|(word, times)| (word.as_str(), *times))
    }

    /// How many words it has, repeated ones included.
    #[must_use]
    pub fn words(&self) -> i64 {
        self.counts.values().sum()
    }

    /// As a text that SQL casts to TSVECTOR: both engines then hold the same, whatever dictionaries they have.
    #[must_use]
    pub fn tsvector(&self) -> String {
        let mut text = String::new();
        for (word, places) in &self.places {
            push_lexeme(&mut text, word);
            for (at, place) in places.iter().enumerate() {
                write!(text, "{}{place}", if at == 0 { ':' } else { ',' }).expect("writing into a String cannot fail");
            }
            text.push(' ');
        }
        text
    }
}

/// A query for any of the words, as a text that SQL casts to TSQUERY; none where no word can be asked for.
#[must_use]
pub fn any_of(words: &[String]) -> Option<String> {
    let mut text = String::new();
    for word in words.iter().filter(|word| is_storable(word)) {
        if !text.is_empty() {
            text.push('|');
        }
        push_lexeme(&mut text, word);
    }
    (!text.is_empty()).then_some(text)
}

fn is_storable(word: &str) -> bool {
    !word.is_empty() && word.len() <= LONGEST && !word.contains('\0')
}

fn push_lexeme(text: &mut String, word: &str) {
    text.push('\'');
    for c in word.chars() {
        if matches!(c, '\'' | '\\') {
            text.push(c);
        }
        text.push(c);
    }
    text.push('\'');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn words_are_quoted_and_keep_their_places() {
        let document = Document::of(words("b a'b b c\\d  x\0"));
        assert_eq!(document.tsvector(), r"'a''b':2 'b':1,3 'c\\d':4 ");
        assert_eq!(document.counts().collect::<Vec<_>>(), [("a'b", 1), ("b", 2), ("c\\d", 1)]);
        assert_eq!(document.words(), 4);
        assert_eq!(any_of(&words("b a'b")).as_deref(), Some("'b'|'a''b'"));
        assert_eq!(any_of(&words("")), None);
    }

    #[test]
    fn a_word_that_fills_a_long_text_is_counted_whole_and_placed_as_far_as_sql_goes() {
        let mut text = words(&"again ".repeat(20_000));
        text.push("last".to_owned());
        let document = Document::of(text);
        assert_eq!(document.counts["again"], 20_000);
        assert_eq!(document.places["again"].len(), PLACES_OF_ONE);
        assert!(document.tsvector().ends_with("'last' "));
    }
}
