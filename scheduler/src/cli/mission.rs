//! `scheduler mission`: the human's client for missions.

use std::io::Read as _;

use anyhow::Context as _;
use clap::Subcommand;
use scheduler_client::wire::{self, ListMissions, Mission, MissionState, Origin, SubmitMission, SubmitResult};
use serde_json::Value;
use topology::{MissionId, Position, RegionName, Specialization};

use super::remote::Remote;
use super::{Output, Stop, table};

/// `scheduler mission`
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Submit one mission, or those of a JSON file
    Submit(Box<Submit>),
    /// Show one mission with its history
    Show {
        /// The mission
        id: MissionId,
    },
    /// List missions, newest first
    List(List),
    /// Say why a mission runs where it runs
    Explain {
        /// The mission
        id: MissionId,
    },
    /// Call a mission off
    Cancel {
        /// The mission
        id: MissionId,
        /// Why
        #[arg(long, default_value = "cancelled")]
        reason: String,
    },
    /// Submit a failed or cancelled mission again
    Retry {
        /// The mission
        id: MissionId,
    },
}

#[derive(Debug, clap::Args)]
struct Submit {
    /// Which kind of agent works on it
    #[arg(long, required_unless_present = "file")]
    specialization: Option<String>,
    /// One line for people
    #[arg(long, required_unless_present = "file")]
    title: Option<String>,
    /// JSON file with a mission, a list of missions or {"missions": [..]}; `-` reads standard input
    #[arg(long, conflicts_with_all = ["specialization", "title"])]
    file: Option<String>,
    /// Where it comes from: LAT,LNG, a country code, or a city of the world model
    #[arg(long)]
    from: Option<String>,
    /// Residency rule
    #[arg(long)]
    residency: Option<String>,
    /// 0 (last) to 9 (first)
    #[arg(long, default_value_t = wire::default_priority())]
    priority: i32,
    /// JSON that is handed to the runner
    #[arg(long)]
    payload: Option<String>,
    /// Longest run in milliseconds
    #[arg(long)]
    run_limit_ms: Option<i64>,
    /// Idempotency key
    #[arg(long)]
    key: Option<String>,
    /// Run of the drill that submits it: statistics, memory and objectives leave it out
    #[arg(long, conflicts_with = "file")]
    drill: Option<String>,
}

#[derive(Debug, clap::Args)]
struct List {
    /// Only this state
    #[arg(long, value_parser = state)]
    state: Option<MissionState>,
    /// Only missions placed in this region
    #[arg(long)]
    region: Option<RegionName>,
    /// Only this specialization
    #[arg(long)]
    specialization: Option<Specialization>,
    /// Only missions of this drill's run
    #[arg(long)]
    drill: Option<String>,
    /// At most so many
    #[arg(long)]
    limit: Option<i64>,
    /// The `next` of the page before
    #[arg(long)]
    after: Option<String>,
}

pub(super) async fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    let client = args.remote.client()?;
    match args.verb {
        Verb::Submit(submit) => {
            let from_file = submit.file.is_some();
            // It may read standard input, and a signal must be heard meanwhile.
            let mut missions = tokio::task::spawn_blocking(move || submit.missions()).await??;
            if let ([_], false) = (missions.as_slice(), from_file)
                && let Some(mission) = missions.pop()
            {
                return output.answer(&client.submit(mission).await?, one);
            }
            let answer = client.submit_batch(missions).await?;
            output.answer(&answer, results)?;
            let refused = answer.results.iter().filter(|result| matches!(result, SubmitResult::Refused(_))).count();
            if refused == 0 { Ok(()) } else { Err(Stop::refused(format!("{refused} missions were refused")).into()) }
        }
        Verb::Show { id } => output.answer(&client.mission(id).await?, one),
        Verb::List(list) => output.answer(&client.missions(&list.query()).await?, page),
        Verb::Explain { id } => output.answer(&client.placement(id).await?, explained),
        Verb::Cancel { id, reason } => output.answer(&client.cancel(id, &reason).await?, one),
        Verb::Retry { id } => output.answer(&client.retry(id).await?, one),
    }
}

impl Submit {
    fn missions(&self) -> anyhow::Result<Vec<SubmitMission>> {
        if let Some(file) = &self.file {
            return read(file);
        }
        let payload = match &self.payload {
            Some(text) => serde_json::from_str(text).map_err(|e| Stop::usage(format!("--payload is no JSON: {e}")))?,
            None => Value::Null,
        };
        Ok(vec![SubmitMission {
            specialization: self.specialization.clone().unwrap_or_default(),
            title: self.title.clone().unwrap_or_default(),
            origin: self.from.as_deref().map(origin),
            residency: self.residency.clone(),
            priority: self.priority,
            payload,
            run_limit_ms: self.run_limit_ms,
            start_by: None,
            max_attempts: None,
            idempotency_key: self.key.clone(),
            drill: self.drill.clone(),
        }])
    }
}

fn read(file: &str) -> anyhow::Result<Vec<SubmitMission>> {
    let mut text = String::new();
    if file == "-" {
        std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
    } else {
        text = std::fs::read_to_string(file).map_err(|e| Stop::usage(format!("cannot read {file}: {e}")))?;
    }
    let value: Value = serde_json::from_str(&text).map_err(|e| Stop::usage(format!("{file} is no JSON: {e}")))?;
    let list = match value {
        Value::Array(list) => list,
        Value::Object(mut fields) => match fields.remove("missions") {
            Some(Value::Array(list)) => list,
            _ => vec![Value::Object(fields)],
        },
        _ => return Err(Stop::usage(format!("{file} holds no missions")).into()),
    };
    let read = |(index, value)| {
        serde_json::from_value(value).map_err(|e| Stop::usage(format!("mission {index} of {file}: {e}")).into())
    };
    list.into_iter().enumerate().map(read).collect()
}

/// `LAT,LNG`, a country of two capital letters, else a city.
fn origin(text: &str) -> Origin {
    let numbers: Option<Vec<f64>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
    if let Some([lat, lng]) = numbers.as_deref()
        && let Ok(position) = Position::new(*lat, *lng)
    {
        return Origin::At(position);
    }
    if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Origin::Country(text.to_owned());
    }
    Origin::World(text.to_owned())
}

fn state(text: &str) -> Result<MissionState, String> {
    serde_json::from_value(Value::String(text.to_owned()))
        .map_err(|_| "one of pending, queued, leased, succeeded, failed, cancelled".to_owned())
}

impl List {
    fn query(&self) -> ListMissions {
        ListMissions {
            state: self.state,
            region: self.region.clone(),
            specialization: self.specialization.clone(),
            drill: self.drill.clone(),
            limit: self.limit,
            after: self.after.clone(),
        }
    }
}

/// A state or verb as the wire writes it.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(text)) => text,
        _ => String::new(),
    }
}

fn row(mission: &Mission) -> Vec<String> {
    vec![
        mission.id.to_string(),
        word(&mission.state),
        mission.pool.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
        mission.priority.to_string(),
        mission.submitted_at.format("%Y-%m-%d %H:%M:%S").to_string(),
        mission.title.chars().take(60).collect(),
    ]
}

const HEAD: [&str; 6] = ["MISSION", "STATE", "POOL", "PRIORITY", "SUBMITTED", "TITLE"];

fn page(page: &wire::MissionPage) -> String {
    let mut text = table(&HEAD, page.missions.iter().map(row));
    if let Some(next) = &page.next {
        text.push_str(&format!("\nmore: --after {next}"));
    }
    if !page.degraded.is_empty() {
        text.push_str(&format!("\nwithout {}: their database does not answer", page.degraded.join(", ")));
    }
    text
}

fn results(answer: &wire::SubmitAnswer) -> String {
    let rows = answer.results.iter().map(|result| match result {
        SubmitResult::Accepted(mission) => row(mission),
        SubmitResult::Refused(problem) => vec![
            "-".to_owned(),
            "refused".to_owned(),
            "-".to_owned(),
            "-".to_owned(),
            "-".to_owned(),
            format!("{}: {}", problem.code, problem.detail),
        ],
    });
    table(&HEAD, rows)
}

fn one(mission: &Mission) -> String {
    let mut rows = vec![
        vec!["mission".to_owned(), mission.id.to_string()],
        vec!["title".to_owned(), mission.title.clone()],
        vec!["state".to_owned(), word(&mission.state)],
        vec!["reason".to_owned(), mission.reason.clone().unwrap_or_else(|| "-".to_owned())],
        vec!["pool".to_owned(), mission.pool.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string)],
        vec!["home".to_owned(), mission.home.clone()],
        vec!["epoch".to_owned(), mission.epoch.to_string()],
        vec![
            "attempts".to_owned(),
            format!("{} ({} crashes, {} moves)", mission.attempts, mission.crashes, mission.moves),
        ],
        vec!["submitted".to_owned(), mission.submitted_at.to_rfc3339()],
    ];
    if let Some(run) = &mission.drill {
        rows.push(vec!["drill".to_owned(), run.clone()]);
    }
    if let Some(outcome) = &mission.outcome {
        rows.push(vec!["outcome".to_owned(), outcome.to_string()]);
    }
    let mut text = table(&["", ""], rows).trim_start_matches(['\n', ' ']).to_owned();
    if let Some(history) = mission.history.as_ref().filter(|history| !history.is_empty()) {
        let rows = history.iter().map(|event| {
            vec![
                event.at.format("%H:%M:%S%.3f").to_string(),
                event.from.as_ref().map_or_else(|| "-".to_owned(), word),
                word(&event.to),
                event.epoch.to_string(),
                event.actor.clone(),
                event.reason.clone().unwrap_or_default(),
                event.pool.as_ref().map(ToString::to_string).unwrap_or_default(),
            ]
        });
        text.push_str("\n\n");
        text.push_str(&table(&["AT", "FROM", "TO", "EPOCH", "ACTOR", "REASON", "POOL"], rows));
    }
    text
}

/// The placement's table, in milliseconds.
fn explained(answer: &wire::PlacementAnswer) -> String {
    let ms = |us: u64| format!("{}.{:01}", us / 1000, us % 1000 / 100);
    let rows = answer.pools.iter().map(|row| {
        let mut cells = vec![row.pool.to_string(), row.verdict.clone()];
        match &row.figures {
            Some(figures) => cells.extend([
                word(&figures.role),
                figures.group.to_string(),
                ms(figures.rtt_us),
                ms(figures.wait_us),
                ms(figures.penalty_us),
                ms(figures.expected_us),
                format!("{} of {}", figures.free, figures.slots),
                if figures.saturated { "saturated".to_owned() } else { String::new() },
            ]),
            None => {
                cells.extend(std::iter::repeat_n(String::new(), 7));
                cells.push(row.reason.clone().unwrap_or_default());
            }
        }
        cells
    });
    let head = ["POOL", "VERDICT", "ROLE", "GROUP", "RTT", "WAIT", "PENALTY", "EXPECTED", "FREE", "WHY NOT"];
    let mut text = format!("{} is {}", answer.mission, word(&answer.state));
    if let Some(reason) = &answer.reason {
        text.push_str(&format!(": {reason}"));
    }
    text.push_str("; times in milliseconds\n\n");
    text.push_str(&table(&head, rows));
    if answer.omitted > 0 {
        text.push_str(&format!("\nand {} pools more", answer.omitted));
    }
    if let Some(pool) = &answer.unmet {
        text.push_str(&format!("\n{pool} would have been better, but had no live session"));
    }
    if let Some(rule) = &answer.residency {
        text.push_str(&format!("\nresidency {rule}, strength {}", answer.strength.as_deref().unwrap_or("unknown")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_point_a_country_or_a_city() {
        assert_eq!(origin("37.8, -122.4"), Origin::At(Position::new(37.8, -122.4).unwrap()));
        assert_eq!(origin("JP"), Origin::Country("JP".to_owned()));
        assert_eq!(origin("US:San Francisco"), Origin::World("US:San Francisco".to_owned()));
    }

    #[test]
    fn states_are_read_as_the_wire_writes_them() {
        assert_eq!(state("leased"), Ok(MissionState::Leased));
        assert!(state("Leased").is_err());
    }
}
