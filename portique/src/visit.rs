//! A visit to a hub over HTTP: what the command line and the hub's own workers ask it with.
//!
//! It shows a token to the hub that it visits and to nobody else: no proxy is used and no redirect followed, and over
//! TLS nothing is said before whoever answers has shown a certificate that is believed.

mod trust;

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::AUTHORIZATION;
use axum::http::response::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use futures_util::StreamExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use portique_client::Trust;
use reqwest::Url;
use rustls::{CertificateError, InvalidMessage};
use tokio::time::{Instant, timeout_at};

pub(crate) use trust::{FINGERPRINT_VARIABLE, TrustArgs};

use crate::error::Error;
use crate::token::Token;

/// The hub is on this machine or near; a longer wait means that nobody is there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Of an answer without an end, its beginning comes at once.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// A client of hubs.
#[derive(Debug, Clone)]
pub(crate) struct HubClient {
    client: Client<HttpsConnector<HttpConnector>, Body>,
}

/// What is asked.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) url: &'a Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// What is shown.
    pub(crate) token: Option<&'a Token>,
    /// For all of the answer; one without an end has none.
    pub(crate) timeout: Option<Duration>,
}

/// What is answered, as far as it has come.
pub(crate) struct Answer {
    head: Parts,
    body: axum::body::BodyDataStream,
    deadline: Option<Instant>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VisitFault {
    /// Nobody answers, or not in HTTP.
    #[error("the request did not arrive")]
    Connect(#[source] hyper_util::client::legacy::Error),
    /// The address cannot be asked.
    #[error("this is no address that can be asked")]
    Address(#[source] axum::http::uri::InvalidUri),
    /// Somebody answers who is not believed to be the hub.
    #[error("{0}")]
    Untrusted(String),
    /// The answer ended before it was whole.
    #[error("the answer broke off")]
    Body(#[source] axum::Error),
    /// It took too long.
    #[error("there was no answer in time")]
    TimedOut,
}

impl HubClient {
    /// A client that visits `hub` and believes as it is told.
    ///
    /// # Errors
    /// [`Error::Usage`] when a file that says whom to believe cannot be used.
    pub(crate) fn new(hub: &Url, trust: &Trust) -> Result<Self, Error> {
        // Reading whom the machine trusts takes its time, and is of no use without TLS.
        let trust = match hub.scheme() {
            "https" => trust.clone(),
            _ => Trust::Known(std::sync::Arc::new(|| None)),
        };
        let config = trust.client_config().map_err(|error| Error::Usage {
            message: portique_fault::chain(&error),
        })?;
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_connect_timeout(Some(CONNECT_TIMEOUT));
        http.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self { client })
    }

    /// Asks, and waits for the beginning of the answer.
    ///
    /// # Errors
    /// Why there is none; what status it has is for the caller to judge.
    ///
    /// # Cancel safety
    /// Dropped, the request may have arrived.
    pub(crate) async fn send(&self, ask: Ask<'_>) -> Result<Answer, VisitFault> {
        let deadline = ask.timeout.map(|limit| Instant::now() + limit);
        let head_by = deadline.unwrap_or_else(|| Instant::now() + HEAD_TIMEOUT);
        let answered = timeout_at(head_by, self.client.request(request(ask)?)).await;
        let answered = answered.map_err(|_| VisitFault::TimedOut)?;
        let (head, body) = answered.map_err(fault)?.into_parts();
        Ok(Answer {
            head,
            body: Body::new(body).into_data_stream(),
            deadline,
        })
    }
}

impl Answer {
    pub(crate) fn status(&self) -> StatusCode {
        self.head.status
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// More of the body; `None` at its end.
    ///
    /// # Errors
    /// [`VisitFault::Body`], [`VisitFault::TimedOut`].
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, VisitFault> {
        let next = self.body.next();
        let chunk = match self.deadline {
            Some(deadline) => timeout_at(deadline, next)
                .await
                .map_err(|_| VisitFault::TimedOut)?,
            None => next.await,
        };
        chunk.transpose().map_err(VisitFault::Body)
    }
}

fn request(ask: Ask<'_>) -> Result<Request<Body>, VisitFault> {
    let mut request = Request::new(Body::from(ask.body));
    *request.method_mut() = ask.method;
    *request.uri_mut() = ask.url.as_str().parse().map_err(VisitFault::Address)?;
    *request.headers_mut() = ask.headers;
    if let Some(token) = ask.token {
        let value = HeaderValue::try_from(format!("Bearer {}", token.as_str()));
        if let Ok(mut value) = value {
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
    }
    Ok(request)
}

fn fault(error: hyper_util::client::legacy::Error) -> VisitFault {
    match tls_error(&error) {
        Some(tls) => VisitFault::Untrusted(untrusted(tls)),
        None => VisitFault::Connect(error),
    }
}

/// What went wrong with TLS, if that is what went wrong.
fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // The standard library's error does not name what it holds among its causes, and may hold another one.
        let held = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = match held {
            Some(held) => Some(held),
            None => error.source(),
        };
    }
    None
}

/// What is wrong, and what would be right.
fn untrusted(error: &rustls::Error) -> String {
    const REMEDY: &str = "name its certificate, or that of its authority, with --ca, or the fingerprint that the \
                          hub says at its start with --fingerprint";
    match error {
        rustls::Error::General(said) => said.clone(),
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => format!("{error}: ask it by a name that its certificate is for, or {REMEDY}"),
        rustls::Error::InvalidCertificate(_) => format!("{error}: {REMEDY}"),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "it does not speak TLS: write http instead of https".to_owned()
        }
        other => other.to_string(),
    }
}
