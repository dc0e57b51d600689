use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use portique_fault::{Code, Report, Retry};
use serde::{Deserialize, Serialize};

/// On an answer whose form others have fixed: its errors stay as they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fixed;

const CONTENT_TYPE: &str = "application/problem+json";
/// Longest text of a library's refusal that is passed on.
const DETAIL_BYTES_MAX: usize = 4096;

/// An error as every route answers it (RFC 9457).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProblemDetails {
    /// `urn:portique:problem:` and the code: the same code is the same kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this request, and what would be right.
    pub detail: String,
    /// What a program can act on, such as `failed_precondition`.
    pub code: String,
    /// Seconds after which the same request may succeed; absent when it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
}

impl ProblemDetails {
    fn new(status: StatusCode, code: Code, detail: String) -> Self {
        let (code, title) = words(code);
        Self {
            kind: format!("urn:portique:problem:{code}"),
            title: title.into(),
            status: status.as_u16(),
            detail,
            code: code.into(),
            retry_after_s: None,
        }
    }

    /// A status that says more than the code is kept.
    fn from_report(report: &Report, given: StatusCode) -> Self {
        let is_said = given.is_client_error();
        let status = if is_said { given } else { status(report.code) };
        let mut problem = Self::new(status, report.code, report.message.clone());
        if let Retry::After(wait) = report.retry {
            problem.retry_after_s = Some(wait.as_secs_f64().ceil() as u64);
        }
        problem
    }
}

/// The one place where a fault's code becomes an HTTP status.
pub(crate) fn status(code: Code) -> StatusCode {
    match code {
        Code::InvalidArgument => StatusCode::BAD_REQUEST,
        Code::NotFound => StatusCode::NOT_FOUND,
        // Both are "not in the state this is in"; the code in the body tells them apart.
        Code::Conflict | Code::FailedPrecondition => StatusCode::CONFLICT,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DataLoss | Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn words(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::InvalidArgument => ("invalid_argument", "the request is malformed"),
        Code::NotFound => ("not_found", "there is no such thing"),
        Code::Conflict => ("conflict", "it exists already or is held by another"),
        Code::FailedPrecondition => ("failed_precondition", "the state does not allow it now"),
        Code::Unauthenticated => ("unauthenticated", "a valid token is needed"),
        Code::PermissionDenied => ("permission_denied", "this token does not allow it"),
        Code::ResourceExhausted => ("resource_exhausted", "a limit is reached"),
        Code::DeadlineExceeded => ("deadline_exceeded", "it took too long"),
        Code::Unavailable => ("unavailable", "something needed is not there at the moment"),
        Code::DataLoss => ("data_loss", "stored data is damaged"),
        Code::Internal => ("internal", "a fault in the hub"),
    }
}

/// A response that [`render`] turns into problem details.
pub(super) fn refuse(code: Code, message: String) -> Response {
    refuse_with(Report {
        code,
        message,
        retry: Retry::No,
    })
}

/// The same, with what is to be said of coming again.
pub(super) fn refuse_with(report: Report) -> Response {
    let mut response = status(report.code).into_response();
    response.extensions_mut().insert(report);
    response
}

/// What a path that leads nowhere answers.
pub(super) async fn no_such_route(method: Method, uri: Uri) -> Response {
    refuse(
        Code::NotFound,
        format!(
            "no such route: {method} {}; /api/v1/openapi.json lists them all",
            uri.path()
        ),
    )
}

/// Gives every error response a problem-details body, whoever made it.
pub(super) async fn render<F: Future<Output = Response>>(
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let asked = Asked::new(&request);
    let response = next(request).await;
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    let is_fixed = response.extensions().get::<Fixed>().is_some();
    if !is_error || is_fixed || is_rendered(response.headers()) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let problem = match parts.extensions.remove::<Report>() {
        Some(report) => ProblemDetails::from_report(&report, parts.status),
        None => foreign(parts.status, &asked, body).await,
    };
    if problem.status >= 500 {
        let (method, path) = (asked.method, asked.uri.path());
        tracing::error!(%method, path, code = problem.code, detail = problem.detail, "request failed");
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    respond(problem, parts.headers)
}

/// What a problem may have to name of the request it is about.
struct Asked {
    method: Method,
    uri: Uri,
    /// What the request said that its body has.
    body_bytes: Option<HeaderValue>,
}

impl Asked {
    fn new(request: &Request) -> Self {
        let length = request.headers().get(header::CONTENT_LENGTH);
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            body_bytes: length.cloned(),
        }
    }
}

fn is_rendered(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value == CONTENT_TYPE)
}

fn respond(problem: ProblemDetails, mut headers: HeaderMap) -> Response {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    if let Some(seconds) = problem.retry_after_s {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if problem.status == StatusCode::UNAUTHORIZED.as_u16() {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    let status = StatusCode::from_u16(problem.status).expect("a problem's status came from one");
    (status, headers, Json(problem)).into_response()
}

/// The problem behind an error that the HTTP library answered by itself.
async fn foreign(status: StatusCode, asked: &Asked, body: Body) -> ProblemDetails {
    let Asked {
        method,
        uri,
        body_bytes,
    } = asked;
    let said = to_bytes(body, DETAIL_BYTES_MAX).await.unwrap_or_default();
    let said = String::from_utf8_lossy(&said).into_owned();
    let (code, detail) = match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            let path = uri.path();
            let detail =
                format!("{path} does not take {method}: the header `allow` says what it takes");
            (Code::InvalidArgument, detail)
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            let limit = super::BODY_BYTES_MAX;
            let body_bytes = body_bytes.as_ref().and_then(|bytes| bytes.to_str().ok());
            let detail = match body_bytes {
                Some(bytes) => format!("the body has {bytes} bytes: at most {limit} are taken"),
                None => format!("the body is larger than {limit} bytes"),
            };
            (Code::ResourceExhausted, detail)
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            let detail = "send JSON, with the header content-type: application/json".to_owned();
            (Code::InvalidArgument, detail)
        }
        StatusCode::NOT_FOUND => (Code::NotFound, said),
        status if status.is_client_error() => (Code::InvalidArgument, said),
        _ => (Code::Internal, said),
    };
    let detail = if detail.is_empty() {
        words(code).1.to_owned()
    } else {
        detail
    };
    ProblemDetails::new(status, code, detail)
}
