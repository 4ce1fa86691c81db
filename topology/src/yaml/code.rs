//! The codes of findings.

use std::fmt;

use serde::{Serialize, Serializer};

/// What kind of finding it is; its text is stable. Every file's reader has codes of its own beside those that any file
/// may give, which are here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(&'static str);

impl Code {
    /// The text is no YAML.
    pub const SYNTAX: Self = Self::new("syntax");
    /// The file is larger than is read.
    pub const TOO_LARGE: Self = Self::new("too_large");
    /// More lists in lists than is read.
    pub const TOO_DEEP: Self = Self::new("too_deep");
    /// More entries or characters than one block may have.
    pub const TOO_MANY: Self = Self::new("too_many");
    /// NUL or another control character.
    pub const CONTROL_CHARACTER: Self = Self::new("control_character");
    /// An anchor, alias, tag or second document.
    pub const YAML_FEATURE: Self = Self::new("yaml_feature");
    /// Nothing is written.
    pub const EMPTY: Self = Self::new("empty");
    /// A key that a block does not have.
    pub const UNKNOWN_KEY: Self = Self::new("unknown_key");
    /// A key that is written twice in one block.
    pub const DUPLICATE_KEY: Self = Self::new("duplicate_key");
    /// A key that a block must have.
    pub const MISSING_KEY: Self = Self::new("missing_key");
    /// A list where a text was wanted, or the like.
    pub const WRONG_TYPE: Self = Self::new("wrong_type");
    /// A text of the right type that means nothing.
    pub const INVALID_VALUE: Self = Self::new("invalid_value");
    /// A text that is not fit as a name.
    pub const INVALID_NAME: Self = Self::new("invalid_name");
    /// A text that is no duration.
    pub const INVALID_DURATION: Self = Self::new("invalid_duration");
    /// A number outside its bounds.
    pub const OUT_OF_RANGE: Self = Self::new("out_of_range");
    /// A version of the file that this program does not know.
    pub const UNKNOWN_VERSION: Self = Self::new("unknown_version");
    /// A name that is used twice.
    pub const DUPLICATE_NAME: Self = Self::new("duplicate_name");
    /// Two keys that exclude each other.
    pub const CONFLICT: Self = Self::new("conflict");

    /// A code of one reader: lower case, words joined by underscores.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        Self(text)
    }

    /// The stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}
