use std::convert::Infallible;
use std::time::Duration;

use futures_util::Stream;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;

use crate::tls;

/// Who says nothing is asked this often whether they are there, and has so long to answer.
const KEEP_ALIVE: KeepAlive = KeepAlive {
    interval: Duration::from_secs(30),
    answer: Duration::from_secs(20),
};
/// Streams of one gRPC connection: a module has three, a vehicle's gateway carries a few dozen modules,
/// and a program that does not put its calls on a stream has as many under way.
const STREAMS_MAX: u32 = 256;
/// Bytes on their way to the hub for one call, and for one connection: some of the largest batches.
const STREAM_WINDOW_BYTES: u32 = 2 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 8 << 20;
/// Bytes of one frame: most messages are one, and each frame is a call to the system on both sides.
const FRAME_BYTES_MAX: u32 = 1 << 20;

/// When a connection is given up that is silent.
#[derive(Debug, Clone, Copy)]
struct KeepAlive {
    interval: Duration,
    answer: Duration,
}

/// Serves until `stop`, and until all calls have ended then. A connection whose other side does not answer any more ends.
///
/// # Errors
/// What kept it from serving.
pub(crate) async fn serve(
    incoming: impl Stream<Item = Result<tls::Stream, Infallible>>,
    routes: Routes,
    stop: CancellationToken,
) -> Result<(), tonic::transport::Error> {
    serve_alive(incoming, routes, KEEP_ALIVE, stop).await
}

async fn serve_alive(
    incoming: impl Stream<Item = Result<tls::Stream, Infallible>>,
    routes: Routes,
    keep_alive: KeepAlive,
    stop: CancellationToken,
) -> Result<(), tonic::transport::Error> {
    Server::builder()
        .http2_keepalive_interval(Some(keep_alive.interval))
        .http2_keepalive_timeout(Some(keep_alive.answer))
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES_MAX)
        .add_routes(routes)
        .serve_with_incoming_shutdown(Box::pin(incoming), stop.cancelled_owned())
        .await
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::task::JoinSet;

    use super::*;

    /// The first words of a visitor, and settings that say nothing (RFC 9113, sections 3.4 and 6.5).
    const BEGINNING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    const SOON: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn who_does_not_answer_any_more_loses_the_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let keep_alive = KeepAlive {
            interval: SOON,
            answer: SOON,
        };
        let incoming = tls::incoming(listener, None, 1);
        let served = serve_alive(
            incoming,
            Routes::default(),
            keep_alive,
            CancellationToken::new(),
        );
        let mut server = JoinSet::new();
        server.spawn(served);
        let mut visitor = TcpStream::connect(address).await.unwrap();
        visitor.write_all(BEGINNING).await.unwrap();
        let mut said = Vec::new();
        // Ends, or the test hangs; nothing of what is said is answered.
        let _ = visitor.read_to_end(&mut said).await;
        assert!(!said.is_empty(), "the hub has spoken HTTP/2");
    }
}
