//! Runners' settings, and what is wrong with them.

use std::path::Path;
use std::time::Duration;

use super::file::{RunnerFile, RunnerKind};
use super::{RunnerSettings, length};
use crate::runner::{CommandSettings, HttpSettings, SimulatedSettings};
use crate::supervisor;

/// Variables that runners get when none are named.
const ENV: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"];

/// What no runner may get.
const FORBIDDEN: [&str; 2] = ["MERIDIAN_TOKEN", "DATABASE_URL"];

/// Makes settings and collects mistakes.
pub(super) struct Runners<'a> {
    pub(super) env: &'a dyn Fn(&str) -> Option<String>,
    pub(super) spool: &'a Path,
    pub(super) mistakes: &'a mut Vec<String>,
}

impl Runners<'_> {
    /// The runner of one place in the file, or none and a mistake more.
    pub(super) fn runner(&mut self, file: &RunnerFile, place: &str) -> Option<RunnerSettings> {
        match file.kind {
            Some(RunnerKind::Command) => self.command(file, place).map(RunnerSettings::Command),
            Some(RunnerKind::Http) => self.http(file, place).map(RunnerSettings::Http),
            Some(RunnerKind::Simulated) => Some(RunnerSettings::Simulated(self.simulated(file, place))),
            None => {
                self.mistakes.push(format!("{place}: no kind is named: command, http or simulated"));
                None
            }
        }
    }

    fn command(&mut self, file: &RunnerFile, place: &str) -> Option<CommandSettings> {
        if file.command.is_empty() {
            self.mistakes.push(format!("{place}: a command runner needs a command (after --)"));
            return None;
        }
        let named = if file.env.is_empty() { ENV.map(str::to_owned).to_vec() } else { file.env.clone() };
        for name in named.iter().chain(&file.secrets).filter(|name| FORBIDDEN.contains(&name.as_str())) {
            self.mistakes.push(format!("{place}: {name} is the agent's own and goes to no runner"));
        }
        let mut env: Vec<_> = named.iter().filter_map(|name| Some((name.clone(), (self.env)(name)?))).collect();
        let mut secrets = Vec::new();
        for name in &file.secrets {
            match (self.env)(name) {
                Some(value) => {
                    env.push((name.clone(), value.clone()));
                    secrets.push(value);
                }
                None => self.mistakes.push(format!("{place}: the secret {name} is not in the agent's environment")),
            }
        }
        let supervisor = supervisor::own_binary()
            .map_err(|e| self.mistakes.push(format!("{place}: this program does not find itself: {e}")))
            .ok()?;
        let work = file.work.clone().unwrap_or_else(|| self.spool.join("work"));
        let time_limit = self.time_limit(file);
        Some(CommandSettings { argv: file.command.clone(), env, secrets, work, time_limit, supervisor })
    }

    fn http(&mut self, file: &RunnerFile, place: &str) -> Option<HttpSettings> {
        let Some(text) = &file.worker_url else {
            self.mistakes.push(format!("{place}: an http runner needs a worker URL"));
            return None;
        };
        match text.parse::<reqwest::Url>() {
            Ok(url) if matches!(url.scheme(), "http" | "https") => {
                Some(HttpSettings { url, time_limit: self.time_limit(file) })
            }
            _ => {
                self.mistakes.push(format!("{place}: {text:?} is no http or https address"));
                None
            }
        }
    }

    fn simulated(&mut self, file: &RunnerFile, place: &str) -> SimulatedSettings {
        let min = length(file.min.as_deref(), Duration::from_millis(100), self.mistakes);
        let max = length(file.max.as_deref(), min.max(Duration::from_secs(1)), self.mistakes);
        let failure_rate = file.failure_rate.unwrap_or(0.0);
        if !(0.0..=1.0).contains(&failure_rate) {
            self.mistakes.push(format!("{place}: a failure rate lies between 0 and 1"));
        }
        if max < min {
            self.mistakes.push(format!("{place}: the longest run is shorter than the shortest"));
        }
        SimulatedSettings { seed: file.seed.unwrap_or(0), min, max, failure_rate }
    }

    fn time_limit(&mut self, file: &RunnerFile) -> Option<Duration> {
        let text = file.time_limit.as_deref()?;
        Some(length(Some(text), Duration::MAX, self.mistakes))
    }
}
