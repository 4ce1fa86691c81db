//! Vectors of meaning and letters at once: 256 dimensions from a static table of word pieces, 1280 lexical ones beside them
//! that weigh 1.4 times as much. Needs two files that `scripts/get-static-table` brings, and no network when it runs. Whose
//! table it is, and under which licence, stands in that script.

mod table;
mod tokens;

use std::future::{Future, ready};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use topology::ResidencyName;

use super::lexical::{self, normalized};
use super::{DIMENSIONS, Embedder, Space};
use table::Table;
use tokens::Tokens;

/// Dimensions that come from the table.
const STATIC_DIMENSIONS: usize = 256;
/// Dimensions that come from letters.
const LEXICAL_DIMENSIONS: usize = DIMENSIONS - STATIC_DIMENSIONS;
/// What letters weigh against the table.
const LEXICAL_WEIGHT: f64 = 1.4;

/// Why there are no such vectors.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file is not there or cannot be read.
    #[error("cannot read {}; scripts/get-static-table brings it", file.display())]
    Read {
        /// Which.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is there and is something else.
    #[error("{} is not what is expected: {what}", file.display())]
    Shape {
        /// Which.
        file: PathBuf,
        /// What is wrong.
        what: String,
    },
}

/// Makes the vectors of `local:wl256+lex1280:v1:<digest>`, where the digest is of the two files, so that vectors of two
/// tables are never compared.
#[derive(Debug)]
pub struct Statics {
    space: Space,
    table: Table,
    tokens: Tokens,
}

impl Statics {
    /// The file of the table in the folder.
    pub const TABLE: &'static str = "table.safetensors";
    /// The file of the tokenizer in the folder.
    pub const TOKENIZER: &'static str = "tokenizer.json";

    /// Reads the two files of a folder; 18 MB.
    ///
    /// # Errors
    /// A file is missing or has another shape.
    pub fn load(folder: &Path) -> Result<Self, Error> {
        let [table, tokenizer] = [Self::TABLE, Self::TOKENIZER].map(|name| folder.join(name));
        let [table_bytes, tokenizer_bytes] = [read(&table)?, read(&tokenizer)?];
        let digest = Sha256::new().chain_update(&table_bytes).chain_update(&tokenizer_bytes).finalize();
        let short: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self {
            space: Space::new(format!("local:wl256+lex1280:v1:{short}")),
            table: Table::parse(&table_bytes, STATIC_DIMENSIONS).map_err(|what| Error::Shape { file: table, what })?,
            tokens: Tokens::parse(&tokenizer_bytes).map_err(|what| Error::Shape { file: tokenizer, what })?,
        })
    }

    /// The vector of a text, of length 1.
    #[must_use]
    pub fn vector(&self, text: &str) -> Vec<f32> {
        let meaning = self.meaning(text).into_iter().map(f64::from);
        let letters = lexical::vector(text, LEXICAL_DIMENSIONS).into_iter();
        let both: Vec<f64> = meaning.chain(letters.map(|x| LEXICAL_WEIGHT * f64::from(x))).collect();
        normalized(&both)
    }

    /// The table's half: the mean of the text's word pieces, of length 1.
    #[must_use]
    pub fn meaning(&self, text: &str) -> Vec<f32> {
        normalized(&self.table.mean(&self.tokens.of(text)))
    }
}

impl Embedder for Statics {
    fn space(&self) -> &Space {
        &self.space
    }

    fn may_see(&self, _rule: Option<&ResidencyName>) -> bool {
        true
    }

    fn embed(&self, texts: &[String]) -> impl Future<Output = Result<Vec<Vec<f32>>, super::Error>> + Send {
        ready(Ok(texts.iter().map(|text| self.vector(text)).collect()))
    }
}

fn read(file: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(file).map_err(|source| Error::Read { file: file.to_owned(), source })
}

#[cfg(test)]
mod tests;
