//! The keys of every block. The readers, the JSON Schema's test and the documentation rest on these lists.

pub(crate) const FILE: &[&str] = &[
    "version",
    "title",
    "description",
    "tags",
    "tiers",
    "context",
    "configuration",
    "world",
    "load",
    "objectives",
    "blast_radius",
    "steady-state-hypothesis",
    "abort",
    "method",
    "rollbacks",
    "after",
];
pub(crate) const CONTEXT: &[&str] = &["argv", "name"];
pub(crate) const WORLD: &[&str] = &["regions", "specializations", "slots", "slots_of", "run_ms", "planted_bug"];
pub(crate) const LOAD: &[&str] = &["per_second", "warm_s", "steady_s", "residency_share", "priorities", "seed"];
pub(crate) const OBJECTIVES: &[&str] = &[
    "rto_s",
    "detection_s",
    "rpo_s",
    "lost",
    "duplicated",
    "overlap",
    "budget_minutes",
    "survivors_p99_ratio",
    "failback_errors",
    "priority_inversions",
];
pub(crate) const BLAST_RADIUS: &[&str] = &["regions_max", "min_healthy_regions", "tiers"];
pub(crate) const HYPOTHESIS: &[&str] = &["title", "probes"];
pub(crate) const PROBE: &[&str] = &["type", "name", "tolerance", "provider"];
pub(crate) const RANGE: &[&str] = &["type", "range"];
pub(crate) const BOUNDS: &[&str] = &["min", "max"];
pub(crate) const ABORT: &[&str] = &["when", "below", "above", "for_s", "after_s"];
pub(crate) const STEP: &[&str] = &["type", "name", "tolerance", "provider", "pauses"];
pub(crate) const PAUSES: &[&str] = &["before", "after"];
pub(crate) const ROLLBACK: &[&str] = &["ref"];
pub(crate) const AFTER: &[&str] = &["recheck_hypothesis", "soak_s", "residue_must_be_empty"];
pub(crate) const SLI: &[&str] = &["type", "query", "window_s"];
pub(crate) const HTTP: &[&str] = &["type", "url"];
pub(crate) const PROCESS: &[&str] = &["type", "argv", "read"];
pub(crate) const COMMAND: &[&str] = &["type", "target", "region", "argv", "undo", "timeout_s"];
pub(crate) const UNDO: &[&str] = &["type", "of"];
