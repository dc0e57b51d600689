use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use portique_access::{Access, ApiToken, Command, LIFETIME_MAX, Name, READ, TokenRequest, Who};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::permissions;
use crate::api::refusal::{Refusal, Reply};
use portique_access::Visit;

/// How long a token lasts when nobody says.
const DAYS_DEFAULT: u32 = 90;
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Longest life of a token.
const DAYS_MAX: u32 = (LIFETIME_MAX.as_secs() / DAY.as_secs()) as u32;

pub(super) fn router() -> OpenApiRouter<Access> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(revoke))
}

/// A token, without what it is known by.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct TokenView {
    /// 16 hexadecimal digits; no secret.
    id: String,
    /// Whose it is.
    owner: String,
    /// What it is for.
    label: String,
    /// What it opens at most.
    scopes: Vec<String>,
    /// When it was made, RFC 3339.
    created_at: String,
    /// From when on it opens nothing.
    expires_at: String,
    /// When it was shown last, to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<String>,
    /// Since when it opens nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
    /// The token itself: said once, when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// A token to be made.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTokenRequest {
    /// Whose it shall be; whoever asks when absent.
    owner: Option<String>,
    /// What it is for, at most 128 bytes.
    #[serde(default)]
    label: String,
    /// What it shall open: permissions that its owner has.
    scopes: Vec<String>,
    /// How long, 1 to 366; 90 when absent.
    days: Option<u32>,
}

/// Tokens: one's own, and everybody's for who may see people.
#[utoipa::path(get, path = "/api/v1/access/tokens", tag = "access",
    responses((status = OK, body = Vec<TokenView>)))]
pub(crate) async fn list(
    State(access): State<Access>,
    Extension(visit): Extension<Visit>,
) -> Json<Vec<TokenView>> {
    let book = access.book();
    let sees_all = visit.caller.holds(READ);
    let own = own_name(&visit.caller.who);
    let tokens = book.tokens();
    let seen = tokens.filter(|token| sees_all || own == Some(&token.owner));
    Json(seen.map(TokenView::of).collect())
}

/// Make a token. It is said in this answer and never again.
#[utoipa::path(post, path = "/api/v1/access/tokens", tag = "access", request_body = NewTokenRequest,
    responses((status = CREATED, body = TokenView)))]
pub(crate) async fn create(
    State(access): State<Access>,
    Extension(visit): Extension<Visit>,
    Json(request): Json<NewTokenRequest>,
) -> Reply<(StatusCode, Json<TokenView>)> {
    let owner = match &request.owner {
        Some(owner) => owner.parse::<Name>()?,
        None => own_name(&visit.caller.who).cloned().ok_or_else(|| {
            Refusal::invalid(
                "say the owner: you showed a token of the data folder, which is nobody's",
            )
        })?,
    };
    let days = request.days.unwrap_or(DAYS_DEFAULT);
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(Refusal::invalid(format!(
            "days is {days}: write 1 to {DAYS_MAX}"
        )));
    }
    let asked = TokenRequest {
        owner,
        label: request.label,
        scopes: permissions(&request.scopes)?,
        lifetime: DAY * days,
    };
    let made = access.create_token(&visit.caller, &visit.from, asked).await;
    let (secret, token) = made?;
    let view = TokenView {
        token: Some(secret.as_str().to_owned()),
        ..TokenView::of(&token)
    };
    Ok((StatusCode::CREATED, Json(view)))
}

/// Revoke a token: it opens nothing from the next request on.
#[utoipa::path(delete, path = "/api/v1/access/tokens/{id}", tag = "access",
    params(("id" = String, Path)), responses((status = NO_CONTENT)))]
pub(crate) async fn revoke(
    State(access): State<Access>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Reply<StatusCode> {
    let command = Command::RevokeToken { id };
    access.change(&visit.caller, &visit.from, command).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl TokenView {
    fn of(token: &ApiToken) -> Self {
        Self {
            id: token.id.clone(),
            owner: token.owner.to_string(),
            label: token.label.clone(),
            scopes: token.scopes.iter().map(ToString::to_string).collect(),
            created_at: token.created_at.to_string(),
            expires_at: token.expires_at.to_string(),
            last_used_at: token.last_used_at.map(|at| at.to_string()),
            revoked_at: token.revoked_at.map(|at| at.to_string()),
            token: None,
        }
    }
}

fn own_name(who: &Who) -> Option<&Name> {
    match who {
        Who::User(name) | Who::Token { owner: name, .. } => Some(name),
        Who::Nobody | Who::BuiltIn(_) => None,
    }
}
