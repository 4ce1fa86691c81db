//! Missions: the statements of their lifecycle. The states in every filter are those of
//! [`CommandKind::valid_from`](scheduler_core::lifecycle::CommandKind::valid_from); a test compares them.

mod claim;
mod control;
mod lease;
mod remember;
mod row;
mod submit;

pub use claim::{CLAIM_LIMITS, Granted, PoolQueue, mission_alone_waits, mission_claim, mission_claim_alone};
pub use control::{NewPlace, mission_cancel, mission_retry};
pub use lease::{
    CompletedLease, CompletionRow, FailedLease, FailureRow, Fate, HeldLease, LeaseKey, ReleaseRow, ReleasedLease,
    mission_complete, mission_fail, mission_fates, mission_leases, mission_progress, mission_release,
};
pub use remember::MemoryRow;
pub use row::{ListFilter, MissionRow, mission_find, mission_list, mission_open_count};
pub use submit::{NewMission, StoredMission, SubmissionKey, mission_submit};

use sql::Statement;

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[
    &claim::CLAIM_1,
    &claim::CLAIM_4,
    &claim::CLAIM_16,
    &claim::CLAIM_128,
    &claim::CLAIM_512,
    &claim::CLAIM_ALONE,
    &claim::ALONE_WAITS,
    &control::CANCEL,
    &control::RETRY,
    &lease::COMPLETE.few,
    &lease::COMPLETE_REMEMBERED.few,
    &lease::FAIL.few,
    &lease::FAIL_REMEMBERED.few,
    &lease::RELEASE.few,
    &lease::PROGRESS,
    &lease::LEASES,
    &lease::FATES,
    &row::FIND.few,
    &row::LIST,
    &row::OPEN_COUNT,
    &submit::SUBMIT,
];
