use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;

use crate::tls;

/// Streams of one gRPC connection: a module has three, a vehicle's gateway carries a few dozen modules,
/// and a program that does not put its calls on a stream has as many under way.
const STREAMS_MAX: u32 = 256;
/// Bytes on their way to the hub for one call, and for one connection: some of the largest batches.
const STREAM_WINDOW_BYTES: u32 = 2 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 8 << 20;
/// Bytes of one frame: most messages are one, and each frame is a call to the system on both sides.
const FRAME_BYTES_MAX: u32 = 1 << 20;

/// Serves until `stop`, and until all calls have ended then.
///
/// # Errors
/// What kept it from serving.
pub(crate) async fn serve(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    routes: Routes,
    stop: CancellationToken,
) -> Result<(), tonic::transport::Error> {
    let incoming = Box::pin(tls::incoming(listener, acceptor));
    Server::builder()
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES_MAX)
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, stop.cancelled_owned())
        .await
}
