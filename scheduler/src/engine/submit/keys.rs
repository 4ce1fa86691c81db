//! Keys that were first used under an earlier topology, which homed them elsewhere.
//!
//! A key's row lives in the database region that the topology in force names for its request. After a change of that
//! topology the same request may name another one; its key is then looked for under the earlier topologies too, before
//! the mission is placed. Nobody adds a key there meanwhile: the submit's statement compares the version that the key's
//! home was computed by with the one in force, so a scheduler that does not know the new topology yet stores nothing,
//! reads it and looks again.
//!
//! One window is left, on PostgreSQL alone (READ COMMITTED): a submit's statement that began before the new version was
//! committed, and commits after a repeat of the same request was looked up by that version, makes a second mission. It
//! is as long as that one statement, once for each change of topology. CockroachDB's serializable statements close it.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use topology::DatabaseRegion;

use super::request::Request;
use crate::engine::Engine;
use crate::refusal::Refusal;
use crate::store::submission::{Submission, home_unknown, submission_find};

impl Engine {
    /// What the keys of requests brought before under earlier topologies: one answer each, in order. One statement a
    /// home asks for all of them, and none where every home is as it was.
    /// An answer is [`Refusal::Unavailable`] and the like where a home does not answer: nobody knows then that the key is
    /// not there.
    pub(super) async fn brought_earlier(&self, requests: &[&Request]) -> Vec<Result<Option<Submission>, Refusal>> {
        let mut asked: BTreeMap<&DatabaseRegion, Vec<usize>> = BTreeMap::new();
        for (turn, key) in requests.iter().enumerate().filter_map(|(n, request)| Some((n, request.key.as_ref()?))) {
            key.homes.earlier.iter().for_each(|home| asked.entry(home).or_default().push(turn));
        }
        let reads = asked.iter().map(|(home, turns)| self.find_keys(home, turns, requests));
        let mut found = vec![Ok(None); requests.len()];
        for (turns, part) in asked.values().zip(join_all(reads).await) {
            for (n, turn) in turns.iter().enumerate() {
                match &part {
                    Ok(part) if part[n].is_some() => found[*turn] = Ok(part[n].clone()),
                    Err(refusal) if !matches!(found[*turn], Ok(Some(_))) => found[*turn] = Err(refusal.clone()),
                    Ok(_) | Err(_) => {}
                }
            }
        }
        found
    }

    /// Looks the keys of some of the requests up in one home.
    async fn find_keys(
        &self,
        home: &DatabaseRegion,
        turns: &[usize],
        requests: &[&Request],
    ) -> Result<Vec<Option<Submission>>, Refusal> {
        let keys: Vec<_> = turns
            .iter()
            .filter_map(|turn| Some((&requests[*turn].submitter, requests[*turn].key.as_ref()?)))
            .map(|(submitter, key)| (home, submitter.as_str(), key.key.as_str()))
            .collect();
        match submission_find(&self.0.submit, &keys).await {
            Ok(found) => Ok(found),
            // It was taken from the database, which is done only to one without rows.
            Err(error) if home_unknown(&error) => Ok(vec![None; keys.len()]),
            Err(error) => Err(error.into()),
        }
    }
}
