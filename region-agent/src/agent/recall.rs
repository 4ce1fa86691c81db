//! What a mission is shown of earlier ones, and what it leaves behind. A memory that cannot be had holds no mission up.

use std::time::Duration;

use scheduler_client::wire::{
    AppliedLesson, Grant, MemoryAnswer, MemoryScope, MemorySearch, MemoryView, MissionMemory, ShownMemory,
};
use serde::Deserialize;
use serde_json::{Value, json};
use topology::PoolId;
use uuid::Uuid;

use super::Agent;

/// How long a mission waits for what is remembered.
const PATIENCE: Duration = Duration::from_secs(1);
/// Most bytes of JSON that a runner gets of it.
const BYTES: usize = 16 << 10;
/// Characters that are shown of a problem; its solution is what helps.
const PROBLEM: usize = 1_000;
/// Longest title that is asked with, in characters.
const TITLE: usize = 500;
/// Longest problem that is asked with, in bytes.
const DESCRIPTION: usize = 32 << 10;

/// What a mission was shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Recalled {
    /// As the runner reads it.
    pub(crate) context: Value,
    shown: Vec<Uuid>,
    /// False where the mission goes without memory, to compare.
    with_memory: bool,
}

/// What a runner may say under the key `memory` of its result.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Learned {
    title: Option<String>,
    description: Option<String>,
    solution: Option<String>,
    issue: Option<String>,
    pr_number: Option<i64>,
    used: Vec<Uuid>,
}

impl Agent {
    /// What is remembered of problems like this one; none where it cannot be had, or the mission is a drill's.
    pub(super) async fn recall(&self, grant: &Grant) -> Option<Recalled> {
        if grant.drill.is_some() {
            return None;
        }
        let region = self.config().region.clone();
        let body = MemorySearch {
            title: cut(&grant.title, TITLE),
            description: problem_of(&grant.payload),
            scope: MemoryScope::Everyone,
            pool: Some(PoolId { region: region.clone(), specialization: grant.specialization.clone() }),
            region: Some(region),
            mission: Some(grant.mission),
            success: None,
            limit: None,
        };
        match self.brief(PATIENCE).memory_search(&body).await {
            Ok(answer) => {
                let outcome = if answer.hits.is_empty() { "nothing" } else { "something" };
                metrics::counter!("region_agent_recalls_total", "outcome" => outcome).increment(1);
                Some(Recalled::of(answer))
            }
            Err(error) => {
                tracing::info!(error = &error as &dyn std::error::Error, "the mission goes without memory");
                metrics::counter!("region_agent_recalls_total", "outcome" => "failed").increment(1);
                None
            }
        }
    }
}

impl Recalled {
    fn of(answer: MemoryAnswer) -> Self {
        let MemoryAnswer { hits, warnings, lessons, estimate, proven, with_memory, degraded, .. } = answer;
        let mut recalled = Self { with_memory, ..Self::default() };
        let mut context = json!({
            "hits": [], "warnings": [], "lessons": [], "estimate": estimate, "proven": proven, "degraded": degraded,
        });
        let mut left = BYTES.saturating_sub(context.to_string().len());
        // Lessons are short, and come first where room is scarce. Who is told one was shown its memory.
        let lessons = lessons.into_iter().map(|one| ("lessons", one.memory, taught(one)));
        let hits = hits.into_iter().map(|view| ("hits", view.id, told(view)));
        let warnings = warnings.into_iter().map(|view| ("warnings", view.id, told(view)));
        for (list, id, told) in lessons.chain(hits).chain(warnings) {
            let bytes = told.to_string().len() + 1;
            if bytes > left {
                continue;
            }
            left -= bytes;
            context[list].as_array_mut().expect("it was made a list").push(told);
            if !recalled.shown.contains(&id) {
                recalled.shown.push(id);
            }
        }
        recalled.context = context;
        recalled
    }
}

/// What is left of a mission: what its runner says under `memory`, and which memories it was shown. A runner that does real
/// work leaves its mission's own words at least; another only what it says.
pub(super) fn left_behind(result: &Value, recalled: Option<&Recalled>, works: bool) -> Option<Box<MissionMemory>> {
    let said = result.get("memory").and_then(|said| serde_json::from_value::<Learned>(said.clone()).ok());
    if said.is_none() && !works {
        return None;
    }
    let Learned { title, description, solution, issue, pr_number, used } = said.unwrap_or_default();
    let shown = recalled.map(|recalled| recalled.shown.as_slice()).unwrap_or_default();
    Some(Box::new(MissionMemory {
        title,
        description,
        solution,
        issue,
        pr_number,
        shown: shown.iter().map(|id| ShownMemory { memory: *id, used: used.contains(id) }).collect(),
        // Who asked and got no answer belongs to those with memory: the arms are as they were drawn.
        with_memory: recalled.is_none_or(|recalled| recalled.with_memory),
    }))
}

fn taught(lesson: AppliedLesson) -> Value {
    json!({
        "memory": lesson.memory, "lesson": lesson.lesson, "avoid": lesson.avoid, "confidence": lesson.confidence,
        "missions": lesson.missions, "succeeded": lesson.succeeded,
    })
}

fn told(view: MemoryView) -> Value {
    json!({
        "id": view.id, "specialization": view.specialization, "issue": view.issue, "title": view.title,
        "problem": cut(&view.description, PROBLEM), "solution": view.solution, "pr_number": view.pr_number,
        "success": view.success, "minutes": view.resolution_minutes, "evidence": view.evidence,
        "evidence_succeeded": view.evidence_succeeded,
    })
}

/// The problem as a mission's payload tells it: that of a GitHub issue is its `body`.
fn problem_of(payload: &Value) -> String {
    let told = ["description", "body"].into_iter().find_map(|key| payload.get(key).and_then(Value::as_str));
    let told = told.unwrap_or_default();
    let mut end = told.len().min(DESCRIPTION);
    while !told.is_char_boundary(end) {
        end -= 1;
    }
    told[..end].to_owned()
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    fn view(id: u128, solution: &str) -> MemoryView {
        MemoryView {
            id: Uuid::from_u128(id),
            specialization: "writer".parse().unwrap(),
            agent: "a".to_owned(),
            issue: None,
            title: "t".to_owned(),
            description: "d".repeat(5_000),
            solution: Some(solution.to_owned()),
            pr_number: None,
            success: true,
            success_source: "agent".to_owned(),
            resolution_minutes: Some(1.0),
            evidence: 1,
            evidence_succeeded: 1,
            residency: None,
            home: "h".to_owned(),
            created_at: Utc::now(),
            why: Some(json!({ "score": 0.5 })),
        }
    }

    #[test]
    fn a_runner_gets_as_much_as_is_allowed_and_only_that_counts_as_shown() {
        let hits = vec![view(1, "short"), view(2, &"s".repeat(BYTES)), view(3, "short")];
        let recalled = Recalled::of(MemoryAnswer { with_memory: true, hits, ..MemoryAnswer::default() });
        assert!(recalled.context.to_string().len() <= BYTES);
        assert_eq!(recalled.shown, [Uuid::from_u128(1), Uuid::from_u128(3)]);
        assert_eq!(recalled.context["hits"][0]["solution"], "short");
        assert!(!recalled.context.to_string().contains("score"), "no runner sees a score");
    }

    #[test]
    fn a_lesson_is_told_before_long_memories_and_its_memory_counts_as_shown_once() {
        let lesson = |memory: u128, avoid| AppliedLesson {
            id: Uuid::from_u128(100 + memory),
            memory: Uuid::from_u128(memory),
            specialization: "writer".parse().unwrap(),
            lesson: "do it".to_owned(),
            avoid,
            words: vec!["w".to_owned()],
            confidence: 0.8,
            missions: 3,
            succeeded: 3,
        };
        let answer = MemoryAnswer {
            with_memory: true,
            hits: vec![view(1, &"s".repeat(BYTES - 1_700)), view(2, &"s".repeat(BYTES))],
            lessons: vec![lesson(1, false), lesson(7, true)],
            ..MemoryAnswer::default()
        };
        let recalled = Recalled::of(answer);
        assert_eq!(recalled.shown, [1, 7].map(Uuid::from_u128));
        assert_eq!(recalled.context["lessons"][1]["avoid"], true);
        assert_eq!(recalled.context["lessons"][0]["lesson"], "do it");
        assert!(recalled.context.to_string().len() <= BYTES);
        let result = json!({ "memory": { "used": [Uuid::from_u128(7)] } });
        let left = left_behind(&result, Some(&recalled), false).unwrap();
        assert_eq!(left.shown.iter().map(|shown| shown.used).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn what_was_used_is_of_what_was_shown() {
        let answer =
            MemoryAnswer { with_memory: true, hits: vec![view(1, "s"), view(2, "s")], ..MemoryAnswer::default() };
        let recalled = Recalled::of(answer);
        let result = json!({ "memory": { "solution": "x", "used": [Uuid::from_u128(2), Uuid::from_u128(9)] } });
        let left = left_behind(&result, Some(&recalled), false).unwrap();
        let used: Vec<bool> = left.shown.iter().map(|shown| shown.used).collect();
        assert_eq!((used, left.solution.as_deref(), left.with_memory), (vec![false, true], Some("x"), true));
    }

    #[test]
    fn who_only_waits_leaves_nothing_and_who_works_the_missions_words() {
        assert_eq!(left_behind(&json!({ "pr": 1 }), None, false), None);
        let left = left_behind(&json!({ "pr": 1 }), None, true).unwrap();
        assert_eq!((left.title, left.with_memory), (None, true));
    }

    #[test]
    fn an_issue_is_asked_with_its_body_which_is_cut_between_characters() {
        assert_eq!(problem_of(&json!({ "body": "b" })), "b");
        assert_eq!(problem_of(&json!({ "description": "d", "body": "b" })), "d");
        assert_eq!(problem_of(&json!(null)), "");
        let long = "ä".repeat(DESCRIPTION);
        assert_eq!(problem_of(&json!({ "body": long })).len(), DESCRIPTION);
    }
}
