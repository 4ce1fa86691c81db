//! The JSON Schema of `topology.yaml`, for editors.

/// The schema as JSON, its keys in a fixed order.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    todo!()
}
