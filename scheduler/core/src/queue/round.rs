//! Fair turns among submitters.

use topology::PoolId;

/// Start-time fairness over the submitters of a pool, within one rank. What one scheduler remembers.
#[derive(Debug, Default)]
pub struct Rounds {}

impl Rounds {
    /// Nothing remembered.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The round of a submitter's next mission in a pool and rank.
    pub fn next(&mut self, pool: &PoolId, rank: i64, submitter: &str) -> i64 {
        let _ = (pool, rank, submitter);
        todo!()
    }

    /// Tells that a mission of this rank and round was granted: nobody starts behind it any more.
    pub fn granted(&mut self, pool: &PoolId, rank: i64, round: i64) {
        let _ = (pool, rank, round);
        todo!()
    }
}
