//! Flags, variables and the file, put together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use topology::{RegionName, Specialization};

use super::args::RunArgs;
use super::file::{File, RunnerFile, some_or};
use super::runners::Runners;
use super::{Config, Mistakes, Token, length};

/// A process's environment, or a test's.
type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Puts the settings together.
///
/// # Errors
/// [`Mistakes`]: all of them.
pub fn load(args: RunArgs, env: Env<'_>) -> Result<Config, Mistakes> {
    let mut mistakes = Vec::new();
    let file = File::read(args.config.as_deref()).unwrap_or_else(|mistake| {
        mistakes.push(mistake);
        File::default()
    });
    match merge(args, file, env, &mut mistakes) {
        Some(config) if mistakes.is_empty() => Ok(config),
        _ => Err(Mistakes(mistakes)),
    }
}

fn merge(args: RunArgs, file: File, env: Env<'_>, mistakes: &mut Vec<String>) -> Option<Config> {
    let schedulers = some_or(args.schedulers, file.schedulers);
    if schedulers.is_empty() {
        mistakes.push("no scheduler is named: --scheduler URL, MERIDIAN_SCHEDULERS or schedulers = [..]".to_owned());
    }
    let region = region(args.region.or(file.region), mistakes);
    let token = token(args.token_file.or(file.token_file).as_deref(), file.token, env, mistakes);
    let pools = pools(&some_or(args.pools, file.pools), mistakes);
    let grace = length(args.grace.or(file.grace).as_deref(), Duration::from_secs(30), mistakes);
    let listen = args.listen.or(file.listen).unwrap_or_else(|| ([127, 0, 0, 1], 7800).into());
    let region_or_none = region.as_ref().map_or("none", RegionName::as_str).to_owned();
    let name = args.name.or(file.name);
    // An agent without a name of its own shares its folder with nobody, and finds it again after a restart.
    let folder = name.clone().unwrap_or_else(|| format!("{region_or_none}-{}", listen.port()));
    let spool = args.spool.or(file.spool).unwrap_or_else(|| state_folder(env).join(folder));
    let base = RunnerFile::from(args.runner).over(file.runner);
    let mut builder = Runners { env, spool: &spool, mistakes };
    let runner = builder.runner(&base, "runner");
    let mut runners = BTreeMap::new();
    for (name, own) in file.runners {
        let settings = builder.runner(&own.over(base.clone()), &format!("runners.{name}"));
        match name.parse::<Specialization>() {
            Ok(specialization) => runners.extend(settings.map(|settings| (specialization, settings))),
            Err(error) => builder.mistakes.push(format!("runners.{name}: {error}")),
        }
    }
    Some(Config {
        schedulers,
        token,
        region: region?,
        name: name.unwrap_or_else(|| format!("{region_or_none}-{}", std::process::id())),
        pools,
        listen,
        spool,
        grace,
        runners,
        runner: runner?,
        ledger: args.ledger.or(file.ledger),
        history: args.history.or(file.history),
    })
}

fn region(text: Option<String>, mistakes: &mut Vec<String>) -> Option<RegionName> {
    let Some(text) = text else {
        mistakes.push("no region is named: --region NAME, MERIDIAN_REGION or region = ..".to_owned());
        return None;
    };
    text.parse().map_err(|e| mistakes.push(format!("region {text:?}: {e}"))).ok()
}

fn state_folder(env: Env<'_>) -> PathBuf {
    let state = env("XDG_STATE_HOME").map(PathBuf::from);
    let home = || env("HOME").map(|home| Path::new(&home).join(".local/state"));
    state.or_else(home).unwrap_or_else(std::env::temp_dir).join("meridian/region-agent")
}

fn token(path: Option<&Path>, in_file: Option<String>, env: Env<'_>, mistakes: &mut Vec<String>) -> Option<Token> {
    let text = match path {
        Some(path) => std::fs::read_to_string(path).map_err(|e| mistakes.push(format!("{}: {e}", path.display()))).ok(),
        None => env("MERIDIAN_TOKEN").or(in_file),
    };
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).map(Token)
}

fn pools(texts: &[String], mistakes: &mut Vec<String>) -> BTreeMap<Specialization, Option<i64>> {
    let mut pools = BTreeMap::new();
    for text in texts {
        match pool(text) {
            Ok((name, slots)) => {
                if pools.insert(name, slots).is_some() {
                    mistakes.push(format!("pool {text:?} is named twice"));
                }
            }
            Err(mistake) => mistakes.push(mistake),
        }
    }
    pools
}

fn pool(text: &str) -> Result<(Specialization, Option<i64>), String> {
    let (name, slots) = text.split_once('=').map_or((text, None), |(name, slots)| (name, Some(slots)));
    let name = name.parse().map_err(|e| format!("pool {text:?}: {e}"))?;
    match slots.map(str::parse) {
        None => Ok((name, None)),
        Some(Ok(number @ 1..=10_000)) => Ok((name, Some(number))),
        Some(_) => Err(format!("pool {text:?}: slots are a number from 1 to 10000")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::args::RunnerArgs;
    use crate::config::{RunnerKind, RunnerSettings};

    fn args() -> RunArgs {
        RunArgs {
            schedulers: vec!["http://127.0.0.1:7700".to_owned()],
            region: Some("us-west".to_owned()),
            runner: RunnerArgs { kind: Some(RunnerKind::Simulated), ..RunnerArgs::default() },
            ..RunArgs::default()
        }
    }

    fn no_env(_: &str) -> Option<String> {
        None
    }

    fn mistakes(args: RunArgs, env: Env<'_>) -> Vec<String> {
        load(args, env).unwrap_err().0
    }

    #[test]
    fn flags_stand_above_the_file_and_the_file_above_the_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.toml");
        let text = "region = \"europe-west\"\ngrace = \"5s\"\npools = [\"a=3\", \"b\"]\n[runner]\nmin = \"1ms\"\n\
                    [runners.b]\nkind = \"http\"\nworker_url = \"http://127.0.0.1:1/run\"\n";
        std::fs::write(&path, text).unwrap();
        let config = load(RunArgs { config: Some(path), ..args() }, &no_env).unwrap();
        assert_eq!(config.region.as_str(), "us-west");
        assert_eq!(config.grace, Duration::from_secs(5));
        assert_eq!(config.pools.values().copied().collect::<Vec<_>>(), [Some(3), None]);
        assert_eq!(config.listen.port(), 7800);
        let RunnerSettings::Simulated(simulated) = config.runner else { panic!("not simulated") };
        assert_eq!(simulated.min, Duration::from_millis(1));
        assert!(matches!(config.runners[&"b".parse().unwrap()], RunnerSettings::Http(_)));
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let bad = RunArgs {
            region: Some("US".to_owned()),
            grace: Some("soon".to_owned()),
            pools: vec!["a=0".to_owned(), "B".to_owned()],
            runner: RunnerArgs { kind: Some(RunnerKind::Simulated), failure_rate: Some(2.0), ..RunnerArgs::default() },
            ..RunArgs::default()
        };
        let found = mistakes(bad, &no_env);
        for part in ["scheduler", "region \"US\"", "\"soon\"", "\"a=0\"", "\"B\"", "failure rate"] {
            assert!(found.iter().any(|mistake| mistake.contains(part)), "{part} is not in {found:?}");
        }
        assert_eq!(found.len(), 6, "{found:?}");
    }

    #[test]
    fn a_runner_gets_the_allow_list_and_its_secrets_and_never_the_agents_token() {
        let env = |name: &str| match name {
            "PATH" => Some("/bin".to_owned()),
            "GIT_KEY" => Some("k".to_owned()),
            "MERIDIAN_TOKEN" => Some("agent".to_owned()),
            _ => None,
        };
        let command = |own: RunnerArgs| {
            let kind = Some(RunnerKind::Command);
            RunArgs { runner: RunnerArgs { kind, command: vec!["true".to_owned()], ..own }, ..args() }
        };
        let secret = RunnerArgs { secrets: vec!["GIT_KEY".to_owned()], ..RunnerArgs::default() };
        let RunnerSettings::Command(settings) = load(command(secret), &env).unwrap().runner else {
            panic!("no command")
        };
        let names: Vec<_> = settings.env.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["PATH", "GIT_KEY"]);
        assert_eq!(settings.secrets, ["k"]);

        let token = RunnerArgs { env: vec!["MERIDIAN_TOKEN".to_owned()], ..RunnerArgs::default() };
        assert!(mistakes(command(token), &env)[0].contains("MERIDIAN_TOKEN"));
        let missing = RunnerArgs { secrets: vec!["NOT_SET".to_owned()], ..RunnerArgs::default() };
        assert!(mistakes(command(missing), &env)[0].contains("NOT_SET"));
    }

    #[test]
    fn an_unknown_key_is_a_mistake_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.toml");
        std::fs::write(&path, "regoin = \"x\"\n").unwrap();
        let found = mistakes(RunArgs { config: Some(path), ..args() }, &no_env);
        assert!(found[0].contains("regoin") && found[0].contains("line 1"), "{found:?}");
    }

    #[test]
    fn no_output_shows_the_token() {
        let config = load(args(), &|name| (name == "MERIDIAN_TOKEN").then(|| "geheim".to_owned())).unwrap();
        assert!(!format!("{config:?}").contains("geheim"));
    }
}
