//! The local PostgreSQL server for development and tests.

/// A server on this machine.
pub struct LocalServer {}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Temporary.
    #[error("set MERIDIAN_TEST_DATABASE_URL")]
    Todo,
}

impl LocalServer {
    /// The shared server of tests.
    #[must_use]
    pub const fn for_tests() -> Self {
        Self {}
    }

    /// Starts it.
    ///
    /// # Errors
    /// [`Error`].
    pub fn start(&self) -> Result<String, Error> {
        let _ = self;
        Err(Error::Todo)
    }
}

/// An error with all that caused it, on one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}
