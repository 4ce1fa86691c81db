//! The lint over the program's SQL: what only one of the two engines understands, what each of them understands
//! otherwise, and what leaves its region.
//!
//! A crate that owns statements calls [`assert_clean`] in a test, with its list and the exceptions from a rule. The
//! rules by name:
//!
//! | rule | what it asks |
//! | --- | --- |
//! | `shape` | one statement a text, under its name; names are unique |
//! | `cast` | every parameter is cast where it stands: `$1::TEXT` |
//! | `array` | arrays carry UUID, TEXT, INT8 or TIMESTAMPTZ |
//! | `region_cast` | a region is bound as text: `$1::TEXT::crdb_internal_region` |
//! | `region_read` | a region is returned as `crdb_region::TEXT` |
//! | `region_order` | nothing is ordered by `crdb_region`: an enum and a text sort differently |
//! | `now` | the database's clock stands in SET, VALUES and SELECT lists only; elsewhere it is a parameter |
//! | `star` | columns are named |
//! | `division` | no `/` of integers, which is a fraction on CockroachDB |
//! | `banned` | none of the words that one of the engines lacks |
//! | `lock` | a locking SELECT is plain, and stands in a MATERIALIZED CTE or alone |
//! | `twice` | one statement changes a table once |
//! | `home` | whoever reads or changes a table that is regional by row names its `crdb_region` (P8) |
//! | `conflict` | ON CONFLICT on such a table names columns that start with `crdb_region` |

mod blocks;
mod rules;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use crate::Statement;

/// A statement that may break a rule, and why.
#[derive(Debug, Clone, Copy)]
pub struct Exception {
    /// Name of the statement.
    pub statement: &'static str,
    /// Name of the rule.
    pub rule: &'static str,
    /// Why it may.
    pub reason: &'static str,
}

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Name of the rule.
    pub rule: &'static str,
    /// What was found.
    pub what: String,
}

/// Everything that a statement breaks.
#[must_use]
pub fn findings(statement: &Statement) -> Vec<Finding> {
    rules::all(statement)
}

/// Checks all statements of a package, and writes them to `target/statements/<package>.jsonl` for CockroachDB's parser.
///
/// # Panics
/// When a statement breaks a rule without an exception, or an exception is not needed: every finding at once.
pub fn assert_clean(package: &str, statements: &[&'static Statement], exceptions: &[Exception]) {
    dump(package, statements.iter().map(|one| (one.name, one.text)));
    let complaints = complaints(statements, exceptions);
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// Every broken rule that is not excused, and every excuse that is not needed.
fn complaints(statements: &[&'static Statement], exceptions: &[Exception]) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut names = BTreeSet::new();
    let mut used = BTreeSet::new();
    for statement in statements {
        if !names.insert(statement.name) {
            complaints.push(format!("{}: shape: the name is used twice", statement.name));
        }
        for finding in findings(statement) {
            let excused = exceptions
                .iter()
                .position(|one| one.statement == statement.name && one.rule == finding.rule && !one.reason.is_empty());
            match excused {
                Some(index) => {
                    used.insert(index);
                }
                None => complaints.push(format!("{}: {}: {}", statement.name, finding.rule, finding.what)),
            }
        }
    }
    for (_, one) in exceptions.iter().enumerate().filter(|(index, _)| !used.contains(index)) {
        complaints.push(format!("{}: the exception from {} is not needed, or has no reason", one.statement, one.rule));
    }
    complaints
}

/// Writes texts for CockroachDB's parser: one object a line, `{"name", "text"}`.
///
/// # Panics
/// When the file cannot be written.
pub fn dump<'a>(package: &str, statements: impl Iterator<Item = (&'a str, &'a str)>) {
    let folder = target().join("statements");
    fs::create_dir_all(&folder).expect("the target folder can be written");
    let file = fs::File::create(folder.join(format!("{package}.jsonl"))).expect("the target folder can be written");
    let mut file = std::io::BufWriter::new(file);
    for (name, text) in statements {
        let line = serde_json::json!({ "name": name, "text": text });
        writeln!(file, "{line}").expect("the file can be written");
    }
    file.flush().expect("the file can be written");
}

/// The build's target folder: a test runs from `target/<profile>/deps`.
fn target() -> PathBuf {
    let program = std::env::current_exe().expect("a program knows where it is");
    program.ancestors().nth(3).expect("a test stands three folders deep").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_statements_are_clean() {
        let all: Vec<&'static Statement> =
            crate::migrate::STATEMENTS.iter().chain(crate::db::STATEMENTS).copied().collect();
        assert_clean("sql", &all, &[]);
        let ddl = crate::migrate::cockroach_samples();
        dump("sql-ddl", ddl.iter().map(|text| ("ddl", text.as_str())));
    }

    const STAR: Statement = crate::statement!("star_read", idempotent, "SELECT * FROM tokens");
    const PLAIN: Statement = crate::statement!("plain_read", idempotent, "SELECT id FROM tokens");

    fn excused(statement: &'static str, reason: &'static str) -> [Exception; 1] {
        [Exception { statement, rule: "star", reason }]
    }

    #[test]
    fn findings_names_used_twice_and_idle_exceptions_are_complained_of() {
        let count =
            |statements: &[&'static Statement], exceptions: &[Exception]| complaints(statements, exceptions).len();
        assert_eq!(count(&[&PLAIN], &[]), 0);
        assert_eq!(count(&[&STAR], &[]), 1);
        assert_eq!(count(&[&STAR], &excused("star_read", "a reason")), 0);
        assert_eq!(count(&[&STAR], &excused("star_read", "")), 2, "no reason is no excuse");
        assert_eq!(count(&[&PLAIN], &excused("plain_read", "a reason")), 1, "nothing to excuse");
        assert_eq!(count(&[&PLAIN, &PLAIN], &[]), 1);
    }
}
