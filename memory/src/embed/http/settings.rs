//! Where the API is, and the bounds of its use.

use std::fmt;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use topology::ResidencyName;

use crate::boundary::Limits;
use crate::embed::{DIMENSIONS, Space};

/// Where OpenAI's API is.
const OPENAI: &str = "https://api.openai.com/v1";

/// The bearer token of the API. It is shown nowhere.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// The variable that holds it.
    pub const VARIABLE: &str = "MERIDIAN_EMBED_TOKEN";

    /// A token; none where the text is empty.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The token of the environment.
    #[must_use]
    pub fn from_env() -> Option<Self> {
        Self::new(&std::env::var(Self::VARIABLE).ok()?)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// Settings of [`super::Http`].
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address before `/embeddings`.
    pub base: Url,
    /// The model.
    pub model: String,
    /// The token, where the API wants one.
    pub token: Option<Token>,
    /// Most texts of a request.
    pub batch_texts: usize,
    /// Most bytes of a request's texts.
    pub batch_bytes: usize,
    /// A text is embedded up to so many bytes: models have a limit too, and some refuse what is longer.
    pub text_bytes: usize,
    /// Bounds of one try.
    pub limits: Limits,
    /// Most tries of a batch.
    pub tries: u32,
    /// Pause after the first try, which doubles with jitter up to `pause_max`; longer where the API asks for it.
    pub pause: Duration,
    /// Longest pause of our own.
    pub pause_max: Duration,
    /// A try that could only begin after so long is not made.
    pub patience: Duration,
    /// Tokens that this process may spend a day; none = any.
    pub tokens_per_day: Option<u64>,
    /// The price, for the costs that are shown.
    pub usd_per_million_tokens: f64,
    /// Vectors kept, 6 KB each.
    pub cached: u64,
    /// Residency rules whose texts may be sent there. What is under no rule may always.
    pub may_see: Vec<ResidencyName>,
}

/// Why an API cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum Invalid {
    /// The address is none that can be used.
    #[error("{base} cannot be asked for embeddings: {why}")]
    Base {
        /// Its scheme and host.
        base: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// No header can carry the token.
    #[error("the token has characters that no header can carry")]
    Token,
    /// There is no HTTP client.
    #[error("no HTTP client")]
    Client(#[source] reqwest::Error),
}

impl Settings {
    /// The defaults for a model of OpenAI's.
    #[must_use]
    pub fn openai(model: impl Into<String>) -> Self {
        Self::at(OPENAI.parse().expect("a URL"), model)
    }

    /// The defaults for a model somewhere else.
    #[must_use]
    pub fn at(base: Url, model: impl Into<String>) -> Self {
        Self {
            base,
            model: model.into(),
            token: None,
            batch_texts: 128,
            batch_bytes: 256 << 10,
            text_bytes: 16 << 10,
            limits: Limits::within(Duration::from_secs(10)),
            tries: 4,
            pause: Duration::from_millis(200),
            pause_max: Duration::from_secs(5),
            patience: Duration::from_secs(30),
            tokens_per_day: None,
            usd_per_million_tokens: 0.0,
            cached: 2_000,
            may_see: Vec::new(),
        }
    }

    /// The space of its vectors. Elsewhere than at OpenAI the address is part of its name: a model of the same name may be
    /// another one there.
    #[must_use]
    pub fn space(&self) -> Space {
        let address = self.address();
        let name = if address == OPENAI {
            format!("openai:{}:{DIMENSIONS}", self.model)
        } else {
            let place = address.trim_start_matches("https://").trim_start_matches("http://");
            format!("openai@{place}:{}:{DIMENSIONS}", self.model)
        };
        Space::new(name)
    }

    /// The base without a slash at its end.
    pub(super) fn address(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    pub(super) const fn pauses(&self) -> scheduler_client::Limits {
        scheduler_client::Limits {
            attempt: self.limits.timeout,
            overall: self.patience,
            tries: self.tries,
            pause: self.pause,
            pause_max: self.pause_max,
        }
    }

    pub(super) fn client(&self) -> Result<reqwest::Client, Invalid> {
        self.check()?;
        let mut headers = HeaderMap::new();
        if let Some(Token(token)) = &self.token {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| Invalid::Token)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(scheduler_client::tls_config(self.base.scheme() == "https"))
            .default_headers(headers)
            .connect_timeout(self.limits.timeout / 2)
            .redirect(reqwest::redirect::Policy::none());
        if scheduler_client::is_loopback(&self.base) {
            builder = builder.no_proxy();
        }
        builder.build().map_err(Invalid::Client)
    }

    fn check(&self) -> Result<(), Invalid> {
        let base = &self.base;
        let has_password = !base.username().is_empty() || base.password().is_some();
        let why = match base.scheme() {
            "http" | "https" if has_password => "a password belongs into the environment, not into an address",
            "http" if self.token.is_some() && !scheduler_client::is_loopback(base) => {
                "a token is sent to another machine by https only"
            }
            "http" | "https" if base.query().is_some() || base.fragment().is_some() => "it has more than a path",
            "http" | "https" => return Ok(()),
            _ => "it is not an http or https address",
        };
        let place = format!("{}://{}", base.scheme(), base.host_str().unwrap_or_default());
        Err(Invalid::Base { base: place, why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_space_is_named_after_its_model_and_elsewhere_after_its_address_too() {
        let cases = [
            ("https://api.openai.com/v1", "openai:small:1536"),
            ("https://api.openai.com/v1/", "openai:small:1536"),
            ("https://api.openai.com/v2", "openai@api.openai.com/v2:small:1536"),
            ("http://localhost:8080/v1", "openai@localhost:8080/v1:small:1536"),
            ("https://embed.example.org", "openai@embed.example.org:small:1536"),
        ];
        for (base, wanted) in cases {
            assert_eq!(Settings::at(base.parse().unwrap(), "small").space().as_str(), wanted);
        }
        assert_eq!(Settings::openai("small").space().as_str(), "openai:small:1536");
    }

    #[test]
    fn an_address_that_would_give_a_secret_away_is_refused_and_not_shown() {
        for base in
            ["http://example.org/v1", "https://me:secret@example.org/v1", "https://example.org/v1?key=1", "ftp://x"]
        {
            let settings = Settings { token: Token::new("sesame"), ..Settings::at(base.parse().unwrap(), "small") };
            let error = settings.client().unwrap_err().to_string();
            assert!(!error.contains("secret") && !error.contains("sesame"), "{error}");
            assert!(!format!("{settings:?}").contains("sesame"));
        }
        let loopback = Settings::at("http://127.0.0.1:1/v1".parse().unwrap(), "small");
        assert!(Settings { token: Token::new("sesame"), ..loopback }.client().is_ok());
    }
}
