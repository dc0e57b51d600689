//! The command line as a visitor of a running hub: the same HTTP API that everybody else uses.

mod event_stream;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue};
use portique_client::Trust;
use reqwest::{Method, Url};
use serde_json::Value;

pub(crate) use event_stream::{EventStream, StreamEvent};

use crate::config::{DATA_DEFAULT, LISTEN_DEFAULT};
use crate::data_folder::{live_addresses, trust_of};
use crate::error::Error;
use crate::http::ProblemDetails;
use crate::tls::SPEAKS_TLS;
use crate::token::{TOKEN_FILE, Token};
use crate::visit::{Answer, Ask, HubClient, TrustArgs, VisitFault};

/// Longer than the hub waits for a module's answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// A query may take two minutes by default.
const TELEMETRY_TIMEOUT: Duration = Duration::from_secs(130);
/// Longest answer: a page of a thousand log lines is under 1 MiB.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// What names a token on the command line's behalf.
const TOKEN_VARIABLE: &str = "PORTIQUE_TOKEN";
/// A data folder's token is not shown around.
const TOKEN_REMEDY: &str = "the command line shows the token of --data only to the running hub of \
                            that folder: name a token for this one with --token-file or \
                            PORTIQUE_TOKEN";

/// Which hub to visit, and with which token.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct VisitArgs {
    /// The hub's address [default: what hub.json in the data folder says, or
    /// http://127.0.0.1:8080].
    #[arg(long, global = true, value_name = "URL", env = "PORTIQUE_HUB")]
    hub: Option<String>,
    /// The hub's data folder, where its address and token are found [default: ./portique-data]; its
    /// token is shown to its own running hub only.
    #[arg(long, global = true, value_name = "FOLDER", env = "PORTIQUE_DATA")]
    data: Option<PathBuf>,
    /// Read the token from this file [default: the variable PORTIQUE_TOKEN].
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
}

/// A client of one hub.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    client: HubClient,
    hub: Url,
    token: Option<Token>,
}

/// What a request carries.
#[derive(Debug, Clone, Default)]
pub(crate) struct Content {
    media_type: Option<String>,
    body: Vec<u8>,
}

impl Content {
    /// Nothing.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    pub(crate) fn json(value: &Value) -> Self {
        Self::of("application/json", value.to_string())
    }

    pub(crate) fn of(media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            media_type: Some(media_type.to_owned()),
            body: body.into(),
        }
    }
}

impl VisitArgs {
    /// The hub that these arguments name.
    ///
    /// # Errors
    /// [`Error::Usage`] for an address that is none, [`Error::TokenFile`] or [`Error::File`] for a
    /// token that cannot be used.
    pub(super) fn visitor(&self) -> Result<Visitor, Error> {
        let folder = self
            .data
            .clone()
            .unwrap_or_else(|| PathBuf::from(DATA_DEFAULT));
        let live = live_addresses(&folder);
        let hub = match (&self.hub, &live) {
            (Some(hub), _) => parse_hub(hub)?,
            (None, Some(addresses)) => parse_hub(&addresses.http_url())?,
            (None, None) => parse_hub(&format!("http://{LISTEN_DEFAULT}"))?,
        };
        // Whoever else listens there must not be shown the folder's token.
        let is_own = live.is_some_and(|addresses| is_at(&hub, addresses.http));
        let token = match self.named_token()? {
            None if is_own => Some(Token::read(&folder.join(TOKEN_FILE))?),
            named => named,
        };
        let trust = match self.trust.named()? {
            None if is_own => trust_of(&folder),
            named => named.unwrap_or_default(),
        };
        Visitor::at(hub, token, &trust)
    }

    /// The token that is meant for whichever hub is visited.
    fn named_token(&self) -> Result<Option<Token>, Error> {
        if let Some(path) = &self.token_file {
            return Token::read(path).map(Some);
        }
        let text = std::env::var(TOKEN_VARIABLE).unwrap_or_default();
        Ok(Some(text)
            .filter(|text| !text.is_empty())
            .map(|text| Token::from_text(&text)))
    }
}

impl Visitor {
    /// # Errors
    /// [`Error::Usage`] for an address that is none, or a trust that cannot be used.
    pub(crate) fn new(hub: &str, token: Option<Token>, trust: &Trust) -> Result<Self, Error> {
        Self::at(parse_hub(hub)?, token, trust)
    }

    fn at(hub: Url, token: Option<Token>, trust: &Trust) -> Result<Self, Error> {
        let client = HubClient::new(&hub, trust)?;
        Ok(Self { client, hub, token })
    }

    /// The address without a closing slash, for people.
    pub(crate) fn hub(&self) -> &str {
        self.hub.as_str().trim_end_matches('/')
    }

    /// Reads; `path` is segment by segment, so that no name can leave its place.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Refused`], or [`Error::Answer`].
    pub(crate) async fn get(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<Value, Error> {
        let url = self.url(path, query);
        let response = self.read(&url, Some(ANSWER_TIMEOUT)).await?;
        self.json(response).await
    }

    /// Reads what is no JSON, such as a message of a bank.
    ///
    /// # Errors
    /// As [`Visitor::get`].
    pub(crate) async fn text(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<String, Error> {
        let url = self.url(path, query);
        let response = self.read(&url, Some(ANSWER_TIMEOUT)).await?;
        let bytes = self.bytes(response).await?;
        String::from_utf8(bytes).map_err(|error| self.unexpected(error.to_string()))
    }

    /// Asks the telemetry; the answer is Prometheus' envelope, with the notes beside the data.
    ///
    /// # Errors
    /// As [`Visitor::get`].
    pub(crate) async fn telemetry(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<Value, Error> {
        let url = self.url_below(&["prometheus", "api", "v1"], path, query);
        let response = self.read(&url, Some(TELEMETRY_TIMEOUT)).await?;
        self.json(response).await
    }

    /// Asks or changes what Alertmanager's API has.
    ///
    /// # Errors
    /// As [`Visitor::get`].
    pub(crate) async fn alerting(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
        content: Content,
    ) -> Result<Value, Error> {
        let url = self.url_below(&["api", "v2"], path, query);
        let limit = Some(ANSWER_TIMEOUT);
        let response = self.send(method, &url, content, limit).await?;
        self.json(response).await
    }

    /// Changes something.
    ///
    /// # Errors
    /// As [`Visitor::get`].
    pub(crate) async fn post(&self, path: &[&str], body: &Value) -> Result<Value, Error> {
        self.change(Method::POST, path, &[], Content::json(body))
            .await
    }

    /// Changes something by another verb, or with content other than JSON.
    ///
    /// # Errors
    /// As [`Visitor::get`].
    pub(crate) async fn change(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
        content: Content,
    ) -> Result<Value, Error> {
        let (url, limit) = (self.url(path, query), Some(ANSWER_TIMEOUT));
        let response = self.send(method, &url, content, limit).await?;
        self.json(response).await
    }

    /// Listens to what happens from now on.
    ///
    /// # Errors
    /// As [`Visitor::get`].
    pub(crate) async fn listen(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<EventStream, Error> {
        let response = self.read(&self.url(path, query), None).await?;
        Ok(EventStream::new(response, self.hub().to_owned()))
    }

    fn url(&self, path: &[&str], query: &[(&str, String)]) -> Url {
        self.url_below(&["api", "v1"], path, query)
    }

    fn url_below(&self, root: &[&str], path: &[&str], query: &[(&str, String)]) -> Url {
        let mut url = below(&self.hub, root.iter().chain(path));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    async fn read(&self, url: &Url, timeout: Option<Duration>) -> Result<Answer, Error> {
        self.send(Method::GET, url, Content::none(), timeout).await
    }

    /// Shows the token to reads, too: payloads of jobs and events are private.
    async fn send(
        &self,
        method: Method,
        url: &Url,
        content: Content,
        timeout: Option<Duration>,
    ) -> Result<Answer, Error> {
        let mut headers = HeaderMap::new();
        if let Some(media_type) = &content.media_type {
            let value = HeaderValue::from_str(media_type).map_err(|_| Error::Usage {
                message: format!("{media_type:?} is no media type"),
            })?;
            headers.insert(CONTENT_TYPE, value);
        }
        let ask = Ask {
            method,
            url,
            headers,
            body: content.body,
            token: self.token.as_ref(),
            timeout,
        };
        let response = self.client.send(ask).await;
        let response = response.map_err(|fault| self.not_reached(fault))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let body = self.bytes(response).await?;
        match serde_json::from_slice::<ProblemDetails>(&body) {
            Ok(problem) if status == 401 && self.token.is_none() => Err(Error::Refused {
                status,
                detail: format!("{}; {TOKEN_REMEDY}", problem.detail),
            }),
            Ok(problem) => Err(Error::Refused {
                status,
                detail: problem.detail,
            }),
            Err(_) => Err(self.refused_otherwise(status, &body)),
        }
    }

    /// A refusal in Prometheus' envelope, as Alertmanager's text, or in no form that is known.
    fn refused_otherwise(&self, status: u16, body: &[u8]) -> Error {
        let envelope = serde_json::from_slice::<Value>(body).unwrap_or_default();
        let words = std::str::from_utf8(body).ok();
        let words = words.filter(|words| words.starts_with(SPEAKS_TLS));
        match envelope.as_str().or(envelope["error"].as_str()).or(words) {
            Some(detail) => Error::Refused {
                status,
                detail: detail.trim_end().to_owned(),
            },
            None => self.unexpected(format!("status {status} without problem details")),
        }
    }

    async fn json(&self, response: Answer) -> Result<Value, Error> {
        let body = self.bytes(response).await?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|error| self.unexpected(error.to_string()))
    }

    async fn bytes(&self, mut response: Answer) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= ANSWER_BYTES_MAX => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => {
                    let problem = format!("more than {ANSWER_BYTES_MAX} bytes");
                    return Err(self.unexpected(problem));
                }
                Ok(None) => return Ok(body),
                Err(fault) => return Err(self.not_reached(fault)),
            }
        }
    }

    fn not_reached(&self, fault: VisitFault) -> Error {
        Error::not_reached(self.hub(), fault)
    }

    fn unexpected(&self, problem: String) -> Error {
        Error::Answer {
            url: self.hub().to_owned(),
            problem,
        }
    }
}

/// The address of a route of a hub, segment by segment.
pub(crate) fn below<'a>(hub: &Url, path: impl IntoIterator<Item = &'a &'a str>) -> Url {
    let mut url = hub.clone();
    url.path_segments_mut()
        .expect("an http address has a path")
        .pop_if_empty()
        .extend(path);
    url
}

/// # Errors
/// [`Error::Usage`] for an address that is none.
pub(crate) fn parse_hub(hub: &str) -> Result<Url, Error> {
    let url = Url::parse(hub)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| Error::Usage {
        message: format!("{hub:?} is no hub address: write one such as http://{LISTEN_DEFAULT}"),
    })
}

/// Whether a URL leads to a hub of this machine that listens there.
fn is_at(url: &Url, listens: SocketAddr) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_host = match host.parse::<IpAddr>() {
        Ok(ip) => ip == listens.ip() || (ip.is_loopback() && listens.ip().is_unspecified()),
        Err(_) => {
            host == "localhost" && (listens.ip().is_loopback() || listens.ip().is_unspecified())
        }
    };
    is_host && url.port_or_known_default() == Some(listens.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_is_known_by_its_address_and_port() {
        let is_at =
            |url: &str, listens: &str| is_at(&parse_hub(url).unwrap(), listens.parse().unwrap());
        assert!(is_at("http://127.0.0.1:8080/", "127.0.0.1:8080"));
        assert!(is_at("http://localhost:8080", "127.0.0.1:8080"));
        assert!(is_at("http://127.0.0.1:8080", "0.0.0.0:8080"));
        assert!(is_at("http://[::1]:8080", "[::1]:8080"));
        assert!(is_at("http://127.0.0.1", "127.0.0.1:80"));
        assert!(!is_at("http://127.0.0.1:8081", "127.0.0.1:8080"));
        assert!(!is_at("http://127.0.0.2:8080", "127.0.0.1:8080"));
        assert!(!is_at("http://192.0.2.7:8080", "0.0.0.0:8080"));
        assert!(!is_at("http://localhost.example:8080", "127.0.0.1:8080"));
    }
}
