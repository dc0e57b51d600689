use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::{Extension, Json};
use portique_access::{ADMIN, Caller, Error, Holder, Session, SignedIn};
use portique_fault::{Code, Report, Retry};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{CSRF_HEADER, Gate, Visit, is_meant};

pub(super) fn router(gate: Arc<Gate>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(show, sign_in, sign_out))
        .routes(routes!(change_password))
        .routes(routes!(create_first))
        .with_state(gate)
}

/// What to sign in with: a name and password, or a token.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInRequest {
    /// The commander's token, or the services'.
    token: Option<String>,
    /// A user's name.
    name: Option<String>,
    /// Their password.
    password: Option<String>,
}

/// Another password for oneself.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordRequest {
    /// The one there is.
    old: String,
    /// The one from now on: 12 characters at least.
    new: String,
}

/// The first user of a hub that has none.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FirstRequest {
    /// The code that the hub said when it was started, or that an administrator's token asked for.
    code: String,
    /// Their name: 1 to 64 of `a-z 0-9 . _ -`.
    name: String,
    /// Their password: 12 characters at least.
    password: String,
}

/// Who is signed in to the console with this browser.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct SessionView {
    /// What may be done, in a word; `permissions` says it exactly.
    role: RoleName,
    /// The user's name; absent for whoever showed a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// What may be done; absent when nobody is signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<Vec<String>>,
    /// The password has to be changed before anything else can be done; absent when not.
    #[serde(skip_serializing_if = "Option::is_none")]
    must_change: Option<bool>,
    /// To be sent as `x-csrf-token` with every change; absent when nobody is signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf: Option<String>,
    /// Seconds until one has to sign in again; absent when nobody is signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_s: Option<u64>,
}

/// What may be done, in a word.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RoleName {
    /// Nobody is signed in: what is open may be read.
    None,
    /// Everything.
    Commander,
    /// Less than everything.
    Service,
}

impl SessionView {
    fn nobody() -> Self {
        Self {
            role: RoleName::None,
            name: None,
            permissions: None,
            must_change: None,
            csrf: None,
            left_s: None,
        }
    }

    fn of(gate: &Gate, session: &Session, caller: &Caller) -> Self {
        // What is open to everybody is open to them.
        let held = caller.permissions.union(gate.open());
        let held = held.map(ToString::to_string);
        Self {
            role: match caller.holds(ADMIN) {
                true => RoleName::Commander,
                false => RoleName::Service,
            },
            name: match &session.holder {
                Holder::User(name) => Some(name.to_string()),
                Holder::BuiltIn(_) => None,
            },
            permissions: Some(held.collect()),
            must_change: caller.must_change.then_some(true),
            csrf: Some(session.csrf().as_str().to_owned()),
            left_s: Some(gate.access().left(session).as_secs()),
        }
    }
}

/// Who is signed in to the console with this browser.
#[utoipa::path(get, path = "/api/v1/session", tag = "console",
    responses((status = OK, body = SessionView)))]
pub(crate) async fn show(State(gate): State<Arc<Gate>>, headers: HeaderMap) -> Response {
    let view = match gate.session(&headers) {
        Some((_, session, caller)) => SessionView::of(&gate, &session, &caller),
        None => SessionView::nobody(),
    };
    unkept(Json(view))
}

/// Sign in to the console: a name and password, or a token of the data folder, for a cookie, which opens what they
/// open for twelve hours, four without a request, or until one signs out. Ten wrong ones within a minute shut this for
/// the rest of it.
#[utoipa::path(post, path = "/api/v1/session", tag = "console", request_body = SignInRequest,
    responses((status = OK, body = SessionView)))]
pub(crate) async fn sign_in(
    State(gate): State<Arc<Gate>>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    Json(request): Json<SignInRequest>,
) -> Response {
    let access = gate.access();
    let signed_in = match request {
        SignInRequest {
            token: Some(token),
            name: None,
            password: None,
        } => access.sign_in_by_token(token.trim(), &visit.from).await,
        SignInRequest {
            token: None,
            name: Some(name),
            password: Some(password),
        } => access.sign_in(&name, password, &visit.from).await,
        _ => {
            let message = "give a token, or a name and a password".into();
            return refuse(Code::InvalidArgument, message, Retry::No);
        }
    };
    begun(&gate, &headers, signed_in)
}

/// Choose another password; all sessions of the user end but the one that this begins.
#[utoipa::path(put, path = "/api/v1/session/password", tag = "console", request_body = PasswordRequest,
    responses((status = OK, body = SessionView)))]
pub(crate) async fn change_password(
    State(gate): State<Arc<Gate>>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    Json(request): Json<PasswordRequest>,
) -> Response {
    let Some((_, session, caller)) = gate.session(&headers) else {
        let message = "sign in by name and password first".into();
        return refuse(Code::Unauthenticated, message, Retry::No);
    };
    if let Some(refused) = unmeant(&session, &headers) {
        return refused;
    }
    let Holder::User(name) = &session.holder else {
        let message = "this session was begun with a token, which has no password".into();
        return refuse(Code::FailedPrecondition, message, Retry::No);
    };
    let passwords = [request.old, request.new];
    let access = gate.access();
    let changed = access.change_own_password(&caller, name, passwords, &visit.from);
    begun(&gate, &headers, changed.await)
}

/// Make the first user, an administrator, and sign them in: once, with the code that the hub said.
#[utoipa::path(post, path = "/api/v1/access/first", tag = "access", request_body = FirstRequest,
    responses((status = OK, body = SessionView)))]
pub(crate) async fn create_first(
    State(gate): State<Arc<Gate>>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    Json(request): Json<FirstRequest>,
) -> Response {
    let FirstRequest {
        code,
        name,
        password,
    } = request;
    let made = make_first(&gate, &visit, [&code, &name], password).await;
    begun(&gate, &headers, made)
}

/// Sign out: the cookie opens nothing any more.
#[utoipa::path(delete, path = "/api/v1/session", tag = "console",
    responses((status = OK, body = SessionView)))]
pub(crate) async fn sign_out(State(gate): State<Arc<Gate>>, headers: HeaderMap) -> Response {
    if let Some((id, session, _)) = gate.session(&headers) {
        if let Some(refused) = unmeant(&session, &headers) {
            return refused;
        }
        gate.access().sign_out(id);
    }
    with_cookie(&gate, "", 0, unkept(Json(SessionView::nobody())))
}

/// Makes the first user.
///
/// # Errors
/// Those of the access control.
pub(super) async fn make_first(
    gate: &Gate,
    visit: &Visit,
    [code, name]: [&str; 2],
    password: String,
) -> Result<SignedIn, Error> {
    let name = name.parse()?;
    let access = gate.access();
    access
        .create_first(code.trim(), name, password, &visit.from)
        .await
}

/// A browser that signs in again leaves no session behind, and never keeps an id it came with.
fn begun(gate: &Gate, headers: &HeaderMap, signed_in: Result<SignedIn, Error>) -> Response {
    match signed_in {
        Ok(signed_in) => {
            let view = SessionView::of(gate, &signed_in.session, &signed_in.caller);
            signed_in_with(gate, headers, &signed_in, unkept(Json(view)))
        }
        Err(error) => {
            let report = Report::from(&error);
            refuse(report.code, report.message, report.retry)
        }
    }
}

/// This answer, with the new session's cookie.
pub(super) fn signed_in_with(
    gate: &Gate,
    headers: &HeaderMap,
    signed_in: &SignedIn,
    answer: Response,
) -> Response {
    if let Some((id, ..)) = gate.session(headers) {
        gate.access().sign_out(id);
    }
    let seconds = gate.access().left(&signed_in.session).as_secs_f64().ceil() as u64;
    with_cookie(gate, signed_in.id.as_str(), seconds, answer)
}

/// What is said to a change that shows a cookie and not the session's second secret.
fn unmeant(session: &Session, headers: &HeaderMap) -> Option<Response> {
    let message = format!("this needs the header {CSRF_HEADER}, as every change does");
    let refused = || refuse(Code::PermissionDenied, message, Retry::No);
    (!is_meant(session, headers)).then(refused)
}

/// An answer that holds a secret, or a person's state, and is kept by nobody on the way.
fn unkept(answer: impl IntoResponse) -> Response {
    (AppendHeaders([(header::CACHE_CONTROL, "no-store")]), answer).into_response()
}

/// Not readable by scripts and not sent along from other sites; over TLS only where the hub speaks it.
fn with_cookie(gate: &Gate, id: &str, seconds: u64, mut answer: Response) -> Response {
    let name = gate.cookie();
    let secure = if gate.is_over_tls() { "; Secure" } else { "" };
    let cookie =
        format!("{name}={id}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    let cookie = HeaderValue::try_from(cookie).expect("a name and hexadecimal digits are ASCII");
    answer.headers_mut().insert(header::SET_COOKIE, cookie);
    answer
}

pub(super) fn refuse(code: Code, message: String, retry: Retry) -> Response {
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
