use std::sync::Arc;

use axum::extract::State;
use axum::http::{Method, header};
use axum::response::IntoResponse;
use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Content, PathItem, Ref, RefOr, Response};

use super::{BODY_BYTES_MAX, Front, ProblemDetails};
use crate::access::{Needs, is_open_read, service_holds};
use crate::api::BATCH_BYTES_MAX;

/// The tokens' names in the document.
const COMMANDER: &str = "commander_token";
const SERVICE: &str = "service_token";
/// Where errors are as Prometheus and Alertmanager have them: an envelope, or a text.
const FIXED: [&str; 3] = ["/prometheus/", "/api/v2/", "/api/v1/notifications/"];

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Portique",
        description = "The control room's API. Changes need a bearer token: the commander's, the \
                       services' for queues and events, whose payloads need one to be read too, or a \
                       user's with the permission. Other reads are open to whoever reaches the hub, unless \
                       that is configured otherwise. The web console shows a cookie instead. Every error is an RFC 9457 \
                       problem with a `code` to act on."
    ),
    components(schemas(ProblemDetails)),
    tags(
        (name = "hub", description = "The hub itself: health, metrics, version"),
        (name = "console", description = "Who is signed in to the web console"),
        (name = "access", description = "People, roles, tokens, and what was changed and refused"),
        (name = "jobs", description = "Queues: work that is added, claimed, done and accounted for"),
        (name = "events", description = "Events as CloudEvents: published, read, followed, pushed"),
        (name = "fleet", description = "Pools of workers: how many, why, and who decides"),
        (name = "alerts", description = "Alerts: who is told of them, silences, as Alertmanager has it"),
        (name = "telemetry", description = "Telemetry: the ways in, and what did not come in by them"),
        (name = "prometheus", description = "Telemetry: Prometheus' query interface, in its own envelope")
    )
)]
struct Introduction;

/// The document that routes are added to.
pub(super) fn introduction() -> utoipa::openapi::OpenApi {
    Introduction::openapi()
}

/// Says of every operation what every operation has: how its errors look, and whether it needs the
/// token.
pub(super) fn complete(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    let components = document.components.get_or_insert_with(Components::new);
    for token in [COMMANDER, SERVICE] {
        components.add_security_scheme(
            token,
            SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
        );
    }
    for (path, item) in &mut document.paths.paths {
        let PathItem {
            get,
            post,
            put,
            patch,
            delete,
            ..
        } = item;
        let operations = [
            (Method::GET, get),
            (Method::POST, post),
            (Method::PUT, put),
            (Method::PATCH, patch),
            (Method::DELETE, delete),
        ];
        for (method, operation) in operations {
            let Some(operation) = operation else { continue };
            add_problem(operation, "default", "A problem, with a code to act on");
            if FIXED.iter().any(|fixed| path.starts_with(fixed)) {
                add_fixed(operation);
            }
            if operation.request_body.is_some() {
                add_body_problems(operation);
            }
            add_security(operation, Needs::of(&method, path));
        }
    }
    document
}

/// One of the tokens that open it.
fn add_security(operation: &mut Operation, needs: Needs) {
    let tokens: &[&str] = match needs {
        Needs::Nothing | Needs::ModuleToken => return,
        Needs::Permission(needed) if is_open_read(needed) => return,
        Needs::Permission(needed) if service_holds(needed) => &[COMMANDER, SERVICE],
        Needs::Permission(_) => &[COMMANDER],
    };
    for token in tokens {
        let needed = SecurityRequirement::new(*token, [] as [&str; 0]);
        operation.security.get_or_insert_default().push(needed);
    }
}

/// What others have fixed the form of: their errors are theirs.
fn add_fixed(operation: &mut Operation) {
    let default = operation.responses.responses.get_mut("default");
    if let Some(RefOr::T(default)) = default {
        let any = Content::new(None::<Ref>);
        default
            .content
            .insert("application/json".into(), any.into());
    }
}

fn add_body_problems(operation: &mut Operation) {
    let too_large = format!(
        "The body has more than {BODY_BYTES_MAX} bytes, or a batch more than {BATCH_BYTES_MAX}"
    );
    add_problem(operation, "413", &too_large);
    let malformed = "A field of the body is unknown, missing or of the wrong kind: the detail names \
                     it, and an unknown one with those that are known";
    add_problem(operation, "422", malformed);
}

fn add_problem(operation: &mut Operation, status: &str, description: &str) {
    let mut problem = Response::new(description);
    let content = Content::new(Some(Ref::from_schema_name("ProblemDetails")));
    problem
        .content
        .insert("application/problem+json".into(), content.into());
    operation
        .responses
        .responses
        .entry(status.into())
        .or_insert(problem.into());
}

/// The finished document, written once.
#[derive(Debug)]
pub(crate) struct Document(String);

impl Document {
    pub(super) fn new(document: &utoipa::openapi::OpenApi) -> Self {
        Self(
            document
                .to_json()
                .expect("a document of plain values is JSON"),
        )
    }
}

/// This document.
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    tag = "hub",
    responses((status = 200, description = "An OpenAPI 3.1 document", body = serde_json::Value))
)]
pub(super) async fn openapi_json(State(front): State<Arc<Front>>) -> impl IntoResponse {
    let document = front
        .document
        .get()
        .expect("it is there before the first request");
    (
        [(header::CONTENT_TYPE, "application/json")],
        document.0.clone(),
    )
}
