//! `/v1/missions`.

use reqwest::Method;
use serde_json::Value;
use topology::MissionId;
use uuid::Uuid;

use super::{Call, Client, Repeat};
use crate::error::Error;
use crate::wire::{ListMissions, Mission, MissionPage, PlacementAnswer, SubmitAnswer, SubmitBody, SubmitMission};

impl Client {
    /// Submits one mission. One without a key gets a random one, so that every repetition is the same mission.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn submit(&self, mut mission: SubmitMission) -> Result<Mission, Error> {
        let key = mission.idempotency_key.take().unwrap_or_else(random_key);
        let body = SubmitBody::One(Box::new(mission));
        let call = Call::with_body(Method::POST, "/v1/missions".to_owned(), &body, Repeat::Safe)?;
        self.send(call.header("idempotency-key", &key)?).await
    }

    /// Submits up to 1,000 missions; one entry a mission comes back, in order. Those without a key get one.
    ///
    /// # Errors
    /// See [`Error`]; what is refused of a batch is an entry of the answer.
    pub async fn submit_batch(&self, mut missions: Vec<SubmitMission>) -> Result<SubmitAnswer, Error> {
        for mission in &mut missions {
            mission.idempotency_key.get_or_insert_with(random_key);
        }
        let body = SubmitBody::Batch { missions };
        self.send(Call::with_body(Method::POST, "/v1/missions".to_owned(), &body, Repeat::Safe)?).await
    }

    /// Submits without making a key: a lost answer is not repeated, since it might submit twice.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::Unreachable`] leaves open whether the missions were taken.
    pub async fn submit_batch_once(&self, missions: Vec<SubmitMission>) -> Result<SubmitAnswer, Error> {
        let body = SubmitBody::Batch { missions };
        self.send(Call::with_body(Method::POST, "/v1/missions".to_owned(), &body, Repeat::Unsent)?).await
    }

    /// One mission with its payload and history.
    ///
    /// # Errors
    /// See [`Error`]; `mission_not_found`.
    pub async fn mission(&self, id: MissionId) -> Result<Mission, Error> {
        self.send(Call::get(format!("/v1/missions/{id}"))).await
    }

    /// A page of missions, newest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn missions(&self, query: &ListMissions) -> Result<MissionPage, Error> {
        self.send(Call::get(with_query("/v1/missions", query)?)).await
    }

    /// Why the mission is where it is: the placement table.
    ///
    /// # Errors
    /// See [`Error`]; `mission_not_found`.
    pub async fn placement(&self, id: MissionId) -> Result<PlacementAnswer, Error> {
        self.send(Call::get(format!("/v1/missions/{id}/placement"))).await
    }

    /// Calls a mission off. A lost answer is not repeated.
    ///
    /// # Errors
    /// See [`Error`]; `mission_finished`.
    pub async fn cancel(&self, id: MissionId, reason: &str) -> Result<Mission, Error> {
        let body = serde_json::json!({ "reason": reason });
        self.send(Call::with_body(Method::POST, format!("/v1/missions/{id}/cancel"), &body, Repeat::Unsent)?).await
    }

    /// Submits a failed or cancelled mission again. A lost answer is not repeated.
    ///
    /// # Errors
    /// See [`Error`]; `mission_open`.
    pub async fn retry(&self, id: MissionId) -> Result<Mission, Error> {
        let body = serde_json::json!({});
        self.send(Call::with_body(Method::POST, format!("/v1/missions/{id}/retry"), &body, Repeat::Unsent)?).await
    }
}

fn random_key() -> String {
    Uuid::new_v4().to_string()
}

/// `path` with the fields of `query` that are set.
fn with_query(path: &str, query: &impl serde::Serialize) -> Result<String, Error> {
    let Ok(Value::Object(fields)) = serde_json::to_value(query) else {
        return Err(Error::Config("the query is no JSON object".to_owned()));
    };
    let base = format!("http://host{path}");
    let mut url = reqwest::Url::parse(&base).map_err(|e| Error::Config(format!("{path:?}: {e}")))?;
    for (name, value) in fields {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        url.query_pairs_mut().append_pair(&name, &text);
    }
    Ok(url.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_only_what_is_set_and_is_escaped() {
        let query = ListMissions { limit: Some(5), after: Some("a b&c".to_owned()), ..ListMissions::default() };
        assert_eq!(with_query("/v1/missions", &query).unwrap(), "/v1/missions?after=a+b%26c&limit=5");
        assert_eq!(with_query("/v1/missions", &ListMissions::default()).unwrap(), "/v1/missions");
    }
}
