//! TLS to the database, by a relay that ends the encryption in front of the test server: that server speaks none.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use sql::testdb::TestDb;
use sql::{Config, Error, Gateways, Lane, Statement, statement};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

const ONE: Statement = statement!("one_read", idempotent, "SELECT $1::INT8");

/// PostgreSQL's `SSLRequest`: its length and its code.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// An authority, with its certificate in a file.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: String,
    _folder: TempDir,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("root.crt");
        std::fs::write(&file, params.self_signed(&key).unwrap().pem()).unwrap();
        let root = file.to_str().unwrap().replace('/', "%2F");
        Self { issuer: Issuer::new(params, key), root, _folder: folder }
    }

    /// What a server shows that calls itself so, until that year.
    fn server(&self, name: &str, until: i32) -> TlsAcceptor {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// What was seen of the connections to a server.
#[derive(Default)]
struct Seen {
    encrypted: AtomicU64,
    /// Bytes beside the question for TLS that came in the clear.
    clear: AtomicU64,
}

/// A server with a database behind it.
struct Server {
    port: u16,
    seen: Arc<Seen>,
    test: TestDb,
}

impl Server {
    /// One that shows a certificate, or that speaks no TLS.
    async fn start(tls: Option<TlsAcceptor>) -> Self {
        let test = TestDb::new().await;
        let target = endpoint(test.url()).to_owned();
        let target = tokio::net::lookup_host(target).await.unwrap().next().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Seen::default());
        let noted = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, tls.clone(), target, Arc::clone(&noted)));
            }
        });
        Self { port, seen, test }
    }

    fn url(&self, host: &str, query: &str) -> String {
        let url = self.test.url().replacen(endpoint(self.test.url()), &format!("{host}:{}", self.port), 1);
        format!("{url}{}{query}", if url.contains('?') { '&' } else { '?' })
    }

    async fn connect(&self, host: &str, query: &str) -> Result<Gateways, Error> {
        Gateways::connect(Config::from_urls([self.url(host, query)]).unwrap()).await
    }

    /// Refused for good, with words about it, before anything was said in the clear.
    async fn refuses(&self, host: &str, query: &str, words: &str) {
        let error = self.connect(host, query).await.map(drop).unwrap_err();
        assert!(matches!(error, Error::Permanent(_)), "{query}: {error:?}");
        let said = error.detail().to_string();
        assert!(said.contains(words), "{query}: {said}");
        assert_eq!(self.seen.clear.load(Ordering::SeqCst), 0, "{query}");
    }
}

/// Host and port of a URL.
fn endpoint(url: &str) -> &str {
    let behind = url.split_once("://").unwrap().1;
    let behind = behind.split_once('@').map_or(behind, |(_, behind)| behind);
    behind.split('/').next().unwrap()
}

async fn serve(mut stream: TcpStream, tls: Option<TlsAcceptor>, target: SocketAddr, seen: Arc<Seen>) {
    let mut first = [0; 8];
    let read = stream.read_exact(&mut first).await.is_ok();
    if !read || first != SSL_REQUEST {
        seen.clear.fetch_add(8, Ordering::SeqCst);
        return;
    }
    let Some(tls) = tls else {
        stream.write_all(b"N").await.unwrap();
        let mut rest = Vec::new();
        let more = stream.read_to_end(&mut rest).await.unwrap_or(0);
        seen.clear.fetch_add(more as u64, Ordering::SeqCst);
        return;
    };
    stream.write_all(b"S").await.unwrap();
    let Ok(mut inside) = tls.accept(stream).await else { return };
    seen.encrypted.fetch_add(1, Ordering::SeqCst);
    let mut database = TcpStream::connect(target).await.unwrap();
    let _ended = tokio::io::copy_bidirectional(&mut inside, &mut database).await;
}

#[tokio::test]
async fn statements_run_over_tls_where_the_url_asks_for_it() {
    let authority = Authority::new("own");
    let server = Server::start(Some(authority.server("localhost", 4000))).await;
    for mode in ["require", "verify-full"] {
        let before = server.seen.encrypted.load(Ordering::SeqCst);
        let gateways =
            server.connect("localhost", &format!("sslmode={mode}&sslrootcert={}", authority.root)).await.unwrap();
        let row = gateways.lane(Lane::Submit).query_one(&ONE, &[&7_i64]).await.unwrap();
        assert_eq!(row.get::<_, i64>(0), 7);
        assert_eq!(server.seen.encrypted.load(Ordering::SeqCst), before + 2, "the first look and one of the pool");
        gateways.close().await;
    }
    assert_eq!(server.seen.clear.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_certificate_of_another_root_is_refused_and_the_message_names_the_setting() {
    let (own, other, again) = (Authority::new("own"), Authority::new("other"), Authority::new("own"));
    let server = Server::start(Some(own.server("localhost", 4000))).await;
    server.refuses("localhost", &format!("sslmode=verify-full&sslrootcert={}", other.root), "sslrootcert=").await;
    server.refuses("localhost", &format!("sslmode=require&sslrootcert={}", other.root), "sslrootcert=").await;
    server.refuses("localhost", &format!("sslmode=require&sslrootcert={}", again.root), "sslrootcert=").await;
    // The system's roots have not signed it either.
    server.refuses("localhost", "sslmode=require", "sslrootcert=").await;
}

#[tokio::test]
async fn a_certificate_for_another_name_or_time_is_refused() {
    let authority = Authority::new("own");
    let named = format!("sslmode=require&sslrootcert={}", authority.root);
    let elsewhere = Server::start(Some(authority.server("db.example.org", 4000))).await;
    elsewhere.refuses("localhost", &named, "as the certificate names it").await;
    elsewhere.refuses("127.0.0.1", &named, "as the certificate names it").await;
    let old = Server::start(Some(authority.server("localhost", 2001))).await;
    old.refuses("localhost", &named, "renew it").await;
}

#[tokio::test]
async fn a_server_without_tls_is_told_nothing_where_tls_was_asked_for() {
    let authority = Authority::new("own");
    let server = Server::start(None).await;
    for mode in ["require", "verify-full"] {
        let query = format!("sslmode={mode}&sslrootcert={}", authority.root);
        server.refuses("localhost", &query, "sslmode=disable").await;
    }
    server.refuses("localhost", "sslmode=require", "sslmode=disable").await;
}

#[tokio::test]
async fn a_gateway_whose_certificate_goes_bad_is_passed_over_for_the_next() {
    let authority = Authority::new("own");
    let good = Server::start(Some(authority.server("localhost", 4000))).await;
    let bad = Server::start(Some(authority.server("db.example.org", 4000))).await;
    let query = format!("sslmode=verify-full&sslrootcert={}", authority.root);
    let urls = [bad.url("localhost", &query), good.url("localhost", &query)];
    let gateways = Gateways::connect(Config::from_urls(urls).unwrap()).await.unwrap();
    let row = gateways.lane(Lane::Submit).query_one(&ONE, &[&7_i64]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 7);
    assert_eq!(bad.seen.clear.load(Ordering::SeqCst) + good.seen.clear.load(Ordering::SeqCst), 0);
}
