//! The providers of identities that the configuration has, and what their people are here.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use portique_access::{Access, Arrival, Identity, Name, Secret, SignedIn};
use portique_clock::Clock;
use portique_monitor::notify::{HttpConfig, TlsConfig};
use portique_oidc::{
    ANSWER_BYTES_MAX, Answer, Ask, Attempts, Callback, Identified, Provider, ProviderConfig,
    Transport, TransportFault,
};

use crate::config::{OidcConfig, Problem};
use crate::data_folder::Addresses;
use crate::error::Error;
use crate::outbound::{self, Endpoint, Trust, read_body};

/// A secret has some dozens of characters; a larger file is something else.
const SECRET_BYTES_MAX: u64 = 4_096;

/// Who says who people are, beside the hub itself.
pub(crate) struct Providers {
    all: Vec<Configured>,
    attempts: Attempts,
    access: Access,
    clock: Arc<dyn Clock>,
}

struct Configured {
    config: OidcConfig,
    provider: Provider,
}

/// Why somebody does not come in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("there is no such provider")]
    Unknown,
    #[error(transparent)]
    Provider(#[from] portique_oidc::Error),
    #[error(transparent)]
    Access(#[from] portique_access::Error),
    #[error(
        "the file with the client's secret cannot be used: whoever runs the hub finds why in its log"
    )]
    Secret,
}

impl Providers {
    /// Checks what can be checked without asking anybody: that there are the roles that are named, and a secret where
    /// one is said to be. `here` is where the hub listens, which browsers find it at where the configuration does not say.
    ///
    /// # Errors
    /// [`Error::Config`] with everything that is wrong.
    pub(crate) fn open(
        configs: &[OidcConfig],
        access: &Access,
        clock: Arc<dyn Clock>,
        here: &Addresses,
    ) -> Result<Self, Error> {
        let (mut all, mut problems) = (Vec::new(), Vec::new());
        let trust = Trust::default();
        for config in configs {
            check_roles(config, access, &mut problems);
            check_secret(config, &mut problems);
            let at = base(config, here, &mut problems);
            match provider(config, clock.clone(), &at, &trust) {
                Ok(provider) => all.push(Configured {
                    config: config.clone(),
                    provider,
                }),
                Err(error) => {
                    let remedy = "write an issuer and a redirect_base_url that are addresses";
                    problems.push(problem(config, error.to_string(), remedy));
                }
            }
        }
        match problems.is_empty() {
            true => Ok(Self {
                all,
                attempts: Attempts::default(),
                access: access.clone(),
                clock,
            }),
            false => Err(Error::Config { problems }),
        }
    }

    /// The name and the label of each.
    pub(crate) fn labels(&self) -> impl Iterator<Item = (&Name, &str)> {
        let all = self.all.iter().map(|one| &one.config);
        all.map(|config| (&config.name, config.label.as_str()))
    }

    /// Where to send a browser, and the secret for its cookie.
    ///
    /// # Errors
    /// [`Refused`], which is in the audit journal then, unless there is no such provider.
    pub(crate) async fn start(&self, name: &str, from: &str) -> Result<(Secret, String), Refused> {
        let configured = self.find(name)?;
        let started = configured.provider.start().await;
        let kept = started.and_then(|started| {
            let now = self.clock.monotonic();
            let id = self.attempts.keep(started.attempt, from, now)?;
            Ok((id, started.location))
        });
        kept.map_err(|error| self.refused(configured, from, error.into()))
    }

    /// Signs in whoever comes back with this; what the cookie names is used up, whatever comes of it.
    ///
    /// # Errors
    /// [`Refused`], which is in the audit journal then, unless there is no such provider.
    pub(crate) async fn finish(
        &self,
        name: &str,
        cookie: Option<&str>,
        callback: Callback,
        from: &str,
    ) -> Result<SignedIn, Refused> {
        let configured = self.find(name)?;
        let came = self.who_came(configured, cookie, callback, from).await;
        let identified = came.map_err(|error| self.refused(configured, from, error))?;
        let arrival = configured.arrival(identified);
        // It writes down itself whom it refuses.
        Ok(self.access.sign_in_by_provider(arrival, from).await?)
    }

    async fn who_came(
        &self,
        configured: &Configured,
        cookie: Option<&str>,
        callback: Callback,
        from: &str,
    ) -> Result<Identified, Refused> {
        let now = self.clock.monotonic();
        let attempt = cookie.and_then(|id| self.attempts.take(id, now));
        let attempt = attempt.ok_or(portique_oidc::Error::NotBegun)?;
        // Whoever began nothing tries nothing: a page that has a browser come here by itself shuts nobody out.
        self.access.check_provider_tries(from)?;
        let secret = match configured.config.client_secret_file.clone() {
            None => None,
            Some(path) => Some(secret(path).await?),
        };
        let finished = configured.provider.finish(attempt, callback, secret);
        Ok(finished.await?)
    }

    fn find(&self, name: &str) -> Result<&Configured, Refused> {
        let mut all = self.all.iter();
        let found = all.find(|one| one.config.name.as_str() == name);
        found.ok_or(Refused::Unknown)
    }

    fn refused(&self, configured: &Configured, from: &str, refused: Refused) -> Refused {
        let name = &configured.config.name;
        self.access
            .provider_refused(name, from, &refused.to_string());
        refused
    }
}

impl Configured {
    /// What somebody is here, by the groups they are in there.
    fn arrival(&self, identified: Identified) -> Arrival {
        let Identified {
            subject,
            name,
            groups,
        } = identified;
        let config = &self.config;
        let roles = groups.iter().filter_map(|group| config.groups.get(group));
        let mut roles: std::collections::BTreeSet<Name> = roles.flatten().cloned().collect();
        if roles.is_empty() {
            roles = config.default_roles.clone();
        }
        let provider = config.name.clone();
        Arrival {
            identity: Identity { provider, subject },
            name,
            roles,
        }
    }
}

fn provider(
    config: &OidcConfig,
    clock: Arc<dyn Clock>,
    base: &str,
    trust: &Trust,
) -> Result<Provider, portique_oidc::Error> {
    let ca_file = config.ca_file.as_ref();
    let http = HttpConfig {
        follows_redirects: false,
        tls: TlsConfig {
            ca_file: ca_file.map(|path| path.display().to_string()),
            ..TlsConfig::default()
        },
        ..HttpConfig::default()
    };
    let wire = Wire(Endpoint::new(http, Path::new(""), trust.clone()));
    let spoken = ProviderConfig {
        name: config.name.clone(),
        issuer: config.issuer.clone(),
        client_id: config.client_id.clone(),
        scopes: config.scopes.clone(),
        name_claim: config.name_claim.clone(),
        groups_claim: config.groups_claim.clone(),
        redirect_url: format!("{base}/console/oidc/{}/callback", config.name),
    };
    Provider::new(spoken, Arc::new(wire), clock)
}

/// Where browsers find the hub.
fn base(config: &OidcConfig, here: &Addresses, problems: &mut Vec<Problem>) -> String {
    let listens = here.http;
    if config.redirect_base_url.is_none() && listens.ip().is_unspecified() {
        let message = format!(
            "access.oidc has no redirect_base_url for {}, and the hub listens on {listens}, which is no address to come \
             back to",
            config.name
        );
        let remedy = "write where browsers find the hub, such as redirect_base_url = \"https://hub.club.example\"";
        problems.push(problem(config, message, remedy));
    }
    let said = config.redirect_base_url.clone();
    said.unwrap_or_else(|| here.http_url())
}

fn check_roles(config: &OidcConfig, access: &Access, problems: &mut Vec<Problem>) {
    let book = access.book();
    let groups = config.groups.iter();
    let named = groups.map(|(group, roles)| (format!("groups.{group:?}"), roles));
    let named = named.chain([("default_roles".to_owned(), &config.default_roles)]);
    for (key, roles) in named {
        for role in roles.iter().filter(|role| book.role(role).is_none()) {
            let message = format!(
                "access.oidc.{key} of {} names the role {role}, which there is not",
                config.name
            );
            let remedy = "write roles that `portique role list` has, or leave it out and create the role first";
            problems.push(problem(config, message, remedy));
        }
    }
}

fn check_secret(config: &OidcConfig, problems: &mut Vec<Problem>) {
    let Some(path) = &config.client_secret_file else {
        return;
    };
    if let Err(error) = read_secret(path) {
        let message = format!(
            "access.oidc.client_secret_file of {}: {path:?} {error}",
            config.name
        );
        let remedy = "write a file that holds the client's secret and nothing else, or leave the key out for a public \
                      client";
        problems.push(problem(config, message, remedy));
    }
}

fn problem(config: &OidcConfig, message: String, remedy: &str) -> Problem {
    Problem {
        place: Some(config.place.clone()),
        message,
        remedy: remedy.to_owned(),
    }
}

/// Read at each sign-in, so that a new one counts at once.
async fn secret(path: PathBuf) -> Result<String, Refused> {
    let shown = path.clone();
    let read = tokio::task::spawn_blocking(move || read_secret(&path)).await;
    let read = read.unwrap_or_else(|error| Err(error.to_string()));
    read.map_err(|problem| {
        tracing::error!(path = ?shown, problem, "the secret of an OpenID client is not read");
        Refused::Secret
    })
}

fn read_secret(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let file = File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    let mut part = file.take(SECRET_BYTES_MAX + 1);
    part.read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > SECRET_BYTES_MAX {
        return Err(format!("has more than {SECRET_BYTES_MAX} bytes"));
    }
    match text.trim() {
        "" => Err("is empty".into()),
        secret if secret.contains('\n') => Err("has more than one line".into()),
        secret => Ok(secret.to_owned()),
    }
}

/// The hub as a visitor of a provider.
struct Wire(Arc<Endpoint>);

#[async_trait]
impl Transport for Wire {
    async fn send(&self, ask: Ask) -> Result<Answer, TransportFault> {
        let ask = asked(ask).ok_or_else(|| TransportFault("it cannot be asked".into()))?;
        let answer = self.0.send(ask).await;
        let answer = answer.map_err(|error| TransportFault(error.to_string()))?;
        let (parts, body) = answer.into_parts();
        let body = read_body(body, ANSWER_BYTES_MAX, |_| true).await;
        let kind = parts.headers.get(CONTENT_TYPE);
        Ok(Answer {
            status: parts.status.as_u16(),
            content_type: kind.and_then(|kind| kind.to_str().ok()).map(str::to_owned),
            body: body.map_err(|error| TransportFault(error.to_string()))?,
        })
    }
}

/// None for what is no request, which the library does not make.
fn asked(ask: Ask) -> Option<outbound::Ask> {
    let mut headers = HeaderMap::new();
    for (name, value) in ask.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.insert(name, HeaderValue::from_bytes(&value).ok()?);
    }
    Some(outbound::Ask {
        method: Method::from_bytes(ask.method.as_bytes()).ok()?,
        url: ask.url,
        headers,
        body: ask.body.into(),
    })
}
