//! What is known of a submit that failed.

use scheduler_client::{Cause, Error};

/// Whether it was certainly not done, for a client that tries at most so many times.
///
/// A client repeats a submit whose answer it did not get, so of a call with several tries only the last failure is told:
/// an earlier try may have been done. A request that is refused for what it says is refused each time.
pub(super) fn surely_not_done(error: &Error, most_tries: u32) -> bool {
    match error {
        Error::Config(_) => true,
        Error::Unreachable { tries, cause } => *tries <= 1 && cause.unsent(),
        Error::Problem { problem, retry_after } => match problem.status {
            429 => most_tries == 1,
            400..=499 => true,
            503 => most_tries == 1 && retry_after.is_some(),
            _ => false,
        },
        Error::Contract { .. } => false,
    }
}

/// A stable code for a history.
pub(super) fn code(error: &Error) -> String {
    match error {
        Error::Problem { problem, .. } => problem.code.clone(),
        Error::Unreachable { cause, .. } => cause_code(cause).to_owned(),
        Error::Contract { status, .. } => format!("contract_{status}"),
        Error::Config(_) => "config".to_owned(),
    }
}

const fn cause_code(cause: &Cause) -> &'static str {
    match cause {
        Cause::Connect(_) => "no_connection",
        Cause::Timeout(_) => "timeout",
        Cause::Broken(_) => "broken",
        Cause::Gateway(_) => "gateway",
        Cause::TooLarge(_) => "too_large",
        Cause::BreakersOpen => "breakers_open",
        Cause::Overdue => "overdue",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use scheduler_client::wire::Problem;

    use super::*;

    fn refused(status: u16, retry_after: Option<u64>) -> Error {
        let problem = Problem {
            kind: String::new(),
            code: "code".to_owned(),
            status,
            title: String::new(),
            detail: String::new(),
            pointer: None,
            extra: None,
        };
        Error::Problem { problem: Box::new(problem), retry_after: retry_after.map(Duration::from_secs) }
    }

    #[test]
    fn only_what_cannot_have_been_done_is_a_failure() {
        let unreachable = |tries, cause| Error::Unreachable { tries, cause };
        let timeout = || Cause::Timeout(Duration::from_secs(1));
        let cases = [
            (Error::Config("no address".to_owned()), 12, true),
            (unreachable(0, Cause::BreakersOpen), 12, true),
            (unreachable(0, Cause::Overdue), 12, true),
            (unreachable(1, timeout()), 1, false),
            (unreachable(3, Cause::BreakersOpen), 12, false),
            (refused(422, None), 12, true),
            (refused(409, None), 12, true),
            (refused(429, Some(1)), 1, true),
            (refused(429, Some(1)), 12, false),
            (refused(503, Some(1)), 1, true),
            (refused(503, Some(1)), 12, false),
            (refused(503, None), 1, false),
            (refused(500, None), 1, false),
            (Error::Contract { status: 404, detail: String::new() }, 1, false),
        ];
        for (error, tries, wanted) in cases {
            assert_eq!(surely_not_done(&error, tries), wanted, "{error:?} after at most {tries}");
            assert!(!code(&error).is_empty());
        }
    }
}
