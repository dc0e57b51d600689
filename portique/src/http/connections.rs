use std::io;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::conversation::Conversation;
use crate::access::Peer;
use crate::tls::{self, HANDSHAKE_TIMEOUT};

/// Half of the files that a process may open by default (1,024); the rest is for the engines.
const CONNECTIONS_MAX: usize = 512;
/// A header is one packet or two; who needs longer holds a place that others want. It is also how
/// long a connection may be kept without a request.
pub(crate) const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(10);
/// The process has no file left for a visitor until one goes.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// How connections are served.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For a request's header, from the first byte or the last answer on.
    pub(crate) header: Duration,
    /// For all connections to end by themselves, once the hub stops.
    pub(crate) drain: Duration,
}

/// Answers every connection until `stop`; then lets requests end, and drops the connections that
/// are left when the patience is over.
///
/// `axum::serve` has no limit for either, so that one visitor with half a header could hold up the
/// stop of the hub.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    acceptor: Option<TlsAcceptor>,
    patience: Patience,
    stop: CancellationToken,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, address)) => {
                    // An answer is written at once; waiting for more of it would only delay it.
                    let _ = stream.set_nodelay(true);
                    let conversation = Conversation {
                        router: router.clone(),
                        peer: Peer(address),
                        header: patience.header,
                        stop: stop.clone(),
                    };
                    connections.spawn(welcome(stream, acceptor.clone(), conversation));
                }
                Err(error) => wait_out(&error).await,
            },
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(patience.drain, ended).await.is_err() {
        let left = connections.len();
        tracing::warn!(left, "dropping connections that did not end with the hub");
        connections.shutdown().await;
    }
}

async fn welcome(stream: TcpStream, acceptor: Option<TlsAcceptor>, conversation: Conversation) {
    let stop = conversation.stop.clone();
    let begun = tls::begin(stream, acceptor.as_ref(), HANDSHAKE_TIMEOUT);
    // Who has not said who they want to be yet is owed no answer.
    if let Some(Some(stream)) = stop.run_until_cancelled(begun).await {
        conversation.hold(stream).await;
    }
}

async fn wait_out(error: &io::Error) {
    let is_visitors = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    );
    if !is_visitors {
        tracing::error!(%error, "cannot accept visitors for now");
        tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Longer than any test runs.
    const NEVER: Duration = Duration::from_secs(3600);
    const SOON: Duration = Duration::from_millis(50);

    async fn serve_nothing(
        patience: Patience,
        stop: CancellationToken,
    ) -> (JoinSet<()>, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = JoinSet::new();
        server.spawn(serve(listener, Router::new(), None, patience, stop));
        (server, address)
    }

    /// A visitor who has said half of what he came to say.
    async fn half_a_header(address: SocketAddr) -> TcpStream {
        let mut visitor = TcpStream::connect(address).await.unwrap();
        visitor.write_all(b"GET / HTTP/1.1\r\nhost").await.unwrap();
        visitor
    }

    #[tokio::test]
    async fn half_a_header_loses_its_connection() {
        let patience = Patience {
            header: SOON,
            drain: NEVER,
        };
        let (_server, address) = serve_nothing(patience, CancellationToken::new()).await;
        let mut visitor = half_a_header(address).await;
        let mut said = Vec::new();
        // Ends, or the test hangs.
        visitor.read_to_end(&mut said).await.unwrap();
    }

    #[tokio::test]
    async fn half_a_header_does_not_hold_up_the_stop() {
        let stop = CancellationToken::new();
        let patience = Patience {
            header: NEVER,
            drain: SOON,
        };
        let (mut server, address) = serve_nothing(patience, stop.clone()).await;
        let mut visitor = half_a_header(address).await;
        stop.cancel();
        server.join_next().await.unwrap().unwrap();
        let mut said = Vec::new();
        // Dropped with what it had sent unread, which some systems call a reset.
        let _ = visitor.read_to_end(&mut said).await;
        assert!(said.is_empty(), "half a header has no answer");
    }
}
