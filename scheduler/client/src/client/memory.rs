//! `/v1/memory`, `/v1/lessons`, `/v1/agents`: what agents learned.

use reqwest::Method;
use uuid::Uuid;

use super::{Call, Client, Repeat};
use crate::error::Error;
use crate::wire::{
    AgentStats, Forgotten, LessonList, MemoryAnswer, MemoryHitRate, MemoryPatternList, MemorySearch, MemoryVerdict,
    MemoryView, VerdictAnswer,
};

impl Client {
    /// What helped before with such a problem, and what failed.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn memory_search(&self, body: &MemorySearch) -> Result<MemoryAnswer, Error> {
        self.send(Call::with_body(Method::POST, "/v1/memory/search".to_owned(), body, Repeat::Safe)?).await
    }

    /// One memory.
    ///
    /// # Errors
    /// See [`Error`]; `memory_not_found`.
    pub async fn memory(&self, id: Uuid) -> Result<MemoryView, Error> {
        self.send(Call::get(format!("/v1/memory/{id}"))).await
    }

    /// Forgets a memory for good.
    ///
    /// # Errors
    /// See [`Error`]; `memory_not_found`.
    pub async fn forget_memory(&self, id: Uuid) -> Result<Forgotten, Error> {
        self.send(Call::new(Method::DELETE, format!("/v1/memory/{id}"), None, Repeat::Safe)).await
    }

    /// Says what a review or a merge made of a mission.
    ///
    /// # Errors
    /// See [`Error`]; `memory_not_found`.
    pub async fn judge_memory(&self, id: Uuid, verdict: MemoryVerdict) -> Result<VerdictAnswer, Error> {
        self.send(Call::with_body(Method::POST, format!("/v1/memory/{id}/success"), &verdict, Repeat::Safe)?).await
    }

    /// What an agent did.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn agent_stats(&self, agent: &str) -> Result<AgentStats, Error> {
        self.send(Call::get(format!("/v1/agents/{}/stats", in_a_path(agent)))).await
    }

    /// Lessons of a kind of agent; of all without one.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn lessons(&self, specialization: Option<&str>) -> Result<LessonList, Error> {
        let query = specialization.map(|name| format!("?specialization={name}")).unwrap_or_default();
        self.send(Call::get(format!("/v1/lessons{query}"))).await
    }

    /// Issues that came again, of a kind of agent; of all without one.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn memory_patterns(&self, specialization: Option<&str>) -> Result<MemoryPatternList, Error> {
        let query = specialization.map(|name| format!("?specialization={name}")).unwrap_or_default();
        self.send(Call::get(format!("/v1/memory/patterns{query}"))).await
    }

    /// What memory was worth in the last so many hours.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn memory_hit_rate(&self, hours: u32) -> Result<MemoryHitRate, Error> {
        self.send(Call::get(format!("/v1/memory/hit-rate?hours={hours}"))).await
    }
}

/// A name as one part of a path: whatever is not plain is written as percent and number.
fn in_a_path(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    name.bytes().fold(String::new(), |mut path, byte| {
        if plain(byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
        path
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_one_part_of_a_path() {
        assert_eq!(in_a_path("us-west/1 ä?"), "us-west%2F1%20%C3%A4%3F");
    }
}
