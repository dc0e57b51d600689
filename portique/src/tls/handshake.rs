use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::Stream;

/// Three ways over the slowest network; who needs longer holds a place that others want.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How a record of a handshake begins (RFC 8446, section 5.1). No request of HTTP begins so.
const HANDSHAKE: u8 = 0x16;
/// What whoever speaks HTTP is told.
pub(crate) const SPEAKS_TLS: &str = "this address speaks TLS only: write https instead of http";

/// Begins a connection, over TLS where there is an acceptor; `None` when that came to nothing in `limit`, which is the
/// visitor's fault and no news.
///
/// # Cancel safety
/// Dropped, the connection is closed.
pub(crate) async fn begin(
    stream: TcpStream,
    acceptor: Option<&TlsAcceptor>,
    limit: Duration,
) -> Option<Stream> {
    let Some(acceptor) = acceptor else {
        return Some(Stream::plain(stream));
    };
    let begun = tokio::time::timeout(limit, encrypt(stream, acceptor)).await;
    begun.unwrap_or_else(|_| {
        tracing::debug!("a visitor did not shake hands in time");
        None
    })
}

async fn encrypt(mut stream: TcpStream, acceptor: &TlsAcceptor) -> Option<Stream> {
    let mut first = [0; 1];
    match stream.peek(&mut first).await {
        Ok(1) if first[0] == HANDSHAKE => {}
        Ok(1) => {
            // The visitor may be gone by now, which is no matter.
            let _ = stream.write_all(plain().as_bytes()).await;
            let _ = stream.shutdown().await;
            drain(stream).await;
            return None;
        }
        _ => return None,
    }
    match acceptor.accept(stream).await {
        Ok(stream) => Some(Stream::tls(stream)),
        Err(error) => {
            tracing::debug!(%error, "a visitor did not shake hands");
            None
        }
    }
}

/// Reads what the visitor sent: a connection that is closed with bytes unread is reset, and the answer with it.
async fn drain(mut stream: TcpStream) {
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
}

/// The answer to whatever was asked.
fn plain() -> String {
    format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{SPEAKS_TLS}",
        SPEAKS_TLS.len()
    )
}
