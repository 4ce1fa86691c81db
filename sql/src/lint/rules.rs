//! The rules, one function each.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::Finding;
use super::blocks::{Block, Clause, Placed, blocks};
use crate::lex::{self, Kind, Token};
use crate::{Engine, Statement, catalogue};

/// Words that one of the engines lacks, takes for something else, or that belong into migrations and `txn`.
const BANNED: &[&str] = &[
    "LISTEN",
    "NOTIFY",
    "UNLISTEN",
    "pg_notify",
    "SERIAL",
    "BIGSERIAL",
    "SMALLSERIAL",
    "DISCARD",
    "MERGE",
    "COPY",
    "TABLESAMPLE",
    "ROLLUP",
    "CUBE",
    "GROUPING",
    "make_interval",
    "ctid",
    "xmin",
    "xmax",
    "CONCURRENTLY",
    "CREATE",
    "ALTER",
    "DROP",
    "TRUNCATE",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "PERFORM",
    "XML",
    "pg_sleep",
    "WINDOW",
    "ILIKE",
];
const BANNED_PREFIXES: &[&str] = &["pg_advisory", "pg_try_advisory", "jsonb_path", "tsrange", "int4range", "int8range"];
/// Types whose meaning differs: INT is eight bytes on CockroachDB.
const BARE_TYPES: &[&str] = &["INT", "INTEGER", "SERIAL", "FLOAT", "TIMESTAMP", "CHAR", "MONEY"];
const ARRAY_TYPES: &[&str] = &["UUID", "TEXT", "INT8", "TIMESTAMPTZ"];
const CLOCKS: &[&str] = &[
    "now",
    "clock_timestamp",
    "statement_timestamp",
    "transaction_timestamp",
    "current_timestamp",
    "current_date",
    "localtimestamp",
];
const AGGREGATES: &[&str] = &[
    "count",
    "sum",
    "min",
    "max",
    "avg",
    "array_agg",
    "string_agg",
    "bool_and",
    "bool_or",
    "jsonb_agg",
    "json_agg",
    "OVER",
    "DISTINCT",
];
const REGION: &str = "crdb_region";
const REGION_TYPE: &str = "crdb_internal_region";

/// Tables that are regional by row.
static REGIONAL: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let tables = catalogue::read(Engine::Cockroach);
    tables.into_iter().filter(|(_, table)| table.locality == "REGIONAL BY ROW").map(|(name, _)| name).collect()
});

/// Runs all rules.
pub(super) fn all(statement: &Statement) -> Vec<Finding> {
    let words = lex::words(statement.text);
    let blocks = blocks(&words);
    let mut found = Vec::new();
    shape(statement, &words, &mut found);
    parameters(&words, &mut found);
    banned(&words, &mut found);
    twice(&blocks, &mut found);
    for block in &blocks {
        region_order(block, &mut found);
        region_read(block, &mut found);
        clocks(block, &mut found);
        stars(block, &mut found);
        locks(block, &mut found);
        home(block, &mut found);
        conflict(block, &mut found);
    }
    found
}

fn find(found: &mut Vec<Finding>, rule: &'static str, what: impl Into<String>) {
    found.push(Finding { rule, what: what.into() });
}

fn shape(statement: &Statement, words: &[Token<'_>], found: &mut Vec<Finding>) {
    if !statement.text.starts_with(&format!("/* {} */ ", statement.name)) {
        find(found, "shape", "the text does not start with its name: make it with statement!");
    }
    if statement.name.is_empty()
        || !statement.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    {
        find(found, "shape", "a name is made of a-z, 0-9 and _");
    }
    if words.iter().any(|word| word.is(";")) || words.is_empty() {
        find(found, "shape", "a text is exactly one statement, without a semicolon");
    }
    let open = words.iter().filter(|word| word.is("(")).count();
    if open != words.iter().filter(|word| word.is(")")).count() {
        find(found, "shape", "parentheses do not match");
    }
}

fn parameters(words: &[Token<'_>], found: &mut Vec<Finding>) {
    for (at, word) in words.iter().enumerate() {
        let next = |by: usize| words.get(at + by);
        let is = |by: usize, what: &str| next(by).is_some_and(|word| word.is(what));
        if word.kind == Kind::Param {
            if !is(1, "::") {
                find(found, "cast", format!("{} is not cast where it stands", word.text));
            } else if is(2, REGION_TYPE) {
                find(found, "region_cast", format!("write {0}::TEXT::{REGION_TYPE} for {0}", word.text));
            } else if is(3, "[") && !next(2).is_some_and(|kind| kind.is_any(ARRAY_TYPES)) {
                find(found, "array", format!("{} is an array of another type than {ARRAY_TYPES:?}", word.text));
            }
        }
        if word.is(REGION_TYPE) && is(1, "[") {
            find(found, "region_cast", "an array of regions is bound as text and cast one by one");
        }
        if word.is("::") && next(1).is_some_and(|kind| kind.is_any(BARE_TYPES)) {
            let kind = words[at + 1].text;
            find(
                found,
                "banned",
                format!("the type {kind} differs between the engines: say INT8, FLOAT8, TIMESTAMPTZ"),
            );
        }
        if word.is("/") && !is_fraction(words, at) {
            find(found, "division", "an integer division is a fraction on CockroachDB");
        }
    }
}

/// Whether one side of a division is plainly no integer.
fn is_fraction(words: &[Token<'_>], at: usize) -> bool {
    let number = |word: Option<&Token<'_>>| word.is_some_and(|w| w.kind == Kind::Number && w.text.contains('.'));
    let before = at.checked_sub(1).and_then(|before| words.get(before));
    let cast = at > 1 && words[at - 1].is("FLOAT8") && words[at - 2].is("::");
    number(before) || number(words.get(at + 1)) || cast
}

fn banned(words: &[Token<'_>], found: &mut Vec<Finding>) {
    for (at, word) in words.iter().enumerate().filter(|(_, word)| word.kind == Kind::Word) {
        let lower = word.text.to_ascii_lowercase();
        if word.is_any(BANNED) || BANNED_PREFIXES.iter().any(|prefix| lower.starts_with(prefix)) {
            find(found, "banned", format!("{} is not to be had on both engines, or not in a statement", word.text));
        }
        let follows = |with: &str| words.get(at + 1).is_some_and(|next| next.is(with));
        if word.is("OF") && follows("SYSTEM") {
            find(found, "banned", "AS OF SYSTEM TIME comes from Engine::stale_read_clause");
        }
        if word.is("ON") && follows("CONSTRAINT") {
            find(found, "banned", "ON CONSTRAINT does not exist on CockroachDB: name the columns");
        }
    }
}

fn region_order(block: &Block<'_>, found: &mut Vec<Finding>) {
    if block.within(&[Clause::Order]).any(|word| word.token.is(REGION)) {
        find(found, "region_order", "crdb_region sorts differently on the two engines");
    }
}

/// What the whole statement returns.
fn region_read(block: &Block<'_>, found: &mut Vec<Finding>) {
    let inserts = block.words.iter().any(|word| word.clause == Clause::Target);
    if !block.root {
        return;
    }
    let returned = |word: &Placed<'_>| match word.clause {
        Clause::Select => !inserts,
        clause => clause == Clause::Returning,
    };
    for (at, word) in block.words.iter().enumerate().filter(|(_, word)| returned(word) && word.token.is(REGION)) {
        let cast = |by: usize, what: &str| block.words.get(at + by).is_some_and(|next| next.token.is(what));
        if !(cast(1, "::") && cast(2, "TEXT")) {
            find(found, "region_read", format!("{} is returned without ::TEXT", word.token.text));
        }
    }
}

fn clocks(block: &Block<'_>, found: &mut Vec<Finding>) {
    let filters = &[Clause::Where, Clause::On, Clause::Group, Clause::Order, Clause::Limit, Clause::From];
    for word in block.within(filters).filter(|word| word.token.is_any(CLOCKS)) {
        let what = format!("{} decides which rows: pass the database's clock as a parameter", word.token.text);
        find(found, "now", what);
    }
}

fn stars(block: &Block<'_>, found: &mut Vec<Finding>) {
    let mut before: Option<&Placed<'_>> = None;
    for word in &block.words {
        let in_list = matches!(word.clause, Clause::Select | Clause::Returning);
        let starts = before.is_some_and(|b| b.token.is_any(&["SELECT", "DISTINCT", "ALL", ",", ".", "RETURNING"]));
        if in_list && word.token.is("*") && starts {
            find(found, "star", "name the columns: a prepared `*` breaks when the schema grows");
        }
        before = Some(word);
    }
}

fn locks(block: &Block<'_>, found: &mut Vec<Finding>) {
    if !block.has(Clause::Lock) {
        return;
    }
    if block.has(Clause::Group) || block.within(&[Clause::Select]).any(|word| word.token.is_any(AGGREGATES)) {
        find(found, "lock", "a locking SELECT has no aggregate, window, DISTINCT or GROUP BY");
    }
    if block.words.iter().any(|word| word.token.is_any(&["UNION", "INTERSECT", "EXCEPT"])) {
        find(found, "lock", "a locking SELECT has no UNION");
    }
    if !block.root && !block.after.is_some_and(|after| after.is("MATERIALIZED")) {
        find(found, "lock", "rows are locked in a MATERIALIZED CTE, so that it happens once");
    }
}

/// A table that a query names, with the name by which the query calls it.
struct Named<'a> {
    table: &'a str,
    alias: &'a str,
    inserted: bool,
}

/// Tables that are read or changed by a query, CTEs included.
fn named<'a>(block: &Block<'a>) -> Vec<Named<'a>> {
    let mut found = Vec::new();
    let words = &block.words;
    for (at, word) in words.iter().enumerate().filter(|(_, word)| word.depth == 0 || word.clause == Clause::From) {
        let starts = match word.clause {
            Clause::From if word.token.is(",") => word.depth == 0,
            Clause::From => word.token.is_any(&["FROM", "USING", "JOIN", "LATERAL", "ONLY"]),
            Clause::Target => word.token.is_any(&["UPDATE", "INTO"]),
            _ => false,
        };
        let Some(table) = words.get(at + 1).filter(|next| starts && next.token.kind == Kind::Word) else { continue };
        let mut next = at + 2;
        if words.get(next).is_some_and(|word| word.token.is("AS")) {
            next += 1;
        }
        let alias = words.get(next).filter(|word| word.token.kind == Kind::Word && !is_keyword(word.token));
        found.push(Named {
            table: table.token.text,
            alias: alias.map_or(table.token.text, |alias| alias.token.text),
            inserted: word.token.is("INTO"),
        });
    }
    found
}

fn is_keyword(word: Token<'_>) -> bool {
    word.is_any(&[
        "SET",
        "WHERE",
        "ON",
        "JOIN",
        "LEFT",
        "RIGHT",
        "INNER",
        "CROSS",
        "FULL",
        "ORDER",
        "GROUP",
        "LIMIT",
        "FOR",
        "USING",
        "RETURNING",
        "VALUES",
        "SELECT",
        "UNION",
        "FROM",
        "HAVING",
        "OFFSET",
        "WITH",
        "DEFAULT",
    ])
}

fn home(block: &Block<'_>, found: &mut Vec<Finding>) {
    let tables: Vec<Named<'_>> =
        named(block).into_iter().filter(|named| REGIONAL.contains(&named.table.to_ascii_lowercase())).collect();
    for named in &tables {
        if named.inserted {
            if !block.words.iter().any(|word| word.clause == Clause::Target && word.token.is(REGION)) {
                find(found, "home", format!("the INSERT into {} does not say which region's row it is", named.table));
            }
            continue;
        }
        let filters: Vec<&Placed<'_>> = block.within(&[Clause::Where, Clause::On]).collect();
        let qualified = filters
            .windows(3)
            .any(|three| three[0].token.is(named.alias) && three[1].token.is(".") && three[2].token.is(REGION));
        let plain = tables.len() == 1
            && filters
                .iter()
                .enumerate()
                .any(|(at, word)| word.token.is(REGION) && (at == 0 || !filters[at - 1].token.is(".")));
        if !qualified && !plain {
            let what = format!("{} is regional by row, and its crdb_region is not in WHERE or ON", named.table);
            find(found, "home", what);
        }
    }
}

fn conflict(block: &Block<'_>, found: &mut Vec<Finding>) {
    let regional = named(block).iter().any(|one| one.inserted && REGIONAL.contains(&one.table.to_ascii_lowercase()));
    let words: Vec<&Placed<'_>> = block.within(&[Clause::Conflict]).collect();
    let target = words.windows(3).find(|three| three[0].token.is("CONFLICT") && three[1].token.is("("));
    if regional && target.is_some_and(|three| !three[2].token.is(REGION)) {
        find(found, "conflict", "the key of a table that is regional by row starts with crdb_region");
    }
}

fn twice(blocks: &[Block<'_>], found: &mut Vec<Finding>) {
    let mut changed = BTreeSet::new();
    for block in blocks {
        let words: Vec<&Placed<'_>> = block.words.iter().filter(|word| word.depth == 0).collect();
        for pair in words.windows(2) {
            let target = pair[0].clause == Clause::Target && pair[0].token.is_any(&["UPDATE", "INTO"]);
            let deleted = pair[0].token.is("FROM") && words.iter().any(|word| word.token.is("DELETE"));
            if (target || deleted) && !changed.insert(pair[1].token.text.to_ascii_lowercase()) {
                find(found, "twice", format!("{} is changed twice in one statement", pair[1].token.text));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Vec<&'static str> {
        let text: &'static str = Box::leak(format!("/* any */ {text}").into_boxed_str());
        let mut rules: Vec<_> = all(&Statement { name: "any", text, idempotent: true, planned_anew: false })
            .into_iter()
            .map(|finding| finding.rule)
            .collect();
        rules.dedup();
        rules
    }

    #[test]
    fn every_rule_finds_what_it_is_for() {
        let cases: &[(&str, &[&str])] = &[
            ("SELECT id FROM tokens; SELECT 1", &["shape"]),
            ("SELECT id FROM tokens WHERE (name = 'a'", &["shape"]),
            ("SELECT id FROM tokens WHERE name = $1", &["cast"]),
            ("SELECT id FROM tokens WHERE id = ANY ($1::JSONB[])", &["array"]),
            ("SELECT id FROM sessions WHERE crdb_region = $1::crdb_internal_region", &["region_cast"]),
            ("SELECT crdb_region FROM sessions WHERE crdb_region = $1::TEXT::crdb_internal_region", &["region_read"]),
            (
                "UPDATE sessions SET agent = '' WHERE crdb_region = $1::TEXT::crdb_internal_region RETURNING crdb_region",
                &["region_read"],
            ),
            (
                "SELECT id FROM sessions WHERE crdb_region = $1::TEXT::crdb_internal_region ORDER BY crdb_region",
                &["region_order"],
            ),
            ("SELECT id FROM tokens WHERE expires_at < now()", &["now"]),
            ("SELECT id FROM tokens ORDER BY expires_at - now()", &["now"]),
            ("SELECT t.id FROM tokens t JOIN control_events c ON c.at < now() AND c.id = t.id", &["now"]),
            (
                "SELECT id FROM tokens WHERE id IN (SELECT id FROM tokens WHERE expires_at < current_timestamp)",
                &["now"],
            ),
            ("SELECT * FROM tokens", &["star"]),
            ("SELECT t.* FROM tokens AS t", &["star"]),
            ("DELETE FROM tokens RETURNING *", &["star"]),
            ("SELECT version / 2 FROM topology_versions", &["division"]),
            ("SELECT pg_advisory_lock(1)", &["banned"]),
            ("LISTEN missions", &["banned"]),
            ("SELECT $1::INT", &["banned"]),
            ("SELECT id FROM tokens AS OF SYSTEM TIME '-5s'", &["banned"]),
            ("SELECT count(*) FROM tokens FOR UPDATE", &["lock"]),
            ("SELECT row_number() OVER (ORDER BY id) FROM tokens FOR UPDATE", &["lock"]),
            ("SELECT DISTINCT name FROM tokens FOR SHARE", &["lock"]),
            ("WITH a AS (SELECT id FROM tokens FOR UPDATE) SELECT id FROM a", &["lock"]),
            ("DELETE FROM tokens WHERE id IN (SELECT id FROM tokens FOR UPDATE)", &["lock"]),
            ("WITH a AS (DELETE FROM tokens WHERE name = 'a' RETURNING id) UPDATE tokens SET name = ''", &["twice"]),
            ("SELECT id FROM missions WHERE id = $1::UUID", &["home"]),
            ("SELECT crdb_region::TEXT FROM missions WHERE id = $1::UUID", &["home"]),
            ("UPDATE missions SET title = '' WHERE id = $1::UUID", &["home"]),
            ("DELETE FROM missions WHERE id = $1::UUID", &["home"]),
            ("INSERT INTO duties (name) VALUES ($1::TEXT)", &["home"]),
            (
                "SELECT s.id FROM sessions s JOIN heartbeats h ON h.id = s.id \
                 WHERE s.crdb_region = $1::TEXT::crdb_internal_region",
                &["home"],
            ),
            (
                "SELECT id FROM sessions WHERE crdb_region = $1::TEXT::crdb_internal_region \
                 AND NOT EXISTS (SELECT 1 FROM missions WHERE session_id = sessions.id)",
                &["home"],
            ),
            (
                "INSERT INTO duties (crdb_region, name) VALUES ($1::TEXT::crdb_internal_region, '') \
                 ON CONFLICT (name) DO NOTHING",
                &["conflict"],
            ),
        ];
        for (text, wanted) in cases {
            assert_eq!(rules(text), *wanted, "{text}");
        }
    }

    #[test]
    fn what_is_allowed_is_found_clean() {
        let cases = [
            "SELECT count(*), max(version)::INT8 FROM topology_versions",
            "SELECT crdb_region::TEXT AS home, 2.0 / 3 FROM missions WHERE crdb_region = $1::TEXT::crdb_internal_region",
            "WITH due AS MATERIALIZED (SELECT id, crdb_region FROM missions AS m \
                WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.run_until < $2::TIMESTAMPTZ \
                ORDER BY id LIMIT $3::INT8 FOR UPDATE SKIP LOCKED) \
             UPDATE missions AS m SET leased_at = now() FROM due AS d \
             WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.id = d.id RETURNING m.id, now()",
            "INSERT INTO duties (crdb_region, name, holder, epoch, expires_at) \
             SELECT r::crdb_internal_region, n, $1::UUID, 1, now() FROM unnest($2::TEXT[], $3::TEXT[]) AS w (r, n) \
             ON CONFLICT (crdb_region, name) DO UPDATE SET epoch = duties.epoch + 1 \
             WHERE duties.expires_at < $4::TIMESTAMPTZ RETURNING crdb_region::TEXT, name",
            "SELECT extract(epoch FROM now() - at)::FLOAT8 FROM control_events WHERE actor IS DISTINCT FROM $1::TEXT",
            "SELECT id FROM tokens FOR UPDATE",
            "SELECT w.missions FROM unnest($1::TEXT[], $2::INT8[]) AS w (sessions, missions)",
            "SELECT name || '; * / now()' FROM tokens -- now() / 2",
        ];
        for text in cases {
            assert_eq!(rules(text), Vec::<&str>::new(), "{text}");
        }
    }
}
