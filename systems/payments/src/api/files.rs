use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::body;
use super::refusal::Refusal;
use crate::Error;
use crate::service::{FileFormat, FileState, FileTaken, Payments};

/// What a file is.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct FormatQuery {
    /// `ndjson`, `csv` or `pain.001`.
    format: String,
    /// For `csv`: how its columns are read, as JSON.
    mapping: Option<String>,
}

impl FormatQuery {
    fn resolve(&self) -> Result<FileFormat, Error> {
        match (self.format.as_str(), &self.mapping) {
            ("csv", mapping) => {
                let mapping = mapping.as_deref().map(serde_json::from_str).transpose();
                let mapping = mapping.map_err(|error| Error::input(format!("mapping: {error}")))?;
                Ok(FileFormat::Csv {
                    mapping: mapping.unwrap_or_default(),
                })
            }
            (_, Some(_)) => Err(Error::input("mapping: only csv has one")),
            ("ndjson", None) => Ok(FileFormat::Ndjson),
            ("pain.001", None) => Ok(FileFormat::Pain001),
            (other, None) => Err(Error::input(format!(
                "format: {other:?} is none: write ndjson, csv or pain.001"
            ))),
        }
    }
}

/// Take a file in; its lines are read by workers.
#[utoipa::path(post, path = "/payments/files", tag = "payments", params(FormatQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = ACCEPTED, body = FileTaken)))]
pub(super) async fn take(
    State(payments): State<Payments>,
    Query(query): Query<FormatQuery>,
    headers: HeaderMap,
    request: Body,
) -> Result<(StatusCode, Json<FileTaken>), Refusal> {
    let format = query.resolve()?;
    let key = body::key(&headers)?;
    let held = body::hold(&payments, &headers, request).await?;
    let bytes = held.bytes.clone();
    let taken = payments.take_file(bytes, format, key.as_deref()).await?;
    Ok((StatusCode::ACCEPTED, Json(taken)))
}

/// What became of a file.
#[utoipa::path(get, path = "/payments/files/{file}", tag = "payments",
    params(("file" = String, Path)), responses((status = OK, body = FileState)))]
pub(super) async fn show(
    State(payments): State<Payments>,
    Path(file): Path<String>,
) -> Result<Json<FileState>, Refusal> {
    Ok(Json(payments.file(&file).await?))
}
