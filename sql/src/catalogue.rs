//! A reader of our own CREATE TABLE texts: what tables there are, with their columns, keys, indexes and locality.

use std::collections::BTreeMap;

use crate::Engine;
use crate::lex::{self, Kind, Token};
use crate::migrate::MIGRATIONS;

/// The tables of one engine, by name.
pub(crate) type Catalogue = BTreeMap<String, Table>;

/// One table, as its text says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) primary_key: Vec<String>,
    /// Columns and condition, by name.
    pub(crate) indexes: BTreeMap<String, (Vec<String>, String)>,
    /// The columns of each index of words or vectors, by name.
    pub(crate) searched: BTreeMap<String, Vec<String>>,
    /// CockroachDB's locality clause, without the word; empty on PostgreSQL.
    pub(crate) locality: String,
    /// The comment, and that of each column.
    pub(crate) comment: Option<String>,
}

/// One column, as its text says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) not_null: bool,
    /// Default and checks, as words.
    pub(crate) rest: String,
    pub(crate) comment: Option<String>,
}

/// Reads all migrations of an engine.
///
/// # Panics
/// When a step is of a kind that this reader does not know: teach it, for the lint rests on it.
pub(crate) fn read(engine: Engine) -> Catalogue {
    let mut catalogue = Catalogue::new();
    for step in MIGRATIONS.iter().flat_map(|migration| migration.steps(engine)) {
        apply(&mut catalogue, step);
    }
    catalogue
}

fn apply(catalogue: &mut Catalogue, step: &str) {
    let words = lex::words(step);
    let says = |at: usize, with: &str| {
        let with: Vec<&str> = with.split(' ').collect();
        words.len() >= at + with.len() && words[at..].iter().zip(&with).all(|(word, wanted)| word.is(wanted))
    };
    let starts = |with: &str| says(0, with);
    if starts("CREATE TABLE IF NOT EXISTS") {
        create_table(catalogue, &words[5..]);
    } else if starts("CREATE INDEX IF NOT EXISTS") {
        create_index(find(catalogue, words[7].text), words[5].text, &words[8..]);
    } else if starts("COMMENT ON TABLE") {
        find(catalogue, words[3].text).comment = Some(words[5].text.to_owned());
    } else if starts("COMMENT ON COLUMN") {
        let (table, column) = (words[3].text, words[5].text);
        let columns = &mut find(catalogue, table).columns;
        let column = columns.iter_mut().find(|one| one.name == column).unwrap_or_else(|| panic!("{table}.{column}"));
        column.comment = Some(words[7].text.to_owned());
    } else if starts("ALTER TABLE") && says(3, "ADD COLUMN IF NOT EXISTS") {
        let (column, _) = column(&words[8..]);
        find(catalogue, words[2].text).columns.push(column);
    } else {
        let no_column = starts("CREATE EXTENSION") || starts("CREATE OR REPLACE FUNCTION");
        let known = no_column || starts("ALTER TABLE") && says(3, "CONFIGURE");
        assert!(known, "this step cannot be read: {step}");
    }
}

/// Reads `[USING method] ( columns ) [WHERE condition]`.
fn create_index(table: &mut Table, name: &str, words: &[Token<'_>]) {
    if words[0].is("USING") {
        table.searched.insert(name.to_owned(), names(parenthesized(&words[2..]).0));
    } else {
        let (columns, rest) = parenthesized(words);
        table.indexes.insert(name.to_owned(), (names(columns), text(rest)));
    }
}

fn find<'c>(catalogue: &'c mut Catalogue, table: &str) -> &'c mut Table {
    catalogue.get_mut(table).unwrap_or_else(|| panic!("no table {table}"))
}

fn create_table(catalogue: &mut Catalogue, words: &[Token<'_>]) {
    let mut table = Table::default();
    let (body, after) = parenthesized(&words[1..]);
    for item in split_at_commas(body) {
        if item[0].is("PRIMARY") {
            table.primary_key = names(parenthesized(&item[2..]).0);
        } else if item[0].is("INDEX") {
            let (columns, rest) = parenthesized(&item[2..]);
            table.indexes.insert(item[1].text.to_owned(), (names(columns), text(rest)));
        } else if item[0].is_any(&["INVERTED", "VECTOR"]) {
            table.searched.insert(item[2].text.to_owned(), names(parenthesized(&item[3..]).0));
        } else {
            let (column, key) = column(item);
            if key {
                table.primary_key = vec![column.name.clone()];
            }
            table.columns.push(column);
        }
    }
    if after.first().is_some_and(|word| word.is("LOCALITY")) {
        table.locality = text(&after[1..]);
    }
    catalogue.insert(words[0].text.to_owned(), table);
}

/// Reads `name type [NOT NULL] [PRIMARY KEY] rest`.
fn column(item: &[Token<'_>]) -> (Column, bool) {
    let array = item.get(2).is_some_and(|word| word.is("["));
    let kind = if array { format!("{}[]", item[1].text) } else { item[1].text.to_owned() };
    let mut rest: Vec<Token<'_>> = item[if array { 4 } else { 2 }..].to_vec();
    let mut takes = |pair: [&str; 2]| {
        let at = rest.windows(2).position(|two| two[0].is(pair[0]) && two[1].is(pair[1]));
        at.map(|at| rest.drain(at..at + 2).count()).is_some()
    };
    let (not_null, key) = (takes(["NOT", "NULL"]), takes(["PRIMARY", "KEY"]));
    let column = Column { name: item[0].text.to_owned(), kind, not_null, rest: text(&rest), comment: None };
    (column, key)
}

/// What stands between the first parenthesis, which comes first, and its partner; and what follows.
pub(crate) fn parenthesized<'t, 'a>(words: &'t [Token<'a>]) -> (&'t [Token<'a>], &'t [Token<'a>]) {
    assert!(words[0].is("("), "a parenthesis is missing before {}", words[0].text);
    let mut depth = 0_u32;
    for (at, word) in words.iter().enumerate() {
        if word.is("(") {
            depth += 1;
        } else if word.is(")") {
            depth -= 1;
            if depth == 0 {
                return (&words[1..at], &words[at + 1..]);
            }
        }
    }
    panic!("a parenthesis is not closed");
}

/// The parts between the commas that stand in no parenthesis.
pub(crate) fn split_at_commas<'t, 'a>(words: &'t [Token<'a>]) -> Vec<&'t [Token<'a>]> {
    let mut depth = 0_i32;
    words
        .split(|word| {
            depth += i32::from(word.is("(")) - i32::from(word.is(")"));
            depth == 0 && word.is(",")
        })
        .filter(|part| !part.is_empty())
        .collect()
}

fn names(words: &[Token<'_>]) -> Vec<String> {
    words.iter().filter(|word| word.kind == Kind::Word).map(|word| word.text.to_owned()).collect()
}

fn text(words: &[Token<'_>]) -> String {
    words.iter().map(|word| word.text).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testdb::TestDb;

    /// The tables without what only one engine has.
    fn common(engine: Engine) -> Catalogue {
        let mut catalogue = read(engine);
        for table in catalogue.values_mut() {
            table.locality.clear();
            // One for all homes there, one a space: neither has columns before what is searched for.
            table.searched.retain(|_, columns| {
                columns.retain(|column| column != "crdb_region");
                columns.len() == 1
            });
            // PostgreSQL keeps vectors in half precision and in the row itself.
            for column in table.columns.iter_mut().filter(|column| column.kind == "halfvec") {
                column.kind = "vector".to_owned();
                column.rest = column.rest.replace(" STORAGE PLAIN", "");
            }
        }
        catalogue
    }

    #[test]
    fn both_engines_have_the_same_tables_columns_keys_and_indexes() {
        let (postgres, cockroach) = (common(Engine::Postgres), common(Engine::Cockroach));
        let tables = |catalogue: &Catalogue| catalogue.keys().cloned().collect::<Vec<_>>();
        assert_eq!(tables(&postgres), tables(&cockroach));
        for (name, table) in &postgres {
            let other = &cockroach[name];
            for (one, two) in table.columns.iter().zip(&other.columns) {
                assert_eq!(one, two, "{name}.{}", one.name);
            }
            assert_eq!(table, other, "{name}");
        }
    }

    #[test]
    fn every_table_and_column_has_a_comment() {
        for (name, table) in read(Engine::Postgres) {
            assert!(table.comment.is_some(), "{name}");
            for column in table.columns {
                assert!(column.comment.is_some(), "{name}.{}", column.name);
            }
        }
    }

    #[test]
    fn every_cockroach_table_has_a_locality_and_regional_keys_start_with_the_region() {
        for (name, table) in read(Engine::Cockroach) {
            match table.locality.as_str() {
                "REGIONAL BY ROW" => {
                    let starts = |columns: &[String]| columns.first().is_some_and(|first| first == "crdb_region");
                    assert!(starts(&table.primary_key), "{name}");
                    let mut indexes = table.indexes.values().map(|(columns, _)| columns).chain(table.searched.values());
                    assert!(indexes.all(|columns| starts(columns)), "{name}");
                    let region = &table.columns[0];
                    assert_eq!((region.name.as_str(), region.kind.as_str()), ("crdb_region", "crdb_internal_region"));
                    assert!(region.not_null, "{name}");
                }
                "GLOBAL" => assert!(table.columns.iter().all(|column| column.name != "crdb_region"), "{name}"),
                other => panic!("{name} has locality {other:?}"),
            }
        }
    }

    /// The text is what the database made of it: nothing here is read wrongly.
    #[tokio::test]
    async fn postgres_has_the_columns_that_the_text_says() {
        let test = TestDb::new().await;
        let (client, connection) = tokio_postgres::connect(test.url(), tokio_postgres::NoTls).await.unwrap();
        let driving = tokio::spawn(connection);
        let rows = client
            .query(
                "SELECT table_name::TEXT, column_name::TEXT, COALESCE(domain_name, udt_name)::TEXT, is_nullable = 'NO', \
                 col_description(('public.' || table_name)::regclass, ordinal_position::INT4) \
                 FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'schema_%' \
                 ORDER BY table_name, ordinal_position",
                &[],
            )
            .await
            .unwrap();
        let found: Vec<(String, String, String, bool, Option<String>)> =
            rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4))).collect();
        let mut wanted = Vec::new();
        for (name, table) in read(Engine::Postgres) {
            for column in table.columns {
                let kind = column.kind.strip_suffix("[]").map_or(column.kind.clone(), |one| format!("_{one}"));
                let comment = column.comment.map(|text| text[1..text.len() - 1].replace("''", "'"));
                let key = table.primary_key.contains(&column.name);
                wanted.push((name.clone(), column.name, kind, column.not_null || key, comment));
            }
        }
        assert_eq!(found, wanted);
        drop(client);
        driving.await.unwrap().unwrap();
    }
}
