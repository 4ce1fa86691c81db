//! Random lawful histories: a model of submits, grants, crashes, moves, results and lost answers. Each must check clean,
//! with the figures that the model kept, in whatever order the files came to be, and in however many parts it is judged.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use scheduler_client::wire::MissionState::{Cancelled, Failed, Leased, Pending, Queued, Succeeded};
use topology::MissionId;

use super::books::{Books, Word, holder};
use crate::checker::{Part, Summary};
use crate::history::EffectKind::{End, Start, Stop};
use crate::history::{Call, OpKind};

/// How a submit goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asked {
    Acknowledged,
    /// Stored, and its answer lost.
    Unheard,
    /// Not stored, and nobody knows.
    Lost,
    Refused,
}

/// How an answer to a result goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Answer {
    Heard,
    Lost,
    /// Lost with the agent; the next one brings the result again.
    HeardLater,
    /// Heard by an agent that died before it forgot the result; the next one brings it again.
    HeardTwice,
}

/// What happens to a mission that waits in a queue, so that it waits in one again.
#[derive(Debug, Clone, Copy)]
pub(super) enum Turn {
    /// The answer to a claim is lost.
    GrantLost,
    Crash,
    Drain,
    /// It is taken away; the run ends all the same, before the next one begins, and its result is refused.
    TooLate,
    Fails(Answer),
    Replaced,
    Stranded,
    /// It fails for good, and is submitted again by its id.
    Retried,
}

/// How it ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum Finish {
    Done(Answer),
    Fails,
    Cancelled,
    HeldBack,
}

/// One mission from its submit to its end.
#[derive(Debug, Clone)]
pub(super) struct Life {
    pub(super) asked: Asked,
    pub(super) bound: bool,
    pub(super) turns: Vec<Turn>,
    pub(super) finish: Finish,
}

const ALLOWED: &[&str] = &["us-west", "us-east"];

/// The history of some lives, and what a checker must make of it.
pub(super) struct Model {
    pub(super) books: Books,
    pub(super) expected: Summary,
}

/// One mission as it goes on.
struct Course<'a> {
    model: &'a mut Model,
    mission: u128,
    epoch: i64,
}

impl Model {
    pub(super) fn of(lives: &[Life]) -> Self {
        let mut model = Self { books: Books::default(), expected: Summary::default() };
        for (mission, life) in (1..).zip(lives) {
            model.live(mission, life);
        }
        model
    }

    fn live(&mut self, mission: u128, life: &Life) {
        let allowed = if life.bound { ALLOWED } else { &[] };
        let end = match life.asked {
            Asked::Acknowledged => OpKind::Ok,
            Asked::Unheard => OpKind::Info,
            Asked::Lost => OpKind::Invoke,
            Asked::Refused => OpKind::Fail,
        };
        self.books.submit(&format!("key-{mission}"), mission, allowed, end);
        self.expected.operations += 1;
        match life.asked {
            Asked::Acknowledged => self.expected.acknowledged += 1,
            Asked::Unheard => self.expected.indeterminate.add(1, true),
            Asked::Lost => return self.expected.indeterminate.add(1, false),
            Asked::Refused => return,
        }
        let mut course = Course { model: self, mission, epoch: 0 };
        for turn in &life.turns {
            course.turn(*turn);
        }
        course.finish(life, allowed);
    }
}

impl Course<'_> {
    /// A grant whose run begins.
    fn begin(&mut self) {
        self.epoch += 1;
        self.model.books.effect(self.mission, self.epoch, Start, "us-west");
    }

    fn end(&mut self, ok: bool) {
        let books = &mut self.model.books;
        books.effect(self.mission, self.epoch, End, "us-west");
        books.ledger.last_mut().unwrap().ok = Some(ok);
    }

    /// A transition to the next epoch.
    fn moves(&mut self, from: scheduler_client::wire::MissionState, to: scheduler_client::wire::MissionState) {
        self.epoch += 1;
        self.model.books.event(self.mission, from, to, self.epoch, "scheduler:1");
    }

    fn bring(&mut self, word: Word, end: OpKind) {
        self.model.books.bring(word, self.mission, self.epoch, end);
        self.model.expected.operations += 1;
        if end == OpKind::Invoke {
            self.model.expected.indeterminate.add(1, true);
        }
    }

    /// Brings a result that is taken.
    fn bring_until(&mut self, word: Word, answer: Answer) {
        match answer {
            Answer::Heard => self.bring(word, OpKind::Ok),
            Answer::Lost => self.bring(word, OpKind::Invoke),
            Answer::HeardLater => {
                self.bring(word, OpKind::Invoke);
                self.bring(word, OpKind::Ok);
            }
            Answer::HeardTwice => {
                self.bring(word, OpKind::Ok);
                self.bring(word, OpKind::Ok);
            }
        }
    }

    fn turn(&mut self, turn: Turn) {
        match turn {
            Turn::GrantLost => {
                self.epoch += 1;
                self.moves(Leased, Queued);
            }
            Turn::Crash => {
                self.begin();
                self.model.expected.lost_attempts += 1;
                self.moves(Leased, Queued);
            }
            Turn::Drain => {
                self.begin();
                self.model.books.effect(self.mission, self.epoch, Stop, "us-west");
                self.model.expected.lost_attempts += 1;
                self.moves(Leased, Queued);
            }
            Turn::TooLate => {
                self.begin();
                self.end(true);
                self.bring(Word::Complete, OpKind::Fail);
                self.model.expected.fenced += 1;
                self.moves(Leased, Queued);
            }
            Turn::Fails(answer) => {
                self.begin();
                self.end(false);
                self.bring_until(Word::Fail, answer);
                let actor = format!("session:{}", holder(self.epoch));
                self.epoch += 1;
                self.model.books.event(self.mission, Leased, Queued, self.epoch, &actor);
            }
            Turn::Replaced => self.moves(Queued, Queued),
            Turn::Stranded => {
                self.moves(Queued, Pending);
                self.model.books.event(self.mission, Pending, Queued, self.epoch, "scheduler:1");
            }
            Turn::Retried => {
                self.fails_for_good();
                self.moves(Failed, Queued);
            }
        }
    }

    fn fails_for_good(&mut self) {
        self.begin();
        self.end(false);
        self.bring(Word::Fail, OpKind::Ok);
        let actor = format!("session:{}", holder(self.epoch));
        self.model.books.event(self.mission, Leased, Failed, self.epoch, &actor);
    }

    fn finish(&mut self, life: &Life, allowed: &[&str]) {
        let acknowledged = u64::from(matches!(life.asked, Asked::Acknowledged));
        let state = match life.finish {
            Finish::Done(answer) => {
                self.begin();
                self.end(true);
                self.bring_until(Word::Complete, answer);
                self.model.expected.proven += acknowledged;
                Succeeded
            }
            Finish::Fails => {
                self.fails_for_good();
                Failed
            }
            Finish::HeldBack if life.bound => {
                self.moves(Queued, Pending);
                self.model.expected.held_back += acknowledged;
                Pending
            }
            Finish::Cancelled | Finish::HeldBack => {
                self.moves(Queued, Cancelled);
                Cancelled
            }
        };
        if matches!(state, Failed | Cancelled) && acknowledged > 0 {
            let reason = if state == Failed { "failed" } else { "cancelled" };
            *self.model.expected.failed.entry(reason.to_owned()).or_default() += 1;
        }
        self.model.books.row(self.mission, state, self.epoch, allowed);
    }
}

/// Mixes the lines of all missions; what has an order keeps it: a mission's effects, an operation's begin and end.
pub(super) fn mixed(mut books: Books, seed: u64) -> Books {
    let mut rng = StdRng::seed_from_u64(seed);
    books.ledger = mix(books.ledger, |effect| effect.mission, &mut rng);
    books.submits = mix(books.submits, |op| op.op, &mut rng);
    books.agents = mix(books.agents, |op| op.op, &mut rng);
    books.rows.shuffle(&mut rng);
    books.events.shuffle(&mut rng);
    books
}

fn mix<T, K: Ord>(lines: Vec<T>, of: impl Fn(&T) -> K, rng: &mut StdRng) -> Vec<T> {
    let mut keys: Vec<K> = lines.iter().map(&of).collect();
    keys.shuffle(rng);
    let mut queues: BTreeMap<K, std::collections::VecDeque<T>> = BTreeMap::new();
    for line in lines {
        queues.entry(of(&line)).or_default().push_back(line);
    }
    keys.into_iter().map(|key| queues.get_mut(&key).and_then(std::collections::VecDeque::pop_front).unwrap()).collect()
}

pub(super) fn lives() -> impl Strategy<Value = Vec<Life>> {
    let answer = || {
        let heard = prop_oneof![Just(Answer::Lost), Just(Answer::HeardLater), Just(Answer::HeardTwice)];
        prop_oneof![Just(Answer::Heard), heard]
    };
    let asked = prop_oneof![
        6 => Just(Asked::Acknowledged),
        2 => Just(Asked::Unheard),
        1 => Just(Asked::Lost),
        1 => Just(Asked::Refused),
    ];
    let turn = prop_oneof![
        Just(Turn::GrantLost),
        Just(Turn::Crash),
        Just(Turn::Drain),
        Just(Turn::TooLate),
        answer().prop_map(Turn::Fails),
        Just(Turn::Replaced),
        Just(Turn::Stranded),
        Just(Turn::Retried),
    ];
    let finish = prop_oneof![
        5 => answer().prop_map(Finish::Done),
        1 => Just(Finish::Fails),
        1 => Just(Finish::Cancelled),
        1 => Just(Finish::HeldBack),
    ];
    let life = (asked, any::<bool>(), prop::collection::vec(turn, 0..5), finish)
        .prop_map(|(asked, bound, turns, finish)| Life { asked, bound, turns, finish });
    prop::collection::vec(life, 1..12)
}

/// Every kind of life that there is, once with every finish.
pub(super) fn all_lives() -> Vec<Life> {
    let answers = [Answer::Heard, Answer::Lost, Answer::HeardLater, Answer::HeardTwice];
    let mut turns = vec![Turn::GrantLost, Turn::Crash, Turn::Drain, Turn::TooLate, Turn::Replaced, Turn::Stranded];
    turns.push(Turn::Retried);
    turns.extend(answers.map(Turn::Fails));
    let mut finishes = vec![Finish::Fails, Finish::Cancelled, Finish::HeldBack];
    finishes.extend(answers.map(Finish::Done));
    let mut lives = Vec::new();
    for asked in [Asked::Acknowledged, Asked::Unheard, Asked::Lost, Asked::Refused] {
        for bound in [true, false] {
            for finish in &finishes {
                lives.push(Life { asked, bound, turns: turns.clone(), finish: *finish });
            }
        }
    }
    lives
}

proptest! {
    #[test]
    fn a_lawful_history_checks_clean_with_the_models_figures(lives in lives(), seed in any::<u64>()) {
        let model = Model::of(&lives);
        let books = mixed(model.books, seed);
        let summary = books.check();
        prop_assert!(summary.is_clean(), "{summary:?}");
        prop_assert_eq!(&summary, &model.expected);
        for parts in [2, 5] {
            let sum = Part::all(parts).fold(Summary::default(), |sum, part| sum.and(books.check_part(part)));
            prop_assert_eq!(&sum, &summary, "in {} parts", parts);
        }
    }
}

#[test]
fn every_kind_of_life_is_lawful() {
    let model = Model::of(&all_lives());
    assert_eq!(mixed(model.books.clone(), 1).check(), model.expected);
    assert_eq!(model.books.check(), model.expected);
    let agent_ops = model.books.agents.iter().filter(|op| matches!(op.call, Call::Fail { .. })).count();
    assert!(agent_ops > 0 && model.expected.fenced > 0, "{:?}", model.expected);
    let missions: std::collections::BTreeSet<MissionId> = model.books.rows.iter().map(|row| row.mission).collect();
    assert_eq!(missions.len(), model.books.rows.len());
}
