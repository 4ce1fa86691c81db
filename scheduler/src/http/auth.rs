//! Who calls. A handler says what a caller must be by the types of its arguments.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use scheduler_client::wire::{TokenRole, TokenView};
use topology::{RegionName, SessionId};

use super::problem::{self, Reply};
use crate::engine::Actor;
use crate::state::App;

/// The name of everybody in `--dev`.
const DEV_NAME: &str = "dev";

/// May submit, cancel and retry missions.
#[derive(Debug, Clone)]
pub(crate) struct Submitter(pub(crate) Actor);

/// May do everything.
#[derive(Debug, Clone)]
pub(crate) struct Operator(pub(crate) Actor);

/// May read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Viewer;

/// Anybody who is known: reads what agents need too, which says nothing of missions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnyToken;

/// May read what agents learned: everybody who is known.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    /// Where an agent's token binds it to.
    region: Option<RegionName>,
}

impl Reader {
    /// Where the caller stands: where it says, or else where this scheduler does. An agent stands in its own region.
    pub(crate) fn stands_in(&self, app: &App, said: Option<&RegionName>) -> Result<RegionName, Reply> {
        match (&self.region, said) {
            (Some(own), Some(said)) if own != said => {
                Err(problem::FORBIDDEN.because(format!("the token is for agents of {own}, not of {said}")))
            }
            (Some(own), _) => Ok(own.clone()),
            (None, Some(said)) => Ok(said.clone()),
            (None, None) => Ok(app.region.clone()),
        }
    }
}

/// Serves the pools of one region; an operator may speak for every region.
#[derive(Debug, Clone)]
pub(crate) struct AgentOf {
    region: Option<RegionName>,
    /// Who it is until it has a session.
    pub(crate) actor: Actor,
}

/// Another scheduler: an operator's or an agent's token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer;

impl AgentOf {
    /// Refuses another region's agent.
    pub(crate) fn speaks_for(&self, region: &RegionName) -> Result<(), Reply> {
        match &self.region {
            Some(own) if own != region => {
                Err(problem::FORBIDDEN.because(format!("the token is for agents of {own}, not of {region}")))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a session of another region. Costs a look-up only where the caller is bound to one.
    pub(crate) async fn holds(&self, app: &App, session: SessionId) -> Result<(), Reply> {
        if self.region.is_none() {
            return Ok(());
        }
        self.speaks_for(&app.engine.session_region(session).await?)
    }
}

/// A caller that was recognised.
enum Caller {
    /// `--dev`: no token, loopback.
    Dev,
    /// The owner of a token.
    Token(TokenView),
}

impl Caller {
    const fn role(&self) -> TokenRole {
        match self {
            Self::Dev => TokenRole::Operator,
            Self::Token(token) => token.role,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Dev => DEV_NAME.to_owned(),
            Self::Token(token) => token.name.clone(),
        }
    }

    fn actor(&self) -> Actor {
        match self.role() {
            TokenRole::Operator => Actor::Operator(self.name()),
            TokenRole::Submitter | TokenRole::Agent | TokenRole::Viewer => Actor::Submitter(self.name()),
        }
    }

    fn refused(&self, needed: &str) -> Reply {
        let role = match self.role() {
            TokenRole::Submitter => "submitter",
            TokenRole::Agent => "agent",
            TokenRole::Operator => "operator",
            TokenRole::Viewer => "viewer",
        };
        problem::FORBIDDEN.because(format!("this needs {needed}, and the token is of a {role}"))
    }
}

async fn caller(parts: &Parts, app: &App) -> Result<Caller, Reply> {
    let Some(value) = parts.headers.get(header::AUTHORIZATION) else {
        return if app.dev {
            dev_caller(parts)
        } else {
            Err(problem::UNAUTHENTICATED.because("send Authorization: Bearer TOKEN"))
        };
    };
    let secret = value.to_str().ok().and_then(bearer);
    let Some(secret) = secret else {
        return Err(problem::UNAUTHENTICATED.because("Authorization must be: Bearer TOKEN"));
    };
    match app.control.authenticate(secret).await? {
        Some(token) => Ok(Caller::Token(token)),
        None => Err(problem::UNAUTHENTICATED.because("the token is unknown, revoked or over")),
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, secret) = value.split_once(' ')?;
    let secret = secret.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !secret.is_empty()).then_some(secret)
}

/// Without tokens a page in the operator's browser could reach the port under a name of its own (DNS rebinding): only
/// loopback names are answered.
fn dev_caller(parts: &Parts) -> Result<Caller, Reply> {
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    if host.is_none_or(is_loopback_host) {
        Ok(Caller::Dev)
    } else {
        Err(problem::UNAUTHENTICATED.because("without a token only a loopback address is answered"))
    }
}

fn is_loopback_host(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl FromRequestParts<App> for Submitter {
    type Rejection = Reply;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Reply> {
        let caller = caller(parts, app).await?;
        match caller.role() {
            TokenRole::Submitter | TokenRole::Operator => Ok(Self(caller.actor())),
            TokenRole::Agent | TokenRole::Viewer => Err(caller.refused("a submitter")),
        }
    }
}

impl FromRequestParts<App> for Operator {
    type Rejection = Reply;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Reply> {
        let caller = caller(parts, app).await?;
        match caller.role() {
            TokenRole::Operator => Ok(Self(caller.actor())),
            TokenRole::Submitter | TokenRole::Agent | TokenRole::Viewer => Err(caller.refused("an operator")),
        }
    }
}

impl FromRequestParts<App> for Viewer {
    type Rejection = Reply;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Reply> {
        let caller = caller(parts, app).await?;
        match caller.role() {
            TokenRole::Viewer | TokenRole::Submitter | TokenRole::Operator => Ok(Self),
            TokenRole::Agent => Err(caller.refused("a viewer")),
        }
    }
}

impl FromRequestParts<App> for AnyToken {
    type Rejection = Reply;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Reply> {
        caller(parts, app).await.map(|_| Self)
    }
}

impl FromRequestParts<App> for Reader {
    type Rejection = Reply;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Reply> {
        let caller = caller(parts, app).await?;
        match (caller.role(), &caller) {
            (TokenRole::Agent, Caller::Token(TokenView { region: Some(region), .. })) => {
                Ok(Self { region: Some(region.clone()) })
            }
            (TokenRole::Agent, _) => Err(caller.refused("an agent of a region")),
            (TokenRole::Submitter | TokenRole::Operator | TokenRole::Viewer, _) => Ok(Self { region: None }),
        }
    }
}

impl FromRequestParts<App> for AgentOf {
    type Rejection = Reply;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Reply> {
        let caller = caller(parts, app).await?;
        match (caller.role(), &caller) {
            (TokenRole::Operator, _) => Ok(Self { region: None, actor: caller.actor() }),
            (TokenRole::Agent, Caller::Token(TokenView { region: Some(region), .. })) => {
                Ok(Self { region: Some(region.clone()), actor: caller.actor() })
            }
            _ => Err(caller.refused("an agent")),
        }
    }
}

impl FromRequestParts<App> for Peer {
    type Rejection = Reply;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Reply> {
        let caller = caller(parts, app).await?;
        match caller.role() {
            TokenRole::Operator | TokenRole::Agent => Ok(Self),
            TokenRole::Submitter | TokenRole::Viewer => Err(caller.refused("an operator or agent")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_need_no_token() {
        for (host, fine) in [
            ("127.0.0.1:7700", true),
            ("localhost", true),
            ("[::1]:7700", true),
            ("127.0.0.2", true),
            ("evil.example:7700", false),
            ("127.0.0.1.evil.example", false),
            ("10.0.0.1:7700", false),
        ] {
            assert_eq!(is_loopback_host(host), fine, "{host}");
        }
    }

    #[test]
    fn a_bearer_token_is_read_in_any_case_of_the_word() {
        assert_eq!(bearer("bearer abc"), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("Bearer "), None);
        assert_eq!(bearer("abc"), None);
    }
}
