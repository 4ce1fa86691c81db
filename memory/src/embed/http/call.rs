//! One try of one batch.

use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::Serialize;

use super::Http;
use super::answer::{self, Vectors, Wrong};
use crate::boundary;
use crate::embed::{DIMENSIONS, Error};

/// Longest answer for a text: each dimension as a long number.
const TEXT_ANSWER_MAX: usize = DIMENSIONS * 32;

/// Most characters of a refusal that are repeated.
const REFUSAL_MAX: usize = 200;

/// Why a try gave no vectors.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// It was not made, and is not made again.
    #[error(transparent)]
    Error(#[from] Error),
    #[error("the embeddings API did not answer before and is not asked")]
    Rejected,
    /// The API did not take it.
    #[error("the embeddings API does not serve: {0}")]
    NotServed(String),
    /// The API took it, and what became of it is not known.
    #[error("no good answer of the embeddings API: {0}")]
    Unknown(String),
    #[error("the embeddings API is asked too often")]
    Limited { retry_after: Option<Duration> },
    #[error("the embeddings API refuses: {0}")]
    Refused(String),
    #[error("vectors of {0} dimensions came")]
    Dimensions(usize),
}

impl Failure {
    /// Where another try may help: how long the API wants to be left alone before, if it said so.
    pub(super) const fn retry_after(&self) -> Option<Option<Duration>> {
        match self {
            Self::NotServed(_) | Self::Unknown(_) => Some(None),
            Self::Limited { retry_after } => Some(*retry_after),
            Self::Error(_) | Self::Rejected | Self::Refused(_) | Self::Dimensions(_) => None,
        }
    }

    /// Whether the API did not do its part. Where it says that we ask too often or wrongly, it did.
    const fn is_theirs(&self) -> bool {
        match self {
            Self::NotServed(_) | Self::Unknown(_) => true,
            Self::Error(_) | Self::Rejected | Self::Limited { .. } | Self::Refused(_) | Self::Dimensions(_) => false,
        }
    }
}

impl From<Wrong> for Failure {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Broken(why) => Self::Unknown(why),
            Wrong::Dimensions(got) => Self::Dimensions(got),
        }
    }
}

#[derive(Serialize)]
struct Request<'t> {
    model: &'t str,
    input: &'t [&'t str],
    dimensions: usize,
    encoding_format: &'static str,
}

impl Http {
    /// Pays for one try and makes it.
    pub(super) async fn attempt(&self, texts: &[&str]) -> Result<Vec<Arc<[f32]>>, Failure> {
        let reserved = self.budget.reserve(texts)?;
        match self.guard.call(self.exchange(texts), Failure::is_theirs).await {
            Ok(Vectors { vectors, tokens }) => {
                reserved.spent(texts.len(), tokens);
                Ok(vectors)
            }
            Err(boundary::Error::Rejected) => {
                reserved.give_back();
                Err(Failure::Rejected)
            }
            Err(boundary::Error::TimedOut(limit)) => Err(Failure::Unknown(format!("nothing within {limit:?}"))),
            Err(boundary::Error::Failed(failure)) => {
                match failure {
                    Failure::NotServed(_) | Failure::Limited { .. } | Failure::Refused(_) => reserved.give_back(),
                    // Such an answer was made, and paid for.
                    Failure::Unknown(_) | Failure::Dimensions(_) => drop(reserved),
                    Failure::Error(_) | Failure::Rejected => unreachable!("an exchange neither pays nor is kept away"),
                }
                Err(failure)
            }
        }
    }

    async fn exchange(&self, texts: &[&str]) -> Result<Vectors, Failure> {
        let request =
            Request { model: &self.settings.model, input: texts, dimensions: DIMENSIONS, encoding_format: "float" };
        let url = format!("{}/embeddings", self.settings.address());
        let mut answer = self.client.post(url).json(&request).send().await.map_err(|error| {
            if error.is_connect() { Failure::NotServed(chain(&error)) } else { Failure::Unknown(chain(&error)) }
        })?;
        let status = answer.status();
        let retry_after = retry_after(answer.headers());
        let most = TEXT_ANSWER_MAX * (texts.len() + 1);
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| Failure::Unknown(chain(&error)))? {
            body.extend_from_slice(&chunk);
            if body.len() > most {
                return Err(Failure::Unknown(format!("more than {most} bytes")));
            }
        }
        sort(status, retry_after, &body)?;
        Ok(answer::read(&body, texts.len())?)
    }
}

/// What a status means.
fn sort(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Result<(), Failure> {
    match status {
        StatusCode::OK => Ok(()),
        StatusCode::TOO_MANY_REQUESTS => Err(Failure::Limited { retry_after }),
        StatusCode::REQUEST_TIMEOUT => Err(Failure::NotServed(status.to_string())),
        // Some servers say the token again in such an answer.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Failure::Refused(format!("{status}"))),
        _ if status.is_server_error() => Err(Failure::NotServed(status.to_string())),
        _ => {
            let why: String = String::from_utf8_lossy(body).chars().take(REFUSAL_MAX).collect();
            Err(Failure::Refused(format!("{status}: {}", why.trim())))
        }
    }
}

/// The seconds of Retry-After; some APIs give fractions.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// An error with its causes; the address in it holds no secret.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
