//! Strict YAML for files that people write: all mistakes at once, each with its place.
//!
//! The way of a text: `source` (places), `tree` (YAML to nodes with places), and a reader of each kind of file, which
//! asks the [`Reader`] for typed values. Every step adds to one list of [`Findings`]. `topology.yaml` is read with it, and
//! so are the drills of `chaos`.

mod code;
pub mod duration;
mod finding;
mod json;
mod reader;
mod render;
mod scalar;
mod source;
mod tree;
mod words;

pub use code::Code;
pub use finding::{Finding, Findings, Severity, shortened};
pub use json::to_json;
pub use reader::{At, Fields, Hint, Reader};
pub use scalar::{Kind, Scalar};
pub use source::Span;
pub use tree::{Entry, Node, Value};
pub use words::{name_like, one_of, shown};

/// Largest file that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;
