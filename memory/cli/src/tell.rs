//! Answers of the scheduler in words.

use std::fmt::Write as _;

use scheduler_client::wire::{
    AgentStats, Forgotten, LessonList, MemoryAnswer, MemoryArm, MemoryHitRate, MemoryPatternList, MemoryView,
};
use serde_json::Value;

pub(crate) fn answer(answer: &MemoryAnswer) -> String {
    let mut text = String::new();
    if answer.hits.is_empty() && answer.warnings.is_empty() {
        text.push_str("nothing that is near enough\n");
    }
    for (head, views) in [("helped", &answer.hits), ("failed", &answer.warnings)] {
        for view in views {
            let _ = write!(text, "{head}  {}", memory(view));
        }
    }
    for lesson in &answer.lessons {
        let head = if lesson.avoid { "avoid " } else { "lesson" };
        let (share, missions) = (lesson.confidence, lesson.missions);
        let _ = writeln!(text, "{head}  {}\n        {share:.2} of n={missions}, {}", lesson.lesson, lesson.memory);
    }
    if let Some(proven) = &answer.proven {
        let _ = writeln!(text, "proven  {} ({} missions)\n        {}", proven.memory, proven.missions, proven.solution);
    }
    if let Some(estimate) = &answer.estimate {
        let minutes = estimate.minutes.map_or_else(|| "no minutes known".to_owned(), |m| format!("{m:.1} min"));
        let _ = writeln!(
            text,
            "similar missions took {minutes} (n={}, {} succeeded)",
            estimate.missions, estimate.succeeded
        );
    }
    let _ = write!(text, "{} of {} regions answered", answer.regions_answered, answer.regions_asked);
    if !answer.degraded.is_empty() {
        let _ = write!(text, ", not {}", answer.degraded.join(", "));
    }
    if answer.regions_skipped > 0 {
        let _ = write!(text, "; {} farther ones were not asked", answer.regions_skipped);
    }
    let space = answer.space.as_deref().unwrap_or("words alone were searched");
    let _ = writeln!(text, "; {space}; oldest part {} ms", answer.stale_ms);
    text
}

pub(crate) fn memory(view: &MemoryView) -> String {
    let mut text = format!("{}  {}\n", view.id, view.title);
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "        {name:<9} {value}");
    };
    if let Some(issue) = &view.issue {
        line("issue", issue.clone());
    }
    if let Some(solution) = &view.solution {
        line("solution", solution.clone());
    }
    if let Some(number) = view.pr_number {
        line("pull", number.to_string());
    }
    let minutes = view.resolution_minutes.map(|minutes| format!(", {minutes:.1} min")).unwrap_or_default();
    let ended = if view.success { "succeeded" } else { "failed" };
    line("ended", format!("{ended} (says {}){minutes}, {}", view.success_source, view.created_at));
    line("by", format!("{} ({})", view.agent, view.specialization));
    line("evidence", format!("{} missions, {} succeeded", view.evidence, view.evidence_succeeded));
    if let Some(rule) = &view.residency {
        line("residency", rule.to_string());
    }
    if let Some(why) = &view.why {
        let number = |pointer: &str| why.pointer(pointer).and_then(Value::as_f64).unwrap_or_default();
        let (relevance, minimum) = (number("/relevance/value"), number("/minimum"));
        line("why", format!("relevance {relevance:.2} (least {minimum:.2}), score {:.2}", number("/score")));
    }
    text
}

pub(crate) fn stats(stats: &AgentStats) -> String {
    let share = stats.success_rate.map_or_else(|| "-".to_owned(), |rate| format!("{:.0} %", rate * 100.0));
    let minutes = stats.mean_minutes.map_or_else(|| "-".to_owned(), |minutes| format!("{minutes:.1}"));
    let last = stats.last.map_or_else(|| "never".to_owned(), |at| at.to_string());
    format!(
        "{}\n  missions   {}\n  successes  {} ({share})\n  minutes    {minutes} in the mean\n  last       {last}\n{}",
        stats.agent,
        stats.missions,
        stats.successes,
        missing(&stats.degraded)
    )
}

pub(crate) fn lessons(list: &LessonList) -> String {
    let mut text = String::new();
    for lesson in &list.lessons {
        let _ = writeln!(
            text,
            "{:.2} [{:.2}, {:.2}] n={}  {}  {}\n        {}",
            lesson.confidence,
            lesson.low,
            lesson.high,
            lesson.missions,
            lesson.specialization,
            lesson.id,
            if lesson.avoid { format!("avoid: {}", lesson.lesson) } else { lesson.lesson.clone() }
        );
    }
    if list.lessons.is_empty() {
        text.push_str("no lesson yet\n");
    }
    text + &missing(&list.degraded)
}

pub(crate) fn patterns(list: &MemoryPatternList) -> String {
    let mut text = String::new();
    for pattern in &list.patterns {
        let (missions, succeeded) = (pattern.missions, pattern.succeeded);
        let _ = writeln!(
            text,
            "{:.2} [{:.2}, {:.2}] n={missions}, {succeeded} succeeded  {}",
            pattern.confidence, pattern.low, pattern.high, pattern.title
        );
        let ids: Vec<String> = pattern.memories.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "        memories  {}", ids.join(" "));
        if let Some(proven) = &pattern.proven {
            let _ = writeln!(text, "        solution  {} ({})", proven.solution, proven.memory);
        }
    }
    if list.patterns.is_empty() {
        text.push_str("no issue came again\n");
    }
    let _ = writeln!(text, "{} memories compared", list.compared);
    if list.truncated {
        text.push_str("there may be more: the newest of each region were compared\n");
    }
    text + &missing(&list.degraded)
}

pub(crate) fn hit_rate(rate: &MemoryHitRate) -> String {
    let arm = |arm: &MemoryArm| {
        let minutes = match (arm.mean_minutes, arm.mean_minutes_margin) {
            (Some(mean), Some(margin)) => format!("{mean:.2} min +- {margin:.2}"),
            (Some(mean), None) => format!("{mean:.2} min"),
            (None, _) => "no minutes".to_owned(),
        };
        format!("{} missions, {} succeeded, {minutes}", arm.missions, arm.succeeded)
    };
    let lift =
        rate.lift.map_or_else(|| "not known: an arm is empty".to_owned(), |lift| format!("{:.1} %", lift * 100.0));
    format!(
        "with memory     {}\nwithout memory  {}\nminutes saved   {lift}\nshown           {} missions, {} used it\n\
         helped others   {} memories, {} specializations\n{}",
        arm(&rate.with_memory),
        arm(&rate.without_memory),
        rate.shown,
        rate.used,
        rate.helped_others,
        rate.specializations_helped,
        missing(&rate.degraded)
    )
}

pub(crate) fn forgotten(gone: &Forgotten) -> String {
    let ids: Vec<String> = gone.forgotten.iter().map(ToString::to_string).collect();
    format!("forgotten: {}\nshown by nobody within {} s\n", ids.join(", "), gone.horizon_s)
}

fn missing(degraded: &[String]) -> String {
    if degraded.is_empty() { String::new() } else { format!("missing: {} did not answer\n", degraded.join(", ")) }
}
