//! Queries looked at, not evaluated.

use std::sync::Arc;

use axum::extract::State;
use portique_promql::syntax::{Expr, parse};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{Answer, Refusal};
use super::parameters::Parameters;
use super::{QueryApi, Reply, tree};

pub(super) fn router() -> OpenApiRouter<Arc<QueryApi>> {
    OpenApiRouter::new()
        .routes(routes!(format_query))
        .routes(routes!(parse_query))
}

fn parsed(api: &QueryApi, parameters: &Parameters) -> Result<Expr, Refusal> {
    let syntax = &api.telemetry.engine.config().syntax;
    let expr = parse(parameters.required("query"), syntax);
    expr.map_err(|error| Refusal::parameter("query", error))
}

/// A query, written over several lines where one would be too long.
#[utoipa::path(method(get, post), path = "/format_query", tag = "prometheus",
    params(("query" = String, Query, description = "PromQL")),
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn format_query(
    State(api): State<Arc<QueryApi>>,
    parameters: Parameters,
) -> Reply {
    Ok(Answer::of(&parsed(&api, &parameters)?.pretty()))
}

/// A query's tree.
#[utoipa::path(method(get, post), path = "/parse_query", tag = "prometheus",
    params(("query" = String, Query, description = "PromQL")),
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn parse_query(State(api): State<Arc<QueryApi>>, parameters: Parameters) -> Reply {
    Ok(Answer::of(&tree::of(&parsed(&api, &parameters)?)))
}
