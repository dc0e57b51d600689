//! What came in by each way, for whoever looks for what did not.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Intake;
use super::ledger::{Account, Way};

pub(super) fn router() -> OpenApiRouter<Intake> {
    OpenApiRouter::new().routes(routes!(intake))
}

/// What came in by one way since the hub started.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct WayView {
    /// `remote_write`, `otlp`, `influx`, `graphite` or `push`.
    way: &'static str,
    /// Bodies, or for Graphite and pushes pieces of connections.
    bodies: u64,
    /// Samples that were taken.
    accepted: u64,
    /// Lines, series and samples that were not, by reason.
    refused: BTreeMap<&'static str, u64>,
    /// The last of them, newest first.
    last: Vec<BadView>,
}

/// One thing that was refused.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct BadView {
    /// When, Unix milliseconds.
    at_ms: i64,
    /// Why, in a word.
    reason: &'static str,
    /// Where, what is wrong, and what would be right.
    text: String,
}

/// Telemetry by the way it came in: what was taken, what was refused and why, and the last bad lines.
#[utoipa::path(get, path = "/api/v1/telemetry/intake", tag = "telemetry",
    responses((status = OK, body = Vec<WayView>)))]
pub(crate) async fn intake(State(intake): State<Intake>) -> Json<Vec<WayView>> {
    let view = |way: Way| WayView::of(way, intake.shared.ledger.account(way));
    Json(Way::ALL.into_iter().map(view).collect())
}

impl WayView {
    fn of(way: Way, account: Account) -> Self {
        let newest_first = account.last.into_iter().rev();
        Self {
            way: way.as_str(),
            bodies: account.bodies,
            accepted: account.accepted,
            refused: account.refused,
            last: newest_first
                .map(|bad| BadView {
                    at_ms: bad.at_ms,
                    reason: bad.reason,
                    text: bad.text,
                })
                .collect(),
        }
    }
}
