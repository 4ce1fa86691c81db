//! The block `scheduling`: clocks and limits, and whether they suit each other and the engine.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::Engine;
use super::agent::RUN_LIMIT;
use super::keys;
use crate::model::Scheduling;
use crate::yaml::duration::show;
use crate::yaml::{At, Code, Node, Reader};

/// Below this a session of CockroachDB may end while a range gets a new leaseholder.
const COCKROACH_TTL: Duration = Duration::from_secs(15);

const HOUR: Duration = Duration::from_secs(3600);

const fn millis(from: u64, to: u64) -> RangeInclusive<Duration> {
    Duration::from_millis(from)..=Duration::from_millis(to)
}

/// What holds where the file is silent.
pub(super) fn defaults(engine: Engine) -> Scheduling {
    match engine {
        Engine::PostgreSql => Scheduling::default(),
        Engine::CockroachDb => Scheduling {
            session_ttl: Duration::from_secs(20),
            heartbeat: Duration::from_secs(4),
            margin: Duration::from_secs(1),
            down_after: Duration::from_secs(22),
            ..Scheduling::default()
        },
    }
}

/// Reads the block.
pub(super) fn read(reader: &mut Reader, node: Option<&Node>, engine: Engine, clock_offset: At<Duration>) -> Scheduling {
    let defaults = defaults(engine);
    let fields = node.and_then(|node| reader.fields(node, "scheduling", keys::SCHEDULING));
    let get = |key: &str| fields.as_ref().and_then(|fields| fields.get(key));
    let mut clock = |key: &str, bounds, default| {
        let read = get(key).and_then(|node| reader.duration(node, key, bounds));
        read.map_or(default, |read| read.value)
    };
    let mut scheduling = Scheduling {
        session_ttl: clock("session_ttl", millis(1000, 600_000), defaults.session_ttl),
        heartbeat: clock("heartbeat", millis(100, 120_000), defaults.heartbeat),
        margin: clock("margin", millis(10, 60_000), defaults.margin),
        down_after: clock("down_after", millis(1000, 3_600_000), defaults.down_after),
        up_after: clock("up_after", Duration::ZERO..=HOUR, defaults.up_after),
        spill_after: clock("spill_after", Duration::ZERO..=HOUR, defaults.spill_after),
        run_limit: clock("run_limit", RUN_LIMIT, defaults.run_limit),
        aging: clock("aging", Duration::from_secs(1)..=HOUR * 24, defaults.aging),
        ..defaults
    };
    let mut limit =
        |key: &str, bounds, default| get(key).and_then(|node| reader.count(node, key, bounds)).unwrap_or(default);
    scheduling.max_attempts = limit("max_attempts", 1..=100, scheduling.max_attempts);
    scheduling.max_crashes = limit("max_crashes", 2..=100, scheduling.max_crashes);
    check(reader, &get, &scheduling, engine, clock_offset);
    scheduling
}

/// The rules over several clocks. Each points at the first of its keys that is written.
fn check<'n>(
    reader: &mut Reader,
    get: &impl Fn(&str) -> Option<&'n Node>,
    is: &Scheduling,
    engine: Engine,
    clock_offset: At<Duration>,
) {
    let at = |keys: &[&str]| keys.iter().find_map(|key| get(key)).map_or(clock_offset.span, |node| node.span);
    let clock_offset = clock_offset.value;
    if is.session_ttl < is.heartbeat * 3 {
        let message = format!(
            "session_ttl {} is less than three heartbeats of {}: two late ones would end a session",
            show(is.session_ttl),
            show(is.heartbeat)
        );
        let hint = format!("write session_ttl: {} or more", show(is.heartbeat * 3));
        reader.error(Code::CLOCK_ORDER, at(&["session_ttl", "heartbeat"]), message, hint);
    } else if is.session_ttl.saturating_sub(is.margin) < is.heartbeat * 2 {
        let message = format!(
            "margin {} leaves less than two heartbeats of session_ttl {}",
            show(is.margin),
            show(is.session_ttl)
        );
        reader.error(Code::CLOCK_ORDER, at(&["margin", "session_ttl"]), message, "raise session_ttl or lower margin");
    }
    if is.margin < clock_offset {
        let message = format!(
            "margin {} is less than the {} that the database's clocks may differ",
            show(is.margin),
            show(clock_offset)
        );
        reader.error(
            Code::CLOCK_ORDER,
            at(&["margin"]),
            message,
            format!("write margin: {} or more", show(clock_offset)),
        );
    }
    if is.down_after < is.heartbeat * 3 {
        let message = format!("down_after {} is less than three heartbeats", show(is.down_after));
        let hint = format!("write down_after: {} or more", show(is.heartbeat * 3));
        reader.error(Code::CLOCK_ORDER, at(&["down_after", "heartbeat"]), message, hint);
    }
    if engine == Engine::CockroachDb && is.session_ttl < COCKROACH_TTL {
        let message = format!("session_ttl {} is short for CockroachDB", show(is.session_ttl));
        let hint = "a range's new leaseholder takes seconds, and a region's sessions share one range: 20s or more";
        reader.warn(Code::CLOCK_TIGHT, at(&["session_ttl"]), message, hint);
    }
}
