use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::conversation::Conversation;
use crate::accept::Accepting;
use crate::access::Peer;
use crate::tls::{self, HANDSHAKE_TIMEOUT};

/// A header is one packet or two; who needs longer holds a place that others want. It is also how
/// long a connection may be kept without a request.
pub(crate) const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(10);

/// How connections are served.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For a request's header, from the first byte or the last answer on.
    pub(crate) header: Duration,
    /// For all connections to end by themselves, once the hub stops.
    pub(crate) drain: Duration,
}

/// Answers every connection until `stop`; then lets requests end, and drops the connections that
/// are left when the patience is over. Without a free place, visitors wait to be accepted.
///
/// `axum::serve` has no limit for either, so that one visitor with half a header could hold up the
/// stop of the hub.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    acceptor: Option<TlsAcceptor>,
    places: Arc<Semaphore>,
    patience: Patience,
    stop: CancellationToken,
) {
    let mut accepting = Accepting::new(listener);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            (place, (stream, address)) = arrival(&places, &mut accepting) => {
                // An answer is written at once; waiting for more of it would only delay it.
                let _ = stream.set_nodelay(true);
                let conversation = Conversation {
                    router: router.clone(),
                    peer: Peer(address),
                    header: patience.header,
                    stop: stop.clone(),
                };
                let acceptor = acceptor.clone();
                connections.spawn(async move {
                    let _place = place;
                    welcome(stream, acceptor, conversation).await;
                });
            }
        }
    }
    drop(accepting);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(patience.drain, ended).await.is_err() {
        let left = connections.len();
        tracing::warn!(left, "dropping connections that did not end with the hub");
        connections.shutdown().await;
    }
}

/// A connection, once there is a place for it; the semaphore is never closed.
async fn arrival(
    places: &Arc<Semaphore>,
    accepting: &mut Accepting,
) -> (Option<OwnedSemaphorePermit>, (TcpStream, SocketAddr)) {
    let place = Arc::clone(places).acquire_owned().await.ok();
    (place, accepting.next().await)
}

async fn welcome(stream: TcpStream, acceptor: Option<TlsAcceptor>, conversation: Conversation) {
    let stop = conversation.stop.clone();
    let begun = tls::begin(stream, acceptor.as_ref(), HANDSHAKE_TIMEOUT);
    // Who has not said who they want to be yet is owed no answer.
    if let Some(Some(stream)) = stop.run_until_cancelled(begun).await {
        conversation.hold(stream).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Longer than any test runs.
    const NEVER: Duration = Duration::from_secs(3600);
    const SOON: Duration = Duration::from_millis(50);
    const PLACES: usize = 2;

    async fn serve_nothing(
        patience: Patience,
        stop: CancellationToken,
    ) -> (JoinSet<()>, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = JoinSet::new();
        let places = Arc::new(Semaphore::new(PLACES));
        server.spawn(serve(listener, Router::new(), None, places, patience, stop));
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
    #[tokio::test]
    async fn who_finds_no_place_is_answered_when_one_comes_free() {
        let patience = Patience {
            header: NEVER,
            drain: NEVER,
        };
        let (_server, address) = serve_nothing(patience, CancellationToken::new()).await;
        let first = half_a_header(address).await;
        let _second = half_a_header(address).await;
        let mut third = TcpStream::connect(address).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
        third.write_all(request).await.unwrap();
        let mut said = Vec::new();
        let early = tokio::time::timeout(SOON, third.read_to_end(&mut said)).await;
        assert!(early.is_err(), "there are {PLACES} places");
        drop(first);
        third.read_to_end(&mut said).await.unwrap();
        assert!(said.starts_with(b"HTTP/1.1 404"));
    }
}
