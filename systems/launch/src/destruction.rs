//! The destruction of a module by order: a command that takes two people, where there are two.

use std::time::Duration;

use async_trait::async_trait;
use portique_access::Approval;
use portique_access::approval::{Guarded, Prepared};
use portique_fault::{Code, Report, Retry};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::mission::{Actor, Stage};
use crate::service::Launch;
use crate::{Error, ModuleId, Order, RocketId};

/// The order that takes two people, as approvals call it.
pub const DESTROY: &str = "launch.destroy";
/// What both of them must hold.
const PERMISSION: &str = "launch:destroy";
/// Whoever approves looks at the flight of now: two minutes are as far as a booster falls from its highest.
const LIFETIME: Duration = Duration::from_secs(120);
/// How the ids of orders begin that an approval gives, unless whoever asked named the order.
const ID_PREFIX: &str = "approved-";

/// # Errors
/// [`Error::Input`] for an id that only an approval gives: whoever took it first would keep people from destroying.
pub(crate) fn check_id(id: &str) -> Result<(), Error> {
    if !id.starts_with(ID_PREFIX) {
        return Ok(());
    }
    Err(Error::Input {
        what: "order id",
        problem: format!(
            "{id:?} begins with {ID_PREFIX}, as approvals' own do: write another, or none"
        ),
    })
}

/// The destruction of one module, as two people give it. The automatic ones, by limits and by rules, ask nobody
/// and do not come by here.
pub struct Destruction(Launch);

/// The command of an approval, its fields in this order.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    rocket: String,
    module: String,
    /// Where the mission stood when it was asked for: what is right in flight is not on the pad.
    #[serde(default)]
    stage: Option<Stage>,
    /// The order's idempotency key, where whoever asked gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

impl Destruction {
    /// Of any module of any mission.
    pub fn new(launch: Launch) -> Self {
        Self(launch)
    }

    fn check(&self, asked: Asked) -> Result<Prepared, Error> {
        let rocket = RocketId::new(asked.rocket)?;
        let module = ModuleId::new(asked.module)?;
        asked.id.as_deref().map_or(Ok(()), check_id)?;
        let (stage, is_up) = self.0.mission(&rocket, |mission| {
            let state = mission.modules().get(&module);
            (mission.stage(), state.is_some_and(|state| state.is_up))
        })?;
        let not_now = |reason| Error::NotNow {
            rocket: rocket.to_string(),
            reason,
        };
        if let Some(before) = asked.stage {
            if before != stage {
                return Err(not_now(format!(
                    "destroying {module} was asked for while it was {}, and it is {} now: ask again",
                    before.as_str(),
                    stage.as_str()
                )));
            }
            if !is_up {
                return Err(not_now(format!("module {module} is out of reach")));
            }
        }
        let id = asked.id.as_deref().unwrap_or(ID_PREFIX);
        self.0.check_order(&rocket, id, &module, &Order::Destroy)?;
        let summary = format!("destroy {module} of rocket {rocket}, {}", stage.as_str());
        let command = Asked {
            rocket: rocket.to_string(),
            module: module.to_string(),
            stage: Some(stage),
            id: asked.id,
        };
        let command = serde_json::to_string(&command).expect("plain fields are JSON");
        Ok(Prepared { command, summary })
    }
}

#[async_trait]
impl Guarded for Destruction {
    fn action(&self) -> &str {
        DESTROY
    }

    fn permission(&self) -> &str {
        PERMISSION
    }

    fn lifetime(&self) -> Duration {
        LIFETIME
    }

    fn prepare(&self, asked: &Value) -> Result<Prepared, Report> {
        let asked = read(asked)?;
        self.check(asked).map_err(|error| Report::from(&error))
    }

    async fn give(&self, approval: &Approval) -> Result<Value, Report> {
        let asked = serde_json::from_str(&approval.order.command).unwrap_or(Value::Null);
        let asked = read(&asked)?;
        let report = |error: Error| Report::from(&error);
        let rocket = RocketId::new(asked.rocket).map_err(report)?;
        let module = ModuleId::new(asked.module).map_err(report)?;
        let id = asked
            .id
            .unwrap_or_else(|| format!("{ID_PREFIX}{}", approval.id));
        let approver = approval.approver.as_ref().map(ToString::to_string);
        let actor = Actor::two_people(&approval.requester.to_string(), approver.as_deref());
        let order = self.0.order(&rocket, actor, id, module, Order::Destroy);
        let record = order.await.map_err(report)?;
        Ok(serde_json::to_value(record).unwrap_or(Value::Null))
    }
}

fn read(asked: &Value) -> Result<Asked, Report> {
    Asked::deserialize(asked).map_err(|error| Report {
        code: Code::InvalidArgument,
        message: format!(
            "{error}: write {{\"rocket\": \"helios\", \"module\": \"booster\"}}, with an \"id\" if the order \
             is to have one"
        ),
        retry: Retry::No,
    })
}
