//! The blocks `platform`, `rollout` and `budgets`: checked for their shape, kept in the text, without effect yet.

use std::time::Duration;

use super::keys;
use super::network::{self, Range};
use crate::yaml::{At, Code, Entry, Node, Reader, one_of};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Reads `platform`; gives the network range that all regions' ranges must be in.
pub(super) fn platform(reader: &mut Reader, entry: &Entry) -> Option<At<Range>> {
    reader.no_effect(entry.key_span, "platform");
    let fields = reader.fields(&entry.value, "platform", keys::PLATFORM)?;
    if let Some(node) = fields.get("accounts") {
        for account in reader.entries(node, "platform.accounts").unwrap_or_default() {
            provider_key(reader, account);
            reader.words(&account.value, "an account");
        }
    }
    for key in ["zone", "module_source"] {
        if let Some(node) = fields.get(key) {
            reader.words(node, key);
        }
    }
    if let Some(node) = fields.get("backend") {
        backend(reader, node);
    }
    fields.get("network_range").and_then(|node| network::read(reader, node, "network_range"))
}

fn provider_key(reader: &mut Reader, account: &Entry) {
    if account.key.parse::<crate::model::Provider>().is_err() {
        let names = crate::model::Provider::ALL.map(crate::model::Provider::as_str);
        let hint = reader.suggest(&account.key, names);
        let message = format!("an account belongs to {}", one_of(&names));
        reader.error(Code::UNKNOWN_PROVIDER, account.key_span, message, hint);
    }
}

/// Terraform's backend: its kind and free settings.
fn backend(reader: &mut Reader, node: &Node) {
    let Some(entries) = reader.entries(node, "platform.backend") else { return };
    if !entries.iter().any(|entry| entry.key == "type") {
        let hint = "such as { type: s3, bucket: states }";
        reader.error(Code::MISSING_KEY, node.span, "platform.backend needs the key `type`", hint);
    }
    for entry in entries {
        reader.words(&entry.value, "a backend's setting");
    }
}

/// Reads `rollout: { steps: [10, 50, 100], soak: 10m }`.
pub(super) fn rollout(reader: &mut Reader, entry: &Entry) {
    reader.no_effect(entry.key_span, "rollout");
    let Some(fields) = reader.fields(&entry.value, "rollout", keys::ROLLOUT) else { return };
    if let Some(node) = fields.get("soak") {
        reader.duration(node, "soak", Duration::ZERO..=DAY * 30);
    }
    let Some(node) = fields.get("steps") else { return };
    let Some(items) = reader.list(node, "steps", 100) else { return };
    let mut last = 0;
    for item in items {
        let Some(step) = reader.count(item, "a step in per cent", 1..=100) else { continue };
        if step <= last {
            reader.error(Code::OUT_OF_RANGE, item.span, format!("the step {step} is not above {last}"), "steps go up");
        }
        last = step;
    }
}

/// Reads `budgets: { monthly_usd: 1000, error_minutes: 40 }`.
pub(super) fn budgets(reader: &mut Reader, entry: &Entry) {
    reader.no_effect(entry.key_span, "budgets");
    let Some(fields) = reader.fields(&entry.value, "budgets", keys::BUDGETS) else { return };
    for key in keys::BUDGETS {
        if let Some(node) = fields.get(key) {
            reader.number(node, key, 0.0..=1e9);
        }
    }
}
