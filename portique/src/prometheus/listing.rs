//! What there is: labels, their values, series, and what is said about metrics.

use std::sync::Arc;

use axum::extract::{Path, State};
use portique_series::{Listing, Metadata};
use serde_json::{Map, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{Answer, Refusal};
use super::parameters::Parameters;
use super::result::push_labels;
use super::{QueryApi, Reply};

/// What a label's name begins with when its letters are escaped.
const ESCAPED: &str = "U__";

pub(super) fn router() -> OpenApiRouter<Arc<QueryApi>> {
    OpenApiRouter::new()
        .routes(routes!(labels))
        .routes(routes!(label_values))
        .routes(routes!(series))
        .routes(routes!(metadata))
}

/// A listing of what is asked for, with one entry more, to see whether there is one; and the limit.
fn listing(parameters: &Parameters) -> Result<(Listing, usize), Refusal> {
    let limit = parameters.limit()?;
    let from_ms = parameters.time_ms("start", i64::MIN)?;
    let to_ms = parameters.time_ms("end", i64::MAX)?;
    if to_ms < from_ms {
        let reason = "end timestamp must not be before start time";
        return Err(Refusal::parameter("end", reason));
    }
    let listing = Listing {
        any_of: parameters.selectors()?,
        from_ms,
        to_ms,
        limit: limit.saturating_add(1),
    };
    Ok((listing, limit))
}

fn names(mut names: Vec<String>, limit: usize) -> Answer {
    let truncated = names.len() > limit;
    names.truncate(limit);
    Answer::of(&names).truncated(truncated)
}

/// The names of labels.
#[utoipa::path(method(get, post), path = "/labels", tag = "prometheus",
    params(
        ("match[]" = Option<String>, Query, description = "Of series that a selector accepts"),
        ("start" = Option<String>, Query), ("end" = Option<String>, Query),
        ("limit" = Option<u64>, Query),
    ),
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn labels(State(api): State<Arc<QueryApi>>, parameters: Parameters) -> Reply {
    let (listing, limit) = listing(&parameters)?;
    let found = api.read(move |store| store.label_names(&listing)).await?;
    Ok(names(found, limit))
}

/// The values of a label.
#[utoipa::path(get, path = "/label/{name}/values", tag = "prometheus",
    params(
        ("name" = String, Path, description = "The label; `U__` before escaped letters"),
        ("match[]" = Option<String>, Query, description = "Of series that a selector accepts"),
        ("start" = Option<String>, Query), ("end" = Option<String>, Query),
        ("limit" = Option<u64>, Query),
    ),
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn label_values(
    State(api): State<Arc<QueryApi>>,
    Path(name): Path<String>,
    parameters: Parameters,
) -> Reply {
    let name = unescaped(&name);
    if name.is_empty() {
        return Err(Refusal::bad_data("invalid label name: \"\""));
    }
    let (listing, limit) = listing(&parameters)?;
    let found = api
        .read(move |store| store.label_values(&name, &listing))
        .await?;
    Ok(names(found, limit))
}

/// The series that one of the selectors accepts.
#[utoipa::path(method(get, post), path = "/series", tag = "prometheus",
    params(
        ("match[]" = String, Query, description = "A selector; at least one"),
        ("start" = Option<String>, Query), ("end" = Option<String>, Query),
        ("limit" = Option<u64>, Query),
    ),
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn series(State(api): State<Arc<QueryApi>>, parameters: Parameters) -> Reply {
    let (listing, limit) = listing(&parameters)?;
    if listing.any_of.is_empty() {
        return Err(Refusal::bad_data("no match[] parameter provided"));
    }
    let found = api.read(move |store| store.series(&listing)).await?;
    let mut data = String::from("[");
    for (index, labels) in found.iter().take(limit).enumerate() {
        if index > 0 {
            data.push(',');
        }
        push_labels(&mut data, labels);
    }
    data.push(']');
    Ok(Answer::written(data).truncated(found.len() > limit))
}

/// What metrics are said to be.
#[utoipa::path(get, path = "/metadata", tag = "prometheus",
    params(
        ("metric" = Option<String>, Query, description = "Of this metric only"),
        ("limit" = Option<u64>, Query),
    ),
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn metadata(State(api): State<Arc<QueryApi>>, parameters: Parameters) -> Reply {
    let limit = parameters.limit()?;
    let metric = parameters.text("metric").map(str::to_owned);
    let read = move |store: &portique_series::Store| Ok(store.metadata(metric.as_deref(), limit));
    let found = api.read(read).await?;
    let entry = |data: &Metadata| {
        let kind = data.kind.as_str();
        json!([{ "type": kind, "help": data.help, "unit": data.unit }])
    };
    let entries = found
        .iter()
        .map(|(metric, data)| (metric.clone(), entry(data)));
    Ok(Answer::of(&entries.collect::<Map<_, _>>()))
}

/// A name whose letters may be escaped: `_` written twice, others as `_`, their number in hexadecimal, `_`.
fn unescaped(name: &str) -> String {
    let Some(escaped) = name.strip_prefix(ESCAPED) else {
        return name.to_owned();
    };
    let mut plain = String::new();
    let mut rest = escaped;
    while let Some((before, after)) = rest.split_once('_') {
        plain.push_str(before);
        if let Some(next) = after.strip_prefix('_') {
            plain.push('_');
            rest = next;
            continue;
        }
        let number = after.split_once('_');
        let letter = number.and_then(|(number, next)| {
            let point = u32::from_str_radix(number, 16).ok()?;
            Some((char::from_u32(point)?, next))
        });
        let Some((letter, next)) = letter else {
            // Not escaped after all.
            return name.to_owned();
        };
        plain.push(letter);
        rest = next;
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_names_are_read() {
        for (name, plain) in [
            ("job", "job"),
            ("U__http_2e_status", "http.status"),
            ("U__a__b", "a_b"),
            ("U___e9_", "é"),
            ("U__plain", "plain"),
            ("U__broken_zz_", "U__broken_zz_"),
            ("U__broken_2e", "U__broken_2e"),
        ] {
            assert_eq!(unescaped(name), plain);
        }
    }
}
