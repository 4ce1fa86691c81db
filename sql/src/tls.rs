//! TLS to the database: why a handshake failed, and what to do about it.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::CertificateError;
use tokio_postgres::Socket;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Why there is no encrypted connection. Nothing was sent beside the handshake: no password and no statement.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error(
        "the server speaks no TLS and the URL asks for it: switch it on at the server, or write sslmode=disable if the \
         network in between is trusted"
    )]
    NoTls(#[source] tokio_postgres::Error),
    #[error("the server's certificate is signed by no trusted root: name its authority's file with sslrootcert=")]
    UnknownRoot(#[source] tokio_postgres::Error),
    #[error("the server's certificate is for other names: write the host in the URL as the certificate names it")]
    OtherName(#[source] tokio_postgres::Error),
    #[error("the server's certificate is not valid at this time: renew it, or set this machine's clock")]
    OtherTime(#[source] tokio_postgres::Error),
    #[error("the server's certificate cannot be used")]
    Certificate(#[source] tokio_postgres::Error),
    #[error("the server broke the TLS handshake off: it may want a client certificate, see sslcert= and sslkey=")]
    Handshake(#[source] tokio_postgres::Error),
}

/// Sorts a failure to connect; gives back one that has nothing to do with TLS. `asked` = the server had agreed to speak
/// TLS; none = that is not known.
pub(crate) fn sort(error: tokio_postgres::Error, asked: Option<bool>) -> Result<Refused, tokio_postgres::Error> {
    if error.code().is_some() {
        return Err(error);
    }
    let io = error.source().and_then(<dyn StdError>::downcast_ref::<io::Error>);
    let Some(io) = io else {
        // The driver asks for TLS before anything else. What it says itself before that is the server's no.
        return if asked == Some(false) { Ok(Refused::NoTls(error)) } else { Err(error) };
    };
    match io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        None => Err(error),
        Some(rustls::Error::InvalidCertificate(why)) => Ok(match why {
            // A bad signature is one by another key of an authority of the same name.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Refused::UnknownRoot(error),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Refused::OtherName(error)
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Refused::OtherTime(error),
            _ => Refused::Certificate(error),
        }),
        Some(_) => Ok(Refused::Handshake(error)),
    }
}

/// A connector that knows whether the server agreed to speak TLS.
#[derive(Clone)]
pub(crate) struct Noting {
    inner: MakeRustlsConnect,
    agreed: Arc<AtomicBool>,
}

impl Noting {
    pub(crate) fn new(inner: MakeRustlsConnect) -> Self {
        Self { inner, agreed: Arc::default() }
    }

    /// Whether any server that was asked agreed.
    pub(crate) fn agreed(&self) -> bool {
        self.agreed.load(Ordering::Relaxed)
    }
}

type Inner = <MakeRustlsConnect as MakeTlsConnect<Socket>>::TlsConnect;

impl MakeTlsConnect<Socket> for Noting {
    type Stream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;
    type TlsConnect = NotingOnce;
    type Error = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Error;

    fn make_tls_connect(&mut self, host: &str) -> Result<NotingOnce, Self::Error> {
        let inner = MakeTlsConnect::<Socket>::make_tls_connect(&mut self.inner, host)?;
        Ok(NotingOnce { inner, agreed: Arc::clone(&self.agreed) })
    }
}

/// The same for one connection.
pub(crate) struct NotingOnce {
    inner: Inner,
    agreed: Arc<AtomicBool>,
}

impl TlsConnect<Socket> for NotingOnce {
    type Stream = <Inner as TlsConnect<Socket>>::Stream;
    type Error = <Inner as TlsConnect<Socket>>::Error;
    type Future = <Inner as TlsConnect<Socket>>::Future;

    fn connect(self, stream: Socket) -> Self::Future {
        self.agreed.store(true, Ordering::Relaxed);
        self.inner.connect(stream)
    }
}
