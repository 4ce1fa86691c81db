//! `tokens`: who may speak to the scheduler. Only a hash of the secret is stored.

use chrono::{DateTime, Utc};
use scheduler_client::wire::{TokenRole, TokenView};
use sql::{Db, Row, Statement};
use topology::{RegionName, TokenId};

const CREATE: Statement = sql::statement!("token_create", once, include_str!("sql/token_create.sql"));

const LIST: Statement = sql::statement!(
    "token_list",
    idempotent,
    "SELECT id, name, role, region, created_at, expires_at, revoked_at FROM tokens ORDER BY created_at, id"
);

/// A look-up by the public part; the caller compares the hash and the times.
const READ: Statement = sql::statement!(
    "token_read",
    idempotent,
    "SELECT id, name, role, region, hash, created_at, expires_at, revoked_at FROM tokens WHERE id = $1::UUID"
);

const REVOKE: Statement = sql::statement!("token_revoke", idempotent, include_str!("sql/token_revoke.sql"));

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&CREATE, &LIST, &READ, &REVOKE];

/// A token to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewToken<'a> {
    /// Public part.
    pub id: TokenId,
    /// Who uses it.
    pub name: &'a str,
    /// What it may do.
    pub role: TokenRole,
    /// The region of an agent token.
    pub region: Option<&'a RegionName>,
    /// SHA-256 of the secret, hex.
    pub hash: &'a str,
    /// Who makes it.
    pub actor: &'a str,
    /// Ends by itself after so long.
    pub expires_in_s: Option<i64>,
}

/// Makes a token and its history row.
///
/// # Errors
/// The database's.
pub async fn token_create(db: &Db, new: &NewToken<'_>) -> Result<Option<TokenView>, sql::Error> {
    let region = new.region.map(RegionName::as_str);
    let row = db
        .query_opt(
            &CREATE,
            &[&new.id.0, &new.name, &role_text(new.role), &region, &new.hash, &new.actor, &new.expires_in_s],
        )
        .await?;
    Ok(row.as_ref().and_then(token_row))
}

/// All tokens, oldest first.
///
/// # Errors
/// The database's.
pub async fn tokens_list(db: &Db) -> Result<Vec<TokenView>, sql::Error> {
    Ok(db.query(&LIST, &[]).await?.iter().filter_map(token_row).collect())
}

/// One token with the hash of its secret.
///
/// # Errors
/// The database's.
pub async fn token_read(db: &Db, id: TokenId) -> Result<Option<(TokenView, String)>, sql::Error> {
    let row = db.query_opt(&READ, &[&id.0]).await?;
    Ok(row.and_then(|row| Some((token_row(&row)?, row.get("hash")))))
}

/// Ends a token and writes its history row; none where there is no such token. A second call changes nothing.
///
/// # Errors
/// The database's.
pub async fn token_revoke(db: &Db, id: TokenId, actor: &str) -> Result<Option<TokenView>, sql::Error> {
    db.query_opt(&REVOKE, &[&id.0, &actor]).await?;
    Ok(token_read(db, id).await?.map(|(token, _)| token))
}

const ROLES: [TokenRole; 4] = [TokenRole::Submitter, TokenRole::Agent, TokenRole::Operator, TokenRole::Viewer];

const fn role_text(role: TokenRole) -> &'static str {
    match role {
        TokenRole::Submitter => "submitter",
        TokenRole::Agent => "agent",
        TokenRole::Operator => "operator",
        TokenRole::Viewer => "viewer",
    }
}

fn token_row(row: &Row) -> Option<TokenView> {
    let role: &str = row.get("role");
    let region: Option<&str> = row.get("region");
    let times: [Option<DateTime<Utc>>; 2] = [row.get("expires_at"), row.get("revoked_at")];
    Some(TokenView {
        id: TokenId(row.get("id")),
        name: row.get("name"),
        role: ROLES.into_iter().find(|r| role_text(*r) == role)?,
        region: region.map(str::parse).transpose().ok()?,
        created_at: row.get("created_at"),
        expires_at: times[0],
        revoked_at: times[1],
    })
}
