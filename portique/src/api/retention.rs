//! What keeps the journal from getting shorter, over HTTP.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use portique_broker::{KeptBy, Retained};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;

/// Says why the oldest segment is there.
pub(crate) type Retention = Box<dyn Fn() -> Retained + Send + Sync>;

pub(super) fn router() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new().routes(routes!(show))
}

/// The journal's oldest segment, and why it is still there.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct RetentionView {
    /// Its first record; what lies before is gone.
    first: u64,
    /// Seconds since its youngest record was written.
    age_s: f64,
    /// Bytes of all segments.
    bytes: u64,
    /// The first reason found: `writing`, it is the one that is written to; `unlimited`, retention has
    /// no limit; `limits`, it is within them; `consumer`, `compaction`, `jobs`, `checkpoint`: one of
    /// them needs it; `nothing`: it goes within seconds.
    kept_by: &'static str,
    /// Which consumer or compaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The first record that is needed, when somebody needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    needs: Option<u64>,
}

impl From<Retained> for RetentionView {
    fn from(retained: Retained) -> Self {
        let (kept_by, name, needs) = match retained.kept_by {
            KeptBy::Writing => ("writing", None, None),
            KeptBy::Unlimited => ("unlimited", None, None),
            KeptBy::Limits => ("limits", None, None),
            KeptBy::Consumer { name, needs } => ("consumer", Some(name.to_string()), Some(needs)),
            KeptBy::Compaction { name, needs } => {
                ("compaction", Some(name.to_string()), Some(needs))
            }
            KeptBy::Jobs { needs } => ("jobs", None, Some(needs)),
            KeptBy::Checkpoint { needs } => ("checkpoint", None, Some(needs)),
            KeptBy::Nothing => ("nothing", None, None),
        };
        Self {
            first: retained.first,
            age_s: retained.age.as_secs_f64(),
            bytes: retained.bytes,
            kept_by,
            name,
            needs,
        }
    }
}

/// Why the oldest segment of the journal is still there.
#[utoipa::path(get, path = "/api/v1/retention", tag = "events",
    responses((status = OK, body = RetentionView)))]
pub(crate) async fn show(State(api): State<Arc<Api>>) -> Json<RetentionView> {
    Json((api.retention)().into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use portique_bus::ConsumerName;

    use super::*;

    #[test]
    fn the_reason_names_who_needs_it() {
        let view = RetentionView::from(Retained {
            first: 7,
            age: Duration::from_millis(1_500),
            bytes: 10,
            kept_by: KeptBy::Consumer {
                name: ConsumerName::new("audit").unwrap(),
                needs: 8,
            },
        });
        let expected = serde_json::json!({
            "first": 7, "age_s": 1.5, "bytes": 10, "kept_by": "consumer", "name": "audit", "needs": 8,
        });
        assert_eq!(serde_json::to_value(view).unwrap(), expected);
    }
}
