use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::refusal::Refusal;
use crate::mission::{Actor, OrderRecord};
use crate::service::Launch;
use crate::{InjectedFault, ModuleId, Order, RocketId};

/// An order to a module; `throttle` needs a `fraction` (null gives the throttle back), `inject` a
/// `fault`, the others neither.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "RawOrder")]
pub struct OrderRequest {
    /// Idempotency key: the same id is executed at most once; one is made when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What to do.
    #[serde(flatten)]
    pub order: Order,
}

/// An order as written. A misspelt key must not turn one order into another, so that none is let by.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOrder {
    #[serde(default)]
    id: Option<String>,
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
        let mut order = json!({ "order": raw.order });
        if let Some(fraction) = raw.fraction {
            order["fraction"] = json!(fraction);
        }
        if let Some(fault) = raw.fault {
            order["fault"] = json!(fault);
        }
        Ok(Self {
            id: raw.id,
            order: serde_json::from_value(order).map_err(|error| error.to_string())?,
        })
    }
}

/// Order a module; answers with how far the order came.
#[utoipa::path(post, path = "/launch/rockets/{rocket}/modules/{module}/orders", tag = "launch",
    params(("rocket" = String, Path), ("module" = String, Path)), request_body = OrderRequest,
    responses((status = OK, body = OrderRecord)))]
pub(super) async fn give(
    State(launch): State<Launch>,
    Path((rocket, module)): Path<(String, String)>,
    Json(request): Json<OrderRequest>,
) -> Result<Json<OrderRecord>, Refusal> {
    let (rocket, module) = (RocketId::new(rocket)?, ModuleId::new(module)?);
    let given = launch.mission(&rocket, |mission| mission.orders().len())?;
    // Two orders without an id at the same moment would share one, and the second be refused as a
    // conflict: nothing is done twice.
    let id = request.id.unwrap_or_else(|| format!("order-{}", given + 1));
    let record = launch
        .order(&rocket, Actor::commander(), id, module, request.order)
        .await?;
    Ok(Json(record))
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
