//! The figures of links and owners, as Prometheus reads them.

use std::fmt::Display;

use super::wire::LinksTold;

/// A page of figures that is being written.
#[derive(Default)]
struct Page(String);

impl Page {
    fn kind(&mut self, name: &str, kind: &str) {
        self.0.push_str(&format!("# TYPE {name} {kind}\n"));
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        self.0.push_str(&format!("{name}{{{}}} {value}\n", labels.join(",")));
    }
}

/// Writes the page.
pub(super) fn render(told: &LinksTold) -> String {
    let mut page = Page::default();
    connections(&mut page, told);
    requests(&mut page, told);
    page.kind("proxy_toxics", "gauge");
    for owner in &told.owners {
        page.sample("proxy_toxics", &[("owner", &owner.owner)], owner.toxics);
    }
    page.kind("proxy_toxics_expired_total", "counter");
    for owner in &told.owners {
        page.sample("proxy_toxics_expired_total", &[("owner", &owner.owner)], owner.expired);
    }
    page.0
}

fn connections(page: &mut Page, told: &LinksTold) {
    page.kind("proxy_connections_open", "gauge");
    for link in &told.links {
        page.sample("proxy_connections_open", &[("link", &link.name)], link.open_connections);
    }
    page.kind("proxy_connections_total", "counter");
    for link in &told.links {
        page.sample("proxy_connections_total", &[("link", &link.name)], link.accepted);
    }
    page.kind("proxy_bytes_total", "counter");
    for link in &told.links {
        for (direction, bytes) in [("up", link.bytes_up), ("down", link.bytes_down)] {
            page.sample("proxy_bytes_total", &[("link", &link.name), ("direction", direction)], bytes);
        }
    }
}

fn requests(page: &mut Page, told: &LinksTold) {
    page.kind("proxy_answered_total", "counter");
    for link in &told.links {
        for (path, count) in &link.answered {
            page.sample("proxy_answered_total", &[("link", &link.name), ("path", path)], count);
        }
    }
    page.kind("proxy_statements_total", "counter");
    for link in &told.links {
        for (name, told) in &link.statements {
            for (answer, count) in [
                ("serialization_failure", told.serialization_failure),
                ("admin_shutdown", told.admin_shutdown),
                ("ambiguous", told.ambiguous),
            ] {
                let labels = [("link", link.name.as_str()), ("statement", name), ("answer", answer)];
                page.sample("proxy_statements_total", &labels, count);
            }
        }
    }
}
