use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Json};
use portique_fault::Fault;
use portique_oidc::Callback;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;

use super::assets::SECURE;
use super::session;
use crate::access::{Gate, Providers, Refused, Visit};
use crate::http::Fixed;

/// What somebody sees who is not let in.
const PAGE: &str = include_str!("oidc.html");
const MESSAGE: &str = "{{message}}";
/// Below which the cookie is sent, and nowhere else.
const PATH: &str = "/console/oidc";
/// As long as an attempt is kept.
const COOKIE_AGE_S: u64 = 600;

/// Whom the routes ask.
#[derive(Clone)]
struct Desk {
    gate: Arc<Gate>,
    providers: Arc<Providers>,
}

/// A provider's button.
#[derive(Serialize)]
struct Button<'a> {
    name: &'a str,
    label: &'a str,
}

/// What a browser comes back with.
#[derive(Deserialize)]
struct Back {
    #[serde(default)]
    state: String,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// Where one signs in by a provider of identities.
pub(super) fn router(gate: Arc<Gate>, providers: Providers) -> OpenApiRouter {
    let providers = Arc::new(providers);
    OpenApiRouter::new()
        .route(PATH, get(list))
        .route("/console/oidc/{name}/start", get(start))
        .route("/console/oidc/{name}/callback", get(finish))
        .with_state(Desk { gate, providers })
}

async fn list(State(desk): State<Desk>) -> Response {
    let buttons = desk.providers.labels().map(|(name, label)| Button {
        name: name.as_str(),
        label,
    });
    Json(buttons.collect::<Vec<_>>()).into_response()
}

/// Sends the browser to the provider, with a cookie by which it is known when it comes back. The cookie comes back with
/// a navigation from another site (`Lax`), as it has to, and opens nothing by itself.
async fn start(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
) -> Response {
    match Box::pin(desk.providers.start(&name, &visit.from)).await {
        Ok((id, location)) => {
            let to_provider = Redirect::to(&location).into_response();
            with_cookie(&desk.gate, id.as_str(), COOKIE_AGE_S, unkept(to_provider))
        }
        Err(refused) => page(&refused),
    }
}

async fn finish(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
    Query(back): Query<Back>,
    headers: HeaderMap,
) -> Response {
    let callback = Callback {
        state: back.state,
        code: back.code,
        error: back.error,
        issuer: back.iss,
    };
    let called = cookie_name(&desk.gate);
    let cookie = desk.gate.cookie_called(&called, &headers);
    let finished = desk.providers.finish(&name, cookie, callback, &visit.from);
    let answer = match Box::pin(finished).await {
        Ok(signed_in) => {
            // Always to the same place: nothing of the request says where.
            let home = unkept(Redirect::to("/console/").into_response());
            session::signed_in_with(&desk.gate, &headers, &signed_in, home)
        }
        Err(refused) => page(&refused),
    };
    with_cookie(&desk.gate, "", 0, answer)
}

/// In the hub's own words, which are plain text all the same until they are escaped.
fn page(refused: &Refused) -> Response {
    let status = match refused {
        Refused::Unknown => StatusCode::NOT_FOUND,
        Refused::Secret => StatusCode::INTERNAL_SERVER_ERROR,
        Refused::Access(error) => crate::http::status(error.code()),
        Refused::Provider(error) => match error {
            portique_oidc::Error::Slow { .. } => StatusCode::GATEWAY_TIMEOUT,
            portique_oidc::Error::Busy => StatusCode::TOO_MANY_REQUESTS,
            portique_oidc::Error::Unavailable { .. } | portique_oidc::Error::Description { .. } => {
                StatusCode::BAD_GATEWAY
            }
            portique_oidc::Error::Access(error) => crate::http::status(error.code()),
            _ => StatusCode::FORBIDDEN,
        },
    };
    let body = PAGE.replace(MESSAGE, &escaped(&refused.to_string()));
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    let answer = (status, kind, AppendHeaders(SECURE), body).into_response();
    let mut answer = unkept(answer);
    answer.extensions_mut().insert(Fixed);
    answer
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Kept by nobody on the way, and its address not told to where a link of it leads.
fn unkept(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    answer
}

/// Over TLS it may not be set without it; `__Host-` is for cookies of all paths.
fn cookie_name(gate: &Gate) -> String {
    match gate.cookie().strip_prefix("__Host-") {
        Some(name) => format!("__Secure-{name}_oidc"),
        None => format!("{}_oidc", gate.cookie()),
    }
}

fn with_cookie(gate: &Gate, id: &str, seconds: u64, mut answer: Response) -> Response {
    let name = cookie_name(gate);
    let secure = if gate.is_over_tls() { "; Secure" } else { "" };
    let cookie =
        format!("{name}={id}; Path={PATH}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    let cookie = HeaderValue::try_from(cookie).expect("a name and hexadecimal digits are ASCII");
    // Beside the session's.
    answer.headers_mut().append(header::SET_COOKIE, cookie);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_no_markup() {
        let text = "<script>alert('a' && \"b\")</script>";
        let escaped = escaped(text);
        assert!(!escaped.contains(['<', '>', '"', '\'']), "{escaped}");
        assert!(escaped.starts_with("&lt;script&gt;alert(&#39;a&#39; &amp;&amp; &quot;b"));
    }
}
