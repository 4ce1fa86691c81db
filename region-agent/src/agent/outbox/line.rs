//! The line of results that wait for a scheduler: one request at a time.
//!
//! A result that finds nobody under way goes at once and alone. What comes while a request is under way goes together
//! in the next one; each of its results is answered for itself. A request that is refused as a whole says nothing of
//! its results, so they go one by one then, and for a while where the scheduler does not know the route.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::StreamExt as _;
use scheduler_client::wire::{LeaseAnswer, MissionResult, ResultAnswer, ResultsAnswer};
use scheduler_client::{Client, Error};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::spool::{Finished, FinishedResult};

/// Most results of a request.
const MANY: usize = 500;

/// Most bytes of a request, well below what a scheduler takes; a single larger result goes alone.
const BYTES: usize = 1 << 20;

/// Requests at a time where results go one by one.
const AT_ONCE: usize = 64;

/// How long a scheduler that does not know the route is not asked again: it may be replaced by a newer one.
const ALONE: Duration = Duration::from_secs(60);

/// What a scheduler said of one result. Results that went together share what became of their request.
pub(in crate::agent) type Answer = Result<LeaseAnswer, Arc<Error>>;

/// The line. Cheap to clone.
#[derive(Clone, Default)]
pub(in crate::agent) struct Line(Arc<Mutex<Queue>>);

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    /// Whether a request is under way.
    sending: bool,
    /// Until then results go one by one.
    alone_until: Option<Instant>,
}

struct Waiting {
    finished: Finished,
    bytes: usize,
    answer: oneshot::Sender<Answer>,
}

impl Line {
    /// Sends a result, alone or together with others of its session.
    pub(in crate::agent) async fn send(&self, client: &Client, finished: Finished) -> Answer {
        let (answer, answered) = oneshot::channel();
        let bytes = serde_json::to_vec(&finished).map_or(BYTES, |text| text.len());
        let first = {
            let mut queue = self.queue();
            queue.waiting.push_back(Waiting { finished, bytes, answer });
            !std::mem::replace(&mut queue.sending, true)
        };
        if first {
            tokio::spawn(self.clone().run(client.clone()));
        }
        answered.await.unwrap_or_else(|_| Err(Arc::new(Error::Config("the request was given up".to_owned()))))
    }

    async fn run(self, client: Client) {
        while let Some((batch, alone)) = self.next() {
            if alone || batch.len() == 1 {
                one_by_one(&client, batch).await;
            } else {
                self.together(&client, batch).await;
            }
        }
    }

    /// What goes next, and whether one by one; with nothing left the line is idle in the same step.
    fn next(&self) -> Option<(Vec<Waiting>, bool)> {
        let mut queue = self.queue();
        let batch = take(&mut queue.waiting);
        queue.sending = !batch.is_empty();
        let alone = queue.alone_until.is_some_and(|until| Instant::now() < until);
        queue.sending.then_some((batch, alone))
    }

    async fn together(&self, client: &Client, batch: Vec<Waiting>) {
        let session = batch[0].finished.lease().session;
        let results: Vec<MissionResult> = batch.iter().map(|waiting| waiting.finished.clone().into()).collect();
        match client.results(session, results).await {
            Ok(ResultsAnswer { results }) if results.len() == batch.len() => {
                for (waiting, answer) in batch.into_iter().zip(results) {
                    let _ = waiting.answer.send(told(answer));
                }
            }
            Ok(_) => one_by_one(client, batch).await,
            Err(error) if refuses_the_request(&error) => {
                tracing::info!(error = &error as &dyn std::error::Error, "results go one by one");
                if lacks_the_route(&error) {
                    self.queue().alone_until = Some(Instant::now() + ALONE);
                }
                one_by_one(client, batch).await;
            }
            Err(error) => {
                let error = Arc::new(error);
                for waiting in batch {
                    let _ = waiting.answer.send(Err(Arc::clone(&error)));
                }
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().expect("no holder of this lock panics")
    }
}

/// Takes what goes in one request: of one session, bounded in number and bytes, in the order in which it came.
fn take(waiting: &mut VecDeque<Waiting>) -> Vec<Waiting> {
    let Some(first) = waiting.pop_front() else { return Vec::new() };
    let session = first.finished.lease().session;
    let mut bytes = first.bytes;
    let mut batch = vec![first];
    let mut others = VecDeque::new();
    while let Some(next) = waiting.pop_front() {
        let fits = batch.len() < MANY && bytes + next.bytes <= BYTES;
        if fits && next.finished.lease().session == session {
            bytes += next.bytes;
            batch.push(next);
        } else {
            others.push_back(next);
        }
    }
    *waiting = others;
    batch
}

/// Whether it is the request that is refused, not its results: an older scheduler, a smaller limit.
fn refuses_the_request(error: &Error) -> bool {
    matches!(error.status(), Some(400..=499)) && !matches!(error.status(), Some(401 | 403 | 429))
}

/// Whether the scheduler is older than the route, or something before it does not let it through.
fn lacks_the_route(error: &Error) -> bool {
    matches!(error.status(), Some(404 | 405))
        && matches!(error.code(), None | Some("unknown_path" | "method_not_allowed"))
}

fn told(answer: ResultAnswer) -> Answer {
    match answer {
        ResultAnswer::Accepted(answer) => Ok(answer),
        ResultAnswer::Refused(problem) => {
            Err(Arc::new(Error::Problem { problem: Box::new(problem), retry_after: None }))
        }
    }
}

async fn one_by_one(client: &Client, batch: Vec<Waiting>) {
    let each = |Waiting { finished, answer, .. }| async move {
        // Who gave up is not waiting any more.
        let _ = answer.send(alone(client, finished).await.map_err(Arc::new));
    };
    futures_util::stream::iter(batch).for_each_concurrent(AT_ONCE, each).await;
}

async fn alone(client: &Client, finished: Finished) -> Result<LeaseAnswer, Error> {
    match &finished.result {
        FinishedResult::Complete(body) => client.complete(finished.mission, body).await,
        FinishedResult::Fail(body) => client.fail(finished.mission, body).await,
    }
}

#[cfg(test)]
mod tests {
    use scheduler_client::wire::{Complete, LeaseProof};
    use serde_json::json;
    use topology::{Epoch, MissionId, SessionId};

    use super::*;

    fn waiting(session: SessionId, bytes: usize) -> Waiting {
        let lease = LeaseProof { session, epoch: Epoch(1), home: "us-west-2".to_owned() };
        let result = FinishedResult::Complete(Complete { lease, outcome: json!(null), memory: None });
        let (answer, _) = oneshot::channel();
        Waiting { finished: Finished { mission: MissionId::random(), result }, bytes, answer }
    }

    #[test]
    fn what_goes_together_is_of_one_session_and_bounded_and_nothing_is_left_behind() {
        let (own, other) = (SessionId::random(), SessionId::random());
        let mut line: VecDeque<_> = (0..1_100).map(|n| waiting(if n % 11 == 10 { other } else { own }, 100)).collect();
        line.push_back(waiting(own, 3 << 20));
        line.push_back(waiting(own, 600 << 10));
        line.push_back(waiting(own, 600 << 10));
        let mut taken = Vec::new();
        loop {
            let batch = take(&mut line);
            if batch.is_empty() {
                break;
            }
            assert!(batch.iter().all(|entry| entry.finished.lease().session == batch[0].finished.lease().session));
            assert!(batch.len() == 1 || batch.iter().map(|entry| entry.bytes).sum::<usize>() <= BYTES);
            taken.push(batch.len());
        }
        // The other session's, and what is large, wait for their turn.
        assert_eq!(taken, [500, 100, 500, 1, 1, 1]);
    }
}
