//! The keys of every block. The readers, the JSON Schema's test and the documentation rest on these lists.

pub(crate) const FILE: &[&str] = &[
    "version",
    "regions",
    "load_balancer",
    "residency",
    "fallbacks",
    "database",
    "scheduling",
    "latency",
    "platform",
    "rollout",
    "budgets",
];
pub(crate) const REGION: &[&str] = &["name", "provider", "region", "agents", "state", "cidr", "spot"];
pub(crate) const AGENT: &[&str] = &["specialization", "role", "replicas", "slots", "min", "max", "run_limit"];
pub(crate) const LOAD_BALANCER: &[&str] = &["name", "pools", "geo_steering"];
pub(crate) const STEERING_POOL: &[&str] = &["name", "for", "origins", "monitor"];
pub(crate) const ORIGIN: &[&str] = &["name", "address", "weight"];
pub(crate) const GEO_STEERING: &[&str] = &["region", "pool"];
pub(crate) const RESIDENCY: &[&str] = &["regions", "strength"];
pub(crate) const DATABASE: &[&str] =
    &["cloud", "primary_region", "survive", "placement", "regions", "max_clock_offset"];
pub(crate) const SCHEDULING: &[&str] = &[
    "session_ttl",
    "heartbeat",
    "margin",
    "down_after",
    "up_after",
    "spill_after",
    "max_attempts",
    "max_crashes",
    "run_limit",
    "aging",
];
pub(crate) const LATENCY: &[&str] = &["between", "rtt", "source", "date"];
pub(crate) const PLATFORM: &[&str] = &["accounts", "zone", "network_range", "backend", "module_source"];
pub(crate) const ROLLOUT: &[&str] = &["steps", "soak"];
pub(crate) const BUDGETS: &[&str] = &["monthly_usd", "error_minutes"];
