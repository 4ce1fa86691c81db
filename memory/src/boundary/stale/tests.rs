use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use proptest::prelude::*;
use tokio::sync::Notify;
use tokio::time::advance;

use super::*;

const FRESH: Duration = Duration::from_secs(5);
const STALE: Duration = Duration::from_secs(30);

type Ids = BTreeSet<u32>;

fn cache() -> StaleCache<u32, Ids> {
    StaleCache::new("test", Life { fresh: FRESH, stale: STALE, bytes: 1 << 20 }, |_| 1)
}

fn ids(all: &[u32]) -> Ids {
    all.iter().copied().collect()
}

/// Where answers come from.
#[derive(Default)]
struct Origin {
    loads: AtomicUsize,
    down: AtomicBool,
    held: Mutex<BTreeMap<u32, Ids>>,
}

impl Origin {
    fn load(self: &Arc<Self>, key: u32) -> impl Future<Output = Result<Ids, &'static str>> + Send + use<> {
        let origin = Arc::clone(self);
        async move {
            origin.loads.fetch_add(1, Ordering::SeqCst);
            if origin.down.load(Ordering::SeqCst) {
                return Err("down");
            }
            Ok(origin.held.lock().unwrap().get(&key).cloned().unwrap_or_default())
        }
    }

    fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }
}

/// Lets everything that is spawned and ready come to its end.
async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_fresh_then_stale_and_renewed_once_then_gone() {
    let (cache, origin) = (cache(), Arc::new(Origin::default()));
    origin.held.lock().unwrap().insert(1, ids(&[7]));
    let first = cache.get(1, origin.load(1)).await.unwrap();
    assert_eq!((first.value, first.age, first.is_stale), (ids(&[7]), Duration::ZERO, false));

    origin.down.store(true, Ordering::SeqCst);
    advance(FRESH).await;
    for _ in 0..50 {
        let stale = cache.get(1, origin.load(1)).await.unwrap();
        assert_eq!((stale.value, stale.age, stale.is_stale), (ids(&[7]), FRESH, true));
    }
    settle().await;
    assert_eq!(origin.loads(), 2, "fifty callers start one renewal");

    advance(STALE - FRESH).await;
    assert_eq!(*cache.get(1, origin.load(1)).await.unwrap_err(), "down");
    assert!(cache.peek(1, origin.load(1)).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn callers_at_the_same_time_share_one_load_and_its_error() {
    let (cache, origin) = (cache(), Arc::new(Origin::default()));
    let (go, loads) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let load = || {
        let (go, loads) = (Arc::clone(&go), Arc::clone(&loads));
        async move {
            loads.fetch_add(1, Ordering::SeqCst);
            go.notified().await;
            Err::<Ids, _>("down")
        }
    };
    let waiters: Vec<_> = (0..50)
        .map(|_| {
            tokio::spawn({
                let (cache, load) = (cache.clone(), load());
                async move { cache.get(1, load).await }
            })
        })
        .collect();
    settle().await;
    go.notify_waiters();
    for waiter in waiters {
        assert_eq!(*waiter.await.unwrap().unwrap_err(), "down");
    }
    assert_eq!(loads.load(Ordering::SeqCst), 1);
    assert!(cache.get(1, origin.load(1)).await.is_ok(), "an error is not kept");
}

#[tokio::test(start_paused = true)]
async fn a_load_goes_on_when_its_caller_gives_up() {
    let (cache, origin) = (cache(), Arc::new(Origin::default()));
    let slow = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok::<_, &str>(ids(&[7]))
    };
    tokio::time::timeout(Duration::from_millis(1), cache.get(1, slow)).await.unwrap_err();
    advance(Duration::from_secs(1)).await;
    settle().await;
    assert_eq!(cache.get(1, origin.load(1)).await.unwrap().value, ids(&[7]));
    assert_eq!(origin.loads(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_on_its_way_while_something_was_forgotten_is_not_kept() {
    let (cache, origin) = (cache(), Arc::new(Origin::default()));
    let go = Arc::new(Notify::new());
    let late = {
        let go = Arc::clone(&go);
        async move {
            go.notified().await;
            Ok::<_, &str>(ids(&[7]))
        }
    };
    assert!(cache.peek(1, late).await.is_none());
    settle().await;
    cache.forget(|held| held.contains(&7)).await;
    go.notify_one();
    settle().await;
    assert!(cache.peek(1, origin.load(1)).await.is_none(), "the answer of before came back");
}

#[test]
fn nothing_lives_longer_than_the_longest_life() {
    let life = Life { fresh: LONGEST_LIFE * 2, stale: LONGEST_LIFE * 3, bytes: 1 };
    assert_eq!(StaleCache::<u32, Ids>::new("test", life, |_| 1).life(), LONGEST_LIFE);
}

#[derive(Debug, Clone)]
enum Step {
    Pass(u64),
    Get(u32),
    Peek(u32),
    Learn(u32, u32),
    Forget(u32),
    Down(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..20_000u64).prop_map(Step::Pass),
        4 => (0..3u32).prop_map(Step::Get),
        2 => (0..3u32).prop_map(Step::Peek),
        2 => (0..3u32, 0..4u32).prop_map(|(key, id)| Step::Learn(key, id)),
        1 => (0..4u32).prop_map(Step::Forget),
        1 => any::<bool>().prop_map(Step::Down),
    ]
}

/// What the cache should hold: by key the time of the load and its answer.
#[derive(Default)]
struct Model {
    kept: BTreeMap<u32, (Instant, Ids)>,
    forgotten: Ids,
}

impl Model {
    fn expected(&self, key: u32) -> Option<Aged<Ids>> {
        let (at, value) = self.kept.get(&key)?;
        let age = at.elapsed();
        (age < STALE).then(|| Aged { value: value.clone(), age, is_stale: age >= FRESH })
    }

    /// A question was answered by `before`; what the origin has now is loaded where that was not fresh.
    fn asked(&mut self, key: u32, before: Option<&Aged<Ids>>, origin: &Origin) -> usize {
        if before.is_some_and(|kept| !kept.is_stale) {
            return 0;
        }
        if !origin.down.load(Ordering::SeqCst) {
            let now = origin.held.lock().unwrap().get(&key).cloned().unwrap_or_default();
            self.kept.insert(key, (Instant::now(), now));
        }
        1
    }
}

async fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let (cache, origin, mut model) = (cache(), Arc::new(Origin::default()), Model::default());
    for step in steps {
        let loads = origin.loads();
        match step {
            Step::Pass(ms) => advance(Duration::from_millis(ms)).await,
            Step::Get(key) => {
                let before = model.expected(key);
                let got = cache.get(key, origin.load(key)).await;
                settle().await;
                let wanted = model.asked(key, before.as_ref(), &origin);
                prop_assert_eq!(origin.loads() - loads, wanted);
                let wanted = before.or_else(|| model.expected(key).filter(|new| new.age.is_zero()));
                prop_assert!(wanted.iter().all(|kept| kept.value.is_disjoint(&model.forgotten)));
                prop_assert_eq!(got.ok(), wanted);
            }
            Step::Peek(key) => {
                let before = model.expected(key);
                prop_assert_eq!(&cache.peek(key, origin.load(key)).await, &before);
                settle().await;
                let wanted = model.asked(key, before.as_ref(), &origin);
                prop_assert_eq!(origin.loads() - loads, wanted);
            }
            Step::Learn(key, id) if !model.forgotten.contains(&id) => {
                origin.held.lock().unwrap().entry(key).or_default().insert(id);
            }
            Step::Learn(..) => {}
            Step::Forget(id) => {
                model.forgotten.insert(id);
                model.kept.retain(|_, (_, held)| !held.contains(&id));
                origin.held.lock().unwrap().values_mut().for_each(|held| held.retain(|other| *other != id));
                cache.forget(|held| held.contains(&id)).await;
            }
            Step::Down(down) => origin.down.store(down, Ordering::SeqCst),
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_it_serves_what_the_model_says(steps in proptest::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(run(steps))?;
    }
}
