//! Alertmanager's API, version 2, at the root, and what it does not have below `/api/v1/notifications`.
//!
//! Answers and refusals of version 2 have Alertmanager's form: a refusal is a text in JSON. Reads need no token, as
//! the hub's other reads; alerts are posted by services, silences changed by the commander.

mod alerts;
mod answer;
mod own;
mod silences;
mod status;

use portique_monitor::notify::Dispatcher;
use utoipa_axum::router::OpenApiRouter;

use super::handle::Notifier;
pub(super) use alerts::bodies;
use answer::Refusal;

/// What a path of Alertmanager's API begins with.
pub(crate) const ROOT: &str = "/api/v2/";

pub(super) fn router(notifier: Notifier) -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(alerts::router())
        .merge(silences::router())
        .merge(status::router())
        .merge(own::router())
        .with_state(notifier)
}

/// Reads the state on a thread that may block: there may be thousands of alerts.
///
/// # Errors
/// When the hub is stopping.
async fn read<T: Send + 'static>(
    notifier: &Notifier,
    read: impl FnOnce(&Dispatcher, portique_clock::Timestamp) -> T + Send + 'static,
) -> Result<T, Refusal> {
    let shared = std::sync::Arc::clone(&notifier.shared);
    let now = shared.clock.now();
    let done = tokio::task::spawn_blocking(move || shared.read(|state| read(state, now))).await;
    done.map_err(|error| Refusal::internal(error.to_string()))
}

/// Names and values of a query.
fn pairs(query: Option<&str>) -> Vec<(String, String)> {
    let query = query.unwrap_or_default();
    form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

fn borrowed(pairs: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
}
