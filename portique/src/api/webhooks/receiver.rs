//! The other end: one request, one answer, no redirects.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::OnceCell;

/// A receiver that is there answers a connection in this time, wherever it is.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Idle connections kept to one receiver.
const IDLE_MAX: usize = 4;

type HttpClient = Client<HttpsConnector<HttpConnector>, Body>;

/// Sends requests to receivers.
#[derive(Clone, Default)]
pub(super) struct Receivers {
    /// Made when it is first needed: reading whom the machine trusts takes longer than a start may.
    client: Arc<OnceCell<HttpClient>>,
}

impl Receivers {
    /// The answer's status and headers; its body is of no interest.
    ///
    /// # Errors
    /// Why there is none, for people.
    pub(super) async fn send(
        &self,
        request: Request<Body>,
        within: Duration,
    ) -> Result<(StatusCode, HeaderMap), String> {
        match tokio::time::timeout(within, self.client().await?.request(request)).await {
            Ok(Ok(response)) => {
                let (parts, _) = response.into_parts();
                Ok((parts.status, parts.headers))
            }
            Ok(Err(error)) => Err(format!(
                "the receiver cannot be reached: {}",
                portique_fault::chain(&error)
            )),
            Err(_) => Err(format!(
                "the receiver did not answer within {} s",
                within.as_secs_f64()
            )),
        }
    }

    async fn client(&self) -> Result<&HttpClient, String> {
        let made = self.client.get_or_try_init(|| async {
            let made = tokio::task::spawn_blocking(client).await;
            made.map_err(|error| format!("the client for receivers cannot be made: {error}"))
        });
        made.await
    }
}

fn client() -> HttpClient {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_connect_timeout(Some(CONNECT_TIMEOUT));
    http.set_nodelay(true);
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls())
        .https_or_http()
        .enable_http1()
        .wrap_connector(http);
    Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(IDLE_MAX)
        .build(connector)
}

/// Whom the machine trusts; on a machine that trusts nobody, no https receiver is reached.
fn tls() -> ClientConfig {
    let builder = || {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows the default versions of TLS")
    };
    let trusting = builder().with_native_roots().unwrap_or_else(|error| {
        tracing::warn!(%error, "this machine trusts nobody: https receivers cannot be reached");
        builder().with_root_certificates(RootCertStore::empty())
    });
    trusting.with_no_client_auth()
}
