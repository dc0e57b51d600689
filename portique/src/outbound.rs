//! The hub as a visitor of others: one endpoint of a configuration, asked over HTTP.
//!
//! Who asks has one deadline around all of it. Redirects are followed a few times and never carry what proves who
//! asks to another host. Nothing of an answer is believed before it is counted: bodies are read up to a limit.

mod body;
mod proof;
mod tls;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{HOST, LOCATION, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use portique_monitor::notify::HttpConfig;
use reqwest::Url;
use rustls::pki_types::ServerName;
use tokio::sync::OnceCell;

pub(crate) use body::{BodyFault, read_body};
pub(crate) use tls::Trust;

/// Who asks.
const AGENT: &str = concat!("portique/", env!("CARGO_PKG_VERSION"));
/// Who is there answers a connection in this time, wherever it is.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Idle connections kept to one host.
const IDLE_MAX: usize = 2;
/// As browsers and Prometheus have it; whoever redirects more often goes in a circle.
const REDIRECTS_MAX: usize = 10;

type HttpClient = Client<HttpsConnector<HttpConnector>, Body>;

/// An endpoint's clients and what they show.
pub(crate) struct Endpoint {
    config: HttpConfig,
    /// Where relative names of files begin.
    folder: PathBuf,
    trust: Trust,
    /// Made when it is first needed: reading whom the machine trusts takes longer than a start may.
    client: OnceCell<HttpClient>,
    plain: HttpClient,
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Ask {
    pub(crate) fn get(url: &str) -> Self {
        Self {
            method: Method::GET,
            url: url.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskFault {
    #[error("{url:?} is no address that can be asked: {problem}")]
    Address { url: String, problem: String },
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    #[error("redirects more than {REDIRECTS_MAX} times, last to {to:?}")]
    Redirects { to: String },
    #[error("{0}")]
    Proof(String),
    #[error("{0}")]
    Tls(String),
}

impl Endpoint {
    /// An endpoint whose relative file names begin at `folder`.
    pub(crate) fn new(config: HttpConfig, folder: &Path, trust: Trust) -> Arc<Self> {
        let plain = client(tls::nobody(), None);
        Arc::new(Self {
            config,
            folder: folder.to_path_buf(),
            trust,
            client: OnceCell::new(),
            plain,
        })
    }

    /// Asks, and follows redirects if it may.
    ///
    /// # Errors
    /// Why there is no answer; what status an answer has is for the caller to judge.
    ///
    /// # Cancel safety
    /// Dropped, the request may have arrived.
    pub(crate) async fn send(&self, ask: Ask) -> Result<Response<Body>, AskFault> {
        let mut url = parse(&ask.url)?;
        let first = (url.scheme().to_owned(), authority(&url));
        let mut method = ask.method;
        for _ in 0..=REDIRECTS_MAX {
            let is_first = first == (url.scheme().to_owned(), authority(&url));
            let mut headers = ask.headers.clone();
            headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
            if is_first {
                proof::add(&self.config, &self.folder, &mut headers).await?;
            }
            let request = request(&method, &url, headers, &ask.body)?;
            let answer = self.client(url.scheme()).await?.request(request).await;
            let answer = answer.map_err(|error| AskFault::Unreachable(words(&error)))?;
            let Some(to) = self.redirected(&answer, &method) else {
                return Ok(answer.map(Body::new));
            };
            if answer.status() == StatusCode::SEE_OTHER {
                method = Method::GET;
            }
            let joined = url.join(&to).map_err(|error| AskFault::Address {
                url: to.clone(),
                problem: error.to_string(),
            })?;
            url = parse(joined.as_str())?;
        }
        Err(AskFault::Redirects { to: url.into() })
    }

    /// Where an answer sends to, if it does and may. What is sent is not sent again to another place, unless the
    /// status says so.
    fn redirected<B>(&self, answer: &Response<B>, method: &Method) -> Option<String> {
        let follows = match answer.status().as_u16() {
            301..=303 => *method == Method::GET,
            307 | 308 => true,
            _ => false,
        };
        let to = answer.headers().get(LOCATION)?.to_str().ok()?;
        (follows && self.config.follows_redirects).then(|| to.to_owned())
    }

    async fn client(&self, scheme: &str) -> Result<&HttpClient, AskFault> {
        if scheme == "http" {
            return Ok(&self.plain);
        }
        let made = self.client.get_or_try_init(|| async {
            let tls = &self.config.tls;
            let config = self.trust.config(tls, &self.folder).await;
            let config = config.map_err(AskFault::Tls)?;
            let name = tls.server_name.clone().map(ServerName::try_from);
            let name = name.transpose().map_err(|error| {
                AskFault::Tls(format!("the server_name cannot be used: {error}"))
            })?;
            Ok(client(config, name))
        });
        made.await
    }
}

fn client(tls: rustls::ClientConfig, name: Option<ServerName<'static>>) -> HttpClient {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_connect_timeout(Some(CONNECT_TIMEOUT));
    http.set_nodelay(true);
    let builder = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http();
    let connector = match name {
        Some(name) => builder
            .with_server_name_resolver(FixedServerNameResolver::new(name))
            .enable_http1()
            .wrap_connector(http),
        None => builder.enable_http1().wrap_connector(http),
    };
    Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(IDLE_MAX)
        .build(connector)
}

fn parse(url: &str) -> Result<Url, AskFault> {
    let bad = |problem: String| AskFault::Address {
        url: url.to_owned(),
        problem,
    };
    let parsed = Url::parse(url).map_err(|error| bad(error.to_string()))?;
    match parsed.scheme() {
        "http" | "https" if parsed.has_host() => Ok(parsed),
        other => Err(bad(format!("the scheme {other} is neither http nor https"))),
    }
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    format!("{host}:{}", url.port_or_known_default().unwrap_or_default())
}

fn request(
    method: &Method,
    url: &Url,
    headers: HeaderMap,
    body: &Bytes,
) -> Result<Request<Body>, AskFault> {
    let bad = |problem: String| AskFault::Address {
        url: url.to_string(),
        problem,
    };
    let uri: Uri = url
        .as_str()
        .parse()
        .map_err(|error| bad(format!("{error}")))?;
    let mut request = match *method == Method::GET {
        true => Request::new(Body::empty()),
        false => Request::new(Body::from(body.clone())),
    };
    *request.method_mut() = method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    request.headers_mut().remove(HOST);
    Ok(request)
}

/// The innermost cause says it: what is around it are the client's own layers.
fn words(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
