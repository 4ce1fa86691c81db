//! A worker behind HTTP: the mission goes there by POST, its result is the answer.
//!
//! A worker cannot be stopped like a process. It gets the epoch and an idempotency key, so that it can fence what it
//! writes; when the mission is lost the connection is closed.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{StatusCode, Url};
use serde_json::{Value, json};

use super::{Ending, Failure, Job, Tether, reason, run_limit};
use crate::supervisor::protocol::OUTPUT_MAX;

/// Where the worker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// Missions go here by POST.
    pub url: Url,
    /// Longest run, where it is shorter than the mission's own limit.
    pub time_limit: Option<Duration>,
}

/// The runner.
#[derive(Debug)]
pub struct Http {
    settings: HttpSettings,
    client: reqwest::Client,
}

impl Http {
    /// A runner for one worker.
    ///
    /// # Errors
    /// When no HTTP client can be built.
    pub fn new(settings: HttpSettings) -> Result<Self, reqwest::Error> {
        let roots = settings.url.scheme() == "https";
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(scheduler_client::tls_config(roots))
            .connect_timeout(Duration::from_secs(2))
            .redirect(reqwest::redirect::Policy::none());
        if scheduler_client::is_loopback(&settings.url) {
            builder = builder.no_proxy();
        }
        Ok(Self { client: builder.build()?, settings })
    }

    pub(super) async fn run(&self, job: &Job, mut tether: Tether) -> Ending {
        let left = tether.clock.now().until(job.run_until);
        let limit = self.settings.time_limit.map_or(left, |limit| limit.min(left));
        tokio::select! {
            cause = tether.stopped() => Ending::Stopped(cause),
            () = tokio::time::sleep(limit) => run_limit(job, None),
            answer = self.ask(job) => ending(answer),
        }
    }

    async fn ask(&self, job: &Job) -> Result<(StatusCode, Vec<u8>), reqwest::Error> {
        let body = serde_json::to_vec(&job.input()).expect("a mission is JSON");
        let mut request = self
            .client
            .post(self.settings.url.clone())
            .header("content-type", "application/json")
            .header("idempotency-key", format!("{}/{}", job.grant.mission, job.grant.epoch))
            .header("meridian-mission", job.grant.mission.to_string())
            .header("meridian-epoch", job.grant.epoch.to_string())
            .body(Bytes::from(body));
        if let Some(traceparent) = &job.grant.traceparent {
            request = request.header("traceparent", traceparent);
        }
        if let Some(drill) = &job.grant.drill {
            request = request.header("meridian-drill", drill);
        }
        let mut answer = request.send().await?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > OUTPUT_MAX {
                break;
            }
        }
        Ok((status, body))
    }
}

/// What the worker's answer means.
fn ending(answer: Result<(StatusCode, Vec<u8>), reqwest::Error>) -> Ending {
    let (status, body) = match answer {
        Ok(answer) => answer,
        Err(error) => return failed(reason::WORKER_UNREACHABLE, json!({ "error": chain(&error) }), true),
    };
    if body.len() > OUTPUT_MAX {
        return failed(reason::OUTPUT_TOO_LARGE, json!({ "limit_bytes": OUTPUT_MAX }), true);
    }
    let start: String = String::from_utf8_lossy(&body).replace('\0', "\u{fffd}").chars().take(200).collect();
    if !status.is_success() {
        let retryable = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        return failed(reason::WORKER_STATUS, json!({ "status": status.as_u16(), "body": start }), retryable);
    }
    match serde_json::from_slice::<Value>(&body) {
        Ok(outcome) if !outcome.is_null() => Ending::Succeeded(outcome),
        _ => failed(reason::NO_JSON, json!({ "body": start }), true),
    }
}

fn failed(reason: &'static str, detail: Value, retryable: bool) -> Ending {
    Ending::Failed(Failure { reason, detail, retryable })
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_of_a_worker_has_its_meaning() {
        let cases = [
            (200, "{\"a\": 1}".to_owned(), "ok", true),
            (200, "hello".to_owned(), reason::NO_JSON, true),
            (200, "null".to_owned(), reason::NO_JSON, true),
            (200, "x".repeat(OUTPUT_MAX + 1), reason::OUTPUT_TOO_LARGE, true),
            (500, "{}".to_owned(), reason::WORKER_STATUS, true),
            (429, "{}".to_owned(), reason::WORKER_STATUS, true),
            (400, "{}".to_owned(), reason::WORKER_STATUS, false),
        ];
        for (status, body, wanted, retryable) in cases {
            let status = StatusCode::from_u16(status).unwrap();
            match ending(Ok((status, body.into_bytes()))) {
                Ending::Succeeded(_) => assert_eq!(wanted, "ok"),
                Ending::Failed(failure) => assert_eq!((failure.reason, failure.retryable), (wanted, retryable)),
                other => panic!("{other:?}"),
            }
        }
    }
}
