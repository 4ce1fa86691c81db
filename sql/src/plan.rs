//! Reading PostgreSQL's plans, for tests that hold statements to their indexes.

use std::collections::BTreeSet;

/// What a plan reads, by the lines of its EXPLAIN: indexes by name, and tables that it reads from end to end, each once.
pub fn scans<'a>(lines: impl IntoIterator<Item = &'a str>) -> String {
    let mut scans = BTreeSet::new();
    for line in lines {
        let after = |word: &str| line.split_once(word).and_then(|(_, rest)| rest.split_whitespace().next());
        if let Some(index) = after(" using ").or_else(|| after("Bitmap Index Scan on ")) {
            scans.insert(index.to_owned());
        } else if let Some(table) = after("Seq Scan on ") {
            scans.insert(format!("all of {table}"));
        }
    }
    scans.into_iter().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_and_whole_tables_are_told_apart() {
        let plan = [
            "Nested Loop",
            "  ->  Seq Scan on tokens t",
            "  ->  Index Scan using missions_pkey on missions m",
            "        ->  Bitmap Index Scan on missions_queue",
            "  ->  Index Only Scan using missions_pkey on missions o",
        ];
        assert_eq!(scans(plan), "all of tokens, missions_pkey, missions_queue");
    }
}
