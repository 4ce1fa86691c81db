//! The OpenAPI document, generated from the handlers.

use std::sync::OnceLock;

use scheduler_client::wire;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use super::{agents, control, events, memory, missions, ops, results};

/// Refusals that every route may answer with, by status.
const ALWAYS: [(&str, &str); 4] = [
    ("400", "`malformed_json`, `malformed_query`, `malformed_path`, `malformed_header`, `incomplete_body`"),
    ("500", "`internal`: a fault of the scheduler"),
    ("503", "`overloaded`, `database_unavailable`, `indeterminate`, `not_ready`: come back after Retry-After"),
    ("504", "`timed_out`: nobody knows whether it was done"),
];

/// Refusals of routes that need a token.
const WITH_TOKEN: [(&str, &str); 2] =
    [("401", "`unauthenticated`"), ("403", "`forbidden`, `not_yours`: the token does not allow this")];

/// Refusals of routes that take a body or a query.
const WITH_INPUT: [(&str, &str); 1] = [("422", "The input is wrong: the code says how, the pointer where")];

/// Refusals of routes that take a body.
const WITH_BODY: [(&str, &str); 2] = [("413", "`body_too_large`"), ("415", "`unsupported_media_type`")];

#[derive(OpenApi)]
#[openapi(
    info(title = "Meridian scheduler", description = "Takes missions, places them, leases them to region agents."),
    paths(
        missions::submit, missions::list, missions::show, missions::placement, missions::cancel, missions::retry,
        agents::register, agents::heartbeat, agents::claim, agents::end,
        agents::complete, agents::fail, agents::release, agents::progress, results::results, agents::wake,
        control::topology, control::apply, control::history, control::plan, control::revert, control::schedulers,
        control::cordon, control::drain, control::uncordon,
        control::tokens, control::create_token, control::revoke_token, control::regions, control::pools,
        memory::search, memory::show, memory::forget, memory::judge, memory::stats, memory::lessons, memory::hit_rate,
        memory::patterns,
        events::events, ops::health, ops::ready, ops::metrics,
    ),
    components(schemas(wire::Problem, wire::EventMission, wire::EventTopology, wire::EventGap)),
    security(("token" = [])),
    modifiers(&Refusals, &Tokens),
)]
struct Document;

/// The document.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// The document as JSON; made once.
///
/// # Panics
/// Never: the document has only texts and numbers.
#[must_use]
pub fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let mut text = document().to_pretty_json().expect("the document is plain data");
        text.push('\n');
        text
    })
}

/// Adds to every operation the refusals that its kind may answer with.
struct Refusals;

impl Modify for Refusals {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for (path, item) in &mut document.paths.paths {
            let is_probe = path == "/health" || path == "/ready";
            let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
            for operation in operations.into_iter().flatten() {
                complete(operation, is_probe);
            }
        }
    }
}

fn complete(operation: &mut Operation, is_probe: bool) {
    if is_probe {
        return;
    }
    add(operation, &ALWAYS);
    add(operation, &WITH_TOKEN);
    let has_body = operation.request_body.is_some();
    if has_body || operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty()) {
        add(operation, &WITH_INPUT);
    }
    if has_body {
        add(operation, &WITH_BODY);
    }
}

fn add(operation: &mut Operation, refusals: &[(&str, &str)]) {
    for (status, description) in refusals {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let response =
            ResponseBuilder::new().description(*description).content("application/problem+json", content).build();
        operation.responses.responses.entry((*status).to_owned()).or_insert_with(|| response.into());
    }
}

/// Declares the bearer token.
struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_what_it_was() {
        insta::assert_json_snapshot!(document());
    }
}
