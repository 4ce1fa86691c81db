//! Vectors made by an API that speaks as OpenAI's does: `POST {base}/embeddings`.
//!
//! Every try goes through a [`Guard`], is paid from a day's `Budget`, and is repeated a few times where that may help.
//! What one text gave is kept for a minute under the text's hash, and no longer: a forgotten text leaves nothing here.

mod answer;
mod budget;
mod call;
mod settings;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use moka::sync::Cache;
use scheduler_client::Pauses;
use sha2::{Digest as _, Sha256};
use sql::BreakerState;
use tokio::time::Instant;
use topology::ResidencyName;

use super::{DIMENSIONS, Embedder, Error, Space};
use crate::boundary::{Guard, LONGEST_LIFE};
use budget::Budget;
use call::Failure;

pub use budget::Spending;
pub use settings::{Invalid, Settings, Token};

/// What tells the time; the day of a budget is the day of this clock in UTC.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

type Hash = [u8; 32];

/// The API.
pub struct Http {
    settings: Settings,
    space: Space,
    client: reqwest::Client,
    guard: Guard,
    budget: Budget,
    cache: Cache<Hash, Arc<[f32]>>,
}

impl Http {
    /// An embedder that has not asked anything yet.
    ///
    /// # Errors
    /// [`Invalid`] where the settings cannot be used.
    pub fn new(settings: Settings, clock: Clock) -> Result<Self, Invalid> {
        let client = settings.client()?;
        Ok(Self {
            space: settings.space(),
            guard: Guard::new("embeddings", settings.limits),
            budget: Budget::new(settings.tokens_per_day, settings.usd_per_million_tokens, clock),
            cache: Cache::builder().max_capacity(settings.cached).time_to_live(LONGEST_LIFE).build(),
            client,
            settings,
        })
    }

    /// The breaker's state now.
    #[must_use]
    pub fn breaker(&self) -> BreakerState {
        self.guard.state()
    }

    /// What this process has spent.
    #[must_use]
    pub fn spending(&self) -> Spending {
        self.budget.spending()
    }

    /// One batch, tried a few times.
    async fn batch(&self, texts: &[&str]) -> Result<Vec<Arc<[f32]>>, Error> {
        let end = Instant::now() + self.settings.patience;
        let mut pauses = Pauses::new(&self.settings.pauses());
        let mut tries = 1;
        loop {
            let failure = match self.attempt(texts).await {
                Ok(vectors) => return Ok(vectors),
                Err(failure) => failure,
            };
            let Some(retry_after) = failure.retry_after() else { return Err(self.error(failure)) };
            let pause = pauses.next(retry_after).max(retry_after.unwrap_or_default());
            if tries >= self.settings.tries || Instant::now() + pause >= end {
                return Err(self.error(failure));
            }
            tries += 1;
            metrics::counter!("memory_embed_retries_total").increment(1);
            tokio::time::sleep(pause).await;
        }
    }

    fn error(&self, failure: Failure) -> Error {
        match failure {
            Failure::Error(error) => error,
            Failure::Dimensions(got) => Error::Dimensions { space: self.space.clone(), wanted: DIMENSIONS, got },
            Failure::Refused(why) => Error::Refused(why),
            Failure::Limited { .. } => Error::Unavailable("the API is asked too often".to_owned()),
            Failure::Rejected | Failure::NotServed(_) | Failure::Unknown(_) => Error::Unavailable(failure.to_string()),
        }
    }
}

impl Embedder for Http {
    fn space(&self) -> &Space {
        &self.space
    }

    /// The API is somewhere else: what is under a rule is sent there where an operator said so, and never otherwise.
    fn may_see(&self, rule: Option<&ResidencyName>) -> bool {
        rule.is_none_or(|rule| self.settings.may_see.contains(rule))
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        let texts: Vec<&str> = texts.iter().map(|text| start(text, self.settings.text_bytes)).collect();
        if texts.iter().any(|text| text.trim().is_empty()) {
            return Err(Error::Refused("a text is empty".to_owned()));
        }
        let hashes: Vec<Hash> = texts.iter().map(|text| Sha256::digest(text).into()).collect();
        let mut known: HashMap<Hash, Arc<[f32]>> = HashMap::new();
        let mut missing: Vec<(Hash, &str)> = Vec::new();
        for (hash, text) in hashes.iter().zip(&texts) {
            if let Some(vector) = self.cache.get(hash) {
                known.insert(*hash, vector);
            } else if !missing.iter().any(|(other, _)| other == hash) {
                missing.push((*hash, text));
            }
        }
        metrics::counter!("memory_embed_cached_total").increment((texts.len() - missing.len()) as u64);
        for batch in batches(&missing, self.settings.batch_texts, self.settings.batch_bytes) {
            let of: Vec<&str> = batch.iter().map(|(_, text)| *text).collect();
            for ((hash, _), vector) in batch.iter().zip(self.batch(&of).await?) {
                self.cache.insert(*hash, Arc::clone(&vector));
                known.insert(*hash, vector);
            }
        }
        Ok(hashes.iter().map(|hash| known[hash].to_vec()).collect())
    }
}

/// The start of a text that fits into so many bytes.
fn start(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// Texts in order, cut into batches within both bounds; a text that is larger than a batch is one alone.
fn batches<'t, 'a>(texts: &'a [(Hash, &'t str)], most: usize, bytes: usize) -> Vec<&'a [(Hash, &'t str)]> {
    let mut batches = Vec::new();
    let mut rest = texts;
    while !rest.is_empty() {
        let mut sum = 0;
        let fits = rest.iter().take(most).take_while(|(_, text)| {
            sum += text.len();
            sum <= bytes
        });
        let (batch, others) = rest.split_at(fits.count().max(1));
        batches.push(batch);
        rest = others;
    }
    batches
}

#[cfg(test)]
mod tests;
