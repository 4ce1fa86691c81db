//! A reader of SQL words: enough to split a file into statements, to read our own CREATE TABLE texts and to lint.

/// What a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or keyword, quoted or not.
    Word,
    /// A literal string, with its quotes.
    Text,
    /// A number.
    Number,
    /// A parameter: `$1`.
    Param,
    /// An operator or punctuation mark; `::` is one.
    Mark,
    /// A comment.
    Comment,
}

/// One word of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    pub(crate) start: usize,
}

impl Token<'_> {
    /// Whether it is this keyword or mark, in any case.
    pub(crate) fn is(&self, word: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Mark) && self.text.eq_ignore_ascii_case(word)
    }

    /// Whether it is one of these keywords or marks.
    #[cfg(feature = "testing")]
    pub(crate) fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }
}

/// All words with the comments.
pub(crate) fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = sql[at..].chars().next() {
        let rest = &sql[at..];
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (kind, length) = measure(rest, first);
        found.push(Token { kind, text: &rest[..length], start: at });
        at += length;
    }
    found
}

/// All words without the comments.
pub(crate) fn words(sql: &str) -> Vec<Token<'_>> {
    tokens(sql).into_iter().filter(|token| token.kind != Kind::Comment).collect()
}

/// The statements of a file, each without its semicolon and without the comments before it.
pub(crate) fn statements(sql: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = None;
    let mut end = 0;
    for token in words(sql) {
        if token.is(";") {
            if let Some(start) = start.take() {
                found.push(&sql[start..end]);
            }
            continue;
        }
        start.get_or_insert(token.start);
        end = token.start + token.text.len();
    }
    found.extend(start.map(|start| &sql[start..end]));
    found
}

fn measure(rest: &str, first: char) -> (Kind, usize) {
    let second = rest[first.len_utf8()..].chars().next();
    match (first, second) {
        ('-', Some('-')) => (Kind::Comment, rest.find('\n').unwrap_or(rest.len())),
        ('/', Some('*')) => (Kind::Comment, block_comment(rest)),
        ('\'', _) => (Kind::Text, quoted(rest, 1, '\'', false)),
        ('e' | 'E', Some('\'')) => (Kind::Text, quoted(rest, 2, '\'', true)),
        ('"', _) => (Kind::Word, quoted(rest, 1, '"', false)),
        ('$', Some(digit)) if digit.is_ascii_digit() => (Kind::Param, 1 + run(&rest[1..], |c| c.is_ascii_digit())),
        ('$', _) => dollar_quoted(rest),
        (c, _) if c.is_alphabetic() || c == '_' => (Kind::Word, run(rest, |c| c.is_alphanumeric() || c == '_')),
        (c, _) if c.is_ascii_digit() => (Kind::Number, run(rest, |c| c.is_ascii_digit() || c == '.')),
        (':', Some(':')) | ('<', Some('=' | '>')) | ('>' | '!', Some('=')) | ('|', Some('|')) => (Kind::Mark, 2),
        ('-', Some('>')) => (Kind::Mark, if rest.starts_with("->>") { 3 } else { 2 }),
        (c, _) => (Kind::Mark, c.len_utf8()),
    }
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_u32, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// Length of a quoted text that starts after `opening` bytes; a doubled quote stands for itself.
fn quoted(rest: &str, opening: usize, quote: char, backslash: bool) -> usize {
    let mut chars = rest[opening..].char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if backslash && c == '\\' {
            chars.next();
        } else if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return opening + at + quote.len_utf8();
        }
    }
    rest.len()
}

fn dollar_quoted(rest: &str) -> (Kind, usize) {
    let tag = 1 + run(&rest[1..], |c| c.is_alphanumeric() || c == '_');
    if !rest[tag..].starts_with('$') {
        return (Kind::Mark, 1);
    }
    let fence = &rest[..=tag];
    let end = rest[fence.len()..].find(fence).map_or(rest.len(), |at| at + 2 * fence.len());
    (Kind::Text, end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_file_is_split_at_its_own_semicolons_only() {
        let file = "-- first; comment\nCREATE TABLE a (b text DEFAULT ';');\n\n/* ; */ COMMENT ON TABLE a IS 'it''s; b';\n\
                    DO $x$ BEGIN; END $x$;;\nSELECT 1";
        assert_eq!(
            statements(file),
            [
                "CREATE TABLE a (b text DEFAULT ';')",
                "COMMENT ON TABLE a IS 'it''s; b'",
                "DO $x$ BEGIN; END $x$",
                "SELECT 1",
            ]
        );
    }

    #[test]
    fn words_are_told_apart() {
        let found: Vec<(Kind, &str)> =
            words("a->>'x' || $12::TEXT[] /* no */ <> 1.5").into_iter().map(|t| (t.kind, t.text)).collect();
        use Kind::{Mark, Number, Param, Text, Word};
        assert_eq!(
            found,
            [
                (Word, "a"),
                (Mark, "->>"),
                (Text, "'x'"),
                (Mark, "||"),
                (Param, "$12"),
                (Mark, "::"),
                (Word, "TEXT"),
                (Mark, "["),
                (Mark, "]"),
                (Mark, "<>"),
                (Number, "1.5"),
            ]
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic_and_without_loss(text in "\\PC{0,60}") {
            let read: String = tokens(&text).iter().map(|token| token.text).collect();
            let wanted: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            let read: String = read.chars().filter(|c| !c.is_whitespace()).collect();
            prop_assert_eq!(read, wanted);
        }
    }
}
