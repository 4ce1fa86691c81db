//! Providers: what carries a step out, or has a figure.

use std::time::Duration;

use topology::yaml::{Code, Node, Reader, Span, one_of, shortened};

use super::{Known, codes, keys, values};
use crate::drill::{CommandSpec, Query};

/// Kinds of providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Fault,
    Command,
    Undo,
    Sli,
    Http,
    Process,
}

impl Kind {
    /// Those that do something.
    pub(super) const DO: [Self; 3] = [Self::Fault, Self::Command, Self::Undo];
    /// Those that look.
    pub(super) const LOOK: [Self; 3] = [Self::Sli, Self::Http, Self::Process];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::Command => "command",
            Self::Undo => "undo",
            Self::Sli => "sli",
            Self::Http => "http",
            Self::Process => "process",
        }
    }
}

/// The kind of a provider, which must be one of these.
pub(super) fn kind(reader: &mut Reader, node: &Node, allowed: [Kind; 3], what: &str) -> Option<Kind> {
    let (text, span) = word(reader, node, "type", "a provider")?;
    if let Some(kind) = allowed.into_iter().find(|kind| kind.as_str() == text) {
        return Some(kind);
    }
    let words = allowed.map(Kind::as_str);
    if [Kind::DO, Kind::LOOK].concat().iter().any(|kind| kind.as_str() == text) {
        let message = format!("{what} does not take the provider `{text}`");
        let hint = format!("an action does something ({}), a probe looks ({})", list(Kind::DO), list(Kind::LOOK));
        reader.error(codes::UNKNOWN_PROVIDER, span, message, hint);
        return None;
    }
    let hint = reader.suggest(text, words).unwrap_or_else(|| format!("{what} takes {}", one_of(&words)));
    reader.error(codes::UNKNOWN_PROVIDER, span, format!("there is no provider `{}`", shortened(text)), hint);
    None
}

fn list(kinds: [Kind; 3]) -> String {
    one_of(&kinds.map(Kind::as_str))
}

/// The word that says which keys a block has.
pub(super) fn word<'n>(reader: &mut Reader, node: &'n Node, key: &str, what: &str) -> Option<(&'n str, Span)> {
    let entries = reader.entries(node, what)?;
    if let Some(entry) = entries.iter().find(|entry| entry.key == key) {
        return reader.text(&entry.value, key).map(|text| (text, entry.value.span));
    }
    let near = topology::catalogue::nearest(key, entries.iter().map(|entry| &*entry.key)).first().copied();
    let hint = near.map(|near| format!("is it what `{near}` was to be?"));
    reader.error(Code::MISSING_KEY, node.span, format!("{what} needs the key `{key}`"), hint);
    None
}

/// What is looked at, and over which time.
pub(super) fn query(reader: &mut Reader, node: &Node, kind: Kind) -> Option<(Query, Duration)> {
    /// Where a figure has no window, or none is written.
    const WINDOW: Duration = Duration::from_secs(2);
    match kind {
        Kind::Sli => sli(reader, node, WINDOW),
        Kind::Http => {
            let block = reader.fields(node, "an http provider", keys::HTTP)?;
            let url = block.required(reader, "url", "an http provider")?;
            let text = reader.words(url, "url")?;
            if !text.starts_with("http://") && !text.starts_with("https://") {
                let message = format!("`{}` is no address of HTTP", shortened(text));
                reader.error(Code::INVALID_VALUE, url.span, message, "begin with http:// or https://");
                return None;
            }
            Some((Query::HttpStatus { url: text.to_owned() }, WINDOW))
        }
        Kind::Process => {
            let block = reader.fields(node, "a process provider", keys::PROCESS)?;
            let argv = block.required(reader, "argv", "a process provider");
            let argv = argv.and_then(|node| values::argv(reader, node, "argv"));
            let number = block.get("read").and_then(|node| {
                reader.choice(node, "read", &[false, true], |number| if number { "number" } else { "exit_code" })
            });
            let argv = argv?;
            let is_number = number.is_some_and(|at| at.value);
            Some((if is_number { Query::Number { argv } } else { Query::ExitCode { argv } }, WINDOW))
        }
        Kind::Fault | Kind::Command | Kind::Undo => None,
    }
}

/// A figure of the world's own.
fn sli(reader: &mut Reader, node: &Node, window: Duration) -> Option<(Query, Duration)> {
    let block = reader.fields(node, "an sli provider", keys::SLI)?;
    let query = block.required(reader, "query", "an sli provider");
    let query = query.and_then(|node| reader.choice(node, "query", &FIGURES, |(word, _)| word));
    let window = match block.get("window_s") {
        Some(node) => values::duration(reader, node, "window_s", 0.5..=60.0),
        None => Some(window),
    };
    let (_, query) = query?.value;
    Some((query(), window?))
}

/// A word, and the figure that it stands for.
type Figure = (&'static str, fn() -> Query);

/// Figures of the world's own, by their words.
pub(in crate::drill) const FIGURES: [Figure; 5] = [
    ("submit_success_ratio", || Query::SubmitSuccessRatio),
    ("submit_to_leased_p99_ms", || Query::SubmitToLeasedP99Ms),
    ("stranded_leases", || Query::StrandedLeases),
    ("overdue_missions", || Query::OverdueMissions),
    ("serving_regions", || Query::ServingRegions),
];

/// A command with the one that undoes it.
pub(super) fn command(reader: &mut Reader, node: &Node, known: &Known) -> Option<CommandSpec> {
    let what = "a command";
    let block = reader.fields(node, what, keys::COMMAND)?;
    let target = block.required(reader, "target", what).and_then(|node| reader.words(node, "target"));
    let argv = block.required(reader, "argv", what).and_then(|node| values::argv(reader, node, "argv"));
    let undo = block.required(reader, "undo", what).and_then(|node| values::argv(reader, node, "undo"));
    let region = match block.get("region") {
        Some(node) => Some(values::region(reader, node, known)?),
        None => None,
    };
    let timeout = match block.get("timeout_s") {
        Some(node) => values::duration(reader, node, "timeout_s", 1.0..=600.0)?,
        None => Duration::from_secs(30),
    };
    Some(CommandSpec { target: target?.to_owned(), region, argv: argv?, undo: undo?, timeout })
}
