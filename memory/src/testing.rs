//! What the tests of the pure modules share.

use chrono::DateTime;
use topology::Epoch;
use uuid::Uuid;

use crate::model::{Memory, MemoryId, SuccessSource};

/// A memory whose words no other has, of one mission.
pub(crate) fn memory(id: u128, success: bool) -> Memory {
    Memory {
        id: MemoryId(Uuid::from_u128(id)),
        mission: None,
        specialization: "engineer-master".parse().unwrap(),
        agent: "agent".into(),
        issue: None,
        title: format!("title{id}x"),
        description: format!("description{id}x words{id}x"),
        solution: Some(format!("solution{id}x")),
        pr_number: None,
        success,
        success_source: SuccessSource::Agent,
        resolution_minutes: Some(id as f64),
        residency: None,
        home: "us-west-2".parse().unwrap(),
        epoch: Epoch::INITIAL,
        content_hash: format!("hash{id}"),
        evidence: 1,
        evidence_succeeded: i64::from(success),
        created_at: DateTime::UNIX_EPOCH,
    }
}
