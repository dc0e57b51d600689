use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, Method, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use portique_fault::Code;

use super::{Front, problem};
use crate::console::{self, Role};
use crate::intake::WRITES;
use crate::notify;
use crate::prometheus::{ADMIN, PREFIX, READS, RELOAD};

/// First parts of the paths below `/api/v1` that the service token opens: queues, events and payments.
/// Payloads and accounts are private, so reading them needs a token too.
const SERVICE_AREAS: [&str; 11] = [
    "queues",
    "jobs",
    "dead",
    "schedules",
    "bindings",
    "transactions",
    "events",
    "consumers",
    "compactions",
    "retention",
    "payments",
];
/// Those of them whose own state is no secret; what lies in them is.
const OPEN_STATES: [&str; 3] = ["queues", "consumers", "compactions"];
/// What names addresses and secrets outside of the hub: not even read without the commander.
const COMMANDER_AREAS: [&str; 2] = ["webhooks", "settings"];

/// Shown with the console's cookie by every request that changes something.
pub(crate) const CSRF_HEADER: &str = "x-csrf-token";

/// Which token a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// None.
    Nothing,
    /// The commander's.
    Commander,
    /// The commander's or the services'.
    Service,
}

impl Needs {
    /// Of a request with this method to a route with this path.
    pub(super) fn of(method: &Method, path: &str) -> Self {
        if let Some(below) = path.strip_prefix(PREFIX) {
            return Self::of_prometheus(method, below);
        }
        let is_post_of_alerts = !method.is_safe() && notify::WRITES.contains(&path);
        if WRITES.contains(&path) || is_post_of_alerts {
            return Self::Service;
        }
        let Some(below) = path.strip_prefix("/api/") else {
            return Self::Nothing;
        };
        let mut parts = below.split('/').skip(1);
        let area = parts.next().unwrap_or_default();
        let is_open_state = OPEN_STATES.contains(&area) && parts.count() <= 1;
        if area == console::AREA || method.is_safe() && is_open_state {
            Self::Nothing
        } else if SERVICE_AREAS.contains(&area) {
            Self::Service
        } else if !method.is_safe() || COMMANDER_AREAS.contains(&area) {
            Self::Commander
        } else {
            Self::Nothing
        }
    }

    /// Queries are read by anybody, also where they are asked by POST; samples come from services,
    /// and are deleted by the commander.
    fn of_prometheus(method: &Method, below: &str) -> Self {
        let area = below.strip_prefix("/api/v1/").unwrap_or_default();
        if method.is_safe() || READS.contains(&area) {
            Self::Nothing
        } else if below == RELOAD || area.starts_with(ADMIN) {
            Self::Commander
        } else {
            Self::Service
        }
    }
}

/// Lets pass what needs no token, and what shows one that opens it.
pub(super) async fn require_token<F: Future<Output = Response>>(
    front: &Front,
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let path = route.map_or(request.uri().path(), MatchedPath::as_str);
    let needs = Needs::of(request.method(), path);
    let is_telemetry = path.starts_with(PREFIX) || WRITES.contains(&path);
    let is_open_write = front.open_writes && is_telemetry && needs == Needs::Service;
    if needs == Needs::Nothing || is_open_write {
        return next(request).await;
    }
    let role = match who(front, &request, needs) {
        Ok(role) => role,
        Err((code, message)) => return problem::refuse(code, message),
    };
    match (role, needs) {
        (Role::Commander, _) | (Role::Service, Needs::Service) => next(request).await,
        (Role::Service, _) => problem::refuse(
            Code::PermissionDenied,
            "this is the service token, which opens queues, events and the ways in of telemetry \
             only: show the commander token, which is in the file commander.token of the hub's data \
             folder"
                .into(),
        ),
    }
}

/// Who sent a request: by the token it shows, or else by the console's cookie.
fn who(front: &Front, request: &Request, needs: Needs) -> Result<Role, (Code, String)> {
    let headers = request.headers();
    if headers.contains_key(header::AUTHORIZATION) {
        let shown = shown(headers).ok_or_else(|| missing(needs))?;
        return match (front.token.is(&shown), front.service_token.is(&shown)) {
            (true, _) => Ok(Role::Commander),
            (false, true) => Ok(Role::Service),
            (false, false) => Err((
                Code::Unauthenticated,
                "this token is not the hub's: the commander token is in the file commander.token \
                 of its data folder, that of queues and events in service.token"
                    .into(),
            )),
        };
    }
    let session = front.sessions.of(headers).ok_or_else(|| missing(needs))?;
    let second = headers.get(CSRF_HEADER).and_then(|text| text.to_str().ok());
    if !request.method().is_safe() && !session.is_meant(second) {
        return Err((
            Code::PermissionDenied,
            format!(
                "this came with the console's cookie and not with the session's {CSRF_HEADER}: \
                 changes need that header, as GET /api/v1/session says it"
            ),
        ));
    }
    Ok(session.role)
}

fn missing(needs: Needs) -> (Code, String) {
    let message = match needs {
        Needs::Service => {
            "this needs the service token or the commander token: send the header `Authorization: \
             Bearer TOKEN`, with the content of service.token or commander.token in the hub's data \
             folder"
        }
        _ => {
            "this needs the commander token: send the header `Authorization: Bearer TOKEN`, with \
             the content of commander.token in the hub's data folder"
        }
    };
    (Code::Unauthenticated, message.into())
}

/// The token that a request shows: as a bearer's, or as the password of whatever user, for clients that know
/// nothing else.
fn shown(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    // Influx' clients say Token, and mean the same.
    let schemes = ["bearer", "token"];
    if schemes
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
    {
        return Some(token.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = BASE64.decode(token.trim()).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    decoded
        .split_once(':')
        .map(|(_, password)| password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: &str, path: &str, expected: Needs) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(Needs::of(&method, path), expected, "{method} {path}");
    }

    #[test]
    fn payloads_are_private_and_states_are_not() {
        check("GET", "/api/v1/queues", Needs::Nothing);
        check("GET", "/api/v1/queues/{queue}", Needs::Nothing);
        check("GET", "/api/v1/queues/{queue}/jobs", Needs::Service);
        check("POST", "/api/v1/queues/{queue}/jobs", Needs::Service);
        check("GET", "/api/v1/jobs/{id}", Needs::Service);
        check("GET", "/api/v1/events/stream", Needs::Service);
        check("HEAD", "/api/v1/events", Needs::Service);
        check("GET", "/api/v1/consumers/{name}", Needs::Nothing);
        check("PUT", "/api/v1/consumers/{name}", Needs::Service);
        check("GET", "/api/v1/retention", Needs::Service);
    }

    #[test]
    fn telemetry_is_read_by_anybody_and_written_by_services() {
        check(
            "GET",
            "/prometheus/api/v1/label/{name}/values",
            Needs::Nothing,
        );
        check("POST", "/prometheus/api/v1/query_range", Needs::Nothing);
        check("POST", "/prometheus/api/v1/write", Needs::Service);
        check("POST", "/otlp/v1/metrics", Needs::Service);
        check("POST", "/write", Needs::Service);
        check("POST", "/api/v2/write", Needs::Service);
        check("GET", "/api/v1/telemetry/intake", Needs::Nothing);
        check(
            "POST",
            "/prometheus/api/v1/admin/tsdb/delete_series",
            Needs::Commander,
        );
        check("POST", "/api/v1/telemetry/delete", Needs::Commander);
        check("GET", "/prometheus/-/ready", Needs::Nothing);
    }

    #[test]
    fn alerts_are_told_of_by_services_and_silenced_by_the_commander() {
        check("GET", "/api/v2/alerts", Needs::Nothing);
        check("POST", "/api/v2/alerts", Needs::Service);
        check("GET", "/api/v2/silences", Needs::Nothing);
        check("POST", "/api/v2/silences", Needs::Commander);
        check("DELETE", "/api/v2/silence/{id}", Needs::Commander);
        check("GET", "/api/v1/notifications/routes", Needs::Nothing);
    }

    #[test]
    fn a_token_is_shown_as_a_bearers_or_as_a_password() {
        let shows = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            shown(&headers)
        };
        assert_eq!(shows("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(shows("token abc").as_deref(), Some("abc"));
        assert_eq!(shows("Basic cG9ydGlxdWU6YWJj").as_deref(), Some("abc"));
        assert_eq!(shows("Basic abc"), None);
        assert_eq!(shows("Digest abc"), None);
    }

    #[test]
    fn everything_else_is_read_by_anybody_and_changed_by_the_commander() {
        check("GET", "/healthz", Needs::Nothing);
        check("POST", "/healthz", Needs::Nothing);
        check("GET", "/api/v1/launch/rockets", Needs::Nothing);
        check("POST", "/api/v1/launch/rockets", Needs::Commander);
        check("GET", "/api/v1/webhooks/{name}", Needs::Commander);
        check("PUT", "/api/v1/webhooks/{name}", Needs::Commander);
    }
}
