//! Lines of JSON that come from elsewhere as memories: our own export, or GitHub's issues. Pure.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use topology::{DatabaseRegion, Epoch, ResidencyName, Specialization};
use uuid::Uuid;

use crate::model::{Memory, MemoryId, SuccessSource};

/// Longest title that is kept, in characters.
const TITLE: usize = 500;
/// Most bytes that are kept of a body or a solution.
const BODY: usize = 32 << 10;

/// What an issue does not tell.
#[derive(Debug, Clone)]
pub struct Assumed {
    /// Kind of agent that its memory is for.
    pub specialization: Specialization,
    /// The rule that it is under.
    pub residency: Option<ResidencyName>,
    /// Where its row goes.
    pub home: DatabaseRegion,
}

/// What a line is.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// A memory.
    Memory(Box<Memory>),
    /// An issue that has not ended, or was given up: nothing was learned.
    Unfinished,
}

/// Why a line is none.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is no JSON of either shape.
    #[error("{0}")]
    Shape(#[from] serde_json::Error),
    /// It has nothing to tell.
    #[error("the issue has no title")]
    Title,
}

/// GitHub's issue, as its REST interface gives it, as far as it is used.
#[derive(Debug, Deserialize)]
struct Issue {
    html_url: String,
    number: i64,
    title: String,
    body: Option<String>,
    state: String,
    state_reason: Option<String>,
    created_at: DateTime<Utc>,
    closed_at: Option<DateTime<Utc>>,
    assignee: Option<User>,
    pull_request: Option<PullRequest>,
    /// No field of GitHub's: what was done, where whoever exported it knew.
    solution: Option<String>,
}

#[derive(Debug, Deserialize)]
struct User {
    login: String,
}

#[derive(Debug, Deserialize)]
struct PullRequest {
    merged_at: Option<DateTime<Utc>>,
}

/// Reads a line. An issue's id is computed from its address, so that it is the same each time it comes.
///
/// # Errors
/// [`Error`].
pub fn line(text: &str, assumed: &Assumed) -> Result<Line, Error> {
    if let Ok(memory) = serde_json::from_str::<Memory>(text) {
        return Ok(Line::Memory(Box::new(memory)));
    }
    let issue: Issue = serde_json::from_str(text)?;
    if issue.title.trim().is_empty() {
        return Err(Error::Title);
    }
    let Some(closed_at) = issue.closed_at.filter(|_| issue.state == "closed") else { return Ok(Line::Unfinished) };
    if issue.state_reason.as_deref().is_some_and(|reason| reason != "completed") {
        return Ok(Line::Unfinished);
    }
    let success = issue.pull_request.as_ref().is_none_or(|pull| pull.merged_at.is_some());
    Ok(Line::Memory(Box::new(Memory {
        id: MemoryId(Uuid::new_v5(&Uuid::NAMESPACE_URL, issue.html_url.as_bytes())),
        mission: None,
        specialization: assumed.specialization.clone(),
        agent: issue.assignee.map_or_else(|| "import".to_owned(), |user| user.login),
        issue: Some(name_of(&issue.html_url, issue.number)),
        title: storable(&issue.title.chars().take(TITLE).collect::<String>()),
        description: storable(issue.body.as_deref().unwrap_or_default()),
        solution: issue.solution.as_deref().map(storable),
        pr_number: issue.pull_request.map(|_| issue.number),
        success,
        success_source: SuccessSource::Merge,
        resolution_minutes: Some((closed_at - issue.created_at).num_seconds().max(0) as f64 / 60.0),
        residency: assumed.residency.clone(),
        home: assumed.home.clone(),
        epoch: Epoch(0),
        content_hash: String::new(),
        evidence: 1,
        evidence_succeeded: i64::from(success),
        created_at: closed_at,
    })))
}

/// `owner/repository#12` of an address such as `https://host/owner/repository/issues/12`.
fn name_of(url: &str, number: i64) -> String {
    let parts: Vec<&str> = url.split('/').collect();
    match parts.as_slice() {
        [.., owner, repository, _, _] => format!("{owner}/{repository}#{number}"),
        _ => format!("{url}#{number}"),
    }
}

/// Without what no SQL text can hold, and no longer than is kept.
fn storable(text: &str) -> String {
    let mut end = text.len().min(BODY);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn assumed() -> Assumed {
        Assumed {
            specialization: "engineer-master".parse().unwrap(),
            residency: Some("eu".parse().unwrap()),
            home: "eu-west-1".parse().unwrap(),
        }
    }

    fn issue() -> Value {
        json!({
            "html_url": "https://example.org/owner/repository/issues/12", "number": 12, "title": "It breaks",
            "body": "a\u{0}b", "state": "closed", "state_reason": "completed", "labels": [{ "name": "bug" }],
            "created_at": "2026-01-01T00:00:00Z", "closed_at": "2026-01-01T01:30:00Z", "comments": 3,
            "assignee": { "login": "ada" },
        })
    }

    fn memory(value: &Value) -> Memory {
        match line(&value.to_string(), &assumed()).unwrap() {
            Line::Memory(memory) => *memory,
            Line::Unfinished => panic!("it has ended"),
        }
    }

    #[test]
    fn an_issue_that_was_closed_is_a_memory_with_an_id_of_its_address() {
        let (once, again) = (memory(&issue()), memory(&issue()));
        assert_eq!(once, again);
        assert_eq!((once.issue.as_deref(), once.agent.as_str()), (Some("owner/repository#12"), "ada"));
        assert_eq!((once.resolution_minutes, once.success, once.pr_number), (Some(90.0), true, None));
        assert_eq!((once.description.as_str(), once.residency.as_ref().map(AsRef::as_ref)), ("a\u{fffd}b", Some("eu")));
        let mut other = issue();
        other["html_url"] = json!("https://example.org/owner/repository/issues/13");
        assert_ne!(memory(&other).id, once.id);
    }

    #[test]
    fn what_is_open_or_was_given_up_teaches_nothing() {
        for (key, value) in
            [("state", json!("open")), ("closed_at", Value::Null), ("state_reason", json!("not_planned"))]
        {
            let mut given_up = issue();
            given_up[key] = value;
            assert_eq!(line(&given_up.to_string(), &assumed()).unwrap(), Line::Unfinished, "{key}");
        }
    }

    #[test]
    fn a_pull_request_succeeded_where_it_was_merged() {
        for (merged_at, success) in [(json!("2026-01-01T01:30:00Z"), true), (Value::Null, false)] {
            let mut pull = issue();
            pull["pull_request"] = json!({ "url": "u", "merged_at": merged_at });
            let memory = memory(&pull);
            assert_eq!(
                (memory.success, memory.pr_number, memory.evidence_succeeded),
                (success, Some(12), i64::from(success))
            );
        }
    }

    #[test]
    fn an_exported_memory_comes_back_as_it_was() {
        let before = memory(&issue());
        let other = Assumed { home: "us-west-2".parse().unwrap(), ..assumed() };
        let text = serde_json::to_string(&before).unwrap();
        assert_eq!(line(&text, &other).unwrap(), Line::Memory(Box::new(before)));
    }

    #[test]
    fn what_is_no_issue_is_refused_with_what_is_wrong() {
        let mut untitled = issue();
        untitled["title"] = json!("  ");
        assert!(line(&untitled.to_string(), &assumed()).unwrap_err().to_string().contains("no title"));
        assert!(line("{\"title\": 1}", &assumed()).unwrap_err().to_string().contains("line 1"));
        assert!(line("not json", &assumed()).is_err());
    }
}
