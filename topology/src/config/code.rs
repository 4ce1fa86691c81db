//! The codes of findings that only `topology.yaml` gives.

use crate::yaml::Code;

impl Code {
    /// A shorthand agent that cannot be read.
    pub const INVALID_AGENT: Self = Self::new("invalid_agent");
    /// A cloud that the catalogue does not know.
    pub const UNKNOWN_PROVIDER: Self = Self::new("unknown_provider");
    /// A cloud region that the catalogue does not know.
    pub const UNKNOWN_CLOUD_REGION: Self = Self::new("unknown_cloud_region");
    /// A region that the file does not have.
    pub const UNKNOWN_REGION: Self = Self::new("unknown_region");
    /// A database region that the cluster's cloud does not have.
    pub const UNKNOWN_DATABASE_REGION: Self = Self::new("unknown_database_region");
    /// A specialization twice in one region.
    pub const DUPLICATE_POOL: Self = Self::new("duplicate_pool");
    /// Replicas of a specialization that has no primary.
    pub const REPLICA_WITHOUT_PRIMARY: Self = Self::new("replica_without_primary");
    /// No pool at all.
    pub const NO_POOLS: Self = Self::new("no_pools");
    /// A steering pool that is neither listed nor `<region>-pool` of a region.
    pub const UNKNOWN_STEERING_POOL: Self = Self::new("unknown_steering_pool");
    /// A load balancer's pool that belongs to no region.
    pub const POOL_WITHOUT_REGION: Self = Self::new("pool_without_region");
    /// An area of the world that steering does not know.
    pub const UNKNOWN_AREA: Self = Self::new("unknown_area");
    /// A residency rule that allows no region.
    pub const EMPTY_RESIDENCY: Self = Self::new("empty_residency");
    /// A residency rule with a region whose rows would be homed outside its jurisdiction.
    pub const RESIDENCY_OUTSIDE: Self = Self::new("residency_outside");
    /// A residency strength that the database block cannot give.
    pub const RESIDENCY_TOO_STRONG: Self = Self::new("residency_too_strong");
    /// Too few database regions for `survive: region`.
    pub const TOO_FEW_DATABASE_REGIONS: Self = Self::new("too_few_database_regions");
    /// Network ranges that overlap.
    pub const OVERLAPPING_RANGES: Self = Self::new("overlapping_ranges");
    /// A session that ends before its third heartbeat, or a like pair of clocks.
    pub const CLOCK_ORDER: Self = Self::new("clock_order");
    /// A clock that the engine is too slow for.
    pub const CLOCK_TIGHT: Self = Self::new("clock_tight");
    /// A key whose effect is not built yet.
    pub const NO_EFFECT_YET: Self = Self::new("no_effect_yet");
    /// Something that works but is weaker than it may look.
    pub const WEAK: Self = Self::new("weak");
}
