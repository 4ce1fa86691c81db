//! How ids and enums of the `topology` crate look in the OpenAPI document: that crate knows nothing of HTTP.

use utoipa::ToSchema;

/// A pool: all agents of one specialization in one region.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct PoolId {
    /// Where the pool runs.
    region: String,
    /// What its agents do.
    specialization: String,
}

/// A point on the globe in degrees.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct Position {
    /// Latitude, north positive.
    #[schema(minimum = -90, maximum = 90)]
    lat: f64,
    /// Longitude, east positive.
    #[schema(minimum = -180, maximum = 180)]
    lng: f64,
}

/// How far a region's roll-out has come.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) enum RegionState {
    /// Written down, nothing is built.
    Planned,
    /// Infrastructure is being built.
    Provisioning,
    /// Runs, but only drill missions and operators use it.
    Dark,
    /// Serves a part of the load.
    Canary,
    /// Serves.
    Active,
    /// Is being emptied for good.
    Retiring,
}

/// The role of a pool for its specialization.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) enum Role {
    /// First choice.
    Primary,
    /// Takes over when the primary is unhealthy or saturated.
    Replica,
}

/// Where a mission comes from. Exactly one of the forms.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) enum Origin {
    /// A point.
    At(Position),
    /// A city of the world model the scheduler was started with.
    World(String),
    /// An ISO 3166-1 alpha-2 country.
    Country(String),
    /// Weighted points; at most 64, weights above 0.
    Weighted(Vec<super::WeightedPoint>),
}
