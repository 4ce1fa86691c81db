use scheduler_client::wire::{CreateToken, TokenRole};
use topology::TokenId;

use super::{Bed, ana};
use crate::refusal::Refusal;

fn wish(role: TokenRole, region: Option<&str>) -> CreateToken {
    CreateToken { name: "ana".to_owned(), role, region: region.map(|r| r.parse().unwrap()), expires_in_s: None }
}

#[tokio::test]
async fn a_token_is_recognised_until_it_is_revoked() {
    let bed = Bed::new().await;
    let made = bed.control.create_token(&ana(), wish(TokenRole::Agent, Some("us-east"))).await.unwrap();
    let known = bed.control.authenticate(&made.secret).await.unwrap().unwrap();
    assert_eq!((known.id, known.role), (made.token.id, TokenRole::Agent));
    assert_eq!(known.region.unwrap().as_str(), "us-east");
    let stored = serde_json::to_string(&bed.control.tokens().await.unwrap()).unwrap();
    let random = made.secret.rsplit('_').next().unwrap();
    assert!(!stored.contains(random), "no answer but the first shows the secret");

    let revoked = bed.control.revoke_token(&ana(), made.token.id).await.unwrap();
    assert!(revoked.revoked_at.is_some());
    assert!(bed.control.authenticate(&made.secret).await.unwrap().is_none());
    assert_eq!(bed.control.revoke_token(&ana(), made.token.id).await.unwrap().revoked_at, revoked.revoked_at);
}

#[tokio::test]
async fn foreign_malformed_and_expired_secrets_are_nobody() {
    let bed = Bed::new().await;
    let made = bed.control.create_token(&ana(), wish(TokenRole::Viewer, None)).await.unwrap();
    let forged = format!("{}{}", &made.secret[..made.secret.len() - 64], "0".repeat(64));
    let unknown = format!("mrd_{}_{}", TokenId::random().0.simple(), "0".repeat(64));
    for secret in [forged.as_str(), unknown.as_str(), "", "mrd_", "Bearer x", "mrd_x_y", "\0"] {
        assert!(bed.control.authenticate(secret).await.unwrap().is_none(), "{secret:?}");
    }
    assert_eq!(bed.control.revoke_token(&ana(), TokenId::random()).await.unwrap_err(), Refusal::TokenNotFound);
}

#[tokio::test]
async fn bad_tokens_are_refused_with_their_own_codes() {
    let bed = Bed::new().await;
    let base = || wish(TokenRole::Operator, None);
    let cases = [
        (wish(TokenRole::Agent, None), "unknown_region"),
        (wish(TokenRole::Agent, Some("nowhere")), "unknown_region"),
        (wish(TokenRole::Submitter, Some("us-east")), "malformed_text"),
        (CreateToken { name: String::new(), ..base() }, "text_length"),
        (CreateToken { name: "x".repeat(101), ..base() }, "text_length"),
        (CreateToken { name: "a\0".to_owned(), ..base() }, "nul_character"),
        (CreateToken { expires_in_s: Some(0), ..base() }, "number_out_of_range"),
        (CreateToken { expires_in_s: Some(i64::MAX), ..base() }, "number_out_of_range"),
    ];
    for (body, code) in cases {
        assert_eq!(bed.control.create_token(&ana(), body).await.unwrap_err().code(), code);
    }
    assert!(bed.control.tokens().await.unwrap().tokens.is_empty());
}
