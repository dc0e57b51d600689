use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use portique_access::approval::{Asked, Desk, Given};
use portique_access::{Approval, Error, READ};
use portique_fault::Code;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::refusal::{Refusal, Reply};
use portique_access::Visit;

pub(super) fn router(desk: Desk) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, request))
        .routes(routes!(show))
        .routes(routes!(approve))
        .routes(routes!(deny))
        .routes(routes!(cancel))
        .with_state(desk)
}

/// Which approvals are asked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApprovalParameters {
    /// Only those that wait for somebody.
    #[serde(default)]
    open: bool,
}

/// A command that takes two people.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApprovalAsked {
    /// Which, such as `launch.destroy`.
    action: String,
    /// What it is given with, as the action has it: of `launch.destroy` the `rocket` and the `module`.
    command: Value,
    /// Why, for whoever has to approve it; at most 512 bytes in one line.
    #[serde(default)]
    reason: String,
}

/// What is said with a denial.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DenialRequest {
    /// Why; at most 512 bytes in one line.
    #[serde(default)]
    reason: String,
}

/// A command that one person asks for and another lets through.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct ApprovalView {
    /// 16 hexadecimal digits.
    id: String,
    /// What does it, such as `launch.destroy`.
    action: String,
    /// What both people must hold.
    permission: String,
    /// The exact command.
    command: String,
    /// The SHA-256 of action, permission and command, in hexadecimal digits.
    digest: String,
    /// What it would do.
    summary: String,
    /// Why, in the words of whoever asks.
    reason: String,
    /// Who asks.
    requester: String,
    /// When, RFC 3339.
    requested_at: String,
    /// From when on it releases nothing.
    expires_at: String,
    /// How far it is.
    state: ApprovalState,
    /// When it was last answered, used or ended.
    changed_at: String,
    /// Who let it through.
    #[serde(skip_serializing_if = "Option::is_none")]
    approver: Option<String>,
    /// Who used, denied or cancelled it.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_by: Option<String>,
    /// What was said with a denial.
    answer: String,
    /// Whether the caller asked for it, and may cancel it.
    is_own: bool,
    /// Whether the caller may approve or deny it now.
    can_approve: bool,
}

/// How far an approval is.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ApprovalState {
    /// Somebody else has to look at it.
    Requested,
    /// The command may be given, once.
    Approved,
    /// The command was released.
    Used,
    /// Somebody else said no.
    Denied,
    /// Whoever asked does not want it any more.
    Cancelled,
    /// It took too long.
    Expired,
}

/// A command that two people gave.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct GivenView {
    /// By which approval, which is used up.
    approval: ApprovalView,
    /// What came of it, as the action has it: of `launch.destroy` the order with how far it came.
    result: Value,
}

/// Approvals that the caller asked for or could give, newest first; all of them for who may see people.
#[utoipa::path(get, path = "/api/v1/access/approvals", tag = "access", params(ApprovalParameters),
    responses((status = OK, body = Vec<ApprovalView>)))]
pub(crate) async fn list(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Query(parameters): Query<ApprovalParameters>,
) -> Json<Vec<ApprovalView>> {
    let (book, at) = (desk.access().book(), desk.access().now());
    let seen = book.approvals().filter(|one| is_seen(&visit, one));
    let asked = seen.filter(|one| !parameters.open || one.is_open(at));
    let mut asked: Vec<&Approval> = asked.collect();
    asked.sort_by_key(|one| std::cmp::Reverse((one.requested_at, &one.id)));
    let views = asked.into_iter().map(|one| view(&desk, &visit, one));
    Json(views.collect())
}

/// Ask for a command that takes two people; where somebody approved it already, it is given.
#[utoipa::path(post, path = "/api/v1/access/approvals", tag = "access", request_body = ApprovalAsked,
    responses((status = CREATED, body = ApprovalView), (status = OK, body = GivenView)))]
pub(crate) async fn request(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Json(asked): Json<ApprovalAsked>,
) -> Reply<Response> {
    let permission = desk.permission(&asked.action)?;
    if visit.caller.holds(permission) && !desk.takes_two(&visit.caller, permission) {
        let message = format!(
            "fewer than two people hold {permission}, so that nobody could approve this: it is yours to give \
             alone"
        );
        return Err(Refusal::new(Code::FailedPrecondition, message));
    }
    let ApprovalAsked {
        action,
        command,
        reason,
    } = asked;
    match desk.ask(&visit, &action, &command, reason).await? {
        Asked::Waits(one) => {
            Ok((StatusCode::CREATED, Json(view(&desk, &visit, &one))).into_response())
        }
        Asked::Given(given) => Ok(Json(given_view(&desk, &visit, given)).into_response()),
        Asked::Alone => {
            let message =
                "the other people who could approve this are gone: it is yours to give alone";
            Err(Refusal::new(Code::FailedPrecondition, message.into()))
        }
    }
}

/// One approval.
#[utoipa::path(get, path = "/api/v1/access/approvals/{id}", tag = "access",
    params(("id" = String, Path)), responses((status = OK, body = ApprovalView)))]
pub(crate) async fn show(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Reply<Json<ApprovalView>> {
    let book = desk.access().book();
    let found = book.approval(&id).filter(|one| is_seen(&visit, one));
    let found = found.ok_or_else(|| Error::Unknown {
        kind: "approval",
        name: id.chars().take(64).collect(),
    })?;
    Ok(Json(view(&desk, &visit, found)))
}

/// Approve it, as another person than the one who asked: the command is given at once, and once.
#[utoipa::path(post, path = "/api/v1/access/approvals/{id}/approve", tag = "access",
    params(("id" = String, Path)), responses((status = OK, body = GivenView)))]
pub(crate) async fn approve(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Reply<Json<GivenView>> {
    let given = desk.approve(&visit, &id).await?;
    Ok(Json(given_view(&desk, &visit, given)))
}

/// Say no to it, as another person than the one who asked.
#[utoipa::path(post, path = "/api/v1/access/approvals/{id}/deny", tag = "access",
    params(("id" = String, Path)), request_body = DenialRequest,
    responses((status = OK, body = ApprovalView)))]
pub(crate) async fn deny(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Json(request): Json<DenialRequest>,
) -> Reply<Json<ApprovalView>> {
    let (caller, from) = (&visit.caller, &visit.from);
    let denied = desk
        .access()
        .deny(caller, from, &id, request.reason)
        .await?;
    Ok(Json(view(&desk, &visit, &denied)))
}

/// Take back what one asked for.
#[utoipa::path(post, path = "/api/v1/access/approvals/{id}/cancel", tag = "access",
    params(("id" = String, Path)), responses((status = OK, body = ApprovalView)))]
pub(crate) async fn cancel(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Reply<Json<ApprovalView>> {
    let (caller, from) = (&visit.caller, &visit.from);
    let cancelled = desk.access().cancel(caller, from, &id).await?;
    Ok(Json(view(&desk, &visit, &cancelled)))
}

fn is_own(visit: &Visit, approval: &Approval) -> bool {
    visit.caller.who.person() == Some(&approval.requester)
}

/// Whom it concerns, and who may see people.
fn is_seen(visit: &Visit, approval: &Approval) -> bool {
    let permission = approval.order.permission.as_str();
    is_own(visit, approval) || visit.caller.holds(permission) || visit.caller.holds(READ)
}

fn given_view(desk: &Desk, visit: &Visit, given: Given) -> GivenView {
    GivenView {
        approval: view(desk, visit, &given.approval),
        result: given.result,
    }
}

fn view(desk: &Desk, visit: &Visit, approval: &Approval) -> ApprovalView {
    use portique_access::approval::State;
    let order = &approval.order;
    let name = |name: &Option<portique_access::Name>| name.as_ref().map(ToString::to_string);
    ApprovalView {
        id: approval.id.clone(),
        action: order.action.clone(),
        permission: order.permission.to_string(),
        command: order.command.clone(),
        digest: approval.digest.to_string(),
        summary: order.summary.clone(),
        reason: approval.reason.clone(),
        requester: approval.requester.to_string(),
        requested_at: approval.requested_at.to_string(),
        expires_at: approval.expires_at.to_string(),
        state: match approval.state_at(desk.access().now()) {
            State::Requested => ApprovalState::Requested,
            State::Approved => ApprovalState::Approved,
            State::Used => ApprovalState::Used,
            State::Denied => ApprovalState::Denied,
            State::Cancelled => ApprovalState::Cancelled,
            State::Expired => ApprovalState::Expired,
        },
        changed_at: approval.changed_at.to_string(),
        approver: name(&approval.approver),
        ended_by: name(&approval.ended_by),
        answer: approval.answer.clone(),
        is_own: is_own(visit, approval),
        can_approve: desk.can_approve(&visit.caller, &approval.id),
    }
}
