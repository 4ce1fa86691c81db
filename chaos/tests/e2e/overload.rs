//! Three times what fits: the excess is shed, what was accepted is not slowed down, no lease suffers (P6).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chaos::load::Submits;
use chaos::wait::wait_until;
use chaos::world::World;
use scheduler_client::{Client, Error, Limits};
use sql::relay::{Mode, Relay};
use tokio::task::JoinSet;

use crate::fixture::{Database, acknowledged, mission, relayed_world, simulated, slack, submits, turn};

const TOPOLOGY: &str = "\
regions:
  - name: us-west
    provider: AWS
    region: us-west-2
    agents: [{ specialization: engineer-master, role: primary, replicas: 1, slots: 400 }]
";
/// Submits at a time that the scheduler lets in, and the time that the database takes for each: what fits is their
/// quotient, far below what this machine can do, so that the figure is the limit's and not the machine's.
const AT_ONCE: u32 = 4;
const DATABASE: Duration = Duration::from_millis(40);
/// Ten session TTLs of the default scheduling on PostgreSQL.
const OVERLOAD: Duration = Duration::from_secs(50);

struct Answers {
    accepted: Vec<Duration>,
    shed: usize,
    other: Vec<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn the_excess_is_shed_and_nothing_that_was_accepted_suffers() {
    let _turn = turn().await;
    let database = Database::new().await;
    let (relay, url) = Relay::to_url(&database.url).await;
    let mut spec = relayed_world(TOPOLOGY, &database.url, vec![url], simulated((500, 1_000)));
    spec.scheduler = vec!["--max-submits".to_owned(), AT_ONCE.to_string()];
    let world = World::start(spec).await.unwrap();
    let here = world.regions()[0].clone();
    relay.set(Mode::Delay(DATABASE));
    let record = submits(&world);
    let once = Limits { tries: 1, ..Limits::default() };
    let client = world.client(&here).unwrap().with_limits(once);

    let fits = f64::from(AT_ONCE) / DATABASE.as_secs_f64();
    let normal = offer(&client, fits / 3.0, Duration::from_secs(10), record.clone()).await;
    let over = offer(&client, fits * 3.0, OVERLOAD, record).await;
    let (normal_p99, over_p99) = (p99(&normal.accepted), p99(&over.accepted));
    eprintln!(
        "offered {:.0}/s for {OVERLOAD:?}: accepted {}, shed {}, p99 {over_p99:?}; at a third of what fits p99 {normal_p99:?}",
        fits * 3.0,
        over.accepted.len(),
        over.shed,
    );
    assert!(over.other.is_empty(), "only 503 with Retry-After is an answer to the excess: {:?}", over.other.first());
    assert!(over.shed > over.accepted.len() / 2, "the excess was not shed");
    assert!(
        over_p99 < normal_p99 * 2 * slack(),
        "accepted submits took {over_p99:?} at p99, {normal_p99:?} in normal times"
    );

    let done = wait_until(Duration::from_secs(120), async || {
        database.count("SELECT count(*) FROM missions WHERE state <> 'succeeded'").await == 0
    })
    .await;
    assert!(done, "{:?}", database.counts("SELECT state, count(*) FROM missions GROUP BY state").await);
    let rows: std::collections::BTreeSet<_> = database.rows().await.into_iter().map(|row| row.mission).collect();
    assert!(acknowledged(&world).is_subset(&rows), "an accepted mission is lost");
    assert_eq!(database.count("SELECT count(*) FROM sessions WHERE ended_at IS NOT NULL").await, 0, "sessions ended");
    assert_eq!(database.count("SELECT count(*) FROM missions WHERE moves > 0").await, 0, "missions moved");
}

/// Submits so many a second for a time, each once, whatever becomes of the others.
async fn offer(client: &Client, per_s: f64, time: Duration, record: Arc<Submits>) -> Answers {
    let mut tick = tokio::time::interval(Duration::from_secs_f64(1.0 / per_s));
    let shed = Arc::new(AtomicUsize::new(0));
    let mut submits = JoinSet::new();
    let started = Instant::now();
    while started.elapsed() < time {
        tick.tick().await;
        let (client, record, shed) = (client.clone(), record.clone(), shed.clone());
        submits.spawn(async move {
            let sent = Instant::now();
            match record.submit(&client, mission("engineer-master", "overload")).await.unwrap() {
                Ok(_) => Ok(Some(sent.elapsed())),
                Err(Error::Problem { problem, retry_after: Some(_) }) if problem.status == 503 => {
                    shed.fetch_add(1, Ordering::Relaxed);
                    Ok(None)
                }
                Err(error) => Err(format!("{error:?}")),
            }
        });
    }
    let (mut accepted, mut other) = (Vec::new(), Vec::new());
    for answer in submits.join_all().await {
        match answer {
            Ok(took) => accepted.extend(took),
            Err(error) => other.push(error),
        }
    }
    Answers { accepted, shed: shed.load(Ordering::Relaxed), other }
}

fn p99(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted[(sorted.len() - 1) * 99 / 100]
}
