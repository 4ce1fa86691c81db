//! What has to be shown before anything is done to a deployment.

use std::io::{self, BufRead};
use std::time::Duration;

use scheduler_client::Client;

use crate::command;
use crate::drill::{Context, Drill};

/// Longest run of the command that tells the current context.
const CONTEXT_LIMIT: Duration = Duration::from_secs(20);

/// Longest title that is read.
const TITLE_MAX: u64 = 1024;

/// A gate that is not passed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// There is no token.
    #[error("an operator's token is missing: set MERIDIAN_TOKEN")]
    Token,
    /// A scheduler does not take the token for an operator's.
    #[error("the token is not taken for an operator's: {0}")]
    TokenRefused(String),
    /// The file names no context.
    #[error("the drill's file names no context, so nobody can tell whether this is the cluster that it is for")]
    NoContext,
    /// The current context cannot be told.
    #[error("the current context cannot be told: {0}")]
    ContextUnknown(String),
    /// The current context is another one.
    #[error("the current context is {is:?}; the drill is for {wanted:?}")]
    OtherContext {
        /// What the command printed.
        is: String,
        /// What the file names.
        wanted: String,
    },
    /// The title was not typed.
    #[error("the drill's title has to be typed back: {0:?}")]
    Title(String),
    /// Something else was typed.
    #[error("{typed:?} was typed; the drill's title is {title:?}")]
    OtherTitle {
        /// What was typed.
        typed: String,
        /// The title.
        title: String,
    },
}

/// Every gate that is not passed; empty: the drill may be carried out.
///
/// The token is shown to a scheduler where there is a `client`, by a call that only operators may make.
pub async fn missing(drill: &Drill, token: Option<&str>, client: Option<&Client>, title: Option<&str>) -> Vec<Missing> {
    let title = match title.map(str::trim) {
        None | Some("") => Some(Missing::Title(drill.title.clone())),
        Some(typed) if typed == drill.title => None,
        Some(typed) => Some(Missing::OtherTitle { typed: typed.to_owned(), title: drill.title.clone() }),
    };
    let context = match &drill.context {
        None => Some(Missing::NoContext),
        Some(context) => context_missing(context).await,
    };
    [token_missing(token, client).await, context, title].into_iter().flatten().collect()
}

async fn token_missing(token: Option<&str>, client: Option<&Client>) -> Option<Missing> {
    if token.is_none_or(|token| token.trim().is_empty()) {
        return Some(Missing::Token);
    }
    let error = client?.tokens().await.err()?;
    Some(Missing::TokenRefused(format!("{:#}", anyhow::Error::from(error))))
}

async fn context_missing(context: &Context) -> Option<Missing> {
    match command::run_well(&context.argv, CONTEXT_LIMIT).await {
        Err(error) => Some(Missing::ContextUnknown(format!("{:#}", anyhow::Error::from(error)))),
        Ok(ran) if ran.out.trim() == context.name => None,
        Ok(ran) => Some(Missing::OtherContext { is: ran.out.trim().to_owned(), wanted: context.name.clone() }),
    }
}

/// The title that somebody types: one line.
///
/// # Errors
/// Where it cannot be read.
pub fn typed_title(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    io::Read::take(from, TITLE_MAX).read_line(&mut line)?;
    Ok(line.trim().to_owned())
}
