//! Notifications over HTTP: one request with a body of JSON, redirects, and what the receiver said.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{
    AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, LOCATION, USER_AGENT,
};
use axum::http::{HeaderMap, Method, Request, Response, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::body::Incoming;
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use portique_monitor::notify::{Authorization, HttpConfig, HttpPost, NotificationJob, TlsConfig};
use reqwest::Url;
use rustls::pki_types::ServerName;

use super::secrets::Secrets;
use super::tls;
use super::verdict::Verdict;

/// How long an attempt may take when the configuration does not say.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
/// Longest attempt, whatever the configuration says: nobody reads a webhook's answer for longer.
const TIMEOUT_MAX: Duration = Duration::from_mins(2);
/// A receiver that is there answers a connection in this time, wherever it is.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Redirects that are followed, as many as Alertmanager follows.
const REDIRECTS_MAX: usize = 10;
/// Bytes of an answer that are read: what went wrong is said in a sentence.
const SAID_BYTES_MAX: usize = 1024;
/// Idle connections kept to one receiver.
const IDLE_MAX: usize = 4;
/// Different TLS settings of one configuration that have connections of their own; more share none.
const CLIENTS_MAX: usize = 64;
/// Who tells.
const AGENT: &str = concat!("portique/", env!("CARGO_PKG_VERSION"));
/// The same for every attempt of one notification.
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

type HttpClient = Client<HttpsConnector<HttpConnector>, Body>;

/// Connections to receivers, by TLS settings.
#[derive(Clone, Default)]
pub(in crate::notify) struct Clients(Arc<Mutex<Vec<(TlsConfig, HttpClient)>>>);

impl Clients {
    /// The client for these settings; made when it is first needed, as it reads files.
    async fn client(&self, tls: &TlsConfig, folder: PathBuf) -> Result<HttpClient, String> {
        if let Some(known) = self.known(tls) {
            return Ok(known);
        }
        let settings = tls.clone();
        let made = tokio::task::spawn_blocking(move || client(&settings, &folder)).await;
        let made = made.map_err(|error| format!("the connection cannot be made: {error}"))??;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < CLIENTS_MAX {
            all.push((tls.clone(), made.clone()));
        }
        Ok(made)
    }

    fn known(&self, tls: &TlsConfig) -> Option<HttpClient> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = all.iter().find(|(known, _)| known == tls);
        found.map(|(_, client)| client.clone())
    }
}

fn client(tls: &TlsConfig, folder: &std::path::Path) -> Result<HttpClient, String> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_connect_timeout(Some(CONNECT_TIMEOUT));
    http.set_nodelay(true);
    let mut builder = HttpsConnectorBuilder::new()
        .with_tls_config(tls::client_config(tls, folder)?)
        .https_or_http();
    if let Some(name) = &tls.server_name {
        let name = ServerName::try_from(name.clone())
            .map_err(|_| format!("server_name {name:?} is no name of a host"))?;
        builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name));
    }
    let connector = builder.enable_http1().wrap_connector(http);
    Ok(Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(IDLE_MAX)
        .build(connector))
}

/// Sends one notification.
pub(super) async fn post(
    clients: &Clients,
    post: &HttpPost,
    job: &NotificationJob,
    is_slack: bool,
    secrets: &mut Secrets,
) -> Verdict {
    let within = match post.timeout {
        Duration::ZERO => TIMEOUT_DEFAULT,
        given => given.min(TIMEOUT_MAX),
    };
    let attempt = attempt(clients, post, job, is_slack, secrets);
    match tokio::time::timeout(within, attempt).await {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(problem)) => Verdict::retry(problem),
        Err(_) => Verdict::retry(format!(
            "the receiver did not answer within {} s",
            within.as_secs_f64()
        )),
    }
}

/// # Errors
/// Why there was no answer.
async fn attempt(
    clients: &Clients,
    post: &HttpPost,
    job: &NotificationJob,
    is_slack: bool,
    secrets: &mut Secrets,
) -> Result<Verdict, String> {
    let folder = secrets.folder.clone();
    let text = secrets.reveal(&post.url).await?;
    let Some(mut url) = address(&text, secrets) else {
        return Ok(Verdict::Reject("the receiver's address is none".into()));
    };
    let mut headers = headers(&post.http, &mut url, job, secrets).await?;
    let client = clients.client(&post.http.tls, folder).await?;
    let mut asked = (Method::POST, post.body.clone());
    for _ in 0..=REDIRECTS_MAX {
        let request = request(&asked, &url, &headers)?;
        let answered = client.request(request).await;
        let answer = answered.map_err(|error| {
            let error = portique_fault::chain(&error);
            format!("the receiver cannot be reached: {error}")
        })?;
        let next = redirect(&answer, &url).filter(|_| post.http.follows_redirects);
        let Some(next) = next else {
            return Ok(verdict(answer, is_slack).await);
        };
        if !matches!(answer.status().as_u16(), 307 | 308) {
            asked = (Method::GET, String::new());
            headers.remove(CONTENT_TYPE);
        }
        if next.origin() != url.origin() {
            // What proves who sends is for the receiver that the file names.
            headers = plain_headers(&headers);
        }
        secrets.hide(next.as_str());
        url = next;
    }
    Ok(Verdict::Reject(format!(
        "the receiver redirects more than {REDIRECTS_MAX} times"
    )))
}

/// Reads an address; its parts are secret, but for the host.
fn address(text: &str, secrets: &mut Secrets) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    for part in [Some(url.path()), url.query(), url.password()] {
        secrets.hide(part.unwrap_or_default());
    }
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// All headers; a user in the address becomes one.
async fn headers(
    config: &HttpConfig,
    url: &mut Url,
    job: &NotificationJob,
    secrets: &mut Secrets,
) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, source) in &config.headers {
        let value = secrets.reveal(source).await?;
        let name = HeaderName::try_from(name).map_err(|_| format!("{name} is no header"))?;
        headers.append(name, value_of(&value)?);
    }
    let user = (url.username() != "").then(|| {
        let (user, password) = (decoded(url.username()), url.password().unwrap_or_default());
        basic(&user, &decoded(password))
    });
    // Both can only fail for addresses without a host, which were refused before.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let proof = match &config.authorization {
        None => user,
        Some(Authorization::Basic { username, password }) => {
            let password = match password {
                Some(source) => secrets.reveal(source).await?,
                None => String::new(),
            };
            Some(basic(username, &password))
        }
        Some(Authorization::Scheme {
            scheme,
            credentials,
        }) => Some(format!("{scheme} {}", secrets.reveal(credentials).await?)),
    };
    if let Some(proof) = proof {
        secrets.hide(&proof);
        headers.insert(AUTHORIZATION, value_of(&proof)?);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    if let Ok(key) = HeaderValue::from_str(&job.idempotency_key()) {
        headers.insert(IDEMPOTENCY_KEY, key);
    }
    Ok(headers)
}

/// Those that are no secret.
fn plain_headers(headers: &HeaderMap) -> HeaderMap {
    let mut plain = HeaderMap::new();
    for name in [CONTENT_TYPE, USER_AGENT, IDEMPOTENCY_KEY] {
        if let Some(value) = headers.get(&name) {
            plain.insert(name, value.clone());
        }
    }
    plain
}

fn value_of(text: &str) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| "a secret or header has letters that no header can hold".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{user}:{password}")))
}

/// A part of an address without its percent signs.
fn decoded(part: &str) -> String {
    let query = format!("x={}", part.replace('+', "%2B"));
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

fn request(
    (method, body): &(Method, String),
    url: &Url,
    headers: &HeaderMap,
) -> Result<Request<Body>, String> {
    let mut url = url.clone();
    url.set_fragment(None);
    let uri = url.as_str().parse::<axum::http::Uri>();
    let mut request = Request::new(Body::from(body.clone()));
    *request.method_mut() = method.clone();
    *request.uri_mut() = uri.map_err(|_| "the receiver's address is none".to_owned())?;
    *request.headers_mut() = headers.clone();
    request.headers_mut().remove(HOST);
    Ok(request)
}

/// Where an answer sends its visitor, if it does.
fn redirect(answer: &Response<Incoming>, from: &Url) -> Option<Url> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let to = answer.headers().get(LOCATION)?.to_str().ok()?;
    let to = from.join(to).ok()?;
    let is_worse = from.scheme() == "https" && to.scheme() == "http";
    (matches!(to.scheme(), "http" | "https") && !is_worse).then_some(to)
}

async fn verdict(answer: Response<Incoming>, is_slack: bool) -> Verdict {
    let (parts, body) = answer.into_parts();
    let said = said(body).await;
    // Slack says no with a good status.
    if is_slack && parts.status == StatusCode::OK {
        let answer: serde_json::Value = serde_json::from_str(&said).unwrap_or_default();
        if answer["ok"] == false {
            let error = answer["error"].as_str().unwrap_or("without a reason");
            return Verdict::Reject(format!("Slack refused it: {error}"));
        }
    }
    Verdict::of_answer(parts.status, &parts.headers, &said)
}

/// The beginning of a body, in one line.
async fn said(body: Incoming) -> String {
    use futures_util::StreamExt as _;
    let mut bytes = Vec::new();
    let mut parts = Body::new(body).into_data_stream();
    while let Some(Ok(part)) = parts.next().await {
        let room = SAID_BYTES_MAX - bytes.len();
        bytes.extend_from_slice(&part[..part.len().min(room)]);
        if bytes.len() == SAID_BYTES_MAX {
            break;
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_in_an_address_is_decoded() {
        assert_eq!(decoded("a%40b+c"), "a@b+c");
        assert_eq!(basic("user", "pass"), "Basic dXNlcjpwYXNz");
    }

    #[test]
    fn parts_of_an_address_are_secret_and_its_host_is_not() {
        let mut secrets = Secrets::new(std::path::Path::new(""));
        let url = address("https://u:sesame@host/hook/T0?k=hidden", &mut secrets).unwrap();
        assert_eq!(url.host_str(), Some("host"));
        let said = "host said sesame at /hook/T0 with k=hidden";
        assert_eq!(
            secrets.blot(said),
            "host said <secret> at <secret> with <secret>"
        );
        assert!(address("ftp://host/", &mut secrets).is_none());
    }
}
