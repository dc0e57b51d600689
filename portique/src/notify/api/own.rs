use axum::Json;
use axum::extract::{Path, RawQuery, State};
use portique_monitor::Fingerprint;
use portique_series::Labels;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{Refusal, Reply};
use super::{pairs, read};
use crate::notify::explain::{AlertRoutes, RouteView, routes_of};
use crate::notify::handle::Notifier;

pub(super) fn router() -> OpenApiRouter<Notifier> {
    OpenApiRouter::new()
        .routes(routes!(route))
        .routes(routes!(explain))
}

/// Which receivers are told of an alert with these labels, each a parameter `label=NAME=VALUE`.
#[utoipa::path(get, path = "/api/v1/notifications/routes", tag = "alerts",
    responses((status = OK, body = Vec<RouteView>)))]
pub(crate) async fn route(
    State(notifier): State<Notifier>,
    RawQuery(query): RawQuery,
) -> Reply<Json<Vec<RouteView>>> {
    let mut labels = Vec::new();
    for (name, value) in pairs(query.as_deref()) {
        if name != "label" {
            return Err(Refusal::bad(format!(
                "{name} is unknown: write label=NAME=VALUE"
            )));
        }
        let pair = value.split_once('=').filter(|(name, _)| !name.is_empty());
        let (name, value) =
            pair.ok_or_else(|| Refusal::bad(format!("label {value:?} is no NAME=VALUE")))?;
        labels.push((name.to_owned(), value.to_owned()));
    }
    let labels = Labels::from_pairs(labels);
    let found = read(&notifier, move |state, _| {
        routes_of(state.config(), &labels)
    });
    found.await.map(Json)
}

/// Who was told of an alert, and who will be, why, or why not. The alert is named by its fingerprint.
#[utoipa::path(get, path = "/api/v1/notifications/alerts/{fingerprint}", tag = "alerts",
    params(("fingerprint" = String, Path)), responses((status = OK, body = AlertRoutes)))]
pub(crate) async fn explain(
    State(notifier): State<Notifier>,
    Path(fingerprint): Path<String>,
) -> Reply<Json<AlertRoutes>> {
    let parsed = Fingerprint::parse(&fingerprint);
    let parsed = parsed.ok_or_else(|| {
        Refusal::bad(format!(
            "{fingerprint:?} is no fingerprint: it has 16 hexadecimal digits"
        ))
    })?;
    let found = notifier.explain(parsed);
    let unknown = || Refusal::not_found(format!("the notifier holds no alert {fingerprint}"));
    found.ok_or_else(unknown).map(Json)
}
