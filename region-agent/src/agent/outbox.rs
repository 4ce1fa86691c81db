//! Results on their way: repeated with their epoch until a scheduler accepts or refuses them.

mod line;

use std::sync::Arc;

use scheduler_client::wire::{Fail, LeaseAnswer, LeaseProof};
use scheduler_client::{Error, Pauses};
use serde_json::json;

use self::line::Answer;
pub(super) use self::line::Line;
use super::Agent;
use crate::history::Operation;
use crate::runner::reason;
use crate::spool::{Finished, FinishedResult};

/// What a try to deliver came to.
enum Delivery {
    /// It is done.
    Accepted,
    /// Refused for good.
    Refused(Arc<Error>),
    /// The scheduler does not store such a result: report that instead.
    Unstorable(Arc<Error>),
    /// Nobody could decide.
    Later(Arc<Error>),
}

impl Agent {
    /// Keeps a result on disk and sends it until it is accepted or refused.
    pub(super) async fn finish(&self, finished: Finished) {
        if let Err(error) = self.0.spool.put(finished.clone()).await {
            tracing::error!(error = &error as &dyn std::error::Error, "a result could not be kept, only sent");
        }
        self.deliver(finished).await;
    }

    /// Sends a result that is kept already, and forgets it when it is accepted or refused.
    pub(super) async fn deliver(&self, mut finished: Finished) {
        let name = finished.name();
        let mut pauses = Pauses::new(&self.0.client.limits());
        let mut operation = self.invoked(&finished);
        let outcome = loop {
            let answer = self.0.outbox.send(&self.0.client, finished.clone()).await;
            let live = self.status().session == Some(finished.lease().session);
            match judge(answer, &finished.result, live) {
                Delivery::Accepted => {
                    self.answered(operation, Ok(()));
                    break finished.result.done();
                }
                Delivery::Refused(error) => {
                    self.answered(operation, Err(&error));
                    break "refused";
                }
                Delivery::Unstorable(error) => {
                    self.answered(operation, Err(&error));
                    finished = unstorable(&finished, &error);
                    operation = self.invoked(&finished);
                }
                Delivery::Later(error) => {
                    tracing::warn!(
                        mission = %name.mission,
                        epoch = %name.epoch,
                        error = &*error as &dyn std::error::Error,
                        "a result waits"
                    );
                    tokio::time::sleep(pauses.next(None)).await;
                }
            }
        };
        metrics::counter!("region_agent_results_total", "outcome" => outcome).increment(1);
        if let Err(error) = self.0.spool.remove(name).await {
            tracing::error!(error = &error as &dyn std::error::Error, "a delivered result stays on disk");
        }
    }

    /// Notes in the history that a result is sent for the first time; its repetitions are the same operation.
    fn invoked(&self, finished: &Finished) -> Option<Operation> {
        self.0.history.as_ref().map(|history| history.invoke(finished))
    }

    /// Notes what was decided. What nobody could decide has no end in the history.
    fn answered(&self, operation: Option<Operation>, decided: Result<(), &Error>) {
        if let (Some(history), Some(operation)) = (&self.0.history, operation) {
            match decided {
                Ok(()) => history.ok(&operation),
                Err(error) => history.fail(&operation, error.code()),
            }
        }
    }
}

/// Judges an answer; `live` says whether the result is of the present session.
fn judge(answer: Answer, result: &FinishedResult, live: bool) -> Delivery {
    let error = match answer {
        Ok(LeaseAnswer { .. }) => return Delivery::Accepted,
        Err(error) => error,
    };
    let complete = matches!(result, FinishedResult::Complete(_));
    match error.status() {
        // Somebody else's by now, called off, finished, or unknown.
        Some(404 | 409 | 410) if error.code().is_some() => {
            tracing::info!(code = error.code(), "a result was refused");
            Delivery::Refused(error)
        }
        // That scheduler knows another topology than the one that granted the lease: soon one of them knows both.
        Some(422) if error.code() == Some("unknown_home") && live => Delivery::Later(error),
        Some(400 | 413 | 422) if error.code().is_some() && complete => Delivery::Unstorable(error),
        Some(400 | 413 | 422) if error.code().is_some() => Delivery::Refused(error),
        // 401 and 403: a wrong token is mended by people; all else is mended by time.
        _ => Delivery::Later(error),
    }
}

/// A failure in place of a result that no scheduler takes, so that the mission does not wait for it for ever.
fn unstorable(finished: &Finished, error: &Error) -> Finished {
    let lease: LeaseProof = finished.lease().clone();
    let detail = json!({ "code": error.code(), "error": error.to_string() });
    let body = Fail { lease, reason: reason::RESULT_REFUSED.to_owned(), detail, retryable: true, memory: None };
    Finished { mission: finished.mission, result: FinishedResult::Fail(body) }
}

#[cfg(test)]
mod tests {
    use scheduler_client::Cause;
    use scheduler_client::wire::{Complete, Problem};
    use topology::{Epoch, MissionId, SessionId};

    use super::*;

    fn refused(status: u16, code: &str) -> Error {
        let problem = Problem {
            kind: String::new(),
            code: code.to_owned(),
            status,
            title: String::new(),
            detail: String::new(),
            pointer: None,
            extra: None,
        };
        Error::Problem { problem: Box::new(problem), retry_after: None }
    }

    fn verdict(error: Error, complete: bool) -> &'static str {
        verdict_while(true, error, complete)
    }

    fn verdict_while(live: bool, error: Error, complete: bool) -> &'static str {
        let lease = LeaseProof { session: SessionId::random(), epoch: Epoch(7), home: "us-west-2".to_owned() };
        let failed = Fail {
            lease: lease.clone(),
            reason: "run_limit".to_owned(),
            detail: json!(null),
            retryable: true,
            memory: None,
        };
        let completed = Complete { lease, outcome: json!(null), memory: None };
        let result = if complete { FinishedResult::Complete(completed) } else { FinishedResult::Fail(failed) };
        match judge(Err(Arc::new(error)), &result, live) {
            Delivery::Accepted => "accepted",
            Delivery::Refused(_) => "refused",
            Delivery::Unstorable(_) => "unstorable",
            Delivery::Later(_) => "later",
        }
    }

    #[test]
    fn a_result_is_forgotten_only_where_it_was_decided() {
        let cases = [
            (409, "lease_lost", "refused"),
            (409, "mission_cancelled", "refused"),
            (404, "mission_not_found", "refused"),
            (422, "nul_character", "unstorable"),
            (422, "unknown_home", "later"),
            (413, "body_too_large", "unstorable"),
            (401, "unauthenticated", "later"),
            (403, "forbidden", "later"),
            (429, "too_many", "later"),
            (500, "internal", "later"),
            (503, "database_unavailable", "later"),
        ];
        for (status, code, wanted) in cases {
            assert_eq!(verdict(refused(status, code), true), wanted, "{status} {code}");
        }
        assert_eq!(verdict(refused(422, "nul_character"), false), "refused", "a failure cannot be made simpler");
        let stranger = refused(422, "unknown_home");
        assert_eq!(
            verdict_while(false, stranger, true),
            "unstorable",
            "a lease of a session that is over waits no more"
        );
        assert_eq!(verdict(Error::Unreachable { tries: 1, cause: Cause::BreakersOpen }, true), "later");
        // A proxy's page is no decision of a scheduler.
        assert_eq!(verdict(Error::Contract { status: 404, detail: String::new() }, true), "later");
    }

    #[test]
    fn what_no_scheduler_stores_becomes_a_failure_under_the_same_lease() {
        let lease = LeaseProof { session: SessionId::random(), epoch: Epoch(7), home: "us-west-2".to_owned() };
        let result = FinishedResult::Complete(Complete { lease: lease.clone(), outcome: json!("\u{0}"), memory: None });
        let finished = Finished { mission: MissionId::random(), result };
        let instead = unstorable(&finished, &refused(422, "nul_character"));
        assert_eq!(instead.name(), finished.name());
        let FinishedResult::Fail(body) = instead.result else { panic!("no failure") };
        assert_eq!((body.lease, body.reason.as_str()), (lease, reason::RESULT_REFUSED));
        assert_eq!(body.detail["code"], "nul_character");
    }
}
