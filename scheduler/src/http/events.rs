//! `GET /v1/events`: server-sent events as a hint to reload, built from this scheduler's own changes and a poll.
//! Never a log to be read without gaps: a slow reader loses events and is told so.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use futures_util::stream::{self, Stream};
use scheduler_client::wire;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Interval, MissedTickBehavior};

use super::auth::Viewer;
use super::problem::{self, Reply};
use crate::engine::Change;
use crate::state::App;

/// Between two looks at what other schedulers changed.
const POLL: Duration = Duration::from_secs(1);

/// Follow changes, as hints.
///
/// Events: `mission` (a change made by this scheduler), `topology` and `regions` (what is in force has changed),
/// `gap` (events were lost: reload).
#[utoipa::path(get, path = "/v1/events", tag = "regions", operation_id = "events",
    responses((status = 200, body = String, content_type = "text/event-stream", description = "Server-sent events")))]
pub(super) async fn events(_: Viewer, State(app): State<App>) -> Result<Response, Reply> {
    let Ok(permit) = app.streams.clone().try_acquire_owned() else {
        return Err(problem::OVERLOADED.because("too many event streams are open"));
    };
    let stream = follow(app, permit);
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response())
}

/// Where one reader stands.
struct Reader {
    app: App,
    changes: tokio::sync::broadcast::Receiver<Change>,
    poll: Interval,
    /// What the poll last saw.
    seen: Seen,
    /// Given back when the reader goes.
    _permit: OwnedSemaphorePermit,
}

/// What the poll compares.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    topology_version: i64,
    regions: u64,
}

impl Seen {
    fn of(app: &App) -> Self {
        Self { topology_version: app.views.current().topology_version, regions: *app.views.changes().borrow() }
    }
}

fn follow(app: App, permit: OwnedSemaphorePermit) -> impl Stream<Item = Result<Event, Infallible>> {
    let mut poll = tokio::time::interval(POLL);
    poll.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let reader = Reader { changes: app.engine.changes(), seen: Seen::of(&app), poll, app, _permit: permit };
    stream::unfold(reader, async |mut reader| reader.next().await.map(|event| (event, reader))).map(Ok).boxed()
}

impl Reader {
    /// The next event; none when the scheduler stops.
    async fn next(&mut self) -> Option<Event> {
        loop {
            tokio::select! {
                () = self.app.stopping.cancelled() => return None,
                change = self.changes.recv() => match change {
                    Ok(change) => return Some(mission(&change)),
                    Err(RecvError::Lagged(lost)) => return Some(named("gap", &wire::EventGap { lost })),
                    Err(RecvError::Closed) => return None,
                },
                _ = self.poll.tick() => {
                    if let Some(event) = self.look() {
                        return Some(event);
                    }
                }
            }
        }
    }

    fn look(&mut self) -> Option<Event> {
        let now = Seen::of(&self.app);
        let version = now.topology_version;
        let event = if now.topology_version != self.seen.topology_version {
            Some(named("topology", &wire::EventTopology { topology_version: version }))
        } else if now.regions != self.seen.regions {
            Some(named("regions", &wire::EventTopology { topology_version: version }))
        } else {
            None
        };
        self.seen = now;
        event
    }
}

fn mission(change: &Change) -> Event {
    named("mission", &wire::EventMission { id: change.mission, state: change.state, pool: change.pool.clone() })
}

fn named(name: &str, data: &impl serde::Serialize) -> Event {
    Event::default().event(name).json_data(data).unwrap_or_else(|_| Event::default().event("gap"))
}
