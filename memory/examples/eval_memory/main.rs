//! How well recall finds what helps: `make eval-memory`. What is measured, and how the corpus is made, stands in
//! `eval/README.md`.

mod choose;
mod corpus;
mod figures;
mod index;
mod report;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use memory::embed::{Lexical, Statics};

use choose::Chosen;
use corpus::Corpus;
use index::{Index, Space};
use report::Report;

/// Measures recall on a corpus of rules of linters.
#[derive(Debug, Parser)]
struct Args {
    /// The corpus, as `eval/corpus.py` writes it.
    corpus: PathBuf,
    /// The folder of the static table; without it that space is left out.
    #[arg(long)]
    table: Option<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// One object.
    Json,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let corpus = Corpus::read(&args.corpus)?;
    let lexical = Lexical::new();
    let statics = args.table.as_deref().map(Statics::load).transpose()?;
    let mut spaces = vec![Space::new(&lexical, |text| lexical.vector(text))];
    if let Some(statics) = &statics {
        spaces.push(Space::new(statics, |text| statics.vector(text)));
    }
    let index = Index::new(&corpus, &spaces);
    let chosen: Vec<Chosen> = spaces.iter().map(|space| choose::on_first_half(&index, space)).collect();
    let report = Report::new(&index, &spaces, chosen);
    report.print(std::io::stdout().lock(), matches!(args.format, Format::Json))
}
