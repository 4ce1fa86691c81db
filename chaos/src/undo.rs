//! What undoes a fault, as data: it is written down before the fault is injected, so that somebody else can carry it out
//! when the injector has died.

mod carry;
pub mod guard;
pub mod log;
pub mod nodes;
mod pending;
mod rescue;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use carry::{Error as CarryError, carry_out};
pub use guard::Guard;
pub use log::Log;
pub use pending::{pending, undone};
pub use rescue::{Rescued, rescue};

/// How one fault is undone by somebody who knows nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "undo", rename_all = "snake_case")]
pub enum Undo {
    /// A process goes on.
    Continue {
        /// Its id.
        pid: i32,
        /// When it began, as the system counts it; another process with this id is left alone. As in `/proc/PID/stat`.
        began: Option<String>,
    },
    /// A region is uncordoned, by an operator's call to any of these schedulers.
    Uncordon {
        /// Schedulers.
        schedulers: Vec<String>,
        /// The region.
        region: String,
    },
    /// A fault proxy drops everything that this owner put into it.
    Toxics {
        /// Its control address.
        control: String,
        /// The owner.
        owner: String,
    },
    /// A drill's own database server is ended and its data deleted. It is no child that ends with the run.
    Database {
        /// Its port.
        port: u16,
    },
    /// The nodes of a drill's own database cluster are ended and their stores removed.
    Nodes {
        /// Folder of the stores, with a note of every node that was started.
        folder: PathBuf,
    },
    /// A command.
    Command {
        /// What it is done to.
        target: String,
        /// Program and arguments; no shell.
        argv: Vec<String>,
        /// Longest run, in milliseconds.
        timeout_ms: u64,
    },
}

/// A line of `undo.jsonl` in the run's folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum UndoLine {
    /// A step is about to be carried out. Written and synced before it is.
    Planned {
        /// Name of the step.
        step: String,
        /// What undoes it, in this order.
        undo: Vec<Undo>,
    },
    /// A step has been undone.
    Undone {
        /// Name of the step.
        step: String,
    },
    /// The run is over: whatever is not undone is nobody's business any more.
    Over,
}

#[cfg(test)]
mod tests;
