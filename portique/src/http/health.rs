use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use serde::{Deserialize, Serialize};

use super::{Ask, Front, LabelledFigure, Samples};

/// How one part of the hub is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct PartState {
    /// Which part.
    name: String,
    /// Whether it does its work.
    ready: bool,
    /// In a word: `open`, `drain_only`, `poisoned`, `failing`, `slow`, `closed`,
    /// `stopped`, `stopping`.
    state: String,
    /// Why it is not ready, and what to do; absent when it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl PartState {
    pub(crate) fn open(name: &str) -> Self {
        Self {
            name: name.into(),
            ready: true,
            state: "open".into(),
            reason: None,
        }
    }

    pub(crate) fn not_ready(name: &str, state: &str, reason: String) -> Self {
        Self {
            name: name.into(),
            ready: false,
            state: state.into(),
            reason: Some(reason),
        }
    }
}

/// Asks one part how it is; cheap, as it is asked at every probe, and answered within a second or
/// so whatever state the part is in.
pub(crate) type Part = Box<dyn Fn() -> BoxFuture<'static, PartState> + Send + Sync>;

/// Every part of the hub that has to be ready.
pub(crate) struct Readiness {
    pub(crate) parts: Vec<Part>,
}

impl Readiness {
    /// Asks every part whether it is ready.
    pub(crate) fn ask(self: &Arc<Self>) -> Ask {
        let readiness = self.clone();
        Box::new(move || {
            let readiness = readiness.clone();
            async move {
                let states = readiness.states().await.into_iter();
                let ready = states.map(|part| {
                    let labels = vec![("part", part.name)];
                    (labels, if part.ready { 1.0 } else { 0.0 })
                });
                vec![LabelledFigure {
                    name: "part_ready",
                    help: "1 while a part of the hub does its work, as /readyz says with the reason",
                    samples: Samples::Gauges(ready.collect()),
                }]
            }
            .boxed()
        })
    }

    async fn states(&self) -> Vec<PartState> {
        join_all(self.parts.iter().map(|part| part())).await
    }
}

/// Whether the hub can serve, part by part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub(super) struct ReadinessAnswer {
    /// Whether all parts are.
    ready: bool,
    /// Each of them.
    parts: Vec<PartState>,
}

/// Whether the process lives.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "hub",
    responses((status = 200, description = "It does", body = String))
)]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether the hub can serve, part by part.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "hub",
    responses(
        (status = 200, description = "Every part is ready", body = ReadinessAnswer),
        (status = 503, description = "Some part is not, and says why", body = ReadinessAnswer)
    )
)]
pub(super) async fn readyz(State(front): State<Arc<Front>>) -> (StatusCode, Json<ReadinessAnswer>) {
    let mut parts = front.readiness.states().await;
    if front.stop.is_cancelled() {
        parts.push(PartState::not_ready(
            "hub",
            "stopping",
            "the hub was asked to stop".into(),
        ));
    }
    let ready = parts.iter().all(|part| part.ready);
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(ReadinessAnswer { ready, parts }))
}
