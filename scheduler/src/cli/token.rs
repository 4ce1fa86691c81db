//! `scheduler token`: who may do what.

use std::sync::Arc;

use anyhow::Context as _;
use clap::Subcommand;
use scheduler_client::wire::{CreateToken, CreatedToken, TokenRole, TokenView};
use serde_json::Value;
use sql::{Gateways, Lane};
use topology::{RegionName, SchedulerId, TokenId};

use super::remote::Remote;
use super::{Output, Stop, table};
use crate::config::Retention;
use crate::control::{self, Control};
use crate::engine::Actor;
use crate::view::{self, Views};

/// `scheduler token`
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a token; its secret is shown this once
    Create {
        /// Who uses it
        name: String,
        /// What it may do
        #[arg(long, value_parser = role)]
        role: TokenRole,
        /// The region of an agent token
        #[arg(long)]
        region: Option<RegionName>,
        /// Ends by itself after so many seconds
        #[arg(long)]
        expires_in_s: Option<i64>,
        /// Make it in the database itself: for the first token, which no scheduler could be asked for
        #[arg(long)]
        database_url: Option<String>,
    },
    /// List the tokens, without their secrets
    List,
    /// End a token for good
    Revoke {
        /// The token's public part
        id: TokenId,
    },
}

fn role(text: &str) -> Result<TokenRole, String> {
    serde_json::from_value(Value::String(text.to_owned()))
        .map_err(|_| "one of submitter, agent, operator, viewer".to_owned())
}

pub(super) async fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    match args.verb {
        Verb::Create { name, role, region, expires_in_s, database_url } => {
            let body = CreateToken { name, role, region, expires_in_s };
            let created = match database_url {
                Some(url) => create_in_database(&url, body).await?,
                None => args.remote.client()?.create_token(&body).await?,
            };
            output.answer(&created, secret)
        }
        Verb::List => output.answer(&args.remote.client()?.tokens().await?, |list| tokens(&list.tokens)),
        Verb::Revoke { id } => {
            let revoked = args.remote.client()?.revoke_token(id).await?;
            output.answer(&revoked, |token| format!("token {} of {} is revoked", token.id, token.name))
        }
    }
}

/// Makes a token without a scheduler: with the same service, on the database itself.
async fn create_in_database(url: &str, body: CreateToken) -> anyhow::Result<CreatedToken> {
    let settings = sql::Config::from_urls([url]).map_err(|error| Stop::usage(error.to_string()))?;
    let gateways = Gateways::connect(settings).await.context("cannot reach the database")?;
    let created = create_through(&gateways, body).await;
    gateways.close().await;
    created
}

async fn create_through(gateways: &Gateways, body: CreateToken) -> anyhow::Result<CreatedToken> {
    let text = control::stored_topology(&gateways.lane(Lane::Upkeep)).await?;
    let text = text.ok_or_else(|| Stop::refused("the database has no topology: run `scheduler migrate` first"))?;
    let parsed = topology::config::parse(&text, "the stored topology");
    let topology = parsed.map_err(|findings| Stop::finding(findings.render(false)))?.topology;
    let region = topology.regions.first().context("a topology has a region")?.name.clone();
    let id = SchedulerId::random();
    let views = Views::start(view::Config {
        gateways: gateways.clone(),
        region,
        id,
        world: None,
        keys_kept: Retention::default().keys,
    })
    .await?;
    let control = Control::new(gateways.clone(), Arc::new(views), id);
    Ok(control.create_token(&Actor::Operator("command line".to_owned()), body).await?)
}

fn secret(created: &CreatedToken) -> String {
    format!("{}\nThis is the only time that the secret of token {} is shown.", created.secret, created.token.id)
}

fn tokens(tokens: &[TokenView]) -> String {
    let time = |at: Option<chrono::DateTime<chrono::Utc>>| {
        at.map_or_else(|| "-".to_owned(), |at| at.format("%Y-%m-%d %H:%M").to_string())
    };
    let rows = tokens.iter().map(|token| {
        let role = serde_json::to_value(token.role).unwrap_or_default();
        vec![
            token.id.to_string(),
            token.name.clone(),
            role.as_str().unwrap_or_default().to_owned(),
            token.region.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
            time(Some(token.created_at)),
            time(token.expires_at),
            time(token.revoked_at),
        ]
    });
    table(&["TOKEN", "NAME", "ROLE", "REGION", "CREATED", "EXPIRES", "REVOKED"], rows)
}
