use std::path::Path;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use portique_monitor::notify::{Authorization, HttpConfig, SecretSource};
use tokio::io::AsyncReadExt;

use super::AskFault;

/// Longest secret: certificates in tokens take a few kilobytes.
const SECRET_BYTES_MAX: u64 = 64 << 10;

/// Adds what proves who asks, and the headers of the configuration.
pub(super) async fn add(
    config: &HttpConfig,
    folder: &Path,
    headers: &mut HeaderMap,
) -> Result<(), AskFault> {
    let proof = match &config.authorization {
        None => None,
        Some(Authorization::Basic { username, password }) => {
            let password = match password {
                Some(source) => secret(source, folder).await?,
                None => String::new(),
            };
            let pair = STANDARD.encode(format!("{username}:{password}"));
            Some(format!("Basic {pair}"))
        }
        Some(Authorization::Scheme {
            scheme,
            credentials,
        }) => Some(format!("{scheme} {}", secret(credentials, folder).await?)),
    };
    if let Some(proof) = proof {
        let mut value = value(&proof)?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    for (name, source) in &config.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        let name = name.map_err(|error| AskFault::Proof(error.to_string()))?;
        headers.append(name, value(&secret(source, folder).await?)?);
    }
    Ok(())
}

fn value(text: &str) -> Result<HeaderValue, AskFault> {
    HeaderValue::from_str(text)
        .map_err(|_| AskFault::Proof("a secret or header holds what no header can".to_owned()))
}

async fn secret(source: &SecretSource, folder: &Path) -> Result<String, AskFault> {
    let file = match source {
        SecretSource::Inline(secret) => return Ok(secret.reveal().to_owned()),
        SecretSource::File(file) => folder.join(file),
    };
    let read = async {
        let mut text = String::new();
        let file = tokio::fs::File::open(&file).await?;
        file.take(SECRET_BYTES_MAX)
            .read_to_string(&mut text)
            .await?;
        Ok(text.trim().to_owned())
    };
    read.await.map_err(|error: std::io::Error| {
        AskFault::Proof(format!(
            "the secret in {} cannot be read: {error}",
            file.display()
        ))
    })
}
