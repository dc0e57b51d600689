use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use portique_access::approval::{Asked, Desk};
use portique_access::audit::Detail;
use portique_access::{Approval, Visit};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::refusal::Refusal;
use crate::destruction::{DESTROY, check_id};
use crate::mission::{Actor, OrderRecord};
use crate::service::Launch;
use crate::{Error, InjectedFault, ModuleId, Order, RocketId};

/// What orders stand on.
#[derive(Clone)]
pub(super) struct Orders {
    pub(super) launch: Launch,
    pub(super) desk: Desk,
}

pub(super) fn router(orders: Orders) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(give))
        .with_state(orders)
}

/// An order to a module; `throttle` needs a `fraction` (null gives the throttle back), `inject` a
/// `fault`, the others neither.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "RawOrder")]
pub struct OrderRequest {
    /// Idempotency key: the same id is executed at most once; one is made when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Why, for whoever has to approve it; only with `destroy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What to do.
    #[serde(flatten)]
    pub order: Order,
}

/// An order that somebody else has to approve before it is given.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AwaitingApproval {
    /// The approval, below `/api/v1/access/approvals`.
    approval: String,
    /// `requested`; nothing was ordered yet.
    state: String,
    /// What would be done.
    summary: String,
    /// The SHA-256 of the exact command, in hexadecimal digits.
    digest: String,
    /// From when on it can no longer be approved, RFC 3339.
    expires_at: String,
    /// Who could approve it, by their names as users.
    approvers: Vec<String>,
    /// What it waits for, in a sentence.
    detail: String,
}

/// An order as written. A misspelt key must not turn one order into another, so that none is let by.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOrder {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    reason: Option<String>,
    order: Value,
    #[serde(default, deserialize_with = "given")]
    fraction: Option<Option<f64>>,
    #[serde(default)]
    fault: Option<InjectedFault>,
}

/// Tells a null that was given from nothing.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<f64>>, D::Error> {
    Option::deserialize(from).map(Some)
}

impl TryFrom<RawOrder> for OrderRequest {
    type Error = String;

    fn try_from(raw: RawOrder) -> Result<Self, String> {
        let takes = |name: &str| raw.order.as_str() == Some(name);
        match (takes("throttle"), raw.fraction) {
            (true, None) => return Err("throttle needs a fraction; null is automatic".into()),
            (false, Some(_)) => return Err("only throttle takes a fraction".into()),
            _ => {}
        }
        if raw.fault.is_some() && !takes("inject") {
            return Err("only inject takes a fault".into());
        }
        if raw.reason.is_some() && !takes("destroy") {
            return Err("only destroy takes a reason".into());
        }
        let mut order = json!({ "order": raw.order });
        if let Some(fraction) = raw.fraction {
            order["fraction"] = json!(fraction);
        }
        if let Some(fault) = raw.fault {
            order["fault"] = json!(fault);
        }
        Ok(Self {
            id: raw.id,
            reason: raw.reason,
            order: serde_json::from_value(order).map_err(|error| error.to_string())?,
        })
    }
}

/// Order a module; answers with how far the order came. To destroy one takes a second person, where there are two
/// who hold `launch:destroy`: the answer is 202 then, and the order is given when somebody else approves it.
#[utoipa::path(post, path = "/launch/rockets/{rocket}/modules/{module}/orders", tag = "launch",
    params(("rocket" = String, Path), ("module" = String, Path)), request_body = OrderRequest,
    responses((status = OK, body = OrderRecord), (status = ACCEPTED, body = AwaitingApproval)))]
pub(super) async fn give(
    State(orders): State<Orders>,
    Extension(visit): Extension<Visit>,
    Path((rocket, module)): Path<(String, String)>,
    Json(request): Json<OrderRequest>,
) -> Result<Response, Refusal> {
    let launch = &orders.launch;
    let (rocket, module) = (RocketId::new(rocket)?, ModuleId::new(module)?);
    request.id.as_deref().map_or(Ok(()), check_id)?;
    if request.order == Order::Destroy
        && let Some(answer) = destroy(
            &orders,
            &visit,
            [rocket.as_str(), module.as_str()],
            &request,
        )
        .await?
    {
        return Ok(answer);
    }
    let given = launch.mission(&rocket, |mission| mission.orders().len())?;
    // Two orders without an id at the same moment would share one, and the second be refused as a
    // conflict: nothing is done twice.
    let id = request.id.unwrap_or_else(|| format!("order-{}", given + 1));
    let detail = Detail(request.order.name().into());
    let record = launch
        .order(&rocket, Actor::commander(), id, module, request.order)
        .await?;
    Ok((Extension(detail), Json(record)).into_response())
}

/// Answers for an order that takes two people; none where it is one person's to give, or was given before.
async fn destroy(
    orders: &Orders,
    visit: &Visit,
    [rocket, module]: [&str; 2],
    request: &OrderRequest,
) -> Result<Option<Response>, Refusal> {
    let mut asked = json!({ "rocket": rocket, "module": module });
    if let Some(id) = &request.id {
        if is_known(&orders.launch, rocket, id)? {
            return Ok(None);
        }
        asked["id"] = json!(id);
    }
    let reason = request.reason.clone().unwrap_or_default();
    match orders.desk.ask(visit, DESTROY, &asked, reason).await? {
        Asked::Alone => Ok(None),
        Asked::Given(given) => {
            let detail = Detail(format!("destroy, by approval {}", given.approval.id));
            Ok(Some(
                (Extension(detail), Json(given.result)).into_response(),
            ))
        }
        Asked::Waits(approval) => {
            let approvers = orders.desk.approvers(&approval);
            let names = approvers.iter().map(ToString::to_string).collect();
            let detail = Detail(format!("destroy, which waits for approval {}", approval.id));
            let waiting = Json(AwaitingApproval::of(&approval, names));
            let answer = (StatusCode::ACCEPTED, Extension(detail), waiting);
            Ok(Some(answer.into_response()))
        }
    }
}

/// Whether an order with this id was given: it is not given again, and needs nobody.
fn is_known(launch: &Launch, rocket: &str, id: &str) -> Result<bool, Error> {
    let rocket = RocketId::new(rocket.to_owned())?;
    launch.mission(&rocket, |mission| {
        mission.orders().iter().any(|record| record.id == id)
    })
}

impl AwaitingApproval {
    fn of(approval: &Approval, approvers: Vec<String>) -> Self {
        let detail = format!(
            "nothing is ordered yet: this takes a second person, and {} could approve it, with `portique \
             approvals approve {}`",
            approvers.join(" or "),
            approval.id
        );
        Self {
            approval: approval.id.clone(),
            state: approval.state.as_str().into(),
            summary: approval.order.summary.clone(),
            digest: approval.digest.to_string(),
            expires_at: approval.expires_at.to_string(),
            approvers,
            detail,
        }
    }
}

/// All orders of a mission, oldest first.
#[utoipa::path(get, path = "/launch/rockets/{rocket}/orders", tag = "launch",
    params(("rocket" = String, Path)), responses((status = OK, body = Vec<OrderRecord>)))]
pub(super) async fn list(
    State(launch): State<Launch>,
    Path(rocket): Path<String>,
) -> Result<Json<Vec<OrderRecord>>, Refusal> {
    let rocket = RocketId::new(rocket)?;
    Ok(Json(
        launch.mission(&rocket, |mission| mission.orders().to_vec())?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_order_is_refused_not_guessed() {
        for (text, words) in [
            (r#"{"order":"throttle","fractoin":0.7}"#, "fractoin"),
            (r#"{"order":"throttle"}"#, "needs a fraction"),
            (r#"{"order":"stage","fraction":0.7}"#, "only throttle"),
            (r#"{"order":"stage","fault":"engine_out"}"#, "only inject"),
            (r#"{"order":"inject"}"#, "fault"),
            (r#"{"order":"stage","reason":"why"}"#, "only destroy"),
            (r#"{"order":"explode"}"#, "explode"),
            (r#"{"id":"one"}"#, "order"),
        ] {
            let refused = serde_json::from_str::<OrderRequest>(text).unwrap_err();
            assert!(refused.to_string().contains(words), "{text}: {refused}");
        }
    }

    #[test]
    fn an_order_is_read_with_what_it_needs() {
        let read = |text: &str| serde_json::from_str::<OrderRequest>(text).unwrap();
        let automatic = read(r#"{"order":"throttle","fraction":null,"id":"a"}"#);
        assert_eq!(automatic.order, Order::Throttle { fraction: None });
        assert_eq!(automatic.id.as_deref(), Some("a"));
        let fraction = Some(0.7);
        let slow = read(r#"{"order":"throttle","fraction":0.7}"#);
        assert_eq!(slow.order, Order::Throttle { fraction });
        let fault = InjectedFault::EngineOut;
        let out = read(r#"{"order":"inject","fault":"engine_out"}"#);
        assert_eq!(out.order, Order::Inject { fault });
    }
}
