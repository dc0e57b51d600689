use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdToken, CoreJwsSigningAlgorithm,
    CoreProviderMetadata, CoreRequestTokenError, CoreTokenResponse,
};
use openidconnect::{
    AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
    SignatureVerificationError, TokenResponse,
};
use portique_access::Name;
use portique_clock::Clock;
use tokio::sync::Semaphore;

use crate::discovery::{AGE_MAX, Discovery, REFRESH_PAUSE};
use crate::error::plain_code;
use crate::transport::TransportFault;
use crate::{Attempt, Error, Identified, Transport, claims};

/// Everything that one step of a sign-in may take: somebody sits before it.
const VISIT_MAX: Duration = Duration::from_secs(10);
/// Visits to a provider at once; whoever comes then is told to come again.
const VISITS_MAX: usize = 16;
/// Longest code that is exchanged; the longest known have two thousand bytes.
const CODE_BYTES_MAX: usize = 4_096;
/// Whoever can make one has the provider's private key. What is made with the client's secret, or with nothing, is
/// not believed.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// How a provider is spoken to.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// What it is called here.
    pub name: Name,
    /// Its issuer, exactly as it writes it itself.
    pub issuer: String,
    /// What the hub is called there.
    pub client_id: String,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// The claim that names people, a path with dots.
    pub name_claim: String,
    /// The claim that names their groups, a path with dots.
    pub groups_claim: String,
    /// Where the provider sends browsers back to, exactly as it is registered there.
    pub redirect_url: String,
}

/// Where to send a browser, and what to expect of it.
#[derive(Debug)]
pub struct Started {
    /// The provider's page.
    pub location: String,
    /// To be [kept](crate::Attempts::keep) until it comes back.
    pub attempt: Attempt,
}

/// What a browser comes back with, unchecked.
#[derive(Debug, Default)]
pub struct Callback {
    /// What it was sent with.
    pub state: String,
    /// To be exchanged.
    pub code: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
    /// Who sends it back (RFC 9207).
    pub issuer: Option<String>,
}

/// One provider. Nothing is asked of it until somebody signs in.
pub struct Provider {
    config: ProviderConfig,
    redirect: RedirectUrl,
    discovery: Discovery,
    clock: Arc<dyn Clock>,
    visits: Semaphore,
}

impl Provider {
    /// A provider that is asked over this transport.
    ///
    /// # Errors
    /// [`Error::Description`] when the issuer or the address to come back to is none.
    pub fn new(
        config: ProviderConfig,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let issuer = IssuerUrl::new(config.issuer.clone());
        let issuer = issuer.map_err(|_| Error::Description {
            problem: "its issuer is no address",
        })?;
        let redirect = RedirectUrl::new(config.redirect_url.clone());
        let redirect = redirect.map_err(|_| Error::Description {
            problem: "the address to come back to is none",
        })?;
        Ok(Self {
            config,
            redirect,
            discovery: Discovery::new(issuer, transport, clock.clone()),
            clock,
            visits: Semaphore::new(VISITS_MAX),
        })
    }

    /// What it is called here.
    pub fn name(&self) -> &Name {
        &self.config.name
    }

    /// Begins a sign-in.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Slow`], [`Error::Busy`], [`Error::Description`].
    pub async fn start(&self) -> Result<Started, Error> {
        let metadata = self.within(self.discovery.metadata(AGE_MAX)).await?;
        let attempt = Attempt::new(self.config.name.clone())?;
        let verifier = PkceCodeVerifier::new(attempt.verifier.as_str().to_owned());
        let client_id = ClientId::new(self.config.client_id.clone());
        let client = CoreClient::from_provider_metadata((*metadata).clone(), client_id, None)
            .set_redirect_uri(self.redirect.clone());
        let state = CsrfToken::new(attempt.state.as_str().to_owned());
        let nonce = Nonce::new(attempt.nonce.as_str().to_owned());
        let request = client.authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            || state,
            || nonce,
        );
        let scopes = self.config.scopes.iter().cloned().map(Scope::new);
        let (location, ..) = request
            .add_scopes(scopes)
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .url();
        Ok(Started {
            location: location.into(),
            attempt,
        })
    }

    /// Who came back, by an attempt that is used up with this.
    ///
    /// `secret` is the client's; none for a public client.
    ///
    /// # Errors
    /// Every variant of [`Error`]; nobody is signed in then.
    pub async fn finish(
        &self,
        attempt: Attempt,
        callback: Callback,
        secret: Option<String>,
    ) -> Result<Identified, Error> {
        if attempt.provider != self.config.name {
            return Err(Error::NotBegun);
        }
        let is_of_issuer = |issuer: &String| *issuer == self.config.issuer;
        if !attempt.has_state(&callback.state) || !callback.issuer.iter().all(is_of_issuer) {
            return Err(Error::State);
        }
        if let Some(error) = callback.error {
            let code = plain_code(&error);
            return Err(Error::Declined { code });
        }
        let code = callback.code.unwrap_or_default();
        if code.is_empty() || code.len() > CODE_BYTES_MAX {
            return Err(Error::State);
        }
        let verified = Box::pin(self.exchange_and_verify(&attempt, code, secret));
        let claims = self.within(verified).await?;
        claims::identified(&claims, &self.config.name_claim, &self.config.groups_claim)
    }

    async fn exchange_and_verify(
        &self,
        attempt: &Attempt,
        code: String,
        secret: Option<String>,
    ) -> Result<serde_json::Value, Error> {
        let metadata = self.discovery.metadata(AGE_MAX).await?;
        let answer = self.exchange(&metadata, attempt, code, secret).await?;
        let Some(token) = answer.id_token() else {
            let reason = "there is none in the answer: the scope openid is needed";
            return Err(Error::Token { reason });
        };
        let verified = match self.verify(&metadata, token, attempt) {
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            )) => {
                let metadata = self.discovery.metadata(REFRESH_PAUSE).await?;
                self.verify(&metadata, token, attempt)
            }
            verified => verified,
        };
        verified.map_err(|error| {
            tracing::warn!(provider = %self.config.name, ?error, "an ID token is refused");
            Error::Token {
                reason: reason(&error),
            }
        })?;
        payload(token).ok_or(Error::Token {
            reason: "it cannot be read",
        })
    }

    async fn exchange(
        &self,
        metadata: &CoreProviderMetadata,
        attempt: &Attempt,
        code: String,
        secret: Option<String>,
    ) -> Result<CoreTokenResponse, Error> {
        let methods = metadata.token_endpoint_auth_methods_supported();
        let takes = |method| methods.is_none_or(|methods| methods.contains(&method));
        let auth = match takes(CoreClientAuthMethod::ClientSecretBasic) {
            true => AuthType::BasicAuth,
            false => AuthType::RequestBody,
        };
        let client_id = ClientId::new(self.config.client_id.clone());
        let secret = secret.map(ClientSecret::new);
        let client = CoreClient::from_provider_metadata(metadata.clone(), client_id, secret)
            .set_redirect_uri(self.redirect.clone())
            .set_auth_type(auth);
        let request = client.exchange_code(AuthorizationCode::new(code));
        let request = request.map_err(|_| Error::Description {
            problem: "it names no token_endpoint",
        })?;
        let verifier = PkceCodeVerifier::new(attempt.verifier.as_str().to_owned());
        let request = request.set_pkce_verifier(verifier);
        let answer = request.request_async(&self.discovery.line).await;
        answer.map_err(|error| self.not_exchanged(&error))
    }

    /// The answer itself may hold tokens, and is not logged.
    fn not_exchanged(&self, error: &CoreRequestTokenError<TransportFault>) -> Error {
        let (error, problem) = match error {
            CoreRequestTokenError::ServerResponse(said) => {
                let code = plain_code(said.error().as_ref());
                (Error::Exchange { code }, format!("{said:?}"))
            }
            CoreRequestTokenError::Request(fault) => {
                let problem = fault.to_string();
                (Error::Unavailable { problem }, String::new())
            }
            CoreRequestTokenError::Parse(error, _) => {
                let reason = "the answer that it should be in cannot be read";
                (Error::Token { reason }, error.path().to_string())
            }
            CoreRequestTokenError::Other(_) => {
                let problem = "it answers with nothing when the code is exchanged".to_owned();
                (Error::Unavailable { problem }, String::new())
            }
        };
        tracing::warn!(provider = %self.config.name, %error, problem, "a code is not exchanged");
        error
    }

    fn verify(
        &self,
        metadata: &CoreProviderMetadata,
        token: &CoreIdToken,
        attempt: &Attempt,
    ) -> Result<(), ClaimsVerificationError> {
        let client_id = ClientId::new(self.config.client_id.clone());
        let client = CoreClient::from_provider_metadata(metadata.clone(), client_id, None);
        let now = self.clock.now().as_millis();
        let verifier = client
            .id_token_verifier()
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(move || DateTime::from_timestamp_millis(now).unwrap_or_default());
        let nonce = Nonce::new(attempt.nonce.as_str().to_owned());
        token.claims(&verifier, &nonce).map(drop)
    }

    /// What it comes to, if there is room and it comes in time.
    async fn within<T>(&self, visit: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let _room = self.visits.try_acquire().map_err(|_| Error::Busy)?;
        let visited = tokio::time::timeout(VISIT_MAX, visit).await;
        visited.unwrap_or(Err(Error::Slow { limit: VISIT_MAX }))
    }
}

/// All claims of a token that is verified, also those that the library knows nothing of.
fn payload(token: &CoreIdToken) -> Option<serde_json::Value> {
    let text = token.to_string();
    let payload = URL_SAFE_NO_PAD.decode(text.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

fn reason(error: &ClaimsVerificationError) -> &'static str {
    use SignatureVerificationError as Signature;
    match error {
        ClaimsVerificationError::Expired(_) => "it is expired, or one of the two clocks is wrong",
        ClaimsVerificationError::InvalidAudience(_) => "it is for another client",
        ClaimsVerificationError::InvalidIssuer(_) => "it is of another issuer",
        ClaimsVerificationError::InvalidNonce(_) => "it belongs to another sign-in",
        ClaimsVerificationError::SignatureVerification(error) => match error {
            Signature::NoMatchingKey => {
                "it is signed with a key that the provider does not publish"
            }
            Signature::DisallowedAlg(_) | Signature::UnsupportedAlg(_) | Signature::NoSignature => {
                "it is signed in a way that is not believed"
            }
            _ => "its signature does not hold",
        },
        _ => "it cannot be verified",
    }
}
