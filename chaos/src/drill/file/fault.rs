//! Faults, by their words.

use topology::yaml::{Code, Fields, Node, Reader, shortened};

use super::links::{Toxic, link_keys, links};
use super::{Known, codes, provider, values};
use crate::drill::{EdgeHealth, Fault, OperatorVerb, ProcessKind, RegionSelector, StatementAnswer};

/// The word of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Partition,
    Toxic(Toxic),
    GatewayDown,
    Kill,
    CrashLoop,
    Pause,
    RestartDatabase,
    Statements,
    Cordon,
    Drain,
    Edge,
    Load,
    SilenceInjector,
}

const REGION: &[&str] = &["type", "fault", "region"];
const TARGET: &[&str] = &["type", "fault", "target"];

const PROCESSES: [(&str, ProcessKind); 3] =
    [("scheduler", ProcessKind::Scheduler), ("agent", ProcessKind::Agent), ("region", ProcessKind::Region)];

const ANSWERS: [(&str, StatementAnswer); 3] = [
    ("serialization_failure", StatementAnswer::SerializationFailure),
    ("admin_shutdown", StatementAnswer::AdminShutdown),
    ("ambiguous", StatementAnswer::Ambiguous),
];

const HEALTH: [(&str, EdgeHealth); 2] = [("red", EdgeHealth::Red), ("green", EdgeHealth::Green)];

impl Word {
    /// All of them.
    pub(crate) const ALL: [Self; 20] = [
        Self::Partition,
        Self::Toxic(Toxic::Latency),
        Self::Toxic(Toxic::Bandwidth),
        Self::Toxic(Toxic::Stall),
        Self::Toxic(Toxic::Blackhole),
        Self::Toxic(Toxic::Reset),
        Self::Toxic(Toxic::Refuse),
        Self::Toxic(Toxic::HalfOpen),
        Self::Toxic(Toxic::SlowClose),
        Self::GatewayDown,
        Self::Kill,
        Self::CrashLoop,
        Self::Pause,
        Self::RestartDatabase,
        Self::Statements,
        Self::Cordon,
        Self::Drain,
        Self::Edge,
        Self::Load,
        Self::SilenceInjector,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Partition => "partition",
            Self::Toxic(toxic) => toxic.as_str(),
            Self::GatewayDown => "gateway_down",
            Self::Kill => "kill",
            Self::CrashLoop => "crash_loop",
            Self::Pause => "pause",
            Self::RestartDatabase => "restart_database",
            Self::Statements => "statements",
            Self::Cordon => "cordon",
            Self::Drain => "drain",
            Self::Edge => "edge",
            Self::Load => "load",
            Self::SilenceInjector => "silence_injector",
        }
    }

    /// The word that says a fault.
    pub(crate) const fn of(fault: &Fault) -> Self {
        match fault {
            Fault::Partition { .. } => Self::Partition,
            Fault::Toxic { toxic, .. } => Self::Toxic(Toxic::of(toxic)),
            Fault::GatewayDown { .. } => Self::GatewayDown,
            Fault::Kill { .. } => Self::Kill,
            Fault::CrashLoop { .. } => Self::CrashLoop,
            Fault::Pause { .. } => Self::Pause,
            Fault::RestartDatabase { .. } => Self::RestartDatabase,
            Fault::Statements { .. } => Self::Statements,
            Fault::Verb { verb: OperatorVerb::Cordon, .. } => Self::Cordon,
            Fault::Verb { verb: OperatorVerb::Drain, .. } => Self::Drain,
            Fault::Edge { .. } => Self::Edge,
            Fault::Load { .. } => Self::Load,
            Fault::SilenceInjector => Self::SilenceInjector,
        }
    }

    /// The keys of its provider.
    pub(in crate::drill) const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Partition => link_keys!(),
            Self::Toxic(toxic) => toxic.keys(),
            Self::GatewayDown | Self::Cordon | Self::Drain => REGION,
            Self::Kill | Self::Pause => TARGET,
            Self::CrashLoop => &["type", "fault", "region", "every"],
            Self::RestartDatabase => &["type", "fault", "down"],
            Self::Statements => &["type", "fault", "name", "answer", "share"],
            Self::Edge => &["type", "fault", "region", "health"],
            Self::Load => &["type", "fault", "per_second"],
            Self::SilenceInjector => &["type", "fault"],
        }
    }
}

/// A fault.
pub(super) fn read(reader: &mut Reader, node: &Node, known: &Known) -> Option<Fault> {
    let (text, span) = provider::word(reader, node, "fault", "a fault")?;
    let Some(word) = Word::ALL.into_iter().find(|word| word.as_str() == text) else {
        let words = || Word::ALL.map(Word::as_str);
        let hint = reader.suggest(text, words()).unwrap_or_else(|| format!("there are {}", words().join(", ")));
        reader.error(codes::UNKNOWN_FAULT, span, format!("there is no fault `{}`", shortened(text)), hint);
        return None;
    };
    let what = format!("the fault {}", word.as_str());
    let block = reader.fields(node, &what, word.keys())?;
    of_word(&mut Block { reader, block, what, known }, word)
}

fn of_word(block: &mut Block<'_, '_>, word: Word) -> Option<Fault> {
    Some(match word {
        Word::Partition => Fault::Partition { links: block.links()? },
        Word::Toxic(toxic) => {
            let (links, toxic) = (block.links(), toxic.read(block.reader, &block.block));
            Fault::Toxic { links: links?, toxic: toxic? }
        }
        Word::GatewayDown => Fault::GatewayDown { region: block.region()? },
        Word::Kill => {
            let (process, region) = block.target()?;
            Fault::Kill { process, region }
        }
        Word::Pause => {
            let (process, region) = block.target()?;
            Fault::Pause { process, region }
        }
        Word::CrashLoop => {
            let (region, every) = (block.region(), block.duration("every"));
            Fault::CrashLoop { region: region?, every: every? }
        }
        Word::RestartDatabase => Fault::RestartDatabase { down: block.duration("down")? },
        Word::Statements => {
            let (name, answer, share) =
                (block.words("name"), block.choice("answer", &ANSWERS), block.number("share", 1.0));
            Fault::Statements { name: name?, answer: answer?, share: share? }
        }
        Word::Cordon => Fault::Verb { region: block.region()?, verb: OperatorVerb::Cordon },
        Word::Drain => Fault::Verb { region: block.region()?, verb: OperatorVerb::Drain },
        Word::Edge => {
            let (region, health) = (block.region(), block.choice("health", &HEALTH));
            Fault::Edge { region: region?, health: health? }
        }
        Word::Load => Fault::Load { per_second: block.number("per_second", 10_000.0)? },
        Word::SilenceInjector => Fault::SilenceInjector,
    })
}

/// The provider of a fault while it is read.
struct Block<'r, 'n> {
    reader: &'r mut Reader,
    block: Fields<'n>,
    what: String,
    known: &'r Known,
}

impl<'n> Block<'_, 'n> {
    fn required(&mut self, key: &str) -> Option<&'n Node> {
        self.block.required(self.reader, key, &self.what)
    }

    fn links(&mut self) -> Option<crate::drill::LinkSelector> {
        links(self.reader, &self.block, &self.what, self.known)
    }

    fn region(&mut self) -> Option<RegionSelector> {
        let node = self.required("region")?;
        values::region(self.reader, node, self.known)
    }

    fn duration(&mut self, key: &str) -> Option<std::time::Duration> {
        let node = self.required(key)?;
        values::duration(self.reader, node, key, 0.1..=600.0)
    }

    fn number(&mut self, key: &str, most: f64) -> Option<f64> {
        let node = self.required(key)?;
        self.reader.number(node, key, 0.0..=most)
    }

    fn words(&mut self, key: &str) -> Option<String> {
        let node = self.required(key)?;
        self.reader.words(node, key).map(str::to_owned)
    }

    fn choice<T: Copy>(&mut self, key: &str, all: &[(&'static str, T)]) -> Option<T> {
        let node = self.required(key)?;
        self.reader.choice(node, key, all, |(word, _)| word).map(|at| at.value.1)
    }

    /// `agent@us-west`: which process, and where.
    fn target(&mut self) -> Option<(ProcessKind, RegionSelector)> {
        let node = self.required("target")?;
        let text = self.reader.text(node, "target")?;
        let form = "write scheduler@REGION, agent@REGION or region@REGION";
        let Some((process, region)) = text.split_once('@') else {
            let message = format!("target must be a process and a region, not `{}`", shortened(text));
            let hint = if text == "database" { "the fault for that is restart_database" } else { form };
            self.reader.error(Code::INVALID_VALUE, node.span, message, hint);
            return None;
        };
        let Some((_, kind)) = PROCESSES.into_iter().find(|(word, _)| *word == process) else {
            let hint = self.reader.suggest(process, PROCESSES.map(|(word, _)| word)).unwrap_or_else(|| form.to_owned());
            let message = format!("there is no process `{}`", shortened(process));
            self.reader.error(Code::INVALID_VALUE, node.span, message, hint);
            return None;
        };
        Some((kind, values::region_in(self.reader, node, region, self.known)?))
    }
}
