//! `chaos check`.

use std::fmt::Write as _;
use std::path::PathBuf;

use chaos::checker::{Summary, UNJUDGED, check, check_without_runners};
use chaos::world::HISTORY;

use super::output::{Exit, Output, Stop};

/// Decide from a history what was lost, done twice, or done by somebody who must not
///
/// Exit code 0: nothing is wrong. 1: something is; the result says what and of which missions.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of a run, or of a history: submits.jsonl, agent-*.jsonl, ledger.jsonl, rows.jsonl and events.jsonl
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Agents and runners wrote nothing, as in a drill with --attach: what only they show is not judged
    #[arg(long)]
    without_runners: bool,
}

pub(super) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let inner = args.folder.join(HISTORY);
    let folder = if inner.is_dir() { &inner } else { &args.folder };
    let check = if args.without_runners { check_without_runners } else { check };
    let summary = check(folder).map_err(|error| Stop::usage(format!("{:#}", anyhow::Error::from(error))))?;
    output.result(&summary, || table(&summary))?;
    Ok(if summary.is_clean() { Exit::Ok } else { Exit::Finding })
}

/// The summary for people.
fn table(summary: &Summary) -> String {
    let unknown = summary.indeterminate;
    let failed: u64 = summary.failed.values().sum();
    let indeterminate = format!("{} done, {} not done", unknown.done, unknown.not_done);
    let figures = [
        ("operations", summary.operations, ""),
        ("indeterminate", unknown.all, indeterminate.as_str()),
        ("acknowledged", summary.acknowledged, ""),
        ("proven", summary.proven, "ended well, with one finished run of the winning epoch"),
        ("unwatched", summary.unwatched, "ended well by their rows, and no runner wrote down what it did"),
        ("failed", failed, &reasons(summary)),
        ("held back", summary.held_back, "pending, and their residency may allow no region now"),
        ("fenced", summary.fenced, "runs that finished in vain"),
        ("lost attempts", summary.lost_attempts, "runs that were begun and did not finish"),
    ];
    let mut text = String::new();
    for (name, count, told) in figures {
        let line = format!("{name:<16} {count:>9}  {told}");
        writeln!(text, "{}", line.trim_end()).expect("writing into a String cannot fail");
    }
    if summary.is_clean() {
        text.push_str("nothing is wrong\n");
    }
    for kind in &summary.unjudged {
        writeln!(text, "{:<16} {:>9}  {}", kind.as_str(), "?", UNJUDGED).expect("writing into a String cannot fail");
    }
    for (kind, found) in &summary.anomalies {
        let line = format!("{:<16} {:>9}  {}\n", kind.as_str(), found.count, kind.meaning());
        text.push_str(&line);
        for (mission, seen) in &found.first {
            writeln!(text, "  {mission}  {seen}").expect("writing into a String cannot fail");
        }
    }
    text
}

fn reasons(summary: &Summary) -> String {
    summary.failed.iter().map(|(reason, count)| format!("{count} {reason}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_summary_says_so_and_a_finding_names_its_missions_and_its_meaning() {
        let clean = serde_json::json!({
            "operations": 3, "acknowledged": 2, "proven": 1, "failed": { "poison": 1 }, "held_back": 0, "fenced": 4,
            "lost_attempts": 5, "indeterminate": { "all": 2, "done": 1, "not_done": 1 }, "anomalies": {}
        });
        let summary: Summary = serde_json::from_value(clean.clone()).unwrap();
        let text = table(&summary);
        for part in ["operations               3\n", "1 done, 1 not done", "1 poison", "nothing is wrong"] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
        let mut wrong = clean;
        let mission = "00000000-0000-0000-0000-000000000001";
        wrong["anomalies"] = serde_json::json!({ "overlap": { "count": 12, "first": [[mission, "what was seen"]] } });
        let text = table(&serde_json::from_value(wrong).unwrap());
        assert!(text.ends_with(&format!(
            "overlap                 12  a run worked on after its successor had begun\n  {mission}  what was seen\n"
        )));
        assert!(!text.contains("nothing is wrong"));
    }
}
