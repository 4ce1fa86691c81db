//! Which space a program uses, as it is chosen by words, and its embedder.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use reqwest::Url;
use topology::ResidencyName;

use super::http::{Http, Settings, Token};
use super::{Embedder, Error, Lexical, Space, Statics};
use crate::boundary::Limits;

/// A question waits so long for its vector; words alone serve where it does not come.
const QUESTION: Duration = Duration::from_millis(400);

/// How vectors are made: `lexical`, `static:FOLDER`, `api:MODEL` or `api:MODEL@URL`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Choice {
    /// From the letters alone.
    #[default]
    Lexical,
    /// With the table of this folder.
    Statics(PathBuf),
    /// By an API.
    Api {
        /// The model.
        model: String,
        /// The address before `/embeddings`; none = OpenAI's.
        base: Option<Url>,
    },
}

/// The words are none of those that there are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} makes no vectors: write lexical, static:FOLDER, api:MODEL or api:MODEL@URL")]
pub struct Unknown(String);

impl FromStr for Choice {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        let unknown = || Unknown(text.to_owned());
        match text.split_once(':') {
            None if text == "lexical" => Ok(Self::Lexical),
            Some(("static", folder)) if !folder.is_empty() => Ok(Self::Statics(folder.into())),
            Some(("api", rest)) => {
                let (model, base) = match rest.split_once('@') {
                    Some((model, base)) => (model, Some(base.parse().map_err(|_| unknown())?)),
                    None => (rest, None),
                };
                if model.is_empty() { Err(unknown()) } else { Ok(Self::Api { model: model.to_owned(), base }) }
            }
            Some(_) | None => Err(unknown()),
        }
    }
}

/// The embedder of a choice.
pub enum Any {
    /// From the letters alone.
    Lexical(Lexical),
    /// With a table.
    Statics(Box<Statics>),
    /// By an API.
    Http(Box<Http>),
}

/// Why a choice has no embedder here.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// The table's files.
    #[error("the static table cannot be used; scripts/get-static-table brings it")]
    Statics(#[from] super::statics::Error),
    /// The API's address or token.
    #[error("the embeddings API cannot be asked")]
    Api(#[from] super::http::Invalid),
}

impl Choice {
    /// The embedder for what is stored, patient, and the one for questions, which is not: both of one space. An API gets
    /// texts under these residency rules besides those under none; the others leave no text anywhere.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn embedders(&self, may_see: &[ResidencyName]) -> Result<(Arc<Any>, Arc<Any>), Unusable> {
        match self {
            Self::Lexical => {
                let both = Arc::new(Any::Lexical(Lexical::new()));
                Ok((Arc::clone(&both), both))
            }
            Self::Statics(folder) => {
                let both = Arc::new(Any::Statics(Box::new(Statics::load(folder)?)));
                Ok((Arc::clone(&both), both))
            }
            Self::Api { model, base } => {
                let settings = match base {
                    Some(base) => Settings::at(base.clone(), model),
                    None => Settings::openai(model),
                };
                let patient = Settings { token: Token::from_env(), may_see: may_see.to_vec(), ..settings };
                let brief =
                    Settings { limits: Limits::within(QUESTION), tries: 1, patience: QUESTION, ..patient.clone() };
                let http =
                    |settings| Http::new(settings, Arc::new(Utc::now)).map(|http| Arc::new(Any::Http(Box::new(http))));
                Ok((http(patient)?, http(brief)?))
            }
        }
    }
}

impl Embedder for Any {
    fn space(&self) -> &Space {
        match self {
            Self::Lexical(one) => one.space(),
            Self::Statics(one) => one.space(),
            Self::Http(one) => one.space(),
        }
    }

    fn may_see(&self, rule: Option<&ResidencyName>) -> bool {
        match self {
            Self::Lexical(one) => one.may_see(rule),
            Self::Statics(one) => one.may_see(rule),
            Self::Http(one) => one.may_see(rule),
        }
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        match self {
            Self::Lexical(one) => one.embed(texts).await,
            Self::Statics(one) => one.embed(texts).await,
            Self::Http(one) => one.embed(texts).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_read_from_words_and_what_is_none_says_how_it_is_written() {
        let api = |model: &str, base: Option<&str>| Choice::Api {
            model: model.to_owned(),
            base: base.map(|base| base.parse().unwrap()),
        };
        let cases = [
            ("lexical", Choice::Lexical),
            ("static:/opt/table", Choice::Statics("/opt/table".into())),
            ("api:text-embedding-3-small", api("text-embedding-3-small", None)),
            ("api:bge@http://127.0.0.1:8080/v1", api("bge", Some("http://127.0.0.1:8080/v1"))),
        ];
        for (text, wanted) in cases {
            assert_eq!(text.parse(), Ok(wanted), "{text}");
        }
        for wrong in ["", "semantic", "static:", "api:", "api:@http://x", "api:m@no url"] {
            let error = wrong.parse::<Choice>().unwrap_err().to_string();
            assert!(error.contains("write lexical"), "{wrong}: {error}");
        }
    }

    #[test]
    fn both_embedders_are_of_one_space_and_a_missing_table_says_how_it_comes() {
        let (stored, asked) = "api:m@http://127.0.0.1:9/v1".parse::<Choice>().unwrap().embedders(&[]).unwrap();
        assert_eq!((stored.space(), stored.space().as_str()), (asked.space(), "openai@127.0.0.1:9/v1:m:1536"));
        let error = Choice::Statics("/nowhere".into()).embedders(&[]).err().unwrap();
        assert!(error.to_string().contains("scripts/get-static-table"), "{error}");
    }

    #[test]
    fn an_api_sees_what_is_under_no_rule_or_under_one_it_was_opened_for_and_what_is_local_sees_all() {
        let (eu, west) = ("eu".parse().unwrap(), "west".parse().unwrap());
        let (stored, asked) = Choice::Lexical.embedders(&[]).unwrap();
        assert!(stored.may_see(Some(&eu)) && asked.may_see(Some(&eu)));
        let api: Choice = "api:m@http://127.0.0.1:9/v1".parse().unwrap();
        for (open, wanted) in [(vec![], [true, false, false]), (vec![eu.clone()], [true, true, false])] {
            let (stored, asked) = api.embedders(&open).unwrap();
            for one in [stored, asked] {
                assert_eq!([None, Some(&eu), Some(&west)].map(|rule| one.may_see(rule)), wanted, "{open:?}");
            }
        }
    }
}
