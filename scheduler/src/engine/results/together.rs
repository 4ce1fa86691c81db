//! The results of a session that come in one request.

use futures_util::future::{join_all, join3};
use scheduler_client::wire;
use topology::SessionId;

use super::words::{Completion, Failure, HandBack, Word};
use super::{Engine, Said};
use crate::refusal::{Fault, Refusal};

/// Words of one kind, each with its place in the request.
type Places<W> = Vec<(usize, Said<W>)>;

/// The results of a request by kind: those of one kind and home share statements.
#[derive(Default)]
struct ByKind {
    completions: Places<Completion>,
    failures: Places<Failure>,
    hand_backs: Places<HandBack>,
}

impl ByKind {
    fn add(
        &mut self,
        engine: &Engine,
        session: SessionId,
        place: usize,
        result: wire::MissionResult,
    ) -> Result<(), Refusal> {
        if result.word.lease().session != session {
            let detail = "the path names another session";
            return Err(Refusal::invalid(Fault::OtherSession, "/session", detail));
        }
        match result.word {
            wire::ResultWord::Complete(body) => {
                self.completions.push((place, engine.completion(result.mission, body)?));
            }
            wire::ResultWord::Fail(body) => self.failures.push((place, engine.failure(result.mission, body)?)),
            wire::ResultWord::Release(body) => self.hand_backs.push((place, engine.hand_back(result.mission, body)?)),
        }
        Ok(())
    }
}

impl Engine {
    /// Takes results of one session, each as if it came alone: one answer each, in order. A refused one leaves the
    /// others untouched.
    pub async fn results(
        &self,
        session: SessionId,
        results: Vec<wire::MissionResult>,
    ) -> Vec<Result<wire::LeaseAnswer, Refusal>> {
        let mut answers = vec![Err(Refusal::Internal); results.len()];
        let mut kinds = ByKind::default();
        for (place, result) in results.into_iter().enumerate() {
            if let Err(refusal) = kinds.add(self, session, place, result) {
                answers[place] = Err(refusal);
            }
        }
        let ByKind { completions, failures, hand_backs } = kinds;
        let (completed, failed, back) =
            join3(self.say_all(completions), self.say_all(failures), self.say_all(hand_backs)).await;
        for (place, answer) in completed.into_iter().chain(failed).chain(back) {
            answers[place] = answer;
        }
        answers
    }

    async fn say_all<W: Word>(&self, said: Places<W>) -> Vec<(usize, Result<wire::LeaseAnswer, Refusal>)> {
        let rows = said.iter().map(|(_, said)| (said.home.clone(), said.word.row())).collect();
        let first = W::line(self).push_all(rows);
        let mut answers = Vec::with_capacity(said.len());
        let mut rest = Vec::new();
        // Nearly all are done by their first statement, and waited for in turn, which costs little; the few others go on
        // together.
        for ((place, said), first) in said.into_iter().zip(first) {
            match first.answer().await {
                Ok(Some(done)) => answers.push((place, Ok(said.word.answer(done)))),
                changed => rest.push(async move { (place, self.settle(said, changed).await) }),
            }
        }
        answers.extend(join_all(rest).await);
        answers
    }
}
