//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use memory::embed::Choice;
use scheduler_client::wire::{MemoryScope, MemorySearch};
use scheduler_client::{Client, Config};
use topology::{DatabaseRegion, ResidencyName, Specialization};
use uuid::Uuid;

use crate::output::{EXIT_CODES, Exit, Format, Stop, result};
use crate::{import, reembed, rows, tell};

/// Searches, imports, exports and checks what agents learned
#[derive(Debug, Parser)]
#[command(name = "memory", version, about, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// How results are printed
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What helped before with such a problem, what failed, and why it is shown
    Search(Search),
    /// One memory
    Show {
        /// Its id; a mission's memory has the mission's
        id: Uuid,
        #[command(flatten)]
        server: Server,
    },
    /// What an agent did: missions, successes, minutes, the last one
    Stats {
        /// The agent, as its session names itself
        agent: String,
        #[command(flatten)]
        server: Server,
    },
    /// Lessons, with how far they are believed
    Lessons {
        /// Of one kind of agent only
        #[arg(long)]
        specialization: Option<Specialization>,
        #[command(flatten)]
        server: Server,
    },
    /// Issues that came again, with the solution that has proven itself
    Patterns {
        /// Of one kind of agent only
        #[arg(long)]
        specialization: Option<Specialization>,
        #[command(flatten)]
        server: Server,
    },
    /// What memory was worth: missions with it beside those that went without
    HitRate {
        /// Hours back from now
        #[arg(long, default_value_t = 168)]
        hours: u32,
        #[command(flatten)]
        server: Server,
    },
    /// Forgets a memory for good, with what says exactly the same; no import and no new mission brings it back
    Forget {
        /// Its id
        id: Uuid,
        #[command(flatten)]
        server: Server,
    },
    /// Reads issues in GitHub's shape, or an export, one JSON object a line. Done again, or after it was killed, it adds
    /// only what is not there yet
    Import(Import),
    /// Writes memories as JSON lines that `import` takes back
    Export {
        /// Database region whose rows are written
        #[arg(long)]
        home: DatabaseRegion,
        /// Also what is under this residency rule: the file may not leave its regions then; several
        #[arg(long = "residency")]
        rules: Vec<ResidencyName>,
        #[command(flatten)]
        database: Database,
    },
    /// Moves memories to another space of vectors while they are searched in the old one
    #[command(after_long_help = REEMBEDDING)]
    Reembed(Reembed),
    /// Counts duplicates, orphans, stale spaces and waiting work; ends with 1 where something is wrong
    Audit {
        /// Database regions that are looked at; several
        #[arg(long = "home", required = true)]
        homes: Vec<DatabaseRegion>,
        /// The space that is searched; others are stale
        #[arg(long, default_value = memory::embed::Lexical::SPACE)]
        space: String,
        #[command(flatten)]
        database: Database,
    },
}

/// The problem, and whose memories are wanted.
#[derive(Debug, Args)]
struct Search {
    /// Title of the problem
    title: String,
    /// The problem; @FILE reads it from a file
    #[arg(long, short, default_value = "")]
    description: String,
    /// everyone, agent:NAME or specialization:NAME
    #[arg(long, default_value = "everyone", value_parser = scope)]
    scope: MemoryScope,
    /// Only failures
    #[arg(long, conflicts_with = "successes")]
    failures: bool,
    /// Only successes
    #[arg(long)]
    successes: bool,
    /// Most hits
    #[arg(long)]
    limit: Option<u8>,
    #[command(flatten)]
    server: Server,
}

/// What an issue does not tell.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The file; - is standard input
    pub(crate) file: PathBuf,
    /// Kind of agent that issues are for
    #[arg(long)]
    pub(crate) specialization: Specialization,
    /// Rule that issues are under
    #[arg(long)]
    pub(crate) residency: Option<ResidencyName>,
    /// Database region that gets the rows
    #[arg(long)]
    pub(crate) home: DatabaseRegion,
    #[command(flatten)]
    pub(crate) database: Database,
}

/// How a move is done as a whole.
const REEMBEDDING: &str = "\
A move, step by step:
  1. memory reembed --home us-west-2 --home eu-west-1 --to api:text-embedding-3-small
     Searches go on in the old space. It may be killed, and goes on when it is started again.
  2. Start the schedulers again with --embeddings of the new space, one after another.
     From then on what is new gets vectors of the new space, and only that is searched.
  3. memory reembed ... --to api:text-embedding-3-small --drop local:lex1536:v1
     Makes the vectors of what came between 1 and 2, then takes the old space away. `memory audit --space NEW` names the
     old spaces. Not before 2: schedulers that still search the old space would find by words alone.

Residency: an API is sent texts that are under no residency rule, and of others only those under rules that --residency
names; give the schedulers the same with --embeddings-may-see. What is withheld is found by its words alone. `lexical` and
`static:FOLDER` send no text anywhere, but this program reads the texts: run it where their rules let them be.

static:FOLDER needs the two files that scripts/get-static-table brings; whose table that is, and under which licence, is
said there. api:MODEL takes its token from MERIDIAN_EMBED_TOKEN.";

/// From which space to which.
#[derive(Debug, Args)]
pub(crate) struct Reembed {
    /// Database regions whose memories are moved; several
    #[arg(long = "home", required = true)]
    pub(crate) homes: Vec<DatabaseRegion>,
    /// The new space: lexical, static:FOLDER, api:MODEL or api:MODEL@URL
    #[arg(long)]
    pub(crate) to: Choice,
    /// A residency rule whose texts the API may see; several [default: none]
    #[arg(long = "residency", value_name = "RULE")]
    pub(crate) may_see: Vec<ResidencyName>,
    /// Afterwards takes the vectors of this space away from these homes, and on PostgreSQL its index
    #[arg(long, value_name = "SPACE")]
    pub(crate) drop: Option<String>,
    #[command(flatten)]
    pub(crate) database: Database,
}

/// The schedulers.
#[derive(Debug, Args)]
struct Server {
    /// Schedulers, in the order in which they are asked
    #[arg(long = "server", env = "MERIDIAN_SERVER", value_delimiter = ',', default_value = "http://127.0.0.1:7700")]
    urls: Vec<String>,
    /// Bearer token
    #[arg(long, env = "MERIDIAN_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// The database.
#[derive(Debug, Args)]
pub(crate) struct Database {
    /// Where it is
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: String,
}

impl Server {
    fn client(&self) -> anyhow::Result<Client> {
        let config = Config::new(self.urls.clone()).token(self.token.clone());
        Client::new(&config).map_err(|error| Stop::usage(error.to_string()))
    }
}

fn scope(text: &str) -> Result<MemoryScope, String> {
    match text.split_once(':') {
        None if text == "everyone" => Ok(MemoryScope::Everyone),
        Some(("agent", name)) if !name.is_empty() => Ok(MemoryScope::Agent(name.to_owned())),
        Some(("specialization", name)) if !name.is_empty() => Ok(MemoryScope::Specialization(name.to_owned())),
        _ => Err("write everyone, agent:NAME or specialization:NAME".to_owned()),
    }
}

/// A refusal of the server is no failure of the program.
fn refused(error: scheduler_client::Error) -> anyhow::Error {
    Stop::refused(format!("{:#}", anyhow::Error::from(error)))
}

impl Cli {
    pub(crate) async fn run(self) -> anyhow::Result<Exit> {
        let format = self.format;
        match self.command {
            Command::Search(search) => search.run(format).await?,
            Command::Show { id, server } => {
                let view = server.client()?.memory(id).await.map_err(refused)?;
                result(format, &view, || tell::memory(&view))?;
            }
            Command::Stats { agent, server } => {
                let stats = server.client()?.agent_stats(&agent).await.map_err(refused)?;
                result(format, &stats, || tell::stats(&stats))?;
            }
            Command::Lessons { specialization, server } => {
                let kind = specialization.as_ref().map(AsRef::as_ref);
                let list = server.client()?.lessons(kind).await.map_err(refused)?;
                result(format, &list, || tell::lessons(&list))?;
            }
            Command::Patterns { specialization, server } => {
                let kind = specialization.as_ref().map(AsRef::as_ref);
                let list = server.client()?.memory_patterns(kind).await.map_err(refused)?;
                result(format, &list, || tell::patterns(&list))?;
            }
            Command::HitRate { hours, server } => {
                let rate = server.client()?.memory_hit_rate(hours).await.map_err(refused)?;
                result(format, &rate, || tell::hit_rate(&rate))?;
            }
            Command::Forget { id, server } => {
                let gone = server.client()?.forget_memory(id).await.map_err(refused)?;
                result(format, &gone, || tell::forgotten(&gone))?;
            }
            Command::Import(args) => return import::run(&args, format).await,
            Command::Reembed(args) => return reembed::run(&args, format).await,
            Command::Export { home, rules, database } => rows::export(&database, &home, &rules).await?,
            Command::Audit { homes, space, database } => return rows::audit(&database, &homes, &space, format).await,
        }
        Ok(Exit::Ok)
    }
}

impl Search {
    async fn run(self, format: Format) -> anyhow::Result<()> {
        let client = self.server.client()?;
        let description = match self.description.strip_prefix('@') {
            Some(file) => std::fs::read_to_string(file).map_err(|error| Stop::usage(format!("{file}: {error}")))?,
            None => self.description,
        };
        let success = if self.failures { Some(false) } else { self.successes.then_some(true) };
        let body = MemorySearch {
            title: self.title,
            description,
            scope: self.scope,
            region: None,
            mission: None,
            pool: None,
            success,
            limit: self.limit,
        };
        let answer = client.memory_search(&body).await.map_err(refused)?;
        result(format, &answer, || tell::answer(&answer))
    }
}
