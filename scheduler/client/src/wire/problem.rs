//! RFC 9457 problem details with a stable `code`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `urn:meridian:problem:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Stable, for programs, such as `lease_lost`.
    pub code: String,
    /// The HTTP status.
    pub status: u16,
    /// The same for every occurrence of the code.
    pub title: String,
    /// What is wrong here and what to do.
    pub detail: String,
    /// Where in the input, as a JSON pointer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// More for programs, such as the nearest names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<Value>,
}
