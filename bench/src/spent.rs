//! Where the time of a figure went: processor seconds by kind of process, and the schedulers' statements.

use std::collections::BTreeMap;
use std::fs;

use chaos::world::World;
use serde_json::{Value, json};

use crate::world::Probe;

/// `USER_HZ` of Linux: the unit of a process's times in `/proc`.
const TICKS_PER_S: f64 = 100.0;

/// Statements that are told of, those that took longest.
const STATEMENTS: usize = 6;

/// What was spent, so far or between two moments.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spent {
    /// Processor seconds by kind of process; empty where the system does not tell.
    cpu_s: BTreeMap<&'static str, f64>,
    /// Seconds and calls by statement.
    statements: BTreeMap<String, (f64, f64)>,
}

impl Spent {
    /// Everything spent up to now by a world, its database server and this process.
    ///
    /// # Errors
    /// Where a scheduler or the database does not answer.
    pub(crate) async fn so_far(world: &mut World, database: &Probe) -> anyhow::Result<Self> {
        let mut spent = Self::default();
        let processes = Processes::read();
        let mut schedulers = 0.0;
        for region in world.regions().to_vec() {
            let Some(id) = world.scheduler_id(&region) else { continue };
            schedulers += processes.own(id).unwrap_or_default();
            let (_, page) = chaos::http::get(&format!("{}/metrics", world.scheduler_url(&region))).await?;
            spent.read_statements(&page);
        }
        let backend = u32::try_from(database.count("SELECT pg_backend_pid()::INT8").await?)?;
        if let Some(server) = processes.parent(backend) {
            spent.cpu_s.insert("schedulers", schedulers);
            spent.cpu_s.insert("database", processes.family(server));
            spent.cpu_s.insert("bench", processes.own(std::process::id()).unwrap_or_default());
        }
        Ok(spent)
    }

    /// Adds what was spent between two moments.
    pub(crate) fn add(&mut self, before: &Self, after: &Self) {
        for (kind, seconds) in &after.cpu_s {
            *self.cpu_s.entry(kind).or_default() += seconds - before.cpu_s.get(kind).unwrap_or(&0.0);
        }
        for (name, (seconds, calls)) in &after.statements {
            let (was_s, was) = before.statements.get(name).copied().unwrap_or_default();
            let sum = self.statements.entry(name.clone()).or_default();
            *sum = (sum.0 + seconds - was_s, sum.1 + calls - was);
        }
    }

    /// As it stands beside a figure.
    pub(crate) fn told(&self) -> Value {
        let mut statements: Vec<_> = self.statements.iter().collect();
        statements.sort_by(|(_, a), (_, b)| b.0.total_cmp(&a.0));
        let statements: Vec<Value> = statements
            .iter()
            .take(STATEMENTS)
            .map(|(name, (seconds, calls))| json!({ "name": name, "s": round(*seconds), "calls": calls }))
            .collect();
        let cpu_s: BTreeMap<_, _> = self.cpu_s.iter().map(|(kind, seconds)| (kind, round(*seconds))).collect();
        json!({ "cpu_s": cpu_s, "statements": statements })
    }

    fn read_statements(&mut self, page: &str) {
        for line in page.lines() {
            let Some(rest) = line.strip_prefix("sql_statement_seconds_") else { continue };
            let Some((name, value)) = statement(rest) else { continue };
            let sum = self.statements.entry(name.to_owned()).or_default();
            if rest.starts_with("sum") {
                sum.0 += value;
            } else if rest.starts_with("count") {
                sum.1 += value;
            }
        }
    }
}

fn statement(sample: &str) -> Option<(&str, f64)> {
    let (_, rest) = sample.split_once("statement=\"")?;
    let (name, rest) = rest.split_once('"')?;
    Some((name, rest.rsplit(' ').next()?.parse().ok()?))
}

fn round(seconds: f64) -> f64 {
    (seconds * 100.0).round() / 100.0
}

/// Processor times of all processes, where the system has `/proc`.
struct Processes(BTreeMap<u32, Times>);

struct Times {
    parent: u32,
    own: f64,
    ended_children: f64,
}

impl Processes {
    fn read() -> Self {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        Self(ids.filter_map(|id| Some((id, times(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)?))).collect())
    }

    fn parent(&self, id: u32) -> Option<u32> {
        self.0.get(&id).map(|times| times.parent)
    }

    fn own(&self, id: u32) -> Option<f64> {
        self.0.get(&id).map(|times| times.own)
    }

    /// A process, its children, and its children that have ended.
    fn family(&self, id: u32) -> f64 {
        let parent = self.0.get(&id).map_or(0.0, |times| times.own + times.ended_children);
        parent + self.0.values().filter(|times| times.parent == id).map(|times| times.own).sum::<f64>()
    }
}

/// Reads a line of `/proc/<id>/stat`; the name in it may hold anything, so it is counted from its end.
fn times(stat: &str) -> Option<Times> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field)?.parse::<f64>().ok();
    Some(Times {
        parent: fields.get(1)?.parse().ok()?,
        own: (ticks(11)? + ticks(12)?) / TICKS_PER_S,
        ended_children: (ticks(13)? + ticks(14)?) / TICKS_PER_S,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_system_is_read_whatever_the_process_is_called() {
        let line = "7 (a ) 1 2) S 3 7 7 0 -1 4194304 1 2 3 4 150 50 300 100 20 0 1 0 99 0 0";
        let read = times(line).unwrap();
        assert_eq!((read.parent, read.own, read.ended_children), (3, 2.0, 4.0));
    }

    #[test]
    fn statements_are_read_from_the_metrics_and_subtracted() {
        let page = "sql_statement_seconds_sum{statement=\"a\"} 1.5\nsql_statement_seconds_count{statement=\"a\"} 3\n";
        let (mut before, mut after, mut all) = (Spent::default(), Spent::default(), Spent::default());
        before.read_statements(page);
        after.read_statements(&page.replace("1.5", "2.0").replace(" 3", " 5"));
        all.add(&before, &after);
        assert_eq!(all.told()["statements"], json!([{ "name": "a", "s": 0.5, "calls": 2.0 }]));
    }
}
