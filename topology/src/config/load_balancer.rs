//! The block `load_balancer`: Cloudflare pools, each of one region, and which area goes to which pool.

use std::collections::{BTreeMap, BTreeSet};

use super::area;
use super::keys;
use super::residency::known_region;
use crate::catalogue::SteeringCode;
use crate::ids::RegionName;
use crate::model::{LoadBalancer, Origin, Region, SteeringPool};
use crate::yaml::{At, Code, Entry, Node, Reader, Value, shortened};

/// Most pools, origins of a pool, and areas.
const MOST: usize = 1000;

/// The block as it is written.
#[derive(Debug, Default)]
pub(super) struct WrittenLoadBalancer {
    name: Option<String>,
    pools: Vec<SteeringPool>,
    steering: Vec<Steer>,
}

/// One entry of `geo_steering`: codes that go to a pool.
#[derive(Debug)]
struct Steer {
    codes: Vec<SteeringCode>,
    pool: At<String>,
}

/// Reads the block; `known` are the regions of the file.
pub(super) fn read(reader: &mut Reader, entry: &Entry, known: &BTreeSet<RegionName>) -> WrittenLoadBalancer {
    reader.no_effect(entry.key_span, "load_balancer");
    let Some(fields) = reader.fields(&entry.value, "load_balancer", keys::LOAD_BALANCER) else {
        return WrittenLoadBalancer::default();
    };
    let name = fields.get("name").and_then(|node| reader.words(node, "the load balancer's name")).map(str::to_owned);
    let nodes = fields.get("pools").and_then(|node| reader.list(node, "load_balancer.pools", MOST)).unwrap_or_default();
    let mut pools: Vec<SteeringPool> = Vec::new();
    let mut listed = BTreeSet::new();
    for node in nodes {
        listed.extend(name_of(node));
        if let Some(pool) = pool(reader, node, known, &pools) {
            pools.push(pool);
        }
    }
    let nodes = fields.get("geo_steering").and_then(|node| reader.list(node, "geo_steering", MOST)).unwrap_or_default();
    let all: BTreeSet<String> = known.iter().map(own_pool).chain(listed).collect();
    let steering: Vec<Steer> = nodes.iter().filter_map(|node| steer(reader, node, &all)).collect();
    unique_areas(reader, &steering);
    WrittenLoadBalancer { name, pools, steering }
}

/// The pool that a region has where the file lists none.
fn own_pool(region: &RegionName) -> String {
    format!("{region}-pool")
}

/// The name of a listed pool, so that steering to a pool with other mistakes is no second mistake.
fn name_of(node: &Node) -> Option<String> {
    let Value::Map(entries) = &node.value else { return None };
    let name = entries.iter().find(|entry| entry.key == "name")?;
    match &name.value.value {
        Value::Scalar(scalar) => Some(scalar.text.clone()),
        Value::List(_) | Value::Map(_) | Value::Refused => None,
    }
}

fn pool(
    reader: &mut Reader,
    node: &Node,
    known: &BTreeSet<RegionName>,
    before: &[SteeringPool],
) -> Option<SteeringPool> {
    let fields = reader.fields(node, "a pool", keys::STEERING_POOL)?;
    let name = fields.required(reader, "name", "a pool").and_then(|node| pool_name(reader, node));
    let region = match fields.get("for") {
        Some(node) => known_region(reader, node, known).map(|at| at.value),
        None => name.as_ref().and_then(|name| named_after(reader, name, known)),
    };
    let monitor = fields.get("monitor").and_then(|node| path(reader, node));
    let nodes = fields.get("origins").and_then(|node| reader.list(node, "origins", MOST)).unwrap_or_default();
    let origins = nodes.iter().filter_map(|node| origin(reader, node)).collect();
    let (name, region) = (name?, region?);
    if before.iter().any(|pool| pool.name == name.value) {
        reader.error(Code::DUPLICATE_NAME, name.span, format!("two pools are named `{}`", name.value), None);
        return None;
    }
    if let Some(first) = before.iter().find(|pool| pool.region == region) {
        let message = format!("the region `{region}` has the pool `{}` already", first.name);
        reader.error(Code::DUPLICATE_POOL, name.span, message, "put all origins of a region into one pool");
        return None;
    }
    Some(SteeringPool { name: name.value, region, origins, monitor })
}

/// Cloudflare's pool names: letters, digits, `-` and `_`.
fn pool_name(reader: &mut Reader, node: &Node) -> Option<At<String>> {
    let text = reader.words(node, "the pool's name")?;
    if text.len() <= 100 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return Some(At { value: text.to_owned(), span: node.span });
    }
    let message = "a pool's name is made of letters, digits, `-` and `_`, at most 100 of them";
    reader.error(Code::INVALID_NAME, node.span, message, None);
    None
}

fn named_after(reader: &mut Reader, name: &At<String>, known: &BTreeSet<RegionName>) -> Option<RegionName> {
    let region = name.value.strip_suffix("-pool").and_then(|region| region.parse::<RegionName>().ok());
    if let Some(region) = region.filter(|region| known.contains(region)) {
        return Some(region);
    }
    let own: Vec<String> = known.iter().map(own_pool).collect();
    let hint = reader
        .suggest(&name.value, own.iter().map(String::as_str))
        .unwrap_or_else(|| "name it `<region>-pool`, or write `for: <region>`".to_owned());
    reader.error(Code::POOL_WITHOUT_REGION, name.span, format!("the pool `{}` belongs to no region", name.value), hint);
    None
}

fn path(reader: &mut Reader, node: &Node) -> Option<String> {
    let text = reader.words(node, "the monitor")?;
    if text.starts_with('/') && !text.contains(char::is_whitespace) {
        return Some(text.to_owned());
    }
    let message = format!("the monitor is a path, not `{}`", shortened(text));
    reader.error(Code::INVALID_VALUE, node.span, message, "such as /health");
    None
}

fn origin(reader: &mut Reader, node: &Node) -> Option<Origin> {
    let fields = reader.fields(node, "an origin", keys::ORIGIN)?;
    let name = fields.required(reader, "name", "an origin").and_then(|node| reader.words(node, "the origin's name"));
    let address = fields.required(reader, "address", "an origin").and_then(|node| address(reader, node));
    let weight = match fields.get("weight") {
        Some(node) => reader.number(node, "weight", 0.0..=1.0),
        None => Some(1.0),
    };
    Some(Origin { name: name?.to_owned(), address: address?, weight: weight? })
}

/// A host name or an address: no scheme, no path.
fn address(reader: &mut Reader, node: &Node) -> Option<String> {
    let text = reader.words(node, "the address")?;
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '_');
    if text.len() <= 253 && !text.contains("://") && text.chars().all(good) {
        return Some(text.to_owned());
    }
    let message = format!("the address is a host name or IP address, not `{}`", shortened(text));
    reader.error(Code::INVALID_VALUE, node.span, message, "write it without scheme and path: agents.example.io");
    None
}

fn steer(reader: &mut Reader, node: &Node, pools: &BTreeSet<String>) -> Option<Steer> {
    let fields = reader.fields(node, "geo_steering", keys::GEO_STEERING)?;
    let codes = fields.required(reader, "region", "geo_steering").and_then(|node| codes(reader, node));
    let pool = fields.required(reader, "pool", "geo_steering").and_then(|node| {
        let text = reader.words(node, "the pool")?;
        if pools.contains(text) {
            return Some(At { value: text.to_owned(), span: node.span });
        }
        let hint = reader.suggest(text, pools.iter().map(String::as_str));
        let message =
            format!("there is no pool `{}`: it is neither listed nor `<region>-pool` of a region", shortened(text));
        reader.error(Code::UNKNOWN_STEERING_POOL, node.span, message, hint);
        None
    });
    Some(Steer { codes: codes?, pool: pool? })
}

fn codes(reader: &mut Reader, node: &Node) -> Option<Vec<SteeringCode>> {
    let text = reader.words(node, "the area")?;
    let codes = area::codes(text);
    if codes.is_none() {
        let hint = reader.suggest(text, area::all()).unwrap_or_else(|| {
            "an area is a word such as Europe, or one of Cloudflare's 13 codes such as WEU".to_owned()
        });
        reader.error(Code::UNKNOWN_AREA, node.span, format!("there is no area `{}`", shortened(text)), hint);
    }
    codes
}

/// A code may go by a word and by itself, for the closer one wins, but not twice by the like.
fn unique_areas(reader: &mut Reader, steering: &[Steer]) {
    for (at, steer) in steering.iter().enumerate() {
        let like = |other: &&Steer| {
            other.codes.len() == steer.codes.len() && other.codes.iter().any(|code| steer.codes.contains(code))
        };
        if let Some(first) = steering[..at].iter().find(like) {
            let line = reader.line(first.pool.span);
            let message = format!("this area goes to `{}` by line {line} already", first.pool.value);
            reader.error(Code::DUPLICATE_NAME, steer.pool.span, message, None);
        }
    }
}

impl WrittenLoadBalancer {
    /// Gives every serving region a pool and every code a pool: by the closest entry of the file, else by distance.
    pub(super) fn resolve(mut self, reader: &mut Reader, regions: &[Region]) -> LoadBalancer {
        for region in regions.iter().filter(|region| region.state.serves()) {
            if !self.pools.iter().any(|pool| pool.region == region.name) {
                let (name, region) = (own_pool(&region.name), region.name.clone());
                self.pools.push(SteeringPool { name, region, origins: Vec::new(), monitor: None });
            }
        }
        let serves = |pool: &str| self.pools.iter().any(|known| known.name == pool);
        for steer in self.steering.iter().filter(|steer| !serves(&steer.pool.value)) {
            let message = format!("`{}` is of a region that does not serve yet", steer.pool.value);
            reader.warn(Code::WEAK, steer.pool.span, message, "its users go to the nearest region that serves");
        }
        let mut geo_steering = BTreeMap::new();
        for code in SteeringCode::ALL {
            let named = self.steering.iter().filter(|steer| steer.codes.contains(&code) && serves(&steer.pool.value));
            let named = named.min_by_key(|steer| steer.codes.len()).map(|steer| steer.pool.value.clone());
            if let Some(pool) = named.or_else(|| self.by_distance(code, regions)) {
                geo_steering.insert(code.to_string(), pool);
            }
        }
        LoadBalancer { name: self.name, pools: self.pools, geo_steering }
    }

    fn by_distance(&self, code: SteeringCode, regions: &[Region]) -> Option<String> {
        let centre = area::centre(code);
        let serving = regions.iter().filter(|region| region.state.serves());
        let near = serving.min_by(|a, b| centre.distance_km(a.position).total_cmp(&centre.distance_km(b.position)))?;
        self.pools.iter().find(|pool| pool.region == near.name).map(|pool| pool.name.clone())
    }
}
