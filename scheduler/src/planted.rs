//! Bugs that are planted so that drills can show that they would find them. For tests alone.
//!
//! Only the feature `planted-bugs` compiles them, and only the program `scheduler-with-bugs`, which needs it, plants one:
//! the one that `MERIDIAN_PLANTED_BUG` names. Without the feature the macro `planted!` is its last expression and no more.

#[cfg(feature = "planted-bugs")]
mod bugs;

#[cfg(feature = "planted-bugs")]
pub use bugs::*;

/// `planted!(TheBug, wrong, right)`: the wrong expression where that bug is planted, else the right one.
#[cfg(feature = "planted-bugs")]
macro_rules! planted {
    ($bug:ident, $wrong:expr, $right:expr) => {
        if $crate::planted::is($crate::planted::Bug::$bug) { $wrong } else { $right }
    };
}

#[cfg(not(feature = "planted-bugs"))]
macro_rules! planted {
    ($bug:ident, $wrong:expr, $right:expr) => {
        $right
    };
}

pub(crate) use planted;

/// The program's version as it tells it.
#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Says in the log which bug is planted: none.
#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn warn() {}
