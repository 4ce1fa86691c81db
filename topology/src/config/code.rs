//! The codes of findings.

use std::fmt;

use serde::{Serialize, Serializer};

/// The registry of codes.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)+) => {
        /// What kind of finding it is; its text is stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)+
        }

        impl Code {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The stable text.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

codes! {
    /// The text is no YAML.
    Syntax = "syntax";
    /// The file is larger than is read.
    TooLarge = "too_large";
    /// More lists in lists than is read.
    TooDeep = "too_deep";
    /// More entries or characters than one block may have.
    TooMany = "too_many";
    /// NUL or another control character.
    ControlCharacter = "control_character";
    /// An anchor, alias, tag or second document.
    YamlFeature = "yaml_feature";
    /// Nothing is written.
    Empty = "empty";
    /// A key that a block does not have.
    UnknownKey = "unknown_key";
    /// A key that is written twice in one block.
    DuplicateKey = "duplicate_key";
    /// A key that a block must have.
    MissingKey = "missing_key";
    /// A list where a text was wanted, or the like.
    WrongType = "wrong_type";
    /// A text of the right type that means nothing.
    InvalidValue = "invalid_value";
    /// A text that is not fit as a name.
    InvalidName = "invalid_name";
    /// A text that is no duration.
    InvalidDuration = "invalid_duration";
    /// A shorthand agent that cannot be read.
    InvalidAgent = "invalid_agent";
    /// A number outside its bounds.
    OutOfRange = "out_of_range";
    /// A version of the file that this program does not know.
    UnknownVersion = "unknown_version";
    /// A cloud that the catalogue does not know.
    UnknownProvider = "unknown_provider";
    /// A cloud region that the catalogue does not know.
    UnknownCloudRegion = "unknown_cloud_region";
    /// A region that the file does not have.
    UnknownRegion = "unknown_region";
    /// A database region that the cluster's cloud does not have.
    UnknownDatabaseRegion = "unknown_database_region";
    /// A name that is used twice.
    DuplicateName = "duplicate_name";
    /// A specialization twice in one region.
    DuplicatePool = "duplicate_pool";
    /// Replicas of a specialization that has no primary.
    ReplicaWithoutPrimary = "replica_without_primary";
    /// No pool at all.
    NoPools = "no_pools";
    /// A steering pool that is neither listed nor `<region>-pool` of a region.
    UnknownSteeringPool = "unknown_steering_pool";
    /// A load balancer's pool that belongs to no region.
    PoolWithoutRegion = "pool_without_region";
    /// An area of the world that steering does not know.
    UnknownArea = "unknown_area";
    /// A residency rule that allows no region.
    EmptyResidency = "empty_residency";
    /// A residency rule with a region whose rows would be homed outside its jurisdiction.
    ResidencyOutside = "residency_outside";
    /// A residency strength that the database block cannot give.
    ResidencyTooStrong = "residency_too_strong";
    /// Too few database regions for `survive: region`.
    TooFewDatabaseRegions = "too_few_database_regions";
    /// Two keys that exclude each other.
    Conflict = "conflict";
    /// Network ranges that overlap.
    OverlappingRanges = "overlapping_ranges";
    /// A session that ends before its third heartbeat, or a like pair of clocks.
    ClockOrder = "clock_order";
    /// A clock that the engine is too slow for.
    ClockTight = "clock_tight";
    /// A key whose effect is not built yet.
    NoEffectYet = "no_effect_yet";
    /// Something that works but is weaker than it may look.
    Weak = "weak";
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
