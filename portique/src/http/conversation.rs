//! One connection, request by request, in the version of HTTP that was agreed on.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio_util::sync::CancellationToken;

use super::holding::Holding;
use super::under_way::UnderWay;
use crate::access::Peer;
use crate::tls::Stream;

/// Requests of one connection at once: a page asks for some dozens of files, and follows a few streams.
const STREAMS_MAX: u32 = 128;
/// All headers of a request; browsers send a few hundred bytes, and cookies.
const HEADERS_BYTES_MAX: u32 = 32 << 10;
/// A visitor who says nothing is asked this often whether they are there.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// A connection without requests is kept so long, at most twice: beginning another is three ways over the network.
const IDLE_MAX: Duration = Duration::from_secs(30);
/// Who is asked to end has this long to hear it.
const FAREWELL_MAX: Duration = Duration::from_secs(2);

/// How a connection's requests are answered.
pub(super) struct Conversation {
    pub(super) router: Router,
    pub(super) peer: Peer,
    /// For a request's header, from the first byte or the last answer on.
    pub(super) header: Duration,
    pub(super) stop: CancellationToken,
}

impl Conversation {
    /// Answers until the visitor goes or falls silent; what is under way when the hub stops is answered.
    pub(super) async fn hold(self, stream: Stream) {
        let ended = match stream.is_http_2() {
            true => Box::pin(self.hold_http_2(stream)).await,
            false => Box::pin(self.hold_http_1(stream)).await,
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    }

    async fn hold_http_1(self, stream: Stream) -> hyper::Result<()> {
        let router = TowerToHyperService::new(self.router);
        let peer = self.peer;
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            router.call(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    }

    async fn hold_http_2(self, stream: Stream) -> hyper::Result<()> {
        let router = TowerToHyperService::new(self.router);
        let peer = self.peer;
        let under_way = Arc::new(UnderWay::default());
        let counted = Arc::clone(&under_way);
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            let one = counted.one_more();
            let answered = router.call(request);
            async move {
                let Ok(answer) = answered.await;
                Ok::<_, Infallible>(answer.map(|body| Holding::new(body, one)))
            }
        });
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS_MAX)
            .max_header_list_size(HEADERS_BYTES_MAX)
            .keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
            // It holds a place that others want; a browser begins another when it needs one.
            () = under_way.nothing_for(IDLE_MAX) => {
                connection.as_mut().graceful_shutdown();
                let ended = tokio::time::timeout(FAREWELL_MAX, connection).await;
                ended.unwrap_or(Ok(()))
            }
        }
    }
}
