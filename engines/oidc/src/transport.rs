use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};

/// Largest answer of a provider that is read: a few keys and tokens, with many groups in them.
pub const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// One request to a provider.
#[derive(Debug, Clone)]
pub struct Ask {
    /// `GET` or `POST`.
    pub method: String,
    /// Where.
    pub url: String,
    /// Names and values; a value may be a secret.
    pub headers: Vec<(String, Vec<u8>)>,
    /// What is posted; may hold secrets.
    pub body: Vec<u8>,
}

/// What a provider answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status, 100 to 599.
    pub status: u16,
    /// The media type, where it is said.
    pub content_type: Option<String>,
    /// The whole body, at most [`ANSWER_BYTES_MAX`].
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct TransportFault(pub String);

/// How a provider is asked.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Asks once, follows no redirect, and reads no more than [`ANSWER_BYTES_MAX`].
    ///
    /// # Errors
    /// [`TransportFault`] when there is no whole answer.
    ///
    /// # Cancel safety
    /// Dropped, the request may have arrived.
    async fn send(&self, ask: Ask) -> Result<Answer, TransportFault>;
}

/// A transport as the library asks for it.
pub(crate) struct Line {
    pub(crate) transport: Arc<dyn Transport>,
    /// Whether `http://` may be asked: only where the issuer itself is.
    pub(crate) allows_plain: bool,
}

impl<'c> AsyncHttpClient<'c> for Line {
    type Error = TransportFault;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, TransportFault>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

impl Line {
    /// # Errors
    /// [`TransportFault`].
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportFault> {
        let url = request.uri().to_string();
        if !url.starts_with("https://") && !self.allows_plain {
            let problem = "an address that it names is not https, and the issuer is";
            return Err(TransportFault(problem.into()));
        }
        let headers = request.headers().iter();
        let ask = Ask {
            method: request.method().to_string(),
            url,
            headers: headers
                .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
                .collect(),
            body: request.body().clone(),
        };
        let answer = self.transport.send(ask).await?;
        let mut response = openidconnect::http::Response::builder().status(answer.status);
        if let Some(kind) = answer.content_type {
            response = response.header("content-type", kind);
        }
        let response = response.body(answer.body);
        response.map_err(|error| TransportFault(error.to_string()))
    }
}
