//! Topology files of the command line.

use std::io::Read as _;
use std::path::Path;

use topology::config::{self, Engine, Findings, Parsed};

use crate::exit::{Exit, Stop};
use crate::output::Output;

/// The text of a file; `-` is standard input. No more is read than the parser would take.
pub(super) fn read(path: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let most = config::MAX_BYTES as u64 + 1;
    let done = if path == Path::new("-") {
        std::io::stdin().take(most).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    done.map_err(|error| Stop::usage(format!("cannot read {}: {error}", path.display())))?;
    // A cut inside a character is told as too large, not as broken text.
    if bytes.len() as u64 == most {
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Stop::finding(format!("{} is not UTF-8: byte {at} begins no character", path.display()))
    })
}

/// A file that must be good: warnings go to standard error, mistakes end the command.
pub(super) fn load(path: &Path, engine: Engine, output: &mut Output) -> anyhow::Result<Result<Parsed, Exit>> {
    let text = read(path)?;
    Ok(match config::parse_for(&text, &path.display().to_string(), engine) {
        Ok(parsed) => Ok(parsed),
        Err(findings) => Err(refuse(&findings, output)?),
    })
}

/// Checks a text that is sent elsewhere: its mistakes end the command, its warnings are the receiver's.
pub(super) fn check(text: &str, path: &Path, output: &mut Output) -> anyhow::Result<Result<(), Exit>> {
    Ok(match config::parse(text, &path.display().to_string()) {
        Ok(_) => Ok(()),
        Err(findings) => Err(refuse(&findings, output)?),
    })
}

/// Shows why a file is refused.
pub(super) fn refuse(findings: &Findings, output: &mut Output) -> anyhow::Result<Exit> {
    if output.is_json() {
        output.json(findings)?;
    } else {
        output.findings(findings)?;
        output.note(&findings.to_string())?;
    }
    Ok(Exit::Finding)
}
