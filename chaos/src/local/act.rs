//! Carries faults out on a local world, and undoes them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::Signal;
use scheduler_client::Client;
use scheduler_client::wire::RegionControl;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use topology::RegionName;

use super::database::Database;
use super::hits;
use super::links::{self, End, Link, Way};
use super::proxies::{Put, TTL};
use super::site::Site;
use crate::drill::{EdgeHealth, Endpoint, Fault, LinkSelector, OperatorVerb, ProcessKind, RegionSelector, ToxicSpec};
use crate::proxy::{ProtocolToxic, Toxic};
use crate::wait::wait_until;
use crate::world::World;

/// What goes on by itself while a fault lasts, by step.
#[derive(Debug, Default)]
pub(crate) struct Going(BTreeMap<String, JoinHandle<anyhow::Result<()>>>);

/// Which region a word of the file is.
pub(crate) type Resolve<'a> = &'a (dyn Fn(&RegionSelector) -> anyhow::Result<RegionName> + Sync);

/// Carries a fault out; it is acknowledged when this returns.
pub(crate) async fn act(
    site: &Site,
    going: &mut Going,
    step: &str,
    fault: &Fault,
    resolve: Resolve<'_>,
) -> anyhow::Result<Value> {
    if let Some((what, region)) = hits::node(fault) {
        site.database.hit(&resolve(region)?, what)?;
    }
    match fault {
        Fault::Partition { links } => bytes(site, step, links, &ToxicSpec::Blackhole, resolve).await,
        Fault::Toxic { links, toxic } => bytes(site, step, links, toxic, resolve).await,
        Fault::GatewayDown { region } => {
            let refuse = |link| Put { link, way: Way::Both, toxic: Toxic::Bytes(ToxicSpec::Refuse) };
            let puts = links::to_gateway(&site.links, &resolve(region)?).into_iter().map(refuse);
            put(site, step, puts.collect()).await
        }
        Fault::Kill { process, region } => {
            signal(&mut *site.world.lock().await, *process, &resolve(region)?, Signal::SIGKILL);
            Ok(Value::Null)
        }
        Fault::Pause { process, region } => {
            signal(&mut *site.world.lock().await, *process, &resolve(region)?, Signal::SIGSTOP);
            Ok(Value::Null)
        }
        Fault::CrashLoop { region, every } => {
            let region = resolve(region)?;
            site.world.lock().await.signal_scheduler(&region, Signal::SIGKILL);
            let crashing = crash_again_and_again(Arc::clone(&site.world), region, *every);
            going.0.insert(step.to_owned(), tokio::spawn(crashing));
            Ok(Value::Null)
        }
        Fault::RestartDatabase { down } => {
            site.database.crash().await?;
            going.0.insert(step.to_owned(), tokio::spawn(come_back(Arc::clone(&site.database), *down)));
            Ok(json!({ "away_s": down.as_secs_f64() }))
        }
        Fault::Statements { name, answer, share } => {
            let seed = site.seed;
            let toxic = ProtocolToxic::Statement { name: name.clone(), answer: *answer, share: *share, seed };
            let bad = |link| Put { link, way: Way::Both, toxic: Toxic::Protocol(toxic.clone()) };
            put(site, step, links::statements(&site.links).into_iter().map(bad).collect()).await
        }
        Fault::Verb { region, verb } => say(&site.operator, &resolve(region)?, *verb).await,
        Fault::Edge { region, health } => put(site, step, edge(&resolve(region)?, *health)).await,
        Fault::Load { per_second } => {
            site.load.set_rate(*per_second);
            Ok(Value::Null)
        }
        Fault::SilenceInjector => {
            site.proxies.silence(true);
            let acted = wait_until(TTL * 3, async || site.proxies.expired().await.is_ok_and(|expired| expired > 0));
            anyhow::ensure!(acted.await, "the fault proxy kept its toxics although their owner has fallen silent");
            Ok(Value::Null)
        }
    }
}

/// Undoes it, wholly or in part carried out. Twice is as good as once.
pub(crate) async fn undo(
    site: &Site,
    going: &mut Going,
    step: &str,
    fault: &Fault,
    resolve: Resolve<'_>,
    rate: f64,
) -> anyhow::Result<()> {
    // First: what comes back asks its own node.
    if let Some((what, region)) = hits::node(fault) {
        site.database.heal(&resolve(region)?, what).await?;
    }
    match fault {
        Fault::Partition { .. }
        | Fault::Toxic { .. }
        | Fault::GatewayDown { .. }
        | Fault::Statements { .. }
        | Fault::Edge { .. } => site.proxies.remove(step).await,
        Fault::Kill { process, region } => start_again(&site.world, *process, &resolve(region)?).await,
        Fault::Pause { process, region } => {
            signal(&mut *site.world.lock().await, *process, &resolve(region)?, Signal::SIGCONT);
            Ok(())
        }
        Fault::CrashLoop { region, .. } => {
            if let Some(crashing) = going.0.remove(step) {
                crashing.abort();
            }
            start_again(&site.world, ProcessKind::Scheduler, &resolve(region)?).await
        }
        Fault::RestartDatabase { .. } => match going.0.remove(step) {
            Some(coming) => coming.await?,
            None => site.database.revive().await,
        },
        Fault::Verb { region, .. } => {
            let body = RegionControl { reason: "a drill is over".to_owned(), deadline_ms: None };
            site.operator.uncordon(&resolve(region)?, &body).await.context("not uncordoned")?;
            Ok(())
        }
        Fault::Load { .. } => {
            site.load.set_rate(rate);
            Ok(())
        }
        Fault::SilenceInjector => {
            site.proxies.silence(false);
            Ok(())
        }
    }
}

/// The links of a fault, each with the way that is meant.
pub(crate) fn hit_links(all: &[Link], links: &LinkSelector, resolve: Resolve<'_>) -> anyhow::Result<Vec<(Link, Way)>> {
    let end = |end: &Endpoint| {
        anyhow::Ok(match end {
            Endpoint::Region(region) => End::Region(resolve(region)?),
            Endpoint::Everyone => End::Everyone,
            Endpoint::Clients => End::Clients,
            Endpoint::Edge => End::Edge,
            Endpoint::Database => End::Database,
        })
    };
    Ok(links::between(all, &end(&links.from)?, &end(&links.to)?, links.direction))
}

async fn bytes(
    site: &Site,
    step: &str,
    links: &LinkSelector,
    toxic: &ToxicSpec,
    resolve: Resolve<'_>,
) -> anyhow::Result<Value> {
    let whole = match toxic {
        ToxicSpec::Reset { .. } | ToxicSpec::Refuse => true,
        // One end has gone: the way says which.
        ToxicSpec::HalfOpen
        | ToxicSpec::Latency { .. }
        | ToxicSpec::Bandwidth { .. }
        | ToxicSpec::Stall
        | ToxicSpec::Blackhole
        | ToxicSpec::SlowClose { .. } => false,
    };
    let bad = |(link, way)| Put { link, way: if whole { Way::Both } else { way }, toxic: Toxic::Bytes(toxic.clone()) };
    let puts: Vec<Put> = hit_links(&site.links, links, resolve)?.into_iter().map(bad).collect();
    anyhow::ensure!(!puts.is_empty(), "no link lies between these ends");
    put(site, step, puts).await
}

async fn put(site: &Site, step: &str, puts: Vec<Put>) -> anyhow::Result<Value> {
    let links: Vec<String> = puts.iter().map(|put| put.link.to_string()).collect();
    site.proxies.put(step, puts).await?;
    Ok(json!({ "links": links }))
}

/// What the edge's monitor hears, and for `green` also that no client gets through.
fn edge(region: &RegionName, health: EdgeHealth) -> Vec<Put> {
    let link = |client| Link { client, server: links::Node::Scheduler(region.clone()) };
    let answer = |status: u16, body: &str| {
        let toxic = ProtocolToxic::Answer { path: "/health".to_owned(), status, body: body.to_owned() };
        Put { link: link(links::Node::Edge), way: Way::Both, toxic: Toxic::Protocol(toxic) }
    };
    let unreachable = || {
        let toxic = Toxic::Bytes(ToxicSpec::Blackhole);
        Put { link: link(links::Node::Clients), way: Way::Both, toxic }
    };
    match health {
        EdgeHealth::Red => vec![answer(503, "a drill says that this region is ill")],
        EdgeHealth::Green => vec![answer(200, "a drill says that this region is well"), unreachable()],
    }
}

/// An operator's word.
pub(crate) async fn say(operator: &Client, region: &RegionName, verb: OperatorVerb) -> anyhow::Result<Value> {
    let body = RegionControl { reason: "a drill".to_owned(), deadline_ms: None };
    let view = match verb {
        OperatorVerb::Cordon => operator.cordon(region, &body).await,
        OperatorVerb::Drain => operator.drain(region, &body).await,
    };
    Ok(json!(view.context("the operator's word was refused")?))
}

fn signal(world: &mut World, process: ProcessKind, region: &RegionName, signal: Signal) {
    match process {
        ProcessKind::Scheduler => world.signal_scheduler(region, signal),
        ProcessKind::Agent => world.signal_agent(region, signal),
        ProcessKind::Region => world.signal_region(region, signal),
    }
}

/// Starts what does not run, and waits until the scheduler is ready.
async fn start_again(world: &Mutex<World>, process: ProcessKind, region: &RegionName) -> anyhow::Result<()> {
    let mut world = world.lock().await;
    let (scheduler, agent) = match process {
        ProcessKind::Scheduler => (true, false),
        ProcessKind::Agent => (false, true),
        ProcessKind::Region => (true, true),
    };
    if scheduler && world.scheduler_id(region).is_none() {
        world.start_scheduler(region)?;
    }
    if agent && !world.agent_runs(region) {
        world.start_agent(region)?;
    }
    if scheduler { world.wait_ready(region).await } else { Ok(()) }
}

async fn crash_again_and_again(world: Arc<Mutex<World>>, region: RegionName, every: Duration) -> anyhow::Result<()> {
    loop {
        world.lock().await.start_scheduler(&region)?;
        tokio::time::sleep(every).await;
        world.lock().await.signal_scheduler(&region, Signal::SIGKILL);
    }
}

async fn come_back(database: Arc<Database>, after: Duration) -> anyhow::Result<()> {
    tokio::time::sleep(after).await;
    database.revive().await
}
