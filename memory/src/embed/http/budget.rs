//! What may be spent a day, and what was spent.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};

use super::Clock;
use crate::embed::Error;

/// Bytes of a token, for texts whose tokens nobody has counted yet. English has about four a token, code and other
/// scripts fewer; it is better to reckon a little too many.
const BYTES_PER_TOKEN: u64 = 3;

/// What one process spent since its start.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spending {
    /// Texts embedded.
    pub texts: u64,
    /// Tokens, as the API counted them.
    pub tokens: u64,
    /// Their price.
    pub usd: f64,
    /// Tokens of the present day, those of requests under way among them.
    pub tokens_today: u64,
}

pub(super) struct Budget {
    per_day: Option<u64>,
    usd_per_million: f64,
    clock: Clock,
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    day: NaiveDate,
    spending: Spending,
}

/// Tokens put aside for a request. Dropped without a word they are spent: nobody knows whether the API counted them.
#[must_use]
pub(super) struct Reserved<'b> {
    budget: &'b Budget,
    day: NaiveDate,
    tokens: u64,
}

impl Budget {
    pub(super) fn new(per_day: Option<u64>, usd_per_million: f64, clock: Clock) -> Self {
        Self { per_day, usd_per_million, clock, books: Mutex::default() }
    }

    pub(super) fn spending(&self) -> Spending {
        self.books((self.clock)().date_naive()).spending
    }

    /// Puts aside what these texts will cost, if the day has it left.
    pub(super) fn reserve(&self, texts: &[&str]) -> Result<Reserved<'_>, Error> {
        let tokens = texts.iter().map(|text| (text.len() as u64).div_ceil(BYTES_PER_TOKEN)).sum();
        let day = (self.clock)().date_naive();
        let mut books = self.books(day);
        let after = books.spending.tokens_today + tokens;
        if let Some(per_day) = self.per_day.filter(|per_day| after > *per_day) {
            if tokens > per_day {
                return Err(Error::Refused(format!("about {tokens} tokens at once are more than {per_day} a day")));
            }
            return Err(Error::Spent { per_day, again_at: next(day) });
        }
        books.spending.tokens_today = after;
        Ok(Reserved { budget: self, day, tokens })
    }

    /// The books of this day.
    fn books(&self, day: NaiveDate) -> MutexGuard<'_, Books> {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        if books.day != day {
            books.day = day;
            books.spending.tokens_today = 0;
        }
        books
    }
}

impl Reserved<'_> {
    /// The API counted so many tokens, or did not say.
    pub(super) fn spent(self, texts: usize, tokens: Option<u64>) {
        let tokens = tokens.unwrap_or(self.tokens);
        let usd = tokens as f64 * self.budget.usd_per_million / 1e6;
        metrics::counter!("memory_embed_texts_total").increment(texts as u64);
        metrics::counter!("memory_embed_tokens_total").increment(tokens);
        metrics::gauge!("memory_embed_usd").increment(usd);
        let mut books = self.settle(tokens);
        books.spending.texts += texts as u64;
        books.spending.tokens += tokens;
        books.spending.usd += usd;
    }

    /// The API did not do it.
    pub(super) fn give_back(self) {
        drop(self.settle(0));
    }

    /// Puts what was spent in the place of what was put aside, unless that was another day's.
    fn settle(&self, tokens: u64) -> MutexGuard<'_, Books> {
        let mut books = self.budget.books((self.budget.clock)().date_naive());
        if books.day == self.day {
            books.spending.tokens_today = books.spending.tokens_today.saturating_sub(self.tokens) + tokens;
        }
        books
    }
}

fn next(day: NaiveDate) -> DateTime<Utc> {
    (day + Days::new(1)).and_time(NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    const DAY: i64 = 86_400;

    fn budget(per_day: u64) -> (Budget, Arc<AtomicI64>) {
        let now = Arc::new(AtomicI64::new(DAY / 2));
        let clock = Arc::clone(&now);
        let clock: Clock = Arc::new(move || DateTime::from_timestamp(clock.load(Ordering::SeqCst), 0).unwrap());
        (Budget::new(Some(per_day), 20.0, clock), now)
    }

    const TEN: &str = "thirty bytes, that is tokens: ";

    #[test]
    fn what_is_left_of_a_day_is_given_and_then_nothing_until_the_next() {
        let (budget, now) = budget(30);
        budget.reserve(&[TEN, TEN]).unwrap().spent(2, Some(15));
        budget.reserve(&[TEN]).unwrap().give_back();
        drop(budget.reserve(&[TEN]).unwrap());
        assert_eq!(budget.spending(), Spending { texts: 2, tokens: 15, usd: 0.0003, tokens_today: 25 });
        let Err(Error::Spent { per_day: 30, again_at }) = budget.reserve(&[TEN]) else { panic!("there were 5 left") };
        assert_eq!(again_at, DateTime::from_timestamp(DAY, 0).unwrap());
        now.store(DAY, Ordering::SeqCst);
        budget.reserve(&[TEN]).unwrap().spent(1, None);
        assert_eq!((budget.spending().tokens, budget.spending().tokens_today), (25, 10));
    }

    #[test]
    fn a_request_that_goes_over_midnight_is_not_charged_to_the_new_day() {
        let (budget, now) = budget(30);
        let reserved = budget.reserve(&[TEN]).unwrap();
        now.store(DAY, Ordering::SeqCst);
        reserved.spent(1, Some(30));
        assert_eq!((budget.spending().tokens, budget.spending().tokens_today), (30, 0));
    }

    #[test]
    fn what_no_day_can_pay_is_refused() {
        assert!(matches!(budget(9).0.reserve(&[TEN]), Err(Error::Refused(_))));
    }
}
