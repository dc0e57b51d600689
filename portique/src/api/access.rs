//! People, roles, tokens and the audit journal over HTTP. Who may call what is decided at the gate, and what may be
//! given to whom by `portique_access`.

mod approvals;
mod audit;
mod tokens;

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use portique_access::approval::Desk;
use portique_access::{Access, Command, Name, Permissions, User};
use portique_fault::Code;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::refusal::{Refusal, Reply};
use portique_access::Visit;

/// Whose password this hub has; no provider has that name.
const LOCAL: &str = "local";

/// The routes below `/api/v1/access`.
pub(crate) fn router(desk: Desk) -> OpenApiRouter {
    let access = desk.access().clone();
    OpenApiRouter::new()
        .routes(routes!(list_users, create_user))
        .routes(routes!(set_roles))
        .routes(routes!(set_disabled))
        .routes(routes!(set_password))
        .routes(routes!(list_roles, create_role))
        .routes(routes!(drop_role))
        .routes(routes!(list_permissions))
        .routes(routes!(invite))
        .merge(tokens::router())
        .merge(audit::router())
        .with_state(access)
        .merge(approvals::router(desk))
}

/// A user, without what they are known by.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct UserView {
    /// Their name.
    name: String,
    /// Who says who they are: `local` for a password of this hub, or the provider's name.
    origin: String,
    /// What they are.
    roles: Vec<String>,
    /// Opens nothing.
    disabled: bool,
    /// Has a password that somebody else chose.
    must_change: bool,
    /// When it was made, RFC 3339.
    created_at: String,
}

/// A user to be made.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserRequest {
    /// 1 to 64 of `a-z 0-9 . _ -`.
    name: String,
    /// What they are, at most 16.
    #[serde(default)]
    roles: Vec<String>,
    /// 12 characters at least; they change it at the first sign-in.
    password: String,
}

/// What a user is from now on.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RolesRequest {
    /// All of their roles.
    roles: Vec<String>,
}

/// Whether a user can do anything.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DisabledRequest {
    /// Cannot.
    disabled: bool,
}

/// A password that somebody else chose.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GivenPasswordRequest {
    /// 12 characters at least; they change it at the next sign-in.
    password: String,
}

/// A role, and what it holds.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct RoleView {
    /// Its name.
    name: String,
    /// What it holds.
    permissions: Vec<String>,
    /// Comes with the hub, and stays.
    built_in: bool,
}

/// A role to be made.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleRequest {
    /// 1 to 64 of `a-z 0-9 . _ -`.
    name: String,
    /// What it holds.
    permissions: Vec<String>,
}

/// Something that can be permitted.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct PermissionView {
    /// Area and action.
    name: String,
    /// What it allows.
    about: String,
    /// The least of viewer, operator and administrator that holds it.
    least: String,
}

/// What makes the first user, once.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct InvitationView {
    /// To be given to `POST /api/v1/access/first` within an hour.
    code: String,
}

/// Every user, by name.
#[utoipa::path(get, path = "/api/v1/access/users", tag = "access",
    responses((status = OK, body = Vec<UserView>)))]
pub(crate) async fn list_users(State(access): State<Access>) -> Json<Vec<UserView>> {
    Json(access.book().users().map(UserView::of).collect())
}

/// Make a user, who has to choose another password at the first sign-in.
#[utoipa::path(post, path = "/api/v1/access/users", tag = "access", request_body = UserRequest,
    responses((status = CREATED, body = UserView)))]
pub(crate) async fn create_user(
    State(access): State<Access>,
    Extension(visit): Extension<Visit>,
    Json(request): Json<UserRequest>,
) -> Reply<(StatusCode, Json<UserView>)> {
    let name: Name = request.name.parse()?;
    let roles = names(&request.roles)?;
    let password = access.hash(&name, request.password).await?;
    let command = Command::CreateUser {
        name: name.clone(),
        password,
        roles,
    };
    access.change(&visit.caller, &visit.from, command).await?;
    Ok((StatusCode::CREATED, Json(user(&access, &name)?)))
}

/// Say what a user is from now on; it holds from their next request.
#[utoipa::path(put, path = "/api/v1/access/users/{name}/roles", tag = "access",
    params(("name" = String, Path)), request_body = RolesRequest, responses((status = OK, body = UserView)))]
pub(crate) async fn set_roles(
    State(access): State<Access>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
    Json(request): Json<RolesRequest>,
) -> Reply<Json<UserView>> {
    let name: Name = name.parse()?;
    let command = Command::SetRoles {
        name: name.clone(),
        roles: names(&request.roles)?,
    };
    access.change(&visit.caller, &visit.from, command).await?;
    Ok(Json(user(&access, &name)?))
}

/// Disable a user, whose sessions end and whose tokens open nothing, or enable them again.
#[utoipa::path(put, path = "/api/v1/access/users/{name}/disabled", tag = "access",
    params(("name" = String, Path)), request_body = DisabledRequest, responses((status = OK, body = UserView)))]
pub(crate) async fn set_disabled(
    State(access): State<Access>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
    Json(request): Json<DisabledRequest>,
) -> Reply<Json<UserView>> {
    let name: Name = name.parse()?;
    let command = Command::SetDisabled {
        name: name.clone(),
        disabled: request.disabled,
    };
    access.change(&visit.caller, &visit.from, command).await?;
    Ok(Json(user(&access, &name)?))
}

/// Give a user another password, which they have to change; their sessions end.
#[utoipa::path(put, path = "/api/v1/access/users/{name}/password", tag = "access",
    params(("name" = String, Path)), request_body = GivenPasswordRequest,
    responses((status = OK, body = UserView)))]
pub(crate) async fn set_password(
    State(access): State<Access>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
    Json(request): Json<GivenPasswordRequest>,
) -> Reply<Json<UserView>> {
    let name: Name = name.parse()?;
    if visit.caller.who == portique_access::Who::User(name.clone()) {
        let message =
            "your own password is changed with the one there is: PUT /api/v1/session/password";
        return Err(Refusal::invalid(message));
    }
    let password = access.hash(&name, request.password).await?;
    let command = Command::SetPassword {
        name: name.clone(),
        password,
    };
    access.change(&visit.caller, &visit.from, command).await?;
    Ok(Json(user(&access, &name)?))
}

/// Every role: those of the hub and one's own.
#[utoipa::path(get, path = "/api/v1/access/roles", tag = "access",
    responses((status = OK, body = Vec<RoleView>)))]
pub(crate) async fn list_roles(State(access): State<Access>) -> Json<Vec<RoleView>> {
    let book = access.book();
    let view = |name: &Name, permissions: &Permissions, built_in| RoleView {
        name: name.to_string(),
        permissions: permissions.iter().map(ToString::to_string).collect(),
        built_in,
    };
    let built_in = book.catalogue().roles();
    let built_in = built_in.map(|(name, held)| view(name, held, true));
    let own = book.roles().map(|(name, held)| view(name, held, false));
    Json(built_in.chain(own).collect())
}

/// Make a role of one's own.
#[utoipa::path(post, path = "/api/v1/access/roles", tag = "access", request_body = RoleRequest,
    responses((status = CREATED, body = RoleView)))]
pub(crate) async fn create_role(
    State(access): State<Access>,
    Extension(visit): Extension<Visit>,
    Json(request): Json<RoleRequest>,
) -> Reply<(StatusCode, Json<RoleView>)> {
    let name: Name = request.name.parse()?;
    let command = Command::CreateRole {
        name: name.clone(),
        permissions: permissions(&request.permissions)?,
    };
    access.change(&visit.caller, &visit.from, command).await?;
    let view = RoleView {
        name: name.to_string(),
        permissions: request.permissions,
        built_in: false,
    };
    Ok((StatusCode::CREATED, Json(view)))
}

/// Drop a role of one's own, which nobody has.
#[utoipa::path(delete, path = "/api/v1/access/roles/{name}", tag = "access",
    params(("name" = String, Path)), responses((status = NO_CONTENT)))]
pub(crate) async fn drop_role(
    State(access): State<Access>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
) -> Reply<StatusCode> {
    let name = name.parse()?;
    let command = Command::DropRole { name };
    access.change(&visit.caller, &visit.from, command).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Everything that can be permitted.
#[utoipa::path(get, path = "/api/v1/access/permissions", tag = "access",
    responses((status = OK, body = Vec<PermissionView>)))]
pub(crate) async fn list_permissions(State(access): State<Access>) -> Json<Vec<PermissionView>> {
    let book = access.book();
    let all = book.catalogue().permissions().map(|one| PermissionView {
        name: one.permission.to_string(),
        about: one.about.into(),
        least: one.least.role().to_string(),
    });
    Json(all.collect())
}

/// A code by which the first user is made, good for an hour, once; the one before opens nothing then.
#[utoipa::path(post, path = "/api/v1/access/invitation", tag = "access",
    responses((status = OK, body = InvitationView)))]
pub(crate) async fn invite(State(access): State<Access>) -> Reply<Json<InvitationView>> {
    let Some(code) = access.invite()? else {
        let message = "there is an administrator already: have them create another".into();
        return Err(Refusal::new(Code::FailedPrecondition, message));
    };
    let code = code.as_str().to_owned();
    Ok(Json(InvitationView { code }))
}

impl UserView {
    fn of(user: &User) -> Self {
        let origin = user.identity();
        Self {
            name: user.name.to_string(),
            origin: origin.map_or_else(|| LOCAL.to_owned(), |one| one.provider.to_string()),
            roles: user.roles.iter().map(ToString::to_string).collect(),
            disabled: user.disabled,
            must_change: user.must_change,
            created_at: user.created_at.to_string(),
        }
    }
}

fn user(access: &Access, name: &Name) -> Reply<UserView> {
    let book = access.book();
    let found = book.user(name).map(UserView::of);
    found.ok_or_else(|| Refusal::internal("a user that was changed is not there"))
}

fn names(texts: &[String]) -> Reply<BTreeSet<Name>> {
    let names = texts.iter().map(|text| text.parse::<Name>());
    Ok(names.collect::<Result<_, _>>()?)
}

fn permissions(texts: &[String]) -> Reply<Permissions> {
    let permissions = texts.iter().map(|text| text.parse());
    Ok(permissions.collect::<Result<_, portique_access::Error>>()?)
}
