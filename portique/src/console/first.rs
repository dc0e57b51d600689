use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::get;
use portique_fault::Report;
use utoipa_axum::router::OpenApiRouter;

use super::assets::{SECURE, console};
use super::session;
use crate::access::{Gate, Visit};

/// A form that needs no script, for binaries without the console, which has a better one. The code is typed in, so
/// that no address holds it.
const PAGE: &str = include_str!("first.html");

/// Where the first user is made by hand.
pub(super) fn router(gate: Arc<Gate>) -> OpenApiRouter {
    OpenApiRouter::new()
        .route("/console/first", get(page).post(create))
        .with_state(gate)
}

async fn page(headers: HeaderMap) -> Response {
    if let Some(console) = console(&headers) {
        return console;
    }
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, AppendHeaders(SECURE), PAGE).into_response()
}

async fn create(
    State(gate): State<Arc<Gate>>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let field = |name: &str| {
        let mut fields = form_urlencoded::parse(body.as_bytes());
        let found = fields.find(|(field, _)| field == name);
        found
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    let (code, name) = (field("code"), field("name"));
    let made = session::make_first(&gate, &visit, [&code, &name], field("password")).await;
    match made {
        Ok(signed_in) => {
            let home = Redirect::to("/console/").into_response();
            session::signed_in_with(&gate, &headers, &signed_in, home)
        }
        Err(error) => {
            let report = Report::from(&error);
            session::refuse(report.code, report.message, report.retry)
        }
    }
}
