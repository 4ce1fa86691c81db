//! What the memory says in the words of the wire.

use ::memory::lesson::Applied;
use ::memory::lessons;
use ::memory::memories::Told;
use ::memory::model::Memory;
use ::memory::rank::Hit;
use scheduler_client::wire;
use serde_json::Value;

pub(super) fn answer(told: Told, lessons: lessons::Told) -> wire::MemoryAnswer {
    let Told { ranked, proven, completeness, space } = told;
    let mut degraded = completeness.degraded;
    degraded.extend(lessons.degraded);
    degraded.sort();
    degraded.dedup();
    wire::MemoryAnswer {
        with_memory: true,
        hits: ranked.hits.into_iter().map(hit).collect(),
        warnings: ranked.warnings.into_iter().map(hit).collect(),
        lessons: lessons.lessons.into_iter().map(lesson).collect(),
        estimate: ranked.estimate.map(|estimate| wire::MemoryEstimate {
            minutes: estimate.minutes,
            missions: estimate.missions,
            succeeded: estimate.succeeded,
        }),
        proven: proven.map(|proven| wire::ProvenSolution {
            memory: proven.memory.0,
            solution: proven.solution,
            relevance: proven.relevance,
            confidence: proven.confidence.mean,
            missions: proven.confidence.missions,
        }),
        space: space.map(|space| space.to_string()),
        regions_asked: completeness.regions_asked,
        regions_answered: completeness.regions_answered,
        regions_skipped: completeness.regions_skipped,
        degraded: degraded.iter().map(ToString::to_string).collect(),
        stale_ms: completeness.stale_ms,
    }
}

fn lesson(applied: Applied) -> wire::AppliedLesson {
    let Applied { lesson, avoid, words, confidence, .. } = applied;
    wire::AppliedLesson {
        id: lesson.taught.id,
        memory: lesson.taught.memory.0,
        specialization: lesson.taught.specialization,
        lesson: lesson.taught.lesson,
        avoid,
        words,
        confidence: confidence.mean,
        missions: confidence.missions,
        succeeded: lesson.succeeded,
    }
}

fn hit(hit: Hit) -> wire::MemoryView {
    let why = serde_json::to_value(hit.why).expect("a score is plain numbers");
    view(hit.memory, Some(why))
}

pub(super) fn view(memory: Memory, why: Option<Value>) -> wire::MemoryView {
    wire::MemoryView {
        id: memory.id.0,
        specialization: memory.specialization,
        agent: memory.agent,
        issue: memory.issue,
        title: memory.title,
        description: memory.description,
        solution: memory.solution,
        pr_number: memory.pr_number,
        success: memory.success,
        success_source: memory.success_source.as_str().to_owned(),
        resolution_minutes: memory.resolution_minutes,
        evidence: memory.evidence,
        evidence_succeeded: memory.evidence_succeeded,
        residency: memory.residency,
        home: memory.home.to_string(),
        created_at: memory.created_at,
        why,
    }
}
