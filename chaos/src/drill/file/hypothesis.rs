//! `steady-state-hypothesis` with its tolerances, and `abort`.

use std::collections::BTreeMap;
use std::time::Duration;

use topology::yaml::{At, Code, Fields, Node, Reader, Span, Value, shortened};

use super::{codes, keys, provider, values};
use crate::drill::{Abort, AbortWhen, Hypothesis, Probe, Query, Tolerance};

/// Most probes, and most reasons to break off.
const MOST: usize = 20;

/// The forms of a tolerance.
const FORMS: &str = "write 0 (exactly), [0, 500], { min: 0.99 }, { max: 500 }, or { type: range, range: [0, 500] }";

/// The hypothesis, which every drill must have.
pub(super) fn read(reader: &mut Reader, fields: &Fields<'_>) -> Option<Hypothesis> {
    let node = fields.required(reader, "steady-state-hypothesis", "the file")?;
    let block = reader.fields(node, "steady-state-hypothesis", keys::HYPOTHESIS)?;
    let title = block.required(reader, "title", "steady-state-hypothesis").and_then(|node| reader.words(node, "title"));
    let node = block.required(reader, "probes", "steady-state-hypothesis")?;
    let items = reader.list(node, "probes", MOST)?;
    if items.is_empty() {
        reader.error(Code::INVALID_VALUE, node.span, "probes is empty: every world would be healthy", None);
    }
    let mut first: BTreeMap<String, Span> = BTreeMap::new();
    let mut probes = Vec::new();
    for item in items {
        let Some(probe) = entry(reader, item) else { continue };
        is_new(reader, &mut first, &probe.value.name, probe.span, "probe");
        probes.push(probe.value);
    }
    Some(Hypothesis { title: title?.to_owned(), probes })
}

/// Reports a name that is taken.
pub(super) fn is_new(reader: &mut Reader, first: &mut BTreeMap<String, Span>, name: &str, span: Span, what: &str) {
    if let Some(before) = first.get(name) {
        let hint = format!("it is first on line {}", reader.line(*before));
        reader.error(Code::DUPLICATE_NAME, span, format!("there is another {what} `{}`", shortened(name)), hint);
    } else {
        first.insert(name.to_owned(), span);
    }
}

/// A probe of the hypothesis, with the place of its name.
fn entry(reader: &mut Reader, node: &Node) -> Option<At<Probe>> {
    let block = reader.fields(node, "a probe", keys::PROBE)?;
    if let Some(node) = block.get("type") {
        reader.choice(node, "the type of what a hypothesis looks at", &["probe"], |word| word);
    }
    let name = block.required(reader, "name", "a probe");
    let name =
        name.and_then(|node| Some(At { value: values::name(reader, node, "the name of a probe")?, span: node.span }));
    let look = look(reader, &block);
    let At { value: name, span } = name?;
    if look.is_none() {
        reader.unfit.insert(name.clone());
    }
    Some(At { value: look?.named(name), span })
}

/// A probe without its name.
pub(super) struct Look {
    query: Query,
    window: Duration,
    tolerance: Tolerance,
}

impl Look {
    pub(super) fn named(self, name: String) -> Probe {
        let Self { query, window, tolerance } = self;
        Probe { name, query, tolerance, window }
    }
}

/// What a probe looks at, here or in the method.
pub(super) fn look(reader: &mut Reader, block: &Fields<'_>) -> Option<Look> {
    let looked = block.required(reader, "provider", "a probe").and_then(|node| {
        let kind = provider::kind(reader, node, provider::Kind::LOOK, "a probe")?;
        provider::query(reader, node, kind)
    });
    let at = block.required(reader, "tolerance", "a probe");
    let tolerance = at.and_then(|node| tolerance(reader, node));
    let (query, window) = looked?;
    let tolerance = tolerance?;
    possible(reader, at.map_or(block.span, |node| node.span), &query, tolerance);
    Some(Look { query, window, tolerance })
}

/// A tolerance in one of its forms.
fn tolerance(reader: &mut Reader, node: &Node) -> Option<Tolerance> {
    let (min, max) = match &node.value {
        Value::Scalar(scalar) if scalar.number().is_some() => {
            let exactly = bound(reader, node)?;
            (Some(exactly), Some(exactly))
        }
        Value::List(_) => range(reader, node)?,
        Value::Map(entries) if entries.iter().any(|entry| entry.key == "type" || entry.key == "range") => {
            let block = reader.fields(node, "tolerance", keys::RANGE)?;
            if let Some(node) = block.get("type") {
                reader.choice(node, "the type of a tolerance", &["range"], |word| word)?;
            }
            let node = block.required(reader, "range", "tolerance")?;
            range(reader, node)?
        }
        Value::Map(_) => {
            let block = reader.fields(node, "tolerance", keys::BOUNDS)?;
            let mut one = |key: &str| match block.get(key) {
                Some(node) => bound(reader, node).map(Some),
                None => Some(None),
            };
            (one("min")?, one("max")?)
        }
        Value::Scalar(_) => {
            reader.error(Code::WRONG_TYPE, node.span, "tolerance must be a number or a range", FORMS);
            return None;
        }
        Value::Refused => return None,
    };
    let message = match (min, max) {
        (None, None) => "tolerance has no bound: everything would be good",
        (Some(min), Some(max)) if min > max => "the lower bound of tolerance is above the upper one",
        (Some(_) | None, Some(_) | None) => return Some(Tolerance { min, max }),
    };
    reader.error(Code::INVALID_VALUE, node.span, message, FORMS);
    None
}

fn bound(reader: &mut Reader, node: &Node) -> Option<f64> {
    reader.number(node, "a bound of tolerance", -1e12..=1e12)
}

fn range(reader: &mut Reader, node: &Node) -> Option<(Option<f64>, Option<f64>)> {
    let [min, max] = reader.list(node, "a range", 2)? else {
        reader.error(Code::INVALID_VALUE, node.span, "a range is a lower and an upper bound", FORMS);
        return None;
    };
    let (min, max) = (bound(reader, min), bound(reader, max));
    Some((Some(min?), Some(max?)))
}

/// Reports bounds that the figure can never be within.
fn possible(reader: &mut Reader, span: Span, query: &Query, tolerance: Tolerance) {
    let over = tolerance.min.is_some_and(|min| is_over(query, min));
    if over || tolerance.max.is_some_and(|max| max < 0.0 && least(query).is_some()) {
        let message = "the figure can never be within this tolerance";
        let hint = if over { "a ratio is 0 to 1" } else { "the figure is never below 0" };
        reader.error(codes::IMPOSSIBLE, span, message, hint);
    }
}

/// Whether a figure is never so high.
fn is_over(query: &Query, figure: f64) -> bool {
    *query == Query::SubmitSuccessRatio && figure > 1.0
}

/// What a figure is at least.
const fn least(query: &Query) -> Option<f64> {
    match query {
        Query::SubmitSuccessRatio
        | Query::SubmitToLeasedP99Ms
        | Query::StrandedLeases
        | Query::OverdueMissions
        | Query::ServingRegions
        | Query::HttpStatus { .. } => Some(0.0),
        Query::ExitCode { .. } | Query::Number { .. } => None,
    }
}

/// The reasons to break off. Without `probes` the hypothesis could not be read, and what refers to it is not judged.
pub(super) fn aborts(reader: &mut Reader, node: &Node, probes: Option<&[Probe]>) -> Vec<Abort> {
    let items = reader.list(node, "abort", MOST).unwrap_or_default();
    items.iter().filter_map(|item| abort(reader, item, probes)).map(|when| Abort { when }).collect()
}

fn abort(reader: &mut Reader, node: &Node, probes: Option<&[Probe]>) -> Option<AbortWhen> {
    /// Breaking off for one odd second would be worse than the fault.
    const FOR: Duration = Duration::from_secs(5);
    let what = "a reason to abort";
    let block = reader.fields(node, what, keys::ABORT)?;
    if let Some(node) = block.get("after_s") {
        if let Some(other) = ["when", "below", "above", "for_s"].iter().find_map(|key| block.entry(key)) {
            let hint = "make two entries of it";
            reader.error(Code::CONFLICT, other.key_span, "after_s stands alone", hint);
        }
        return values::duration(reader, node, "after_s", 1.0..=86_400.0).map(AbortWhen::After);
    }
    let probe = block.required(reader, "when", what).and_then(|node| known(reader, node, probes?));
    let for_time = match block.get("for_s") {
        Some(node) => values::duration(reader, node, "for_s", 0.0..=3600.0),
        None => Some(FOR),
    };
    let mut number = |key: &str| {
        let node = block.get(key)?;
        let figure = reader.number(node, key, -1e12..=1e12)?;
        if key == "below" && probe.as_ref().is_some_and(|probe| is_over(&probe.query, figure)) {
            reader.error(codes::IMPOSSIBLE, node.span, "the figure is always below this", "a ratio is 0 to 1");
        }
        Some(figure)
    };
    let (below, above) = (number("below"), number("above"));
    if block.get("below").is_some() == block.get("above").is_some() {
        let message = format!("{what} needs one of the keys `below` and `above`");
        reader.error(Code::MISSING_KEY, block.span, message, "or `after_s` alone");
        return None;
    }
    let (probe, for_time) = (probe?.name.clone(), for_time?);
    match below {
        Some(figure) => Some(AbortWhen::Below { probe, figure, for_time }),
        None => Some(AbortWhen::Above { probe, figure: above?, for_time }),
    }
}

/// A probe of the hypothesis by its name.
fn known<'p>(reader: &mut Reader, node: &Node, probes: &'p [Probe]) -> Option<&'p Probe> {
    let text = reader.text(node, "when")?;
    let found = probes.iter().find(|probe| probe.name == text);
    if found.is_none() && !reader.unfit.contains(text) {
        let names = || probes.iter().map(|probe| &*probe.name);
        let hint = reader.suggest(text, names());
        let hint = hint.unwrap_or_else(|| format!("its probes are {}", names().collect::<Vec<_>>().join(", ")));
        let message = format!("the hypothesis has no probe `{}`", shortened(text));
        reader.error(codes::UNKNOWN_PROBE, node.span, message, hint);
    }
    found
}
