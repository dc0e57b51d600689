//! Exemplars of the series that a query reads.

use std::sync::Arc;

use axum::extract::State;
use portique_promql::syntax::{Expr, parse};
use portique_series::{Exemplar, Labels, Listing, Matcher};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{Answer, Refusal};
use super::number::push_time;
use super::parameters::Parameters;
use super::result::{push_labels, push_quoted};
use super::{QueryApi, Reply};

/// Series of one answer: more are no help to whoever looks for one request.
const SERIES_MAX: usize = 10_000;

pub(super) fn router() -> OpenApiRouter<Arc<QueryApi>> {
    OpenApiRouter::new().routes(routes!(query_exemplars))
}

/// Exemplars of the series that a query reads.
#[utoipa::path(method(get, post), path = "/query_exemplars", tag = "prometheus",
    params(
        ("query" = String, Query, description = "PromQL"),
        ("start" = Option<String>, Query), ("end" = Option<String>, Query),
    ),
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn query_exemplars(
    State(api): State<Arc<QueryApi>>,
    parameters: Parameters,
) -> Reply {
    let from_ms = parameters.time_ms("start", i64::MIN)?;
    let to_ms = parameters.time_ms("end", i64::MAX)?;
    if to_ms < from_ms {
        return Err(Refusal::bad_data(
            "end timestamp must not be before start timestamp",
        ));
    }
    let syntax = &api.telemetry.engine.config().syntax;
    let expr = parse(parameters.required("query"), syntax);
    let expr = expr.map_err(|error| Refusal::bad_data(error.to_string()))?;
    let mut any_of = Vec::new();
    collect(&expr, &mut any_of);
    if any_of.is_empty() {
        return Ok(Answer::written("[]".to_owned()));
    }
    let listing = Listing {
        any_of,
        from_ms,
        to_ms,
        limit: SERIES_MAX,
    };
    let found = api.read(move |store| Ok(store.exemplars(&listing))).await?;
    Ok(Answer::written(written(&found)))
}

/// The matchers of every selector in an expression.
fn collect(expr: &Expr, into: &mut Vec<Vec<Matcher>>) {
    match expr {
        Expr::Vector(selector) => into.push(selector.matchers.clone()),
        Expr::Matrix(matrix) => into.push(matrix.selector.matchers.clone()),
        _ => {}
    }
    for child in expr.children() {
        collect(child, into);
    }
}

fn written(found: &[(Labels, Vec<Exemplar>)]) -> String {
    let mut data = String::from("[");
    for (index, (labels, exemplars)) in found.iter().enumerate() {
        if index > 0 {
            data.push(',');
        }
        data.push_str("{\"seriesLabels\":");
        push_labels(&mut data, labels);
        data.push_str(",\"exemplars\":[");
        for (index, exemplar) in exemplars.iter().enumerate() {
            if index > 0 {
                data.push(',');
            }
            push_exemplar(&mut data, exemplar);
        }
        data.push_str("]}");
    }
    data.push(']');
    data
}

fn push_exemplar(data: &mut String, exemplar: &Exemplar) {
    data.push_str("{\"labels\":");
    push_labels(data, &exemplar.labels);
    data.push_str(",\"value\":");
    push_quoted(data, exemplar.value);
    data.push_str(",\"timestamp\":");
    push_time(data, exemplar.timestamp_ms);
    data.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exemplars_are_listed_below_their_series() {
        let exemplar = Exemplar {
            labels: Labels::from_pairs([("trace_id", "1a")]),
            value: 0.5,
            timestamp_ms: 1_600_096_945_479,
        };
        let found = [(Labels::from_pairs([("job", "a")]), vec![exemplar])];
        let expected = r#"[{"seriesLabels":{"job":"a"},"exemplars":[{"labels":{"trace_id":"1a"},"value":"0.5","timestamp":1600096945.479}]}]"#;
        assert_eq!(written(&found), expected);
    }

    #[test]
    fn every_selector_of_a_query_counts() {
        let expr = parse(
            "sum(rate(a[5m])) / on () group_left () (b or vector(1))",
            &Default::default(),
        );
        let mut found = Vec::new();
        collect(&expr.unwrap(), &mut found);
        assert_eq!(found.len(), 2);
    }
}
