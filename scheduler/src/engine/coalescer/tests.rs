use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// Doubles numbers; a batch with a negative one is refused for its data.
#[derive(Default)]
struct Doubling {
    sizes: Arc<Mutex<Vec<usize>>>,
    pause: Duration,
    runs: Arc<AtomicUsize>,
}

impl Batch for Doubling {
    type Key = &'static str;
    type Item = i64;
    type Answer = i64;
    const NAME: &'static str = "doubling";

    fn bytes(item: &i64) -> usize {
        usize::try_from(*item).unwrap_or(1)
    }

    async fn run(&self, _key: &&'static str, items: &[&i64]) -> Result<Vec<i64>, sql::Error> {
        lock(&self.sizes).push(items.len());
        assert!(!items.contains(&&13), "a bug in the statement");
        tokio::time::sleep(self.pause).await;
        self.runs.fetch_add(1, Ordering::Relaxed);
        Ok(items.iter().map(|item| *item * 2).collect())
    }
}

fn bounds() -> Bounds {
    Bounds { rows: 4, bytes: 1000, waiting: 8, waiting_bytes: 5000, parallel: 1, ..Bounds::default() }
}

async fn push_all(line: &Coalescer<Doubling>, items: &[i64]) -> Vec<Result<i64, Refusal>> {
    futures_util::future::join_all(items.iter().map(|item| line.push(&"k", *item))).await
}

#[tokio::test(start_paused = true)]
async fn an_idle_line_answers_without_waiting() {
    let line = Coalescer::new(Doubling::default(), bounds());
    let before = Instant::now();
    assert_eq!(line.push(&"k", 4).await, Ok(8));
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_comes_meanwhile_shares_bounded_batches() {
    let batch = Doubling { pause: Duration::from_millis(5), ..Doubling::default() };
    let sizes = Arc::clone(&batch.sizes);
    let line = Coalescer::new(batch, bounds());
    let answers = push_all(&line, &[1, 2, 3, 4, 5, 6, 7]).await;
    assert_eq!(answers, [2, 4, 6, 8, 10, 12, 14].map(Ok));
    assert!(lock(&sizes).iter().all(|size| *size <= 4), "{sizes:?}");
    assert_eq!(lock(&sizes).iter().sum::<usize>(), 7);
    assert!(lock(&sizes).len() <= 3, "{sizes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_at_once_is_as_few_batches_as_can_be() {
    let batch = Doubling::default();
    let sizes = Arc::clone(&batch.sizes);
    let room = Bounds { rows: 6_000, bytes: 6_000, waiting: 10_000, waiting_bytes: 10_000, ..bounds() };
    let line = Coalescer::new(batch, Bounds { parallel: 2, ..room });
    let pushed = line.push_all(vec![("k", 1); 10_000]);
    let answers = futures_util::future::join_all(pushed.into_iter().map(Pushed::answer)).await;
    assert!(answers.iter().all(|answer| *answer == Ok(2)));
    let mut sizes = lock(&sizes).clone();
    sizes.sort_unstable();
    assert_eq!(sizes, [4_000, 6_000]);
    let beyond = line.push_all(vec![("k", 1); 10_001]).pop().unwrap();
    assert_eq!(beyond.answer().await, Err(Refusal::Overloaded), "what waits is bounded here too");
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_bounded_in_bytes() {
    let batch = Doubling { pause: Duration::from_millis(5), ..Doubling::default() };
    let sizes = Arc::clone(&batch.sizes);
    let line = Coalescer::new(batch, bounds());
    let answers = push_all(&line, &[1, 600, 600, 2000, 1]).await;
    assert_eq!(answers, [2, 1200, 1200, 4000, 2].map(Ok));
    assert_eq!(*lock(&sizes), [2, 1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn more_than_may_wait_is_refused_and_the_rest_is_answered() {
    let batch = Doubling { pause: Duration::from_secs(1), ..Doubling::default() };
    let line = Coalescer::new(batch, bounds());
    let answers = push_all(&line, &[1; 12]).await;
    let refused = answers.iter().filter(|answer| **answer == Err(Refusal::Overloaded)).count();
    assert_eq!((refused, answers.len() - refused), (4, 8));
    assert_eq!(line.push(&"k", 3).await, Ok(6));
}

#[tokio::test(start_paused = true)]
async fn starts_keep_their_gap() {
    let line = Coalescer::new(Doubling::default(), Bounds { gap: Duration::from_millis(250), ..bounds() });
    let before = Instant::now();
    assert_eq!(line.push(&"k", 1).await, Ok(2));
    assert_eq!(line.push(&"k", 2).await, Ok(4));
    assert!(before.elapsed() >= Duration::from_millis(250), "{:?}", before.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_answered_and_leaves_the_line_working() {
    let line = Coalescer::new(Doubling::default(), bounds());
    assert_eq!(line.push(&"k", 13).await, Err(Refusal::Internal));
    assert_eq!(line.push(&"k", 1).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_given_up_still_runs() {
    let batch = Doubling { pause: Duration::from_millis(5), ..Doubling::default() };
    let runs = Arc::clone(&batch.runs);
    let line = Coalescer::new(batch, bounds());
    let gave_up = tokio::time::timeout(Duration::from_millis(1), line.push(&"k", 1)).await;
    assert!(gave_up.is_err());
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

/// Casts texts to JSON in one statement; one that is none fails all of them.
struct Casting(sql::Db);

const CAST: sql::Statement = sql::statement!(
    "test_cast",
    idempotent,
    "SELECT w.text::JSONB::TEXT AS text FROM unnest($1::TEXT[]) WITH ORDINALITY AS w (text, turn) ORDER BY w.turn"
);

impl Batch for Casting {
    type Key = ();
    type Item = String;
    type Answer = String;
    const NAME: &'static str = "casting";

    fn bytes(item: &String) -> usize {
        item.len()
    }

    async fn run(&self, _key: &(), items: &[&String]) -> Result<Vec<String>, sql::Error> {
        let texts: Vec<&str> = items.iter().map(|item| item.as_str()).collect();
        Ok(self.0.query(&CAST, &[&texts]).await?.iter().map(|row| row.get("text")).collect())
    }
}

/// C1 on the real database: whatever the poison, wherever it stands, all the others are accepted.
#[tokio::test]
async fn a_poison_in_every_batch_fails_alone() {
    let db = sql::testdb::TestDb::new().await;
    let line = Coalescer::new(Casting(db.gateways().await.lane(sql::Lane::Submit)), Bounds::default());
    let poisons = ["{", "", "nul \0 byte", "\"\\u0000\"", "\"\\ud800\"", "1e1000000", "[1,]"];
    for round in 0..40 {
        let (size, poison) = (1 + round * 7 % 60, poisons[round % poisons.len()]);
        let at = round * 31 % size;
        let items: Vec<String> = (0..size).map(|n| if n == at { poison.to_owned() } else { n.to_string() }).collect();
        let answers = futures_util::future::join_all(items.iter().map(|item| line.push(&(), item.clone()))).await;
        for (n, answer) in answers.into_iter().enumerate() {
            if n == at {
                assert_eq!(answer.unwrap_err().code(), "malformed_text", "{poison:?}");
            } else {
                assert_eq!(answer, Ok(n.to_string()), "beside {poison:?}");
            }
        }
    }
}
