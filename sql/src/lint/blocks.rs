//! A statement as the lint sees it: queries inside queries, each with its words by clause.

use crate::lex::{Kind, Token};

/// Where in a query a word stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clause {
    /// Before the first keyword, CTE names included.
    Head,
    /// The list after SELECT.
    Select,
    /// FROM or USING and what is joined, without the conditions.
    From,
    /// The condition of a join.
    On,
    Where,
    /// GROUP BY and HAVING.
    Group,
    Order,
    /// LIMIT and OFFSET.
    Limit,
    /// FOR UPDATE and its like.
    Lock,
    /// INSERT INTO, UPDATE, DELETE, up to the next keyword.
    Target,
    Values,
    Set,
    Conflict,
    Returning,
}

/// A word with its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed<'a> {
    pub(super) token: Token<'a>,
    pub(super) clause: Clause,
    /// Parentheses around it inside its own query.
    pub(super) depth: usize,
}

/// One query: the whole statement or one in parentheses.
#[derive(Debug, Default)]
pub(super) struct Block<'a> {
    pub(super) words: Vec<Placed<'a>>,
    /// The word before its parenthesis; none for the whole statement.
    pub(super) after: Option<Token<'a>>,
    pub(super) root: bool,
}

impl<'a> Block<'a> {
    /// Its words in some clauses.
    pub(super) fn within(&self, clauses: &'static [Clause]) -> impl Iterator<Item = &Placed<'a>> {
        self.words.iter().filter(move |word| clauses.contains(&word.clause))
    }

    pub(super) fn has(&self, clause: Clause) -> bool {
        self.words.iter().any(|word| word.clause == clause)
    }
}

/// All queries of a statement, the outermost first.
pub(super) fn blocks<'a>(words: &[Token<'a>]) -> Vec<Block<'a>> {
    let mut found = Vec::new();
    let mut waiting = vec![(words.to_vec(), None, true)];
    while let Some((words, after, root)) = waiting.pop() {
        let (block, inner) = block(&words, after, root);
        found.push(block);
        waiting.extend(inner.into_iter().map(|(words, after)| (words, after, false)));
    }
    found
}

type Inner<'a> = Vec<(Vec<Token<'a>>, Option<Token<'a>>)>;

/// Reads one query, without those in its parentheses, which are handed back.
fn block<'a>(words: &[Token<'a>], after: Option<Token<'a>>, root: bool) -> (Block<'a>, Inner<'a>) {
    const QUERY: [&str; 6] = ["SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "VALUES"];
    let mut block = Block { words: Vec::new(), after, root };
    let mut inner = Vec::new();
    let mut clauses = vec![Clause::Head];
    let mut at = 0;
    while at < words.len() {
        let word = words[at];
        let before = at.checked_sub(1).map(|before| words[before]);
        let next = words.get(at + 1);
        if word.is("(") && next.is_some_and(|next| next.is_any(&QUERY)) {
            let end = partner(words, at);
            inner.push((words[at + 1..end].to_vec(), before));
            at = end + 1;
            continue;
        }
        let depth = clauses.len() - 1;
        let current = clauses.last_mut().expect("parentheses are balanced");
        // `extract(epoch FROM ..)`: a FROM in parentheses that hold no query begins nothing.
        if depth == 0 || !word.is("FROM") {
            *current = clause(*current, word, before, next).unwrap_or(*current);
        }
        let clause = *current;
        if word.is("(") {
            clauses.push(clause);
        } else if word.is(")") && clauses.len() > 1 {
            clauses.pop();
        }
        block.words.push(Placed { token: word, clause, depth });
        at += 1;
    }
    (block, inner)
}

/// The clause that a keyword begins.
fn clause(current: Clause, word: Token<'_>, before: Option<Token<'_>>, next: Option<&Token<'_>>) -> Option<Clause> {
    if word.kind != Kind::Word {
        return None;
    }
    let before_is = |words: &[&str]| before.is_some_and(|before| before.is_any(words));
    let next_is = |words: &[&str]| next.is_some_and(|next| next.is_any(words));
    match word.text.to_ascii_uppercase().as_str() {
        "SELECT" => Some(Clause::Select),
        "FROM" if before_is(&["DISTINCT"]) => None,
        "FROM" | "USING" => Some(Clause::From),
        "JOIN" | "CROSS" | "LEFT" | "RIGHT" | "INNER" | "FULL" if current == Clause::On => Some(Clause::From),
        "ON" if next_is(&["CONFLICT"]) => Some(Clause::Conflict),
        "ON" => Some(Clause::On),
        "WHERE" => Some(Clause::Where),
        "GROUP" | "HAVING" => Some(Clause::Group),
        "ORDER" => Some(Clause::Order),
        "LIMIT" | "OFFSET" => Some(Clause::Limit),
        "FOR" if next_is(&["UPDATE", "SHARE", "NO", "KEY"]) => Some(Clause::Lock),
        "UPDATE" if before_is(&["FOR", "DO", "KEY"]) => None,
        "INSERT" | "UPDATE" | "DELETE" => Some(Clause::Target),
        "VALUES" => Some(Clause::Values),
        "SET" => Some(Clause::Set),
        "RETURNING" => Some(Clause::Returning),
        _ => None,
    }
}

/// Index of the parenthesis that closes the one at `open`; the end where none does.
fn partner(words: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, word) in words.iter().enumerate().skip(open) {
        if word.is("(") {
            depth += 1;
        } else if word.is(")") {
            depth -= 1;
            if depth == 0 {
                return at;
            }
        }
    }
    words.len()
}
