//! One submitted mission, checked and with its origin resolved.

use chrono::{DateTime, Datelike as _, Utc};
use scheduler_client::wire;
use serde_json::Value;
use topology::catalogue::nearest;
use topology::{MissionId, ResidencyName, Specialization};

use crate::engine::{Actor, SubmitContext, check, digest};
use crate::refusal::{Fault, Refusal};
use crate::store::mission::SubmissionKey;
use crate::view::{Ask, KeyHomes, ResolvedOrigin, View, Views};

/// Most bytes of a payload.
const PAYLOAD: usize = 256 << 10;
/// Most bytes of an origin, as JSON.
const ORIGIN: usize = 16 << 10;
/// Shortest and longest run of one attempt: a second and a week.
const RUN_LIMIT_MS: (i64, i64) = (1_000, 7 * 24 * 3_600_000);

/// A mission that may be placed and stored.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Of one decision: see [`Request::decide_anew`].
    pub(crate) id: MissionId,
    pub(crate) nonce: i64,
    pub(crate) submitter: String,
    pub(crate) body: wire::SubmitMission,
    pub(crate) specialization: Specialization,
    pub(crate) residency: Option<ResidencyName>,
    /// Canonical JSON.
    pub(crate) payload: String,
    /// Canonical JSON of the written origin, else of the resolved one.
    pub(crate) origin: String,
    pub(crate) key: Option<RequestKey>,
    resolved: ResolvedOrigin,
}

/// The idempotency key of a request.
#[derive(Debug, Clone)]
pub(crate) struct RequestKey {
    /// As sent.
    pub(crate) key: String,
    /// Digest of the request.
    pub(crate) digest: String,
    /// Where it lives.
    pub(crate) homes: KeyHomes,
}

impl RequestKey {
    /// As it is stored.
    pub(crate) fn stored(&self) -> SubmissionKey {
        SubmissionKey {
            home: self.homes.home.clone(),
            key: self.key.clone(),
            digest: self.digest.clone(),
            topology_version: self.homes.topology_version,
        }
    }
}

impl Request {
    /// Checks a submitted mission against its limits and the view, and resolves its origin.
    pub(crate) fn read(
        views: &Views,
        actor: &Actor,
        context: &SubmitContext,
        body: wire::SubmitMission,
    ) -> Result<Self, Refusal> {
        let view = views.current();
        let submitter = actor.name();
        let payload = check_body(&body)?;
        let specialization = specialization(&view, &body.specialization)?;
        let residency = body.residency.as_deref().map(|name| residency(&view, name)).transpose()?;
        let resolved = views.resolve(body.origin.as_ref(), context.country.as_deref())?;
        let origin = check::json("/origin", &origin_value(body.origin.as_ref(), &resolved), ORIGIN)?;
        let key = match &body.idempotency_key {
            Some(key) => Some(RequestKey {
                key: key.clone(),
                digest: request_digest(&body, &payload),
                homes: views.key_homes(body.origin.as_ref(), &submitter)?,
            }),
            None => None,
        };
        let (id, nonce) = (MissionId::in_time(), rand::random::<i64>() & i64::MAX);
        Ok(Self { id, nonce, submitter, body, specialization, residency, payload, origin, key, resolved })
    }

    /// Makes another mission of it, for a decision by the topology that is in force now: a new id, and the key's homes
    /// computed again.
    ///
    /// A try of the decision before may still run at the database, its connection lost, and commit after all. Under one
    /// id that could become two rows in two homes. Under two ids it is a mission of its own: with a key, either that one
    /// or the next is stored, and the key answers with it; without a key both are, as where a client repeats itself. So
    /// a submit without a key is idempotent within one decision only.
    pub(crate) fn decide_anew(&mut self, views: &Views) -> Result<(), Refusal> {
        self.id = MissionId::in_time();
        if let Some(key) = &mut self.key {
            key.homes = views.key_homes(self.body.origin.as_ref(), &self.submitter)?;
        }
        Ok(())
    }

    /// What placement needs to know.
    pub(crate) fn ask(&self) -> Ask<'_> {
        Ask {
            specialization: &self.specialization,
            origin: &self.resolved,
            residency: self.residency.as_ref(),
            nonce: self.nonce,
        }
    }

    /// The origin as it is stored.
    pub(crate) fn stored_origin(&self) -> wire::Origin {
        serde_json::from_str(&self.origin).expect("it was written from an origin")
    }
}

/// Checks what needs no view, and returns the payload as it is stored.
fn check_body(body: &wire::SubmitMission) -> Result<String, Refusal> {
    check::text("/title", &body.title, 500)?;
    check::range("/priority", i64::from(body.priority), 0, 9)?;
    if let Some(limit) = body.run_limit_ms {
        check::range("/run_limit_ms", limit, RUN_LIMIT_MS.0, RUN_LIMIT_MS.1)?;
    }
    if let Some(attempts) = body.max_attempts {
        check::range("/max_attempts", i64::from(attempts), 1, 100)?;
    }
    if let Some(time) = body.start_by {
        check_time("/start_by", time)?;
    }
    if let Some(key) = &body.idempotency_key {
        check::key("/idempotency_key", key)?;
    }
    if let Some(run) = &body.drill {
        check::drill("/drill", run)?;
    }
    check::json("/payload", &body.payload, PAYLOAD)
}

fn check_time(pointer: &str, time: DateTime<Utc>) -> Result<(), Refusal> {
    check::range(pointer, i64::from(time.year()), 1970, 9999)
}

fn specialization(view: &View, name: &str) -> Result<Specialization, Refusal> {
    check::nul_free("/specialization", name)?;
    let known = name.parse::<Specialization>().ok();
    known.filter(|wanted| view.topology.pools.iter().any(|pool| pool.id.specialization == *wanted)).ok_or_else(|| {
        let names = view.topology.specializations();
        let near = nearest(name, names.iter().map(|name| name.as_str()));
        let nearest = near.into_iter().map(str::to_owned).collect();
        Refusal::UnknownSpecialization { name: name.chars().take(100).collect(), nearest }
    })
}

fn residency(view: &View, name: &str) -> Result<ResidencyName, Refusal> {
    check::nul_free("/residency", name)?;
    let known = name.parse::<ResidencyName>().ok();
    known.filter(|wanted| view.topology.residency.contains_key(wanted)).ok_or_else(|| {
        let near = nearest(name, view.topology.residency.keys().map(ResidencyName::as_str));
        Refusal::Invalid {
            fault: Fault::UnknownResidency,
            pointer: "/residency".to_owned(),
            detail: "the topology has no residency rule of this name".to_owned(),
            nearest: near.into_iter().map(str::to_owned).collect(),
        }
    })
}

/// The origin as written; where nothing was written, the points that it was resolved to.
fn origin_value(written: Option<&wire::Origin>, resolved: &ResolvedOrigin) -> Value {
    let resolved_origin = || match &*resolved.points {
        [(at, _)] => wire::Origin::At(*at),
        points => wire::Origin::Weighted(
            points.iter().map(|(at, weight)| wire::WeightedPoint { at: *at, weight: *weight }).collect(),
        ),
    };
    let origin = written.cloned().unwrap_or_else(resolved_origin);
    serde_json::to_value(origin).expect("an origin is JSON")
}

/// Digest of everything that makes two requests the same. A field that is absent is not in it, so that keys of earlier
/// programs keep their digests.
fn request_digest(body: &wire::SubmitMission, payload: &str) -> String {
    let mut rest = body.clone();
    rest.idempotency_key = None;
    rest.payload = Value::Null;
    let rest = serde_json::to_value(rest).expect("a request is JSON");
    digest::digest(&[&scheduler_client::canonical(&rest), payload])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_a_drill_has_the_digest_that_it_had_before_there_were_any() {
        let read = |text: &str| serde_json::from_str::<wire::SubmitMission>(text).unwrap();
        let work = read(r#"{"specialization": "a", "title": "t", "idempotency_key": "k"}"#);
        let before = digest::digest(&[r#"{"payload":null,"priority":5,"specialization":"a","title":"t"}"#, "{}"]);
        assert_eq!(request_digest(&work, "{}"), before);
        let drill = read(r#"{"specialization": "a", "title": "t", "drill": "run-1"}"#);
        assert_ne!(request_digest(&drill, "{}"), before);
    }
}
