use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use portique_fault::{Code, Report, Retry};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Entrance;
use super::sessions::{Role, SESSION_AGE_MAX, Session};
use crate::http::CSRF_HEADER;

/// First part below `/api/v1` of these routes, which ask for no token: they are how one shows it.
pub(crate) const AREA: &str = "session";

pub(super) fn router(entrance: Arc<Entrance>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(show, sign_in, sign_out))
        .with_state(entrance)
}

/// A token to sign in with.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInRequest {
    /// The commander's token, or the services'.
    token: String,
}

/// Who is signed in to the console with this browser.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct SessionView {
    /// What may be done.
    role: RoleName,
    /// To be sent as `x-csrf-token` with every change; absent when nobody is signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf: Option<String>,
    /// Seconds until one has to sign in again; absent when nobody is signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_s: Option<u64>,
}

/// What may be done.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RoleName {
    /// Nobody is signed in: what is open may be read.
    None,
    /// Everything.
    Commander,
    /// Queues, events and the ways in of telemetry.
    Service,
}

impl SessionView {
    fn of(entrance: &Entrance, session: Option<&Session>) -> Self {
        let role = match session.map(|session| session.role) {
            None => RoleName::None,
            Some(Role::Commander) => RoleName::Commander,
            Some(Role::Service) => RoleName::Service,
        };
        Self {
            role,
            csrf: session.map(|session| session.csrf().to_owned()),
            left_s: session.map(|session| entrance.sessions.left(session).as_secs()),
        }
    }
}

/// Who is signed in to the console with this browser.
#[utoipa::path(get, path = "/api/v1/session", tag = "console",
    responses((status = OK, body = SessionView)))]
pub(crate) async fn show(State(entrance): State<Arc<Entrance>>, headers: HeaderMap) -> Response {
    let session = entrance.sessions.of(&headers);
    unkept(Json(SessionView::of(&entrance, session.as_ref())))
}

/// Sign in to the console: a token for a cookie, which opens what the token opens for twelve hours or
/// until one signs out. Ten wrong tokens within a minute shut this for the rest of it.
#[utoipa::path(post, path = "/api/v1/session", tag = "console", request_body = SignInRequest,
    responses((status = OK, body = SessionView)))]
pub(crate) async fn sign_in(
    State(entrance): State<Arc<Entrance>>,
    headers: HeaderMap,
    Json(request): Json<SignInRequest>,
) -> Response {
    let sessions = &entrance.sessions;
    if let Some(wait) = sessions.shut_for() {
        let message = "too many wrong tokens: nobody signs in for a while".into();
        return refuse(Code::ResourceExhausted, message, Retry::After(wait));
    }
    let token = request.token.trim();
    // Both are compared always, so that the time says nothing of either.
    let shown = (entrance.token.is(token), entrance.service_token.is(token));
    let role = match shown {
        (true, _) => Role::Commander,
        (false, true) => Role::Service,
        (false, false) => {
            sessions.failed();
            let message = "this token is not the hub's: the commander token is in the file \
                           commander.token of its data folder, that of queues and events in \
                           service.token";
            return refuse(Code::Unauthenticated, message.into(), Retry::No);
        }
    };
    // A browser that signs in again leaves no session behind, and never keeps an id it came with.
    sessions.close(&headers);
    let Ok(opened) = sessions.open(role) else {
        let message = "the machine gives no random numbers, so no session can be made".into();
        return refuse(Code::Internal, message, Retry::No);
    };
    let view = SessionView::of(&entrance, Some(&opened.session));
    let seconds = SESSION_AGE_MAX.as_secs();
    with_cookie(&entrance, &opened.id, seconds, unkept(Json(view)))
}

/// Sign out: the cookie opens nothing any more.
#[utoipa::path(delete, path = "/api/v1/session", tag = "console",
    responses((status = OK, body = SessionView)))]
pub(crate) async fn sign_out(
    State(entrance): State<Arc<Entrance>>,
    headers: HeaderMap,
) -> Response {
    let sessions = &entrance.sessions;
    let shown = headers.get(CSRF_HEADER).and_then(|text| text.to_str().ok());
    if let Some(session) = sessions.of(&headers)
        && !session.is_meant(shown)
    {
        let message = format!("signing out needs the header {CSRF_HEADER}, as every change does");
        return refuse(Code::PermissionDenied, message, Retry::No);
    }
    sessions.close(&headers);
    let view = SessionView::of(&entrance, None);
    with_cookie(&entrance, "", 0, unkept(Json(view)))
}

/// An answer that holds a secret, or a person's state, and is kept by nobody on the way.
fn unkept(answer: impl IntoResponse) -> Response {
    (AppendHeaders([(header::CACHE_CONTROL, "no-store")]), answer).into_response()
}

/// Not readable by scripts and not sent along from other sites. It goes over plain HTTP, as the hub
/// does; `Secure` comes with TLS.
fn with_cookie(entrance: &Entrance, id: &str, seconds: u64, mut answer: Response) -> Response {
    let name = entrance.sessions.cookie();
    let cookie = format!("{name}={id}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict");
    let cookie = HeaderValue::try_from(cookie).expect("a name and hexadecimal digits are ASCII");
    answer.headers_mut().insert(header::SET_COOKIE, cookie);
    answer
}

fn refuse(code: Code, message: String, retry: Retry) -> Response {
    // The front door renders the report, and decides the status by its code.
    let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
    let report = Report {
        code,
        message,
        retry,
    };
    response.extensions_mut().insert(report);
    response
}
