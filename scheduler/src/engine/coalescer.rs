//! Many requests, few statements.
//!
//! Requests that come while a statement is under way share the next one, so nothing lingers when there is nothing to
//! do, and at load the statement before is the wait. One request never fails another's (C1): a batch whose data the
//! database refuses is halved until the culprit stands alone. A batch is bounded in rows and bytes (C2), and so is
//! what waits: beyond it requests are refused as overload (C3). A request that is given up stays in its batch (C4).

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::hash::Hash;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::lock;
use crate::refusal::Refusal;

/// One kind of statement that is run for many requests at once.
pub(crate) trait Batch: Send + Sync + 'static {
    /// Requests of one key share statements.
    type Key: Clone + Eq + Hash + Send + Sync + 'static;
    /// One request.
    type Item: Send + Sync + 'static;
    /// Its answer.
    type Answer: Send + 'static;
    /// Label in metrics.
    const NAME: &'static str;

    /// Bytes that the request takes in a statement, about.
    fn bytes(item: &Self::Item) -> usize;

    /// Runs one statement for all items: one answer each, in order.
    fn run(
        &self,
        key: &Self::Key,
        items: &[&Self::Item],
    ) -> impl Future<Output = Result<Vec<Self::Answer>, sql::Error>> + Send;
}

/// How large and how frequent batches are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Most rows of a statement.
    pub(crate) rows: usize,
    /// Most bytes of a statement; a single larger item still goes alone.
    pub(crate) bytes: usize,
    /// Most rows that wait.
    pub(crate) waiting: usize,
    /// Most bytes that wait.
    pub(crate) waiting_bytes: usize,
    /// Statements of one key at a time.
    pub(crate) parallel: usize,
    /// Least time between the starts of two statements of one key.
    pub(crate) gap: Duration,
    /// Wait of a statement that follows another at once, for company.
    pub(crate) linger: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            rows: 500,
            bytes: 4 << 20,
            waiting: 20_000,
            waiting_bytes: 64 << 20,
            parallel: 2,
            gap: Duration::ZERO,
            linger: Duration::from_millis(1),
        }
    }
}

struct Waiting<B: Batch> {
    item: B::Item,
    bytes: usize,
    answer: oneshot::Sender<Result<B::Answer, Refusal>>,
}

struct Line<B: Batch> {
    waiting: VecDeque<Waiting<B>>,
    bytes: usize,
    running: usize,
    started: Option<Instant>,
}

impl<B: Batch> Default for Line<B> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), bytes: 0, running: 0, started: None }
    }
}

struct Shared<B: Batch> {
    batch: B,
    bounds: Bounds,
    lines: Mutex<HashMap<B::Key, Line<B>>>,
}

/// Joins requests into batches. Cheap to clone.
pub(crate) struct Coalescer<B: Batch> {
    shared: Arc<Shared<B>>,
}

/// A request in line.
pub(crate) struct Pushed<A>(Result<oneshot::Receiver<Result<A, Refusal>>, Refusal>);

impl<A> Pushed<A> {
    /// Its answer, when its batch was run.
    pub(crate) async fn answer(self) -> Result<A, Refusal> {
        self.0?.await.unwrap_or(Err(Refusal::Internal))
    }
}

impl<B: Batch> Coalescer<B> {
    pub(crate) fn new(batch: B, bounds: Bounds) -> Self {
        Self { shared: Arc::new(Shared { batch, bounds, lines: Mutex::new(HashMap::new()) }) }
    }

    /// Runs a request in some batch of its key.
    pub(crate) async fn push(&self, key: &B::Key, item: B::Item) -> Result<B::Answer, Refusal> {
        self.put(key, item).answer().await
    }

    /// Puts a request in line. It runs whether or not its answer is waited for.
    pub(crate) fn put(&self, key: &B::Key, item: B::Item) -> Pushed<B::Answer> {
        self.enqueue(&mut lock(&self.shared.lines), key.clone(), item)
    }

    /// Puts requests in line at once, in their order, so that those of one key share statements from the first one on.
    pub(crate) fn push_all(&self, items: Vec<(B::Key, B::Item)>) -> Vec<Pushed<B::Answer>> {
        let mut lines = lock(&self.shared.lines);
        items.into_iter().map(|(key, item)| self.enqueue(&mut lines, key, item)).collect()
    }

    fn enqueue(&self, lines: &mut HashMap<B::Key, Line<B>>, key: B::Key, item: B::Item) -> Pushed<B::Answer> {
        let (answer, answered) = oneshot::channel();
        let bounds = &self.shared.bounds;
        let bytes = B::bytes(&item);
        let line = lines.entry(key.clone()).or_default();
        if line.waiting.len() >= bounds.waiting || line.bytes + bytes > bounds.waiting_bytes.max(bytes) {
            metrics::counter!("scheduler_batch_overloads_total", "batch" => B::NAME).increment(1);
            return Pushed(Err(Refusal::Overloaded));
        }
        line.bytes += bytes;
        line.waiting.push_back(Waiting { item, bytes, answer });
        if line.running < bounds.parallel {
            line.running += 1;
            tokio::spawn(Shared::work(Arc::clone(&self.shared), key));
        }
        Pushed(Ok(answered))
    }
}

impl<B: Batch> Shared<B> {
    /// Runs batches of a key until nothing waits.
    async fn work(self: Arc<Self>, key: B::Key) {
        loop {
            if let Some(wait) = self.too_early(&key) {
                tokio::time::sleep(wait).await;
                continue;
            }
            let Some(batch) = self.take(&key) else { return };
            self.settle_and_answer(&key, batch).await;
            let few = lock(&self.lines)
                .get(&key)
                .is_some_and(|line| !line.waiting.is_empty() && line.waiting.len() * 4 < self.bounds.rows);
            if few && !self.bounds.linger.is_zero() {
                tokio::time::sleep(self.bounds.linger).await;
            }
        }
    }

    fn too_early(&self, key: &B::Key) -> Option<Duration> {
        let started = lock(&self.lines).get(key)?.started?;
        self.bounds.gap.checked_sub(started.elapsed()).filter(|wait| !wait.is_zero())
    }

    /// Takes what fits into one statement; with nothing left, signs the worker off in the same step.
    fn take(&self, key: &B::Key) -> Option<Vec<Waiting<B>>> {
        let mut lines = lock(&self.lines);
        let line = lines.get_mut(key)?;
        let (mut rows, mut bytes) = (0, 0);
        for waiting in &line.waiting {
            if rows == self.bounds.rows || (rows > 0 && bytes + waiting.bytes > self.bounds.bytes) {
                break;
            }
            rows += 1;
            bytes += waiting.bytes;
        }
        if rows == 0 {
            line.running -= 1;
            if line.running == 0 && self.bounds.gap.is_zero() {
                lines.remove(key);
            }
            return None;
        }
        line.bytes -= bytes;
        line.started = Some(Instant::now());
        Some(line.waiting.drain(..rows).collect())
    }

    async fn settle_and_answer(&self, key: &B::Key, batch: Vec<Waiting<B>>) {
        metrics::histogram!("scheduler_batch_rows", "batch" => B::NAME)
            .record(f64::from(u32::try_from(batch.len()).unwrap_or(u32::MAX)));
        let (items, senders): (Vec<_>, Vec<_>) = batch.into_iter().map(|w| (w.item, w.answer)).unzip();
        let items: Vec<&B::Item> = items.iter().collect();
        let settled = AssertUnwindSafe(self.settle(key, &items)).catch_unwind().await;
        let answers = settled.unwrap_or_else(|_| items.iter().map(|_| Err(Refusal::Internal)).collect());
        for (sender, answer) in senders.into_iter().zip(answers) {
            // Who gave up is not waiting any more.
            let _ = sender.send(answer);
        }
    }

    /// Runs a batch; one whose data is refused is halved.
    fn settle<'a>(
        &'a self,
        key: &'a B::Key,
        items: &'a [&'a B::Item],
    ) -> BoxFuture<'a, Vec<Result<B::Answer, Refusal>>> {
        Box::pin(async move {
            let error = match self.batch.run(key, items).await {
                Ok(answers) => return answers.into_iter().map(Ok).collect(),
                Err(error) => error,
            };
            if error.is_refused_data() && items.len() > 1 {
                let (left, right) = items.split_at(items.len() / 2);
                let mut answers = self.settle(key, left).await;
                answers.extend(self.settle(key, right).await);
                return answers;
            }
            let refusal = Refusal::from(error);
            items.iter().map(|_| Err(refusal.clone())).collect()
        })
    }
}

#[cfg(test)]
mod tests;
