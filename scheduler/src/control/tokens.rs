//! Bearer tokens: made, listed, revoked, recognised. A secret is `mrd_<id>_<64 hex digits>`; the database has its hash.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::sync::Cache;
use scheduler_client::wire;
use sql::Db;
use topology::TokenId;
use uuid::Uuid;

use super::Control;
use super::bootstrap::digest;
use crate::engine::Actor;
use crate::refusal::{Fault, Refusal};
use crate::store::token::{NewToken, token_create, token_read, token_revoke, tokens_list};

const PREFIX: &str = "mrd_";

/// Longest name, in characters.
const NAME_MAX: usize = 100;

/// Longest life: ten years.
const EXPIRES_MAX_S: i64 = 10 * 366 * 24 * 60 * 60;

/// A token is believed for so long before the database is asked again: a revoked one works no longer than that.
const FRESH: Duration = Duration::from_secs(5);

/// While the database does not answer, a token that was good is believed for so long.
const STALE: Duration = Duration::from_secs(10 * 60);

/// Whose secret it is, by the secret's hash.
pub(super) type Known = Cache<String, Arc<(Instant, Option<wire::TokenView>)>>;

pub(super) fn known() -> Known {
    Cache::builder().max_capacity(10_000).time_to_live(STALE).build()
}

impl Control {
    /// All tokens, without secrets.
    ///
    /// # Errors
    /// The database's.
    pub async fn tokens(&self) -> Result<wire::TokenList, Refusal> {
        Ok(wire::TokenList { tokens: tokens_list(&self.db).await? })
    }

    /// Makes a token. Its secret is in the answer and nowhere else.
    ///
    /// # Errors
    /// [`Refusal::Invalid`], or the database's.
    pub async fn create_token(&self, actor: &Actor, body: wire::CreateToken) -> Result<wire::CreatedToken, Refusal> {
        if body.region.as_ref().is_some_and(|region| self.views.current().topology.region(region).is_none()) {
            return Err(Refusal::invalid(Fault::UnknownRegion, "/region", "the topology has no such region"));
        }
        create_token(&self.db, actor, &body).await
    }

    /// Ends a token for good. Revoking twice is no error. Schedulers believe it for five seconds more.
    ///
    /// # Errors
    /// [`Refusal::TokenNotFound`], or the database's.
    pub async fn revoke_token(&self, actor: &Actor, token: TokenId) -> Result<wire::TokenView, Refusal> {
        let ended = token_revoke(&self.db, token, &actor.to_string()).await?.ok_or(Refusal::TokenNotFound)?;
        self.known.invalidate_all();
        Ok(ended)
    }

    /// Whose secret it is; none where it is unknown, revoked or over.
    ///
    /// # Errors
    /// The database's, where it is asked and nothing is known of the secret from before.
    pub async fn authenticate(&self, secret: &str) -> Result<Option<wire::TokenView>, Refusal> {
        let Some(id) = id_of(secret) else { return Ok(None) };
        let hash = digest(secret);
        let known = self.known.get(&hash);
        if let Some(known) = known.as_ref().filter(|known| known.0.elapsed() < FRESH) {
            metrics::counter!("scheduler_cache_hits_total", "cache" => "token").increment(1);
            return Ok(self.good(known.1.clone()));
        }
        match token_read(&self.db, id).await {
            Ok(found) => {
                let token = found.filter(|(_, stored)| *stored == hash).map(|(token, _)| token);
                self.known.insert(hash, Arc::new((Instant::now(), token.clone())));
                Ok(self.good(token))
            }
            Err(error) => match known {
                Some(known) => Ok(self.good(known.1.clone())),
                None => Err(error.into()),
            },
        }
    }

    /// The token unless it was revoked or is over by the database's clock.
    fn good(&self, token: Option<wire::TokenView>) -> Option<wire::TokenView> {
        let now = self.views.current().now();
        token.filter(|token| token.revoked_at.is_none() && token.expires_at.is_none_or(|end| now < end))
    }
}

/// Makes a token with nothing but the database: the first one of a new world, when no scheduler can be asked for it.
/// Whether an agent's region exists is not checked.
///
/// # Errors
/// [`Refusal::Invalid`], or the database's.
pub async fn create_token(db: &Db, actor: &Actor, body: &wire::CreateToken) -> Result<wire::CreatedToken, Refusal> {
    check(body)?;
    let id = TokenId::random();
    let random: [u8; 32] = rand::random();
    let random: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let secret = format!("{PREFIX}{}_{random}", id.0.simple());
    let (hash, actor) = (digest(&secret), actor.to_string());
    let new = NewToken {
        id,
        name: &body.name,
        role: body.role,
        region: body.region.as_ref(),
        hash: &hash,
        actor: &actor,
        expires_in_s: body.expires_in_s,
    };
    let token = token_create(db, &new).await?.ok_or(Refusal::Internal)?;
    Ok(wire::CreatedToken { token, secret })
}

fn check(body: &wire::CreateToken) -> Result<(), Refusal> {
    let invalid = |fault, pointer: &str, detail: &str| Err(Refusal::invalid(fault, pointer, detail));
    if body.name.contains('\0') {
        return invalid(Fault::Nul, "/name", "a text cannot hold U+0000");
    }
    if !(1..=NAME_MAX).contains(&body.name.chars().count()) {
        return invalid(Fault::Length, "/name", "1 to 100 characters");
    }
    if body.expires_in_s.is_some_and(|seconds| !(1..=EXPIRES_MAX_S).contains(&seconds)) {
        return invalid(Fault::Range, "/expires_in_s", "1 second to ten years");
    }
    match (body.role == wire::TokenRole::Agent, &body.region) {
        (true, None) => invalid(Fault::UnknownRegion, "/region", "an agent's token is bound to a region"),
        (false, Some(_)) => invalid(Fault::Malformed, "/region", "only an agent's token is bound to a region"),
        (true, Some(_)) | (false, None) => Ok(()),
    }
}

/// The public part of a secret.
fn id_of(secret: &str) -> Option<TokenId> {
    let (id, random) = secret.strip_prefix(PREFIX)?.split_once('_')?;
    (random.len() == 64).then_some(())?;
    Uuid::try_parse(id).ok().map(TokenId)
}
