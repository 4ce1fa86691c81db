//! Objectives beside what was measured: the one list that every form of the report shows.

use crate::checker::{AnomalyKind, UNJUDGED};
use crate::journal::{Figure, Journal, MarkName};

use super::words::{self, Unit};

/// One figure, and what was wanted of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    /// The objective's name in the file.
    key: String,
    /// Its name, with the label that always goes with it.
    pub(super) name: String,
    /// What it is.
    pub(super) what: String,
    unit: Unit,
    had: Figure,
    asked: Option<Asked>,
}

/// What a drill asks of a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Asked {
    at_most: f64,
    /// None where the world could not show it.
    kept: Option<bool>,
}

impl Line {
    /// What was had, in words.
    pub(super) fn had(&self) -> String {
        match (&self.had, self.asked) {
            (Figure::Measured(figure), Some(asked)) => self.unit.tell_beside(*figure, asked.at_most),
            (Figure::Measured(figure), None) => self.unit.tell(*figure),
            (Figure::NotMeasured(why), _) if why.trim().is_empty() => "not measured".to_owned(),
            (Figure::NotMeasured(why), _) => why.clone(),
        }
    }

    /// Whether there is a number.
    pub(super) const fn is_measured(&self) -> bool {
        self.had.number().is_some()
    }

    /// Whether it says more than that nobody asked and nothing was.
    pub(super) fn is_telling(&self) -> bool {
        self.asked.is_some() || self.had != Figure::Measured(0.0)
    }

    /// The most that was wanted, in words, where something was.
    pub(super) fn at_most(&self) -> Option<String> {
        self.asked.map(|asked| self.unit.tell(asked.at_most))
    }

    /// What was wanted, in words.
    pub(super) fn wanted(&self) -> String {
        match self.asked {
            Some(Asked { at_most: 0.0, .. }) => "none".to_owned(),
            Some(Asked { at_most, .. }) => format!("at most {}", self.unit.tell(at_most)),
            None => "no objective".to_owned(),
        }
    }

    /// Whether it was kept, where something was wanted that the world could show.
    pub(super) fn kept(&self) -> Option<bool> {
        self.asked?.kept
    }

    /// Whether something was wanted.
    pub(super) const fn is_asked(&self) -> bool {
        self.asked.is_some()
    }
}

/// Every figure that an objective can be set for, then any that was judged beyond these.
pub(super) struct Figures(pub(super) Vec<Line>);

impl Figures {
    /// The figures of a run.
    pub(super) fn of(journal: &Journal) -> Self {
        let mut lines = times(journal);
        lines.extend(counts(journal));
        lines.extend(service(journal));
        let mut figures = Self(lines);
        for judged in &journal.judged {
            let line = figures.entry(&judged.objective);
            line.had = judged.had.clone();
            line.asked = Some(Asked { at_most: judged.at_most, kept: judged.kept });
        }
        figures
    }

    /// The figure of an objective that is always there: `rto_s`, `detection_s`, `rpo_s`, `lost`, `duplicated`, `budget_minutes`.
    pub(super) fn get(&self, key: &str) -> &Line {
        self.0.iter().find(|line| line.key == key).expect("it is in the list of every run")
    }

    fn entry(&mut self, key: &str) -> &mut Line {
        let index = self.0.iter().position(|line| line.key == key).unwrap_or_else(|| {
            let none = Figure::NotMeasured(String::new());
            self.0.push(line(key, &words::spaced(key), String::new(), Unit::Pieces, none));
            self.0.len() - 1
        });
        &mut self.0[index]
    }
}

fn line(key: &str, name: &str, what: impl Into<String>, unit: Unit, had: Figure) -> Line {
    Line { key: key.to_owned(), name: name.to_owned(), what: what.into(), unit, had, asked: None }
}

/// The recovery time's label in brackets, after a name or a number.
pub(super) fn rto_label(journal: &Journal) -> String {
    match journal.measures.rto_label.as_str() {
        "" => String::new(),
        label => format!(" ({label})"),
    }
}

fn times(journal: &Journal) -> Vec<Line> {
    let measures = &journal.measures;
    let of = |key, name: &str, what: &str, had: &Figure| line(key, name, what, Unit::Seconds, had.clone());
    let rto = format!("RTO{}", rto_label(journal));
    vec![
        of("rto_s", &rto, "from the fault until every probe stays in tolerance while it lasts", &measures.rto_s),
        of("detection_s", "Detection", "from the fault until a survivor calls the region down", &measures.detection_s),
        of("rpo_s", "RPO", "acknowledged writes that are missing at the end, in seconds", &measures.rpo_s),
    ]
}

/// Where nothing was acknowledged, nothing could be lost: a 0 would promise what nobody saw.
fn counts(journal: &Journal) -> Vec<Line> {
    let check = &journal.check;
    let seen = |key: &str, count: u64| match (check.acknowledged, count) {
        _ if check.unjudged.iter().any(|kind| kind.as_str() == key) => Figure::NotMeasured(UNJUDGED.to_owned()),
        (0, 0) => Figure::NotMeasured("not measured: no mission was acknowledged".to_owned()),
        (_, count) => Figure::Measured(count as f64),
    };
    let of = |key, name: &str, what: &str, count| line(key, name, what, Unit::Pieces, seen(key, count));
    let found = |kind| check.count(kind);
    let inversions = journal.measures.priority_inversions;
    vec![
        of("lost", "Lost", "acknowledged missions without their work (P1)", found(AnomalyKind::Lost)),
        of("duplicated", "Duplicated", "missions with two accepted completions (P2)", found(AnomalyKind::Duplicated)),
        of(
            "overlap",
            "Overlap",
            "effects by an older run after those of a newer one (P2)",
            found(AnomalyKind::Overlap),
        ),
        of(
            "priority_inversions",
            "Priority inversions",
            "missions leased after a later one of lower priority",
            inversions,
        ),
    ]
}

fn service(journal: &Journal) -> Vec<Line> {
    let measures = &journal.measures;
    let after = |mark, figure: f64, why: &str| match journal.marks.at(mark) {
        Some(_) => Figure::Measured(figure),
        None => Figure::NotMeasured(format!("not measured: {why}")),
    };
    let budget = after(MarkName::Fault, measures.budget_minutes, "no fault was injected");
    let failback = match after(MarkName::Healed, measures.submit_errors[2] as f64, "no fault was undone") {
        Figure::Measured(0.0) if journal.check.operations == 0 => {
            Figure::NotMeasured("not measured: nothing was submitted".to_owned())
        }
        had => had,
    };
    let [before, during, healed] = measures.submit_errors.map(words::count);
    let errors =
        format!("submits that ended in an error: {before} before the fault, {during} during it, {healed} after it");
    vec![
        line("budget_minutes", "Budget used", "time with a probe out of tolerance", Unit::Minutes, budget),
        line(
            "survivors_p99_ratio",
            "Survivors' p99",
            latency(measures.survivors_p99_ms),
            Unit::Times,
            measures.survivors_ratio(),
        ),
        line("failback_errors", "Failback errors", errors, Unit::Pieces, failback),
    ]
}

fn latency(p99_ms: [Option<f64>; 3]) -> String {
    let told = |figure: Option<f64>| figure.map_or_else(|| "not measured".to_owned(), words::milliseconds);
    let [steady, during, after] = p99_ms.map(told);
    format!("submit to leased in surviving regions: {steady} before the fault, {during} during it, {after} after it")
}
