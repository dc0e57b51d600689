use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::body;
use super::refusal::Refusal;
use crate::Error;
use crate::lines::{RawTransaction, Read, read_json_lines, read_json_values};
use crate::service::{Accepted, FoundTransaction, Payments, Search, SearchPage};

/// Pages of an export that wait for a slow reader.
const EXPORT_PAGES_WAITING: usize = 2;
/// Transactions of a page of an export.
const EXPORT_PAGE: usize = 1_000;

/// Ask for transactions: one JSON object, an array of them, or lines.
#[utoipa::path(post, path = "/payments/transactions", tag = "payments",
    request_body = Vec<RawTransaction>, responses((status = ACCEPTED, body = Accepted)))]
pub(super) async fn accept(
    State(payments): State<Payments>,
    headers: HeaderMap,
    request: Body,
) -> Result<(StatusCode, Json<Accepted>), Refusal> {
    let key = body::key(&headers)?;
    let held = body::hold(&payments, &headers, request).await?;
    let is_lines = body::is_lines(&headers);
    let bytes = held.bytes.clone();
    let read = tokio::task::spawn_blocking(move || read(&bytes, is_lines)).await;
    let read = read.map_err(|error| Error::damaged("the body", error))??;
    let accepted = payments.accept(read, key.as_deref()).await?;
    Ok((StatusCode::ACCEPTED, Json(accepted)))
}

fn read(bytes: &[u8], is_lines: bool) -> Result<Read, Error> {
    if is_lines {
        return Ok(read_json_lines(bytes));
    }
    let value = serde_json::from_slice::<Value>(bytes);
    let value = value.map_err(|error| {
        Error::input(format!(
            "this is no JSON: {error}; for a line each, send the content-type application/x-ndjson"
        ))
    })?;
    match value {
        Value::Array(values) => Ok(read_json_values(values)),
        value => {
            let read = read_json_values(vec![value]);
            match read.refused.first() {
                Some(refused) => Err(Error::input(refused.reason.clone())),
                None => Ok(read),
            }
        }
    }
}

/// Search the journal, newest first.
#[utoipa::path(get, path = "/payments/transactions", tag = "payments", params(Search),
    responses((status = OK, body = SearchPage)))]
pub(super) async fn search(
    State(payments): State<Payments>,
    Query(search): Query<Search>,
) -> Result<Response, Refusal> {
    match search.format.as_deref() {
        None | Some("json") => Ok(Json(payments.search(&search).await?).into_response()),
        Some("ndjson") => export(payments, search).await,
        Some(other) => {
            let problem = format!("format: {other:?} is none: write json or ndjson");
            Err(Error::input(problem).into())
        }
    }
}

/// All pages, one after the other, for as long as somebody reads them.
async fn export(payments: Payments, mut search: Search) -> Result<Response, Refusal> {
    search.limit = Some(EXPORT_PAGE);
    // What is wrong with the question is said before the answer begins.
    let first = payments.search(&search).await?;
    let (pages, received) = tokio::sync::mpsc::channel(EXPORT_PAGES_WAITING);
    let mut page = first;
    let writing = async move {
        loop {
            if pages
                .send(Ok::<_, Error>(written(&page.transactions)))
                .await
                .is_err()
            {
                return;
            }
            let Some(next) = page.next else { return };
            search.after = Some(next);
            match payments.search(&search).await {
                Ok(next) => page = next,
                Err(error) => {
                    // The answer breaks off, so that nobody takes it for whole.
                    let _ = pages.send(Err(error)).await;
                    return;
                }
            }
        }
    };
    let stream = futures_util::stream::unfold(
        (Box::pin(writing), received, false),
        |(mut writing, mut received, mut is_over)| async move {
            loop {
                tokio::select! {
                    biased;
                    page = received.recv() => {
                        return page.map(|page| (page, (writing, received, is_over)));
                    }
                    () = &mut writing, if !is_over => is_over = true,
                }
            }
        },
    );
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((kind, Body::from_stream(stream)).into_response())
}

fn written(transactions: &[FoundTransaction]) -> Bytes {
    let mut lines = Vec::new();
    for transaction in transactions {
        serde_json::to_writer(&mut lines, transaction).expect("texts and numbers are JSON");
        lines.push(b'\n');
    }
    lines.into()
}

/// What became of a transaction, and of those that refer to it; oldest first.
#[utoipa::path(get, path = "/payments/transactions/{id}", tag = "payments",
    params(("id" = String, Path)), responses((status = OK, body = Vec<FoundTransaction>)))]
pub(super) async fn show(
    State(payments): State<Payments>,
    Path(id): Path<String>,
) -> Result<Json<Vec<FoundTransaction>>, Refusal> {
    Ok(Json(payments.transaction(&id).await?))
}
