//! The command line as a visitor of a running hub: the same HTTP API that everybody else uses.

mod event_stream;

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Method, Response, Url};
use serde_json::Value;

pub(crate) use event_stream::{EventStream, StreamEvent};

use crate::config::{DATA_DEFAULT, LISTEN_DEFAULT};
use crate::data_folder::read_addresses;
use crate::error::Error;
use crate::http::ProblemDetails;
use crate::token::{TOKEN_FILE, Token};

/// The hub is on this machine or near; a longer wait means that nobody is there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longer than the hub waits for a module's answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest answer: a page of a thousand log lines is under 1 MiB.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// Which hub to visit, and with which token.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct VisitArgs {
    /// The hub's address [default: what hub.json in the data folder says, or
    /// http://127.0.0.1:8080].
    #[arg(long, global = true, value_name = "URL", env = "PORTIQUE_HUB")]
    hub: Option<String>,
    /// The hub's data folder, where its address and token are found [default: ./portique-data].
    #[arg(long, global = true, value_name = "FOLDER", env = "PORTIQUE_DATA")]
    data: Option<PathBuf>,
    /// Read the token from this file.
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// A client of one hub.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    client: reqwest::Client,
    hub: Url,
    token: Option<Token>,
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
        let hub = match (&self.hub, read_addresses(&folder)) {
            (Some(hub), _) => hub.clone(),
            (None, Some(addresses)) => format!("http://{}", addresses.http),
            (None, None) => format!("http://{LISTEN_DEFAULT}"),
        };
        Visitor::new(&hub, self.token(&folder)?)
    }

    fn token(&self, folder: &Path) -> Result<Option<Token>, Error> {
        if let Some(path) = &self.token_file {
            return Token::read(path).map(Some);
        }
        if let Some(text) = std::env::var("PORTIQUE_TOKEN")
            .ok()
            .filter(|text| !text.is_empty())
        {
            return Ok(Some(Token::from_text(&text)));
        }
        let path = folder.join(TOKEN_FILE);
        // Reads need no token, so its absence is for the hub to complain about.
        if path.exists() {
            Token::read(&path).map(Some)
        } else {
            Ok(None)
        }
    }
}

impl Visitor {
    pub(crate) fn new(hub: &str, token: Option<Token>) -> Result<Self, Error> {
        let url = Url::parse(hub)
            .ok()
            .filter(|url| url.scheme() == "http" && url.has_host());
        let hub = url.ok_or_else(|| Error::Usage {
            message: format!(
                "{hub:?} is no hub address: write one such as http://{LISTEN_DEFAULT}"
            ),
        })?;
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .expect("a client without TLS needs nothing of the machine");
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
        let request = self
            .client
            .get(self.url(path, query))
            .timeout(ANSWER_TIMEOUT);
        let response = self.send(request).await?;
        self.json(response).await
    }

    /// Changes something.
    ///
    /// # Errors
    /// As [`Visitor::get`].
    pub(crate) async fn post(&self, path: &[&str], body: &Value) -> Result<Value, Error> {
        let mut request = self
            .client
            .request(Method::POST, self.url(path, &[]))
            .timeout(ANSWER_TIMEOUT)
            .json(body);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.as_str());
        }
        let response = self.send(request).await?;
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
        let response = self.send(self.client.get(self.url(path, query))).await?;
        Ok(EventStream::new(response, self.hub().to_owned()))
    }

    fn url(&self, path: &[&str], query: &[(&str, String)]) -> Url {
        let mut url = self.hub.clone();
        url.path_segments_mut()
            .expect("an http address has a path")
            .pop_if_empty()
            .extend(["api", "v1"])
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response, Error> {
        let response = request.send().await.map_err(|source| Error::Unreachable {
            url: self.hub().to_owned(),
            source,
        })?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let body = self.bytes(response).await?;
        match serde_json::from_slice::<ProblemDetails>(&body) {
            Ok(problem) => Err(Error::Refused {
                status,
                detail: problem.detail,
            }),
            Err(_) => Err(self.unexpected(format!("status {status} without problem details"))),
        }
    }

    async fn json(&self, response: Response) -> Result<Value, Error> {
        let body = self.bytes(response).await?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|error| self.unexpected(error.to_string()))
    }

    async fn bytes(&self, mut response: Response) -> Result<Vec<u8>, Error> {
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
                Err(source) => {
                    return Err(Error::Unreachable {
                        url: self.hub().to_owned(),
                        source,
                    });
                }
            }
        }
    }

    fn unexpected(&self, problem: String) -> Error {
        Error::Answer {
            url: self.hub().to_owned(),
            problem,
        }
    }
}
