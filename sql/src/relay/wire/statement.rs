//! What a statement's text says of itself.

use crate::lex;

const WRITING: [&str; 3] = ["INSERT", "UPDATE", "DELETE"];
/// What begins, ends or divides an explicit transaction.
const CONTROL: [&str; 8] = ["BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"];

/// A statement's text, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// `mission_claim` of `/* mission_claim */ SELECT ..`; empty where it has none.
    pub name: String,
    /// Whether it holds INSERT, UPDATE or DELETE as a word, outside comments and literals.
    pub writes: bool,
    /// Whether it begins, ends or divides an explicit transaction.
    pub controls: bool,
}

impl Text {
    /// Reads a text.
    #[must_use]
    pub fn read(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        let words = lex::words(&text);
        Self {
            name: name(&text).to_owned(),
            writes: words.iter().any(|word| word.is_any(&WRITING)),
            controls: words.first().is_some_and(|word| word.is_any(&CONTROL)),
        }
    }
}

fn name(text: &str) -> &str {
    let comment = text.trim_start().strip_prefix("/*").and_then(|rest| rest.split("*/").next());
    comment.unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_says_its_name_and_whether_it_writes() {
        for (text, name, writes, controls) in [
            ("/* mission_claim */ WITH a AS (update missions SET x = 1) SELECT 1", "mission_claim", true, false),
            ("/* clock_read */ SELECT now()", "clock_read", false, false),
            ("/* updates: DELETE */ SELECT 'INSERT', updated -- UPDATE", "updates: DELETE", false, false),
            ("DELETE FROM a", "", true, false),
            ("/* a */ begin; INSERT INTO a VALUES (1)", "a", true, true),
            ("START TRANSACTION", "", false, true),
            ("", "", false, false),
        ] {
            assert_eq!(Text::read(text.as_bytes()), Text { name: name.to_owned(), writes, controls }, "{text}");
        }
    }
}
