use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openidconnect::core::CoreProviderMetadata;
use openidconnect::{DiscoveryError, IssuerUrl};
use portique_clock::Clock;

use crate::transport::{Line, TransportFault};
use crate::{Error, Transport};

/// What a provider says of itself changes with its keys, a few times a year; they are asked for again sooner where a
/// token shows one that is not known.
pub(crate) const AGE_MAX: Duration = Duration::from_secs(3600);
/// A key that nobody knows has the provider asked again, but not more often than this.
pub(crate) const REFRESH_PAUSE: Duration = Duration::from_secs(5);

/// What a provider says of itself, with its keys: asked for when it is first needed, and kept for an hour.
pub(crate) struct Discovery {
    issuer: IssuerUrl,
    pub(crate) line: Line,
    clock: Arc<dyn Clock>,
    known: Mutex<Option<Known>>,
}

struct Known {
    metadata: Arc<CoreProviderMetadata>,
    at: Duration,
}

impl Discovery {
    pub(crate) fn new(
        issuer: IssuerUrl,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let allows_plain = issuer.as_str().starts_with("http://");
        Self {
            issuer,
            line: Line {
                transport,
                allows_plain,
            },
            clock,
            known: Mutex::default(),
        }
    }

    /// What is known and not older than this, or what the provider says now.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Description`].
    pub(crate) async fn metadata(
        &self,
        age_max: Duration,
    ) -> Result<Arc<CoreProviderMetadata>, Error> {
        let now = self.clock.monotonic();
        let is_fresh = |known: &Known| now < known.at.saturating_add(age_max);
        let known = self.with(|known| {
            let fresh = known.as_ref().filter(|known| is_fresh(known));
            fresh.map(|known| known.metadata.clone())
        });
        if let Some(metadata) = known {
            return Ok(metadata);
        }
        let discovered = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.line);
        let metadata = discovered.await.map_err(|error| fault(&error))?;
        self.check(&metadata)?;
        let metadata = Arc::new(metadata);
        let said = metadata.clone();
        self.with(|known| {
            *known = Some(Known {
                metadata: said,
                at: now,
            })
        });
        Ok(metadata)
    }

    /// Codes and secrets are sent over what the issuer itself is reached by, or better.
    fn check(&self, metadata: &CoreProviderMetadata) -> Result<(), Error> {
        let Some(token_endpoint) = metadata.token_endpoint() else {
            let problem = "it names no token_endpoint";
            return Err(Error::Description { problem });
        };
        let endpoints = [
            metadata.authorization_endpoint().url(),
            token_endpoint.url(),
        ];
        let is_safe =
            |scheme: &str| scheme == "https" || scheme == "http" && self.line.allows_plain;
        match endpoints.iter().all(|url| is_safe(url.scheme())) {
            true => Ok(()),
            false => Err(Error::Description {
                problem: "the issuer is https, and an endpoint that it names is not",
            }),
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Option<Known>) -> T) -> T {
        act(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn fault(error: &DiscoveryError<TransportFault>) -> Error {
    tracing::warn!(?error, "the provider's description is not read");
    match error {
        DiscoveryError::Request(fault) => Error::Unavailable {
            problem: fault.to_string(),
        },
        DiscoveryError::Response(status, ..) => Error::Unavailable {
            problem: format!("it answers with status {}", status.as_u16()),
        },
        DiscoveryError::Validation(_) => Error::Description {
            problem: "it names another issuer than the configuration: write the issuer exactly as the provider does",
        },
        _ => Error::Description {
            problem: "it is not the JSON that OpenID Connect Discovery has",
        },
    }
}
