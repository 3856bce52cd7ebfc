//! One bounded http or https GET under the destination policy, redirects included.
//!
//! The connection goes to exactly the address that was checked: a name is looked up once, by the resolver below,
//! and what the policy refuses never reaches the connector. (Checking first and connecting by name would let a name
//! server give one address to the check and another to the connection.)

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::Response;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, LOCATION, USER_AGENT};
use rustls::{ClientConfig, RootCertStore};
use url::{Host, Url};

use crate::ReachError;
use crate::policy::{DestinationKind, DestinationPolicy, Refusal};

/// Redirects that are followed before giving up.
pub(crate) const REDIRECTS_MAX: usize = 5;

/// Connections to one server that are kept for its next request, at most, and for how long.
const IDLE_PER_HOST_MAX: usize = 2;
const IDLE_MAX: Duration = Duration::from_secs(60);

/// How we call ourselves.
const AGENT: &str = concat!("swarmscope/", env!("CARGO_PKG_VERSION"));

/// What a server answered, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// An http client that reaches only what the policy allows. Cheap to clone.
#[derive(Clone)]
pub(crate) struct HttpClient {
    policy: Arc<DestinationPolicy>,
    kind: DestinationKind,
    client: Result<reqwest::Client, String>,
}

impl HttpClient {
    pub(crate) fn new(policy: Arc<DestinationPolicy>, kind: DestinationKind, bind: Option<IpAddr>) -> Self {
        // Announces to one tracker are minutes apart.
        Self::with_tls(policy, kind, bind, tls_config(), 0)
    }

    /// One that asks the same few servers again and again, and keeps a connection to each.
    pub(crate) fn keeping_alive(
        policy: Arc<DestinationPolicy>,
        kind: DestinationKind,
        bind: Option<IpAddr>,
    ) -> Self {
        Self::with_tls(policy, kind, bind, tls_config(), IDLE_PER_HOST_MAX)
    }

    fn with_tls(
        policy: Arc<DestinationPolicy>,
        kind: DestinationKind,
        bind: Option<IpAddr>,
        tls: Result<ClientConfig, String>,
        idle_per_host_max: usize,
    ) -> Self {
        let resolver = CheckedResolver { policy: Arc::clone(&policy), kind, bind };
        let client = tls.and_then(|tls| {
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls)
                .dns_resolver(Arc::new(resolver))
                .local_address(bind)
                // A proxy from the environment would make every destination look like the proxy's address.
                .no_proxy()
                // Redirects are followed here, since each needs the policy's word.
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                .pool_max_idle_per_host(idle_per_host_max)
                .pool_idle_timeout(IDLE_MAX)
                .build()
                .map_err(|error| root_cause(&error))
        });
        Self { policy, kind, client }
    }

    /// Gets `url`, follows at most [`REDIRECTS_MAX`] redirects, and reads at most `len_max` bytes, all within
    /// `timeout`.
    pub(crate) async fn get(
        &self,
        url: Url,
        len_max: usize,
        timeout: Duration,
    ) -> Result<Answer, ReachError> {
        let whole = async { read(self.follow(url, HeaderMap::new()).await?, len_max).await };
        tokio::time::timeout(timeout, whole).await.unwrap_or(Err(ReachError::TimedOut(timeout)))
    }

    /// The first answer that is no redirect to anywhere, its body unread.
    pub(crate) async fn follow(&self, mut url: Url, headers: HeaderMap) -> Result<Response, ReachError> {
        for _ in 0..=REDIRECTS_MAX {
            self.check_literal(&url)?;
            let response = self.request(&url, headers.clone()).await?;
            match redirect_target(&url, &response)? {
                Some(next) => url = next,
                None => return Ok(response),
            }
        }
        Err(ReachError::TooManyRedirects(REDIRECTS_MAX))
    }

    /// The resolver is only asked for names, so an address in the URL is checked here.
    fn check_literal(&self, url: &Url) -> Result<(), ReachError> {
        let ip = match url.host() {
            Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
            Some(Host::Ipv6(ip)) => IpAddr::V6(ip),
            _ => return Ok(()),
        };
        let addr = SocketAddr::new(ip, url.port_or_known_default().unwrap_or(80));
        self.policy.check(addr, self.kind).map_err(ReachError::Refused)
    }

    async fn request(&self, url: &Url, headers: HeaderMap) -> Result<Response, ReachError> {
        let client = self.client.as_ref().map_err(|text| ReachError::Unreachable(text.clone()))?;
        let sent = client.get(url.clone()).headers(headers).header(USER_AGENT, AGENT).send().await;
        sent.map_err(|error| match find_refusal(&error) {
            Some(refusal) => ReachError::Refused(refusal),
            None => ReachError::Unreachable(root_cause(&error)),
        })
    }
}

/// Where a redirect leads; `None` for any other answer.
fn redirect_target(url: &Url, response: &Response) -> Result<Option<Url>, ReachError> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = response.headers().get(LOCATION) else {
        return Ok(None);
    };
    let bad = |why| ReachError::bad_url(&String::from_utf8_lossy(location.as_bytes()), why);
    let target = location.to_str().ok().and_then(|text| url.join(text).ok());
    let target = target.ok_or_else(|| bad("a redirect leads there, and it is malformed"))?;
    match target.scheme() {
        "https" => Ok(Some(target)),
        "http" if url.scheme() == "http" => Ok(Some(target)),
        "http" => Err(bad("a redirect from https leads there, and it is not encrypted")),
        _ => Err(bad("a redirect leads there, and it is neither http nor https")),
    }
}

async fn read(mut response: Response, len_max: usize) -> Result<Answer, ReachError> {
    let status = response.status().as_u16();
    if response.content_length().is_some_and(|len| len > len_max as u64) {
        return Err(ReachError::TooLong(len_max));
    }
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(bytes)) if body.len() + bytes.len() > len_max => {
                return Err(ReachError::TooLong(len_max));
            }
            Ok(Some(bytes)) => body.extend_from_slice(&bytes),
            Ok(None) => return Ok(Answer { status, body }),
            Err(error) => return Err(ReachError::Unreachable(root_cause(&error))),
        }
    }
}

/// Looks names up and hands on only the addresses that the policy allows.
struct CheckedResolver {
    policy: Arc<DestinationPolicy>,
    kind: DestinationKind,
    bind: Option<IpAddr>,
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, kind, bind) = (Arc::clone(&self.policy), self.kind, self.bind);
        Box::pin(async move {
            let addrs = resolve(name.as_str(), 0, &policy, kind, bind).await?;
            Ok(Box::new(addrs.into_iter()) as Addrs)
        })
    }
}

/// Why a name led nowhere.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResolveError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("{0}")]
    Failed(String),
}

/// The addresses of `host` that the policy allows. `port` may be zero: the connector sets its own.
pub(crate) async fn resolve(
    host: &str,
    port: u16,
    policy: &DestinationPolicy,
    kind: DestinationKind,
    bind: Option<IpAddr>,
) -> Result<Vec<SocketAddr>, ResolveError> {
    let found = tokio::net::lookup_host((host, port)).await;
    let found =
        found.map_err(|error| ResolveError::Failed(format!("its name {host} is not known: {error}")))?;
    let mut allowed = Vec::new();
    let mut refusal = None;
    for addr in found.filter(|addr| bind.is_none_or(|ip| ip.is_ipv4() == addr.is_ipv4())) {
        // The policy rules on addresses here; it knows of no port that would matter for trackers and the web.
        let port = if port == 0 { 80 } else { port };
        match policy.check(SocketAddr::new(addr.ip(), port), kind) {
            Ok(()) => allowed.push(addr),
            Err(refused) => refusal = Some(refused),
        }
    }
    match (allowed.is_empty(), refusal) {
        (false, _) => Ok(allowed),
        (true, Some(refusal)) => Err(refusal.into()),
        (true, None) => Err(ResolveError::Failed(format!("its name {host} has no address that can be used"))),
    }
}

/// TLS with the web's root certificates, made once.
fn tls_config() -> Result<ClientConfig, String> {
    static CONFIG: OnceLock<Result<ClientConfig, String>> = OnceLock::new();
    let web = || tls_config_with(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
    CONFIG.get_or_init(web).clone()
}

fn tls_config_with(roots: RootCertStore) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| format!("TLS is not available: {error}"))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn find_refusal(error: &(dyn Error + 'static)) -> Option<Refusal> {
    causes(error).find_map(|error| match error.downcast_ref() {
        Some(ResolveError::Refused(refusal)) => Some(*refusal),
        _ => error.downcast_ref().copied(),
    })
}

/// The innermost cause says what happened; the layers around it say "error sending request".
fn root_cause(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map_or_else(String::new, ToString::to_string)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use rustls::ServerConfig;
    use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    /// A server for `localhost` that answers every request the same way; returns its port and its certificate.
    async fn https_server() -> (u16, CertificateDer<'static>) {
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = certified.cert.der().clone();
        let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key.into())
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that does not trust the certificate hangs up here.
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut request = [0; 4096];
                let _request_len = stream.read(&mut request).await.unwrap();
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nde").await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        (port, certificate)
    }

    fn client(tls: Result<ClientConfig, String>) -> HttpClient {
        let policy = DestinationPolicy::public().allow("127.0.0.0/8".parse().unwrap());
        HttpClient::with_tls(Arc::new(policy), DestinationKind::Tracker, None, tls, 0)
    }

    #[tokio::test]
    async fn https_is_spoken_with_a_server_whose_certificate_is_vouched_for() {
        let (port, certificate) = https_server().await;
        let mut roots = RootCertStore::empty();
        roots.add(certificate).unwrap();
        let url: Url = format!("https://localhost:{port}/announce").parse().unwrap();
        let answer = client(tls_config_with(roots)).get(url, 100, LIMIT).await.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"de"[..]));
    }

    #[tokio::test]
    async fn a_server_whose_certificate_nobody_vouches_for_is_not_spoken_with() {
        let (port, _) = https_server().await;
        let url: Url = format!("https://localhost:{port}/announce").parse().unwrap();
        let error = client(tls_config()).get(url, 100, LIMIT).await.unwrap_err();
        let ReachError::Unreachable(text) = &error else { panic!("{error:?}") };
        assert!(text.contains("certificate"), "{text}");
    }
}
