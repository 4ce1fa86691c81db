//! `method` and `rollbacks`.

use std::collections::BTreeMap;
use std::time::Duration;

use topology::yaml::{At, Code, Fields, Node, Reader, Span, shortened};

use super::provider::Kind;
use super::{Known, codes, fault, hypothesis, keys, provider, values};
use crate::drill::{Step, StepKind};

/// Most steps.
const MOST: usize = 100;

/// The method as it is written.
#[derive(Default)]
pub(super) struct Method {
    /// The steps that could be read, each with the place of its name.
    pub(super) steps: Vec<At<Step>>,
    /// The names of all steps, those among them that could not be read.
    names: BTreeMap<String, Span>,
    /// Whether every step could be read.
    pub(super) is_whole: bool,
    /// Where the key is.
    pub(super) span: Span,
}

/// A step's block with its name, where that could be read.
type Named<'n> = (Fields<'n>, Option<At<String>>);

/// Reads the steps; each may refer to those before it.
pub(super) fn read(reader: &mut Reader, fields: &Fields<'_>, known: &Known) -> Method {
    let Some(entry) = fields.entry("method") else {
        fields.required(reader, "method", "the file");
        return Method::default();
    };
    let mut method = Method { span: entry.key_span, ..Method::default() };
    let Some(items) = reader.list(&entry.value, "method", MOST) else { return method };
    let blocks = items.iter().filter_map(|item| {
        let block = reader.fields(item, "a step", keys::STEP)?;
        let name = name(reader, &block, &mut method.names);
        Some((block, name))
    });
    let blocks: Vec<Named<'_>> = blocks.collect();
    for (block, name) in blocks {
        let step = step(reader, &block, name, known, &method);
        method.steps.extend(step);
    }
    method.is_whole = method.steps.len() == items.len();
    method
}

/// The name of a step, which no other has. All are read before the steps, so that a reference to a later one can say so.
fn name(reader: &mut Reader, block: &Fields<'_>, names: &mut BTreeMap<String, Span>) -> Option<At<String>> {
    let node = block.required(reader, "name", "a step")?;
    let value = values::name(reader, node, "the name of a step")?;
    hypothesis::is_new(reader, names, &value, node.span, "step");
    Some(At { value, span: node.span })
}

fn step(
    reader: &mut Reader,
    block: &Fields<'_>,
    name: Option<At<String>>,
    known: &Known,
    before: &Method,
) -> Option<At<Step>> {
    let pauses = block.get("pauses").map_or(Some(Default::default()), |node| pauses(reader, node));
    let is_probe = block.required(reader, "type", "a step").and_then(|node| {
        reader.choice(node, "the type of a step", &[false, true], |probe| if probe { "probe" } else { "action" })
    });
    let is_probe = is_probe?.value;
    let span = name.as_ref().map_or(block.span, |name| name.span);
    let kind = if is_probe {
        let look = hypothesis::look(reader, block);
        StepKind::Probe(look?.named(name.as_ref()?.value.clone()))
    } else {
        action(reader, block, span, known, before)?
    };
    let (pause_before, pause_after) = pauses?;
    Some(At { value: Step { name: name?.value, kind, pause_before, pause_after }, span })
}

/// What an action does. `here` is the place of its name.
fn action(reader: &mut Reader, block: &Fields<'_>, here: Span, known: &Known, before: &Method) -> Option<StepKind> {
    if let Some(entry) = block.entry("tolerance") {
        let hint = "add a step of type probe after it";
        reader.error(Code::CONFLICT, entry.key_span, "an action has no tolerance", hint);
    }
    let node = block.required(reader, "provider", "an action")?;
    match provider::kind(reader, node, Kind::DO, "an action")? {
        Kind::Fault => fault::read(reader, node, known).map(StepKind::Fault),
        Kind::Command => provider::command(reader, node, known).map(StepKind::Command),
        Kind::Undo => {
            let block = reader.fields(node, "an undo", keys::UNDO)?;
            let node = block.required(reader, "of", "an undo")?;
            let of = before.refer(reader, node, here)?;
            if before.steps.iter().any(|step| matches!(&step.value.kind, StepKind::Undo(other) if *other == of)) {
                let message = format!("the step `{of}` is undone already");
                reader.error(codes::NOTHING_TO_UNDO, node.span, message, "one undo of a step is enough");
            }
            Some(StepKind::Undo(of))
        }
        Kind::Sli | Kind::Http | Kind::Process => None,
    }
}

impl Method {
    /// The name of a step that has an undo and comes before this place.
    fn refer(&self, reader: &mut Reader, node: &Node, here: Span) -> Option<String> {
        let text = reader.text(node, "a reference to a step")?;
        if let Some(step) = self.steps.iter().find(|step| step.value.name == text) {
            if step.value.has_undo() {
                return Some(text.to_owned());
            }
            let message = format!("the step `{text}` has no undo");
            reader.error(codes::NOTHING_TO_UNDO, node.span, message, "only faults and commands have one");
            return None;
        }
        match self.names.get(text) {
            Some(later) if *later >= here => {
                let message = format!("the step `{text}` comes only on line {}", reader.line(*later));
                reader.error(codes::LATER_STEP, node.span, message, "only what was done can be undone");
            }
            // It could not be read, which was told.
            Some(_) => {}
            None if reader.unfit.contains(text) => {}
            None => {
                let names = || self.names.keys().map(String::as_str);
                let hint = reader.suggest(text, names());
                let hint = hint.unwrap_or_else(|| format!("its steps are {}", names().collect::<Vec<_>>().join(", ")));
                let message = format!("the method has no step `{}`", shortened(text));
                reader.error(codes::UNKNOWN_STEP, node.span, message, hint);
            }
        }
        None
    }
}

/// Waits before and after a step.
fn pauses(reader: &mut Reader, node: &Node) -> Option<(Duration, Duration)> {
    let block = reader.fields(node, "pauses", keys::PAUSES)?;
    let mut one = |key: &str| match block.get(key) {
        Some(node) => values::duration(reader, node, key, 0.0..=3600.0),
        None => Some(Duration::ZERO),
    };
    let (before, after) = (one("before"), one("after"));
    Some((before?, after?))
}

/// The order in which steps are undone, as far as the file gives one.
pub(super) fn rollbacks(reader: &mut Reader, node: &Node, method: &Method) -> Vec<String> {
    /// Behind every step.
    const END: Span = Span { start: usize::MAX, end: usize::MAX };
    let mut names: BTreeMap<String, Span> = BTreeMap::new();
    let mut order = Vec::new();
    for item in reader.list(node, "rollbacks", MOST).unwrap_or_default() {
        let block = reader.fields(item, "a rollback", keys::ROLLBACK);
        let node = block.and_then(|block| block.required(reader, "ref", "a rollback"));
        let Some(node) = node else { continue };
        let Some(name) = method.refer(reader, node, END) else { continue };
        hypothesis::is_new(reader, &mut names, &name, node.span, "rollback of");
        order.push(name);
    }
    order
}
