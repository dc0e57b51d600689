use crate::mission::{Fact, Mission, Stage};
use crate::{Error, ModuleId, Order};

/// Orders kept per mission: a flight has a few dozen.
const ORDERS_MAX: usize = 2_000;
/// Longest idempotency key, in bytes.
const ORDER_ID_BYTES_MAX: usize = 64;
/// How the ids begin that the count and the limit watch give: a person's would pass for theirs.
const RESERVED_PREFIXES: [&str; 2] = ["count-", "reflex-"];

impl Mission {
    pub(super) fn decide_order(
        &self,
        id: &str,
        module: &ModuleId,
        order: &Order,
    ) -> Result<Vec<Fact>, Error> {
        check_order(id, order)?;
        if let Some(known) = self.orders().iter().find(|record| record.id == id) {
            if known.module == *module && known.order == *order {
                return Ok(Vec::new());
            }
            return Err(Error::Conflict {
                what: "order",
                name: id.into(),
                problem: "was given before with another content; use a new id".into(),
            });
        }
        if self.orders().len() >= ORDERS_MAX {
            return Err(self.not_now(format!("it has had {ORDERS_MAX} orders, the limit")));
        }
        let Some(state) = self.modules().get(module) else {
            let known: Vec<&str> = self.modules().keys().map(ModuleId::as_str).collect();
            return Err(Error::Unknown {
                what: "module",
                name: module.to_string(),
                known: known.join(", "),
            });
        };
        if state.has_ended {
            let reason = state.reason.as_deref().unwrap_or("its telemetry ended");
            return Err(self.not_now(format!("module {module} is gone: {reason}")));
        }
        self.check_arming(order)?;
        Ok(vec![Fact::OrderReleased {
            id: id.into(),
            module: module.clone(),
            order: order.clone(),
        }])
    }

    /// Nobody powers up or lights a rocket by hand that has neither a go nor its pad to itself.
    fn check_arming(&self, order: &Order) -> Result<(), Error> {
        let is_arming = matches!(
            order,
            Order::InternalPower | Order::Startup | Order::StartEngines
        );
        if !is_arming || matches!(self.stage(), Stage::Counting | Stage::Held) {
            return Ok(());
        }
        Err(self.not_now(format!(
            "{} needs a count that runs or is held; it is {}",
            order.name(),
            self.stage().as_str()
        )))
    }
}

fn check_order(id: &str, order: &Order) -> Result<(), Error> {
    let is_fine = !id.is_empty()
        && id.len() <= ORDER_ID_BYTES_MAX
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !is_fine {
        let problem = format!("{id:?} is not 1 to {ORDER_ID_BYTES_MAX} of A-Z a-z 0-9 _ -");
        return Err(Error::Input {
            what: "order id",
            problem,
        });
    }
    if let Some(prefix) = RESERVED_PREFIXES
        .iter()
        .find(|prefix| id.starts_with(**prefix))
    {
        let problem =
            format!("{id:?} begins with {prefix}, which is for orders that no person gives");
        return Err(Error::Input {
            what: "order id",
            problem,
        });
    }
    match order {
        Order::Throttle {
            fraction: Some(fraction),
        } if !(0.0..=1.0).contains(fraction) => {
            let problem = format!("{fraction} is outside 0 to 1");
            Err(Error::Input {
                what: "throttle fraction",
                problem,
            })
        }
        _ => Ok(()),
    }
}
