//! Where candidates come from.

use std::future::Future;
use std::time::Duration;

use topology::DatabaseRegion;

use super::Query;
use crate::lawful::Shown;
use crate::model::Memory;

/// A memory that may help, with what its source says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The memory.
    pub memory: Memory,
    /// Cosine of its vector with the query's; none where it has none in this space.
    pub similarity: Option<f64>,
    /// Score of its words; none where it was not found by them.
    pub keyword: Option<f64>,
}

/// Why a home gave no candidates.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It did not answer, or cannot answer now.
    #[error("its memories cannot be had now")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It answered that it cannot be asked so: a mistake of ours.
    #[error("the question was refused")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<sql::Error> for Error {
    fn from(error: sql::Error) -> Self {
        match error {
            sql::Error::Unavailable(_) | sql::Error::Indeterminate(_) => Self::Unreachable(Box::new(error)),
            sql::Error::Retryable(_) | sql::Error::Permanent(_) => Self::Refused(Box::new(error)),
        }
    }
}

/// The memories of all homes.
pub trait Source: Send + Sync + 'static {
    /// The candidates of one home: by vector, by words, or both, each at most [`Query::limit`]; `shown` holds the rules
    /// whose memories may be among them.
    fn candidates(
        &self,
        home: &DatabaseRegion,
        query: &Query,
        shown: &Shown,
    ) -> impl Future<Output = Result<Vec<Found>, Error>> + Send;

    /// How old another home's answer may be when it comes: reads by the replicas of the own region are.
    fn staleness(&self) -> Duration {
        Duration::ZERO
    }
}
