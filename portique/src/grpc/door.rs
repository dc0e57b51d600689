//! Who calls, what nobody may do, and how much at once.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request as HttpRequest;
use axum::http::HeaderMap;
use axum::middleware::{self, Next};
use axum::response::Response as HttpResponse;
use portique_access::audit::Detail;
use portique_bus::ConsumerName;
use portique_event::{Filter, Subject};
use portique_fault::{Code, Report, Retry};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::server::TcpConnectInfo;
use tonic::{Request, Response, Status};

use crate::access::{self, Admitted, Asked, Gate, Needs, RESERVE};
use crate::api::Owned;

/// Streams of calls and of workers at once, in the whole hub: each is a worker process, or a program
/// that publishes.
const STREAMS_MAX: usize = 4_096;
/// A stream ends when its process does, which takes a while.
const RETRY_WHEN_FULL: std::time::Duration = std::time::Duration::from_secs(1);

/// Keeps from everybody what belongs to a part of the hub, and has a limit for streams.
pub(crate) struct Door {
    owned: Owned,
    stop: CancellationToken,
    streams: Arc<Semaphore>,
}

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Visitor {
    /// May publish into the disk's reserve.
    Commander,
    /// May not.
    Service,
}

impl Door {
    /// `stop` ends what waits.
    pub(crate) fn new(owned: Owned, stop: CancellationToken) -> Self {
        Self {
            owned,
            stop,
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
        }
    }

    /// A place for a stream.
    ///
    /// # Errors
    /// Resource exhausted, with a time to come back.
    pub(super) fn stream(&self) -> Result<OwnedSemaphorePermit, Status> {
        let place = Arc::clone(&self.streams).try_acquire_owned();
        place.map_err(|_| {
            portique_client::status::status(&Report {
                code: Code::ResourceExhausted,
                message: format!(
                    "{STREAMS_MAX} streams are open already: use one for many calls, or come later"
                ),
                retry: Retry::After(RETRY_WHEN_FULL),
            })
        })
    }

    pub(super) fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// What `work` comes to, unless the hub stops first.
    ///
    /// # Errors
    /// Unavailable when the hub stops.
    pub(super) async fn while_open<T>(&self, work: impl Future<Output = T>) -> Result<T, Status> {
        self.stop
            .run_until_cancelled(work)
            .await
            .ok_or_else(stopping)
    }

    /// # Errors
    /// Permission denied for a subject that belongs to a part of the hub.
    pub(super) fn check_subject(&self, subject: &Subject) -> Result<(), Report> {
        self.owned.check_subject(subject)
    }

    /// # Errors
    /// Permission denied for a consumer that belongs to a part of the hub.
    pub(super) fn check_consumer(&self, name: &ConsumerName) -> Result<(), Status> {
        let checked = self.owned.check_consumer(name);
        checked.map_err(|report| portique_client::status::status(&report))
    }

    /// # Errors
    /// Permission denied for a filter that what belongs to a part of the hub may pass.
    pub(super) fn check_binding(&self, filter: &Filter) -> Result<(), Status> {
        let checked = self.owned.check_binding(filter);
        checked.map_err(|report| portique_client::status::status(&report))
    }
}

/// Has every call pass the gate, where nothing is open without a token, and remembers who it was.
pub(super) fn guard(routes: Routes, gate: Gate) -> Routes {
    let gate = gate.closed();
    let pass = move |request, next| admit(gate.clone(), request, next);
    let router = routes.into_axum_router().layer(middleware::from_fn(pass));
    Routes::from(router)
}

async fn admit(gate: Gate, mut request: HttpRequest, next: Next) -> HttpResponse {
    let peer = request.extensions().get::<TcpConnectInfo>();
    let path = request.uri().path();
    let (needs, does) = access::call(path);
    let asked = Asked {
        needs,
        does,
        path: "",
        method: "gRPC",
        route: path,
        headers: request.headers(),
        // A browser's cookie is for pages, and no page calls by gRPC.
        is_change: true,
        peer: peer.and_then(TcpConnectInfo::remote_addr),
    };
    match gate.pass(&asked) {
        Ok(visit) => {
            let visitor = match visit.caller.holds(RESERVE) {
                true => Visitor::Commander,
                false => Visitor::Service,
            };
            let deed = gate.deed(&asked, &visit);
            let shown = match needs {
                Needs::Permission(needed) => Some((needed, gate.credentials(request.headers()))),
                Needs::Nothing | Needs::ModuleToken => None,
            };
            let uri = request.uri().clone();
            request.extensions_mut().insert(visitor);
            let answer = next.run(request).await;
            if let Some(deed) = deed {
                deed.called(&answer);
            }
            let refused = Status::from_header_map(answer.headers());
            if let Some(refused) =
                refused.filter(|refused| refused.code() == tonic::Code::PermissionDenied)
            {
                let action = format!("gRPC {}", uri.path());
                gate.refused_within(does, &visit, &action, refused.message());
            }
            let Some((needed, shown)) = shown else {
                return answer;
            };
            let is_still = move || gate.still_admits(needed, &shown);
            let end = ended();
            answer.map(|body| Body::new(Admitted::new(body, is_still).with_last_words(end)))
        }
        Err(report) => portique_client::status::status(&report).into_http(),
    }
}

/// How a stream ends whose caller may not go on.
fn ended() -> HeaderMap {
    let status = portique_client::status::status(&Report {
        code: Code::Unauthenticated,
        message: "what opened this stream opens nothing any more: its token was revoked, or its user may not".into(),
        retry: Retry::No,
    });
    let mut trailers = HeaderMap::new();
    // Its words are this function's, which a header can carry.
    let _ = status.add_header(&mut trailers);
    trailers
}

/// Says beside an order what it was about, for the audit journal.
///
/// # Errors
/// The reply's.
pub(super) fn about<T>(
    reply: Result<Response<T>, Status>,
    what: impl std::fmt::Display,
) -> Result<Response<T>, Status> {
    let mut response = reply?;
    response.extensions_mut().insert(Detail(what.to_string()));
    Ok(response)
}

impl Visitor {
    /// Who makes a call; whoever the door does not know has the fewest rights.
    pub(super) fn of<T>(request: &Request<T>) -> Self {
        let known = request.extensions().get::<Self>().copied();
        known.unwrap_or(Self::Service)
    }

    /// # Errors
    /// Permission denied to services: what the reserve is for would not fit any more.
    pub(super) fn may_use_reserve(self) -> Result<(), Report> {
        if self == Self::Commander {
            return Ok(());
        }
        Err(Report {
            code: Code::PermissionDenied,
            message:
                "the disk's reserve is for orders of the commander: publish without `reserved`"
                    .into(),
            retry: Retry::No,
        })
    }
}

/// What callers that wait are told when the hub stops.
pub(super) fn stopping() -> Status {
    portique_client::status::status(&Report {
        code: Code::Unavailable,
        message: "the hub is stopping: connect again".into(),
        retry: Retry::After(RETRY_WHEN_FULL),
    })
}
