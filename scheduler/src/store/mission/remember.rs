//! What results leave to be remembered: the columns that go along where a batch has a memory.

use sql::ToSql;
use topology::MissionId;
use uuid::Uuid;

/// What an agent told of a mission that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the columns are described in the schema")]
pub struct MemoryRow {
    /// None = the mission's own.
    pub title: Option<String>,
    /// None = what the mission's payload says.
    pub description: Option<String>,
    pub solution: Option<String>,
    pub issue: Option<String>,
    pub pr_number: Option<i64>,
    /// The memories that it was shown, and whether it used them.
    pub shown: Vec<(Uuid, bool)>,
    pub with_memory: bool,
}

impl MemoryRow {
    /// Bytes that it takes in a statement, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let texts = [&self.title, &self.description, &self.solution, &self.issue];
        64 + texts.into_iter().flatten().map(String::len).sum::<usize>() + self.shown.len() * 74
    }
}

/// One array a column, one row a memory.
#[derive(Default)]
pub(super) struct Columns<'a> {
    ids: Vec<Uuid>,
    titles: Vec<Option<&'a str>>,
    descriptions: Vec<Option<&'a str>>,
    solutions: Vec<Option<&'a str>>,
    issues: Vec<Option<&'a str>>,
    pr_numbers: Vec<Option<i64>>,
    shown: Vec<String>,
    used: Vec<String>,
    plain: Vec<i64>,
}

impl<'a> Columns<'a> {
    /// The columns of those results that have a memory; none where no result has.
    pub(super) fn of(batch: impl Iterator<Item = (MissionId, Option<&'a MemoryRow>)>) -> Option<Self> {
        let mut columns = Self::default();
        for (mission, memory) in batch {
            let Some(memory) = memory else { continue };
            columns.ids.push(mission.0);
            columns.titles.push(memory.title.as_deref());
            columns.descriptions.push(memory.description.as_deref());
            columns.solutions.push(memory.solution.as_deref());
            columns.issues.push(memory.issue.as_deref());
            columns.pr_numbers.push(memory.pr_number);
            columns.shown.push(literal(memory.shown.iter().map(|(id, _)| id)));
            columns.used.push(literal(memory.shown.iter().filter(|(_, used)| *used).map(|(id, _)| id)));
            columns.plain.push(i64::from(!memory.with_memory));
        }
        (!columns.ids.is_empty()).then_some(columns)
    }

    pub(super) fn params(&self) -> [&(dyn ToSql + Sync); 9] {
        [
            &self.ids,
            &self.titles,
            &self.descriptions,
            &self.solutions,
            &self.issues,
            &self.pr_numbers,
            &self.shown,
            &self.used,
            &self.plain,
        ]
    }
}

/// An array of ids as a text that SQL casts: an array of arrays cannot be bound.
fn literal<'a>(ids: impl Iterator<Item = &'a Uuid>) -> String {
    let ids: Vec<String> = ids.map(Uuid::to_string).collect();
    format!("{{{}}}", ids.join(","))
}
