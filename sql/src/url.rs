//! Database URLs: what the driver does not read itself is taken out here.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A URL, read.
pub(crate) struct Target {
    pub(crate) driver: tokio_postgres::Config,
    pub(crate) tls: Option<MakeRustlsConnect>,
    /// Host and port, without user or password.
    pub(crate) endpoint: String,
}

/// Why a URL cannot be used. Never shows the URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Invalid {
    #[error("the database URL cannot be read")]
    Unreadable(#[source] tokio_postgres::Error),
    #[error("sslmode={0} is not supported: use disable, prefer, require or verify-full")]
    SslMode(String),
    #[error("the certificate or key file {path} cannot be read")]
    Pem {
        path: PathBuf,
        #[source]
        cause: rustls::pki_types::pem::Error,
    },
    #[error("{0} is for encrypted connections: write sslmode=verify-full beside it, or leave it out")]
    NotEncrypted(&'static str),
    #[error("sslcert and sslkey are needed together")]
    HalfACertificate,
    #[error("the certificates cannot be used")]
    Tls(#[source] rustls::Error),
}

#[derive(Default)]
struct TlsParams {
    mode: Option<String>,
    root: Option<PathBuf>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl TlsParams {
    /// The name of a parameter that is of use to TLS alone.
    fn certificates(&self) -> Option<&'static str> {
        let given = [("sslrootcert", &self.root), ("sslcert", &self.cert), ("sslkey", &self.key)];
        given.into_iter().find(|(_, file)| file.is_some()).map(|(name, _)| name)
    }
}

/// Reads a URL. `sslmode=require` and `verify-full` both encrypt and verify the certificate and its name, against
/// `sslrootcert` or the system's roots; `disable`, `prefer`, `allow` and no mode at all do not encrypt, and are refused
/// beside a certificate: whoever names one wants it to be used.
pub(crate) fn read(url: &str) -> Result<Target, Invalid> {
    let (plain, params) = take_tls_params(url);
    let mut driver: tokio_postgres::Config = plain.parse().map_err(Invalid::Unreadable)?;
    let encrypted = match params.mode.as_deref() {
        // Words instead of a URL (`host=.. sslmode=require`) are the driver's to read.
        None if driver.get_ssl_mode() == SslMode::Require => true,
        None | Some("disable" | "prefer" | "allow") => false,
        Some("require" | "verify-full") => true,
        Some(other) => return Err(Invalid::SslMode(other.to_owned())),
    };
    if let Some(unused) = params.certificates().filter(|_| !encrypted) {
        return Err(Invalid::NotEncrypted(unused));
    }
    driver.ssl_mode(if encrypted { SslMode::Require } else { SslMode::Disable });
    let tls = if encrypted { Some(MakeRustlsConnect::new(client_config(&params)?)) } else { None };
    let endpoint = endpoint(&driver);
    Ok(Target { driver, tls, endpoint })
}

fn take_tls_params(url: &str) -> (String, TlsParams) {
    let mut params = TlsParams::default();
    let Some((base, query)) = url.split_once('?') else { return (url.to_owned(), params) };
    let mut kept = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sslmode", value)) => params.mode = Some(value.to_owned()),
            Some(("sslrootcert", value)) => params.root = Some(path(value)),
            Some(("sslcert", value)) => params.cert = Some(path(value)),
            Some(("sslkey", value)) => params.key = Some(path(value)),
            _ => kept.push(pair),
        }
    }
    let plain = if kept.is_empty() { base.to_owned() } else { format!("{base}?{}", kept.join("&")) };
    (plain, params)
}

/// A path as a URL writes it: `%2F` for a slash, and so on.
fn path(encoded: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match (first, hex.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    PathBuf::from(String::from_utf8_lossy(&bytes).into_owned())
}

fn client_config(params: &TlsParams) -> Result<rustls::ClientConfig, Invalid> {
    let mut roots = rustls::RootCertStore::empty();
    match &params.root {
        Some(file) => {
            for certificate in certificates(file)? {
                roots.add(certificate).map_err(Invalid::Tls)?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Invalid::Tls)?
        .with_root_certificates(roots);
    match (&params.cert, &params.key) {
        (Some(cert), Some(key)) => {
            let key = PrivateKeyDer::from_pem_file(key).map_err(|cause| Invalid::Pem { path: key.clone(), cause })?;
            builder.with_client_auth_cert(certificates(cert)?, key).map_err(Invalid::Tls)
        }
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(_), None) | (None, Some(_)) => Err(Invalid::HalfACertificate),
    }
}

fn certificates(file: &PathBuf) -> Result<Vec<CertificateDer<'static>>, Invalid> {
    CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|cause| Invalid::Pem { path: file.clone(), cause })
}

fn endpoint(driver: &tokio_postgres::Config) -> String {
    let host = driver.get_hosts().first().map_or_else(
        || "localhost".to_owned(),
        |host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        },
    );
    format!("{host}:{}", driver.get_ports().first().copied().unwrap_or(5432))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_of_the_url_decides_about_encryption() {
        let cases = [
            ("postgres://u:secret@h:1/d", Some(false)),
            ("postgres://u@h:1/d?sslmode=disable&application_name=x", Some(false)),
            ("postgres://u@h:1/d?sslmode=require", Some(true)),
            ("postgresql://u@h:1/d?connect_timeout=3&sslmode=verify-full", Some(true)),
            ("postgres://u@h:1/d?sslmode=verify-ca", None),
            ("postgres://u@h:1/d?sslmode=require&sslrootcert=%2Fno%20such%2Ffile", None),
            ("postgres://u@h:1/d?nonsense=1", None),
            ("postgres://u@h:1/d?sslmode=require&sslcert=%2Fa", None),
            ("host=h port=1 user=u sslmode=require", Some(true)),
            ("host=h port=1 user=u", Some(false)),
            ("postgres://u@h:1/d?sslrootcert=%2Fa", None),
            ("postgres://u@h:1/d?sslmode=prefer&sslcert=%2Fa&sslkey=%2Fb", None),
        ];
        for (url, wanted) in cases {
            let read = read(url);
            assert_eq!(read.as_ref().ok().map(|target| target.tls.is_some()), wanted, "{url}");
            if let Ok(target) = read {
                assert_eq!(target.endpoint, "h:1");
            }
        }
    }

    #[test]
    fn a_path_is_decoded() {
        assert_eq!(path("%2Fa%20b%2Fc.crt"), PathBuf::from("/a b/c.crt"));
        assert_eq!(path("100%"), PathBuf::from("100%"));
    }
}
