//! What a command's end means. Pure.

use serde_json::{Value, json};

use super::{Ending, Failure, Job, reason, run_limit};
use crate::book::StopCause;
use crate::supervisor::protocol::{Ended, How, OUTPUT_MAX};

/// What a command's end means for its mission. `told` is why it was stopped, where it was.
pub(crate) fn ending(job: &Job, ended: Ended, told: Option<StopCause>, secrets: &[String]) -> Ending {
    let stderr = redacted(ended.stderr, secrets);
    match ended.how {
        How::Exited { code: 0 } => success(ended.stdout.as_deref(), &stderr),
        How::Exited { code } => failed(reason::EXIT, json!({ "code": code, "stderr": stderr }), true),
        How::Signalled { signal } => failed(reason::EXIT, json!({ "signal": signal, "stderr": stderr }), true),
        How::OutputTooLarge => {
            failed(reason::OUTPUT_TOO_LARGE, json!({ "limit_bytes": OUTPUT_MAX, "stderr": stderr }), true)
        }
        How::NotStarted { error } => failed(reason::START, json!({ "error": error }), true),
        How::RunLimit => run_limit(job, Some(&stderr)),
        How::Told => Ending::Stopped(told.unwrap_or(StopCause::SessionEnded)),
        How::Expired | How::Orphaned => Ending::Expired,
    }
}

fn success(stdout: Option<&str>, stderr: &str) -> Ending {
    let parsed = stdout.ok_or_else(|| "not UTF-8".to_owned()).and_then(|text| match serde_json::from_str(text) {
        Ok(Value::Null) => Err("null is no outcome".to_owned()),
        Ok(value) => Ok(value),
        Err(error) => Err(error.to_string()),
    });
    match parsed {
        Ok(outcome) => Ending::Succeeded(outcome),
        Err(error) => {
            let start: String = stdout.unwrap_or_default().chars().take(200).collect();
            failed(reason::NO_JSON, json!({ "error": error, "stdout": start, "stderr": stderr }), true)
        }
    }
}

fn failed(reason: &'static str, detail: Value, retryable: bool) -> Ending {
    Ending::Failed(Failure { reason, detail, retryable })
}

/// Without the values of the runner's secrets, and without what no database text can hold.
fn redacted(text: String, secrets: &[String]) -> String {
    let text = text.replace('\0', "\u{fffd}");
    secrets.iter().filter(|secret| !secret.is_empty()).fold(text, |text, secret| text.replace(secret.as_str(), "***"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::simulated::tests::job;

    fn ended(how: How, stdout: Option<&str>) -> Ended {
        Ended { how, stdout: stdout.map(str::to_owned), stderr: "last words, key=s3cret".to_owned() }
    }

    fn verdict(how: How, stdout: Option<&str>) -> Ending {
        ending(&job(1), ended(how, stdout), Some(StopCause::Lost), &["s3cret".to_owned()])
    }

    #[test]
    fn each_way_to_fail_has_its_own_reason_and_keeps_the_last_words() {
        let cases = [
            (How::Exited { code: 3 }, Some("{}"), reason::EXIT),
            (How::Signalled { signal: 9 }, Some(""), reason::EXIT),
            (How::OutputTooLarge, Some(""), reason::OUTPUT_TOO_LARGE),
            (How::Exited { code: 0 }, Some("done!"), reason::NO_JSON),
            (How::Exited { code: 0 }, Some(""), reason::NO_JSON),
            (How::Exited { code: 0 }, Some("null"), reason::NO_JSON),
            (How::Exited { code: 0 }, None, reason::NO_JSON),
            (How::RunLimit, Some(""), reason::RUN_LIMIT),
        ];
        for (how, stdout, wanted) in cases {
            let Ending::Failed(failure) = verdict(how.clone(), stdout) else { panic!("{how:?} is no failure") };
            assert_eq!(failure.reason, wanted, "{how:?}");
            assert_eq!(failure.detail["stderr"], "last words, key=***", "{how:?}");
        }
    }

    #[test]
    fn exit_zero_with_json_is_a_success() {
        let outcome = json!({"pr": 7});
        assert_eq!(verdict(How::Exited { code: 0 }, Some("{\"pr\": 7}\n")), Ending::Succeeded(outcome));
    }

    #[test]
    fn what_the_supervisor_ended_for_the_leases_sake_is_no_failure_of_the_mission() {
        assert_eq!(verdict(How::Told, Some("")), Ending::Stopped(StopCause::Lost));
        assert_eq!(verdict(How::Expired, Some("")), Ending::Expired);
        assert_eq!(verdict(How::Orphaned, Some("")), Ending::Expired);
    }
}
