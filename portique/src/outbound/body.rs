use axum::body::Body;
use futures_util::StreamExt;

/// Why an answer's body is not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyFault {
    #[error("body size limit exceeded: more than {bytes_max} bytes")]
    TooLarge { bytes_max: usize },
    #[error("there is no room for the answer now: others are being read")]
    NoRoom,
    #[error("the answer ended before it was whole: {0}")]
    Broken(String),
}

/// Reads a body, and no more of it than is allowed; `grow` is told how much more it takes, and may refuse.
///
/// # Errors
/// When there is more, no room, or the connection ends before the body does.
pub(crate) async fn read_body(
    body: Body,
    bytes_max: usize,
    mut grow: impl FnMut(usize) -> bool,
) -> Result<Vec<u8>, BodyFault> {
    let mut bytes = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| BodyFault::Broken(super::words(&error)))?;
        if bytes.len() + chunk.len() > bytes_max {
            return Err(BodyFault::TooLarge { bytes_max });
        }
        if !grow(chunk.len()) {
            return Err(BodyFault::NoRoom);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
